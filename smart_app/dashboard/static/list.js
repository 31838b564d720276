// The list of consultations, newest first.
import { search } from "./api.js";
import { el } from "./dom.js";

const STATUS = {
  planned: ["planned", ""],
  "in-progress": ["in progress", "live"],
  finished: ["finished", "done"],
  cancelled: ["cancelled", ""],
};

export function listView() {
  const body = el("div", {}, bones());
  const load = async () => {
    body.replaceChildren(bones());
    try {
      const encounters = await search("Encounter?_count=50");
      body.replaceChildren(encounters.length ? table(encounters) : empty());
    } catch (error) {
      const again = el("button.plain", { type: "button", onclick: load }, "Try again");
      body.replaceChildren(el("p.error", { role: "alert" }, error.message), again);
    }
  };
  load();
  return el(
    "section.stack",
    {},
    el(
      "div.row",
      {},
      el("h1", {}, "Consultations"),
      el("span.grow"),
      el("a.button", { href: "#/new" }, "New consultation"),
      el("span.quiet.small.wide", {}, "or press ", el("kbd", {}, "n")),
      el("a", { href: "#/present" }, "Here now"),
      el("a", { href: "#/emergency" }, "Emergency access"),
    ),
    el("div.card", {}, body),
  );
}

function bones() {
  const lines = Array.from({ length: 4 }, () => el("div.bones"));
  return el("div", { role: "status", "aria-label": "Loading the consultations" }, ...lines);
}

function empty() {
  return el(
    "div.empty",
    {},
    el("p", {}, "No consultation has been recorded yet."),
    el("p", {}, el("a", { href: "#/new" }, "Record the first one")),
  );
}

function table(encounters) {
  const head = ["Patient", "Started", "Status"].map((text) => el("th", { scope: "col" }, text));
  return el(
    "table",
    {},
    el("thead", {}, el("tr", {}, ...head)),
    el("tbody", {}, ...encounters.map(row)),
  );
}

function row(encounter) {
  const [text, kind] = STATUS[encounter.status] ?? [encounter.status, ""];
  const started = encounter.period?.start;
  const name = encounter.subject?.display ?? encounter.subject?.reference ?? "Unknown patient";
  return el(
    "tr",
    {},
    el("td", {}, el("a", { href: `#/encounters/${encodeURIComponent(encounter.id)}` }, name)),
    el("td", {}, started ? new Date(started).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : ""),
    el("td", {}, el(`span.chip${kind ? `.${kind}` : ""}`, {}, text)),
  );
}
