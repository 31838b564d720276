// Searching events: who, whose data, what, when, with what result. Nothing of it is in an address.
import { call, download } from "./api.js";
import { pager } from "./admin-emergencies.js";
import { announce, el } from "./dom.js";
import { fill, moment, rowsTable } from "./admin-frame.js";

const ACTIONS = [["", "anything"], ["C", "created"], ["R", "read"], ["U", "changed"], ["D", "deleted"], ["E", "searched or asked for"]];
const OUTCOMES = [["", "any"], ["0", "done"], ["4", "refused"], ["8", "failed"]];
const KINDS = [
  ["", "any"],
  ["110122", "sign-in"],
  ["110123", "sign-out"],
  ["110127", "emergency access"],
  ["110136", "account or roles changed"],
  ["110137", "password or second factor changed"],
  ["110129", "application registered or changed"],
];
const ACTION_NAMES = Object.fromEntries(ACTIONS);
const KIND_NAMES = Object.fromEntries(KINDS);
const OUTCOME_NAMES = { 0: "done", 4: "refused", 8: "failed", 12: "failed" };

export function eventsView() {
  const text = (id, placeholder) => el("input", { type: "search", id, autocomplete: "off", placeholder });
  const choice = (id, options) => el("select", { id }, ...options.map(([value, name]) => el("option", { value }, name)));
  const inputs = {
    who: text("who-acted", "Name, or Practitioner/id"),
    patient: text("whose", "Patient/id"),
    action: choice("action", ACTIONS),
    kind: choice("kind", KINDS),
    outcome: choice("outcome", OUTCOMES),
    since: el("input", { type: "date", id: "since" }),
    until: el("input", { type: "date", id: "until" }),
  };
  const labels = { who: "Who", patient: "Whose data", action: "Did what", kind: "Kind", outcome: "Outcome", since: "From", until: "To" };
  const read = () => Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value.trim()]));
  const box = el("div");
  let asked = read();
  let trail = [""];
  const load = () =>
    fill(box, async () => {
      const { events, next } = await call("POST", "/api/audit/search", { ...asked, cursor: trail.at(-1) });
      announce(`${events.length} events shown.`);
      return el("div.stack", {}, events.length ? table(events) : el("p.empty", {}, "No event is found."), pager(trail, next, load));
    });
  const submit = (event) => {
    event.preventDefault();
    asked = read();
    trail = [""];
    load();
  };
  const save = el("button.plain", { type: "button" }, "Export what is found");
  save.addEventListener("click", async () => {
    save.disabled = true;
    try {
      announce(`${await download("/api/audit/export", asked, "audit-events.ndjson")} events exported.`);
    } catch (error) {
      box.replaceChildren(el("p.error", { role: "alert" }, error.message));
    } finally {
      save.disabled = false;
    }
  });
  load();
  const field = (name) => el("div", {}, el("label", { htmlFor: inputs[name].id }, labels[name]), inputs[name]);
  return el(
    "section.card.stack",
    {},
    el("h2", {}, "Events"),
    el("form.stack", { onsubmit: submit, role: "search" }, el("div.filters", {}, ...Object.keys(inputs).map(field)), el("div.row", {}, el("button", { type: "submit" }, "Search"), save)),
    box,
  );
}

function table(events) {
  const rows = events.map((one) => [
    moment(one.at),
    one.who.display || one.who.reference || "not known",
    [KIND_NAMES[one.kind.code] ?? (one.kind.display || one.kind.code), el("span.quiet.small.block", {}, ACTION_NAMES[one.action] ?? one.action)],
    [[...one.patients, ...one.what].slice(0, 5).join(", "), detail(one)],
    el(one.outcome === "0" ? "span" : "span.bad", {}, OUTCOME_NAMES[one.outcome] ?? one.outcome),
    el("span.tight", {}, one.address),
  ]);
  return rowsTable("Audit events", ["When", "Who", "Did", "About", "Outcome", "From where"], rows.map(flat));
}

function flat(row) {
  return row.map((cell) => (Array.isArray(cell) ? cell.flat().filter((one) => one !== null) : cell));
}

function detail(one) {
  const text = [readable(one.query), one.reason].filter(Boolean).join(" - ");
  return text ? el("span.quiet.small.block", {}, text) : null;
}

function readable(query) {
  try {
    return decodeURIComponent(query.replaceAll("+", " "));
  } catch {
    return query;
  }
}
