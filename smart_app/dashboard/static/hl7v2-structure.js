// What a check of a message's structure found, by segment and field.
import { el } from "./dom.js";
import { rowsTable } from "./admin-frame.js";

/** @param {any} told `structure` as the server tells it, null when nobody asked */
export function structureFindings(told) {
  if (!told) return null;
  return el("section.card.stack", { "aria-label": "Structure" }, el("h2", {}, "Structure"), ...body(told));
}

function body(told) {
  if (told.failed) return [el("p.error", { role: "alert" }, told.failed)];
  const by = told.version ? `Held to version ${told.version}` : "There is no version to hold it to";
  const order = told.structure ? `, its segments to the order of ${told.structure}.` : ". The order of its segments was not checked.";
  const rows = told.findings.map((one) => [el("code", {}, one.place), one.code, one.text]);
  return [
    el("p.quiet", {}, by + order),
    rows.length ? rowsTable("Findings", ["Place", "Code", "Finding"], rows) : el("p.fine", {}, "Nothing is wrong with it."),
  ];
}
