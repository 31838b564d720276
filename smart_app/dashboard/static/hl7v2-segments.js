// The text of a message, each field marked by what the conversion report says of it.
import { el } from "./dom.js";

const MARKED = { unmapped: "not mapped", error: "cannot be used", ignored: "left out by the tables" };

/**
 * @param {any[]} segments as the server tells them @param {string} separator MSH-1
 * @returns {{node: HTMLElement, mark: (key: string|null) => void}} `mark` shows what went into a draft
 */
export function messageText(segments, separator) {
  const fields = [];
  const lines = segments.map((segment) => line(segment, separator, fields));
  const mark = (key) => fields.forEach(({ node, drafts }) => node.classList.toggle("marked", Boolean(key) && drafts.includes(key)));
  return { node: el("div.hl7", { tabIndex: 0, role: "group", "aria-label": "Text of the message" }, ...lines), mark };
}

function line(segment, separator, fields) {
  const whole = segment.outcome === "unmapped" || segment.outcome === "error";
  const parts = [el("strong", { title: said(segment, segment.id) }, segment.id)];
  // MSH-1 is the separator itself.
  const shown = segment.fields.filter((one) => !(segment.id === "MSH" && one.position === 1));
  for (const field of shown) {
    const cut = field.length ? `... (${field.length} characters)` : "";
    const look = field.outcome && field.text ? `.${field.outcome}` : "";
    const node = el(`span${look}`, { title: said(field, `${segment.id}-${field.position}`) }, field.text + cut);
    fields.push({ node, drafts: field.drafts ?? [] });
    parts.push(separator, node);
  }
  return el(`div.seg${whole ? ".whole" : ""}`, {}, ...parts);
}

function said(one, place) {
  const words = [place, MARKED[one.outcome] ?? one.outcome, one.reason, one.drafts?.join(", ")];
  return words.filter(Boolean).join(": ");
}

/** What the colours mean. */
export function legend() {
  const sample = ([outcome, words]) => el("span", {}, el(`span.${outcome}`, {}, outcome), ` ${words}`);
  return el("p.small.quiet.row", {}, ...Object.entries(MARKED).map(sample));
}

/** The same as a list, for those who do not see colours. @param {any[]} segments */
export function unmappedList(segments) {
  const whole = segments.filter((one) => one.outcome === "unmapped" || one.outcome === "error");
  const rows = segments
    .filter((one) => !whole.includes(one))
    .flatMap((one) => one.fields.filter((field) => field.outcome === "unmapped" || field.outcome === "error").map((field) => ({ ...field, place: `${one.id}-${field.position}` })));
  const told = [
    ...whole.map((one) => [one.id, one.outcome, one.reason ?? ""]),
    ...rows.map((one) => [one.place, one.outcome, one.reason ?? ""]),
  ];
  if (!told.length) return el("p.fine", {}, "Nothing was left unmapped.");
  const item = ([place, outcome, reason]) => el("li", {}, el(`span.${outcome}`, {}, place), ` ${MARKED[outcome]}${reason ? `: ${reason}` : ""}`);
  return el("ul.plainlist", {}, ...told.map(item));
}
