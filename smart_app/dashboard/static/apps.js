// What applications may do in one's name, and ending that.
import { call, session } from "./api.js";
import { announce, el, show } from "./dom.js";
import { inWords } from "./scopes.js";
import { signInView } from "./sign-in.js";
import { useTheme } from "./theme.js";

async function route(message = "") {
  document.getElementById("who").textContent = session.get()?.display ?? "";
  if (!session.get()) {
    show(signInView(message, () => route()));
    return;
  }
  show(el("div.card.form", { ariaBusy: "true" }, el("div.bones"), el("div.bones")));
  try {
    const { grants } = await call("GET", "/auth/grants");
    show(listOf(grants));
  } catch (error) {
    if (!session.get()) return;
    const again = el("button", { type: "button", onclick: () => route() }, "Try again");
    show(el("div.card.form.stack", {}, el("p.error", { role: "alert" }, error.message), again));
  }
}

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
      route();
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

window.addEventListener("signed-out", (event) => route(event.detail));
useTheme();
route();
