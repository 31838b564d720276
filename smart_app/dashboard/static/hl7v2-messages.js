// Finding received messages and processing them again. What names a patient stays out of addresses.
import { call } from "./api.js";
import { confirmed } from "./ask.js";
import { announce, el } from "./dom.js";
import { pager } from "./admin-emergencies.js";
import { fill, moment, rowsTable } from "./admin-frame.js";
import { stateChip } from "./hl7v2-words.js";

const API = "/api/hl7v2/messages";
const STATES = ["received", "converting", "converted", "failed", "ignored", "replayed"];
// What was looked for, so that the way back from a message leads to the same list.
let kept = {};

export function messagesView() {
  const inputs = filters();
  for (const [name, value] of Object.entries(kept)) inputs[name].value = value;
  const read = () => Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value.trim()]));
  let asked = criteria(read());
  let trail = [""];
  const box = el("div");
  const chosen = new Set();
  const load = () =>
    fill(box, async () => {
      chosen.clear();
      mark();
      const { messages, next } = await call("POST", `${API}/search`, { ...asked, after: trail.at(-1) });
      announce(`${messages.length} messages shown.`);
      const list = messages.length ? table(messages, chosen, mark) : el("p.empty", {}, "No message is found.");
      return el("div.stack", {}, list, pager(trail, next, load));
    });
  const submit = (event) => {
    event.preventDefault();
    kept = read();
    asked = criteria(kept);
    trail = [""];
    load();
  };
  const some = el("button.plain", { type: "button", disabled: true }, "Process the chosen again");
  const all = el("button.plain", { type: "button" }, "Process all that match again");
  const mark = () => {
    some.disabled = !chosen.size;
    some.textContent = chosen.size ? `Process the ${chosen.size} chosen again` : "Process the chosen again";
  };
  some.addEventListener("click", () => replayed(some, chosen.size, { ids: [...chosen] }, load));
  all.addEventListener("click", async () => {
    const found = await call("POST", `${API}/count`, asked).catch((error) => announce(error.message));
    if (found?.count) await replayed(all, found.count, { query: asked }, load);
    else if (found) announce("No message matches.");
  });
  load();
  const field = ([name, input]) => el("div", {}, el("label", { htmlFor: input.id }, LABELS[name]), input);
  return el(
    "section.card.stack",
    {},
    el("h2", {}, "Received messages"),
    el(
      "form.stack",
      { onsubmit: submit, role: "search" },
      el("div.filters", {}, ...Object.entries(inputs).map(field)),
      el("div.row", {}, el("button", { type: "submit" }, "Search"), some, all),
    ),
    box,
  );
}

const LABELS = { control: "Control id", type: "Type", patient: "Patient id", listener: "Listener", state: "State", error: "Error text", since: "From", until: "To" };

function filters() {
  const text = (id, placeholder) => el("input", { type: "search", id, autocomplete: "off", placeholder });
  return {
    control: text("control", "MSH-10"),
    type: text("type", "ADT or ADT^A01"),
    patient: text("patient", "PID-3"),
    listener: text("listener", "its name"),
    state: el("select", { id: "state" }, ...["", ...STATES].map((one) => el("option", { value: one }, one || "any"))),
    error: text("error", "a part of it"),
    since: el("input", { type: "date", id: "since" }),
    until: el("input", { type: "date", id: "until" }),
  };
}

function criteria({ control, type, patient, listener, state, error, since, until }) {
  const [kind, trigger = ""] = type.toUpperCase().split("^");
  const day = (text, later) => {
    const at = new Date(`${text}T00:00:00`);
    at.setDate(at.getDate() + later);
    return at.toISOString();
  };
  return {
    control, patient, listener, error,
    type: kind,
    trigger,
    states: state ? [state] : [],
    since: since ? day(since, 0) : null,
    until: until ? day(until, 1) : null,
  };
}

function table(messages, chosen, mark) {
  const head = ["", "Received", "Type", "Control id", "Patient", "From", "State"];
  const rows = messages.map((one) => {
    const tick = el("input", { type: "checkbox", "aria-label": `Choose ${one.control || one.id}` });
    tick.addEventListener("change", () => {
      if (tick.checked) chosen.add(one.id);
      else chosen.delete(one.id);
      mark();
    });
    const link = el("a", { href: `#/messages/${one.id}` }, one.control || "without one");
    return [
      tick,
      moment(one.received),
      one.type || "not known",
      link,
      one.patients.join(", "),
      [`${[one.app, one.facility].filter(Boolean).join(" | ")}`, el("span.quiet.small.block", {}, one.listener)],
      [stateChip(one.state), one.error ? el("span.quiet.small.block", {}, one.error.text) : "", one.warnings.length ? el("span.quiet.small.block", {}, one.warnings.join(" ")) : ""],
    ];
  });
  return rowsTable("Messages", head, rows);
}

/** Ask, and queue messages again. @param {any} button @param {number} count @param {object} body */
export async function replayed(button, count, body, then) {
  const title = count === 1 ? "Process this message again?" : `Process ${count} messages again?`;
  const text = "They are converted by the mapping as it is now, in the order they came. What has not changed is not written again.";
  if (!(await confirmed(title, text, "Process again"))) return;
  button.disabled = true;
  try {
    const done = await call("POST", `${API}/replay`, body);
    const lost = done.without_bytes ? ` ${done.without_bytes} cannot be: their bytes were removed.` : "";
    announce(`${done.queued} messages are queued again.${lost}`);
    await then();
  } catch (error) {
    announce(error.message);
  } finally {
    button.disabled = false;
  }
}
