// Who opened a chart in an emergency, whose it was, and why.
import { call } from "./api.js";
import { el } from "./dom.js";
import { fill, moment, rowsTable } from "./admin-frame.js";

export function emergenciesView() {
  const box = el("div");
  const trail = [""];
  const load = () =>
    fill(box, async () => {
      const { events, next } = await call("POST", "/api/admin/emergencies", { cursor: trail.at(-1) });
      return el("div.stack", {}, events.length ? table(events) : empty(), pager(trail, next, load));
    });
  load();
  return el("section.card.stack", {}, el("h2", {}, "Emergency access"), box);
}

function empty() {
  return el("p.empty", {}, "Nobody has opened a chart in an emergency.");
}

function table(events) {
  const rows = events.map((one) => [
    moment(one.at),
    one.who.display || one.who.reference,
    one.patients.join(", "),
    one.reason,
    one.outcome === "0" ? "opened" : el("span.bad", {}, "refused"),
  ]);
  return rowsTable("Uses of emergency access", ["When", "Who", "Whose chart", "Reason", "Outcome"], rows);
}

/**
 * Newer and older pages. @param {string[]} trail cursors up to this page
 * @param {string} next cursor of the next one, empty for none @param {() => void} load
 */
export function pager(trail, next, load) {
  const newer = () => {
    trail.pop();
    load();
  };
  const older = () => {
    trail.push(next);
    load();
  };
  if (trail.length === 1 && !next) return null;
  return el(
    "div.row",
    { role: "group", "aria-label": "Pages of the list" },
    el("button.plain", { type: "button", disabled: trail.length === 1, onclick: newer }, "Newer"),
    el("span.quiet.small", {}, `Page ${trail.length}`),
    el("button.plain", { type: "button", disabled: !next, onclick: older }, "Older"),
  );
}
