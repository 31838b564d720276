// What applications may do in one's name, and ending that.
import { call } from "./api.js";
import { announce, el } from "./dom.js";
import { memberPage } from "./frame.js";
import { inWords } from "./scopes.js";

function listOf(grants) {
  const rows = grants.map(row);
  return el(
    "div.card.form.stack",
    {},
    el("h1", {}, "Connected apps"),
    rows.length ? null : el("p.empty", {}, "No application has access in your name."),
    ...rows,
  );
}

function row(grant) {
  const end = el("button.plain", { type: "button" }, "End access");
  end.addEventListener("click", async () => {
    end.disabled = true;
    try {
      await call("DELETE", `/auth/grants/${encodeURIComponent(grant.id)}`);
      announce(`${grant.client} has no access any more.`);
      redraw();
    } catch (error) {
      end.disabled = false;
      announce(error.message);
    }
  });
  const until = `Since ${grant.since.slice(0, 10)}, until ${grant.until.slice(0, 10)}${grant.patient ? `, for ${grant.patient}` : ""}.`;
  return el(
    "section.stack",
    {},
    el("div.row", {}, el("h2", {}, grant.client), el("span.grow"), end),
    el("p.quiet.small", {}, until),
    el("ul", {}, ...grant.scopes.map((scope) => el("li", {}, inWords(scope)))),
  );
}

const redraw = memberPage(async () => listOf((await call("GET", "/auth/grants")).grants));
