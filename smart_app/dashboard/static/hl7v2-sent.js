// Messages on their way out: what was sent, when, and answered how.
import { call } from "./api.js";
import { confirmed } from "./ask.js";
import { announce, el } from "./dom.js";
import { pager } from "./admin-emergencies.js";
import { fill, moment, rowsTable } from "./admin-frame.js";
import { facts, stateChip } from "./hl7v2-words.js";

const API = "/api/hl7v2/sent";
const ASIDE = ["dead", "withheld"];
const STATES = ["", "queued", "acknowledged", "dead", "withheld", "withdrawn"];

export function sentView() {
  const place = el("div");
  const back = () => place.replaceChildren(list(open));
  const open = (id) => {
    const box = el("div");
    place.replaceChildren(box);
    const read = async () => one(await call("POST", `${API}/show`, { id }), back, () => fill(box, read));
    fill(box, read);
  };
  back();
  return place;
}

function list(open) {
  const text = (id, placeholder) => el("input", { type: "search", id, autocomplete: "off", placeholder });
  const inputs = {
    destination: text("destination", "its name"),
    state: el("select", { id: "state" }, ...STATES.map((name) => el("option", { value: name }, name || "any"))),
    trigger: text("trigger", "ADT^A08"),
    control: text("control", "MSH-10"),
    patient: text("patient", "Patient/id"),
  };
  const labels = { destination: "Destination", state: "State", trigger: "Type", control: "Control id", patient: "Patient" };
  const read = () => {
    const given = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value.trim()]));
    return { ...given, state: given.state || null };
  };
  let asked = read();
  let trail = [""];
  const box = el("div");
  const load = () =>
    fill(box, async () => {
      const { messages, next } = await call("POST", `${API}/search`, { ...asked, after: trail.at(-1) });
      announce(`${messages.length} messages shown.`);
      const shown = messages.length ? table(messages, open) : el("p.empty", {}, "No message is found.");
      return el("div.stack", {}, shown, pager(trail, next, load));
    });
  const submit = (event) => {
    event.preventDefault();
    asked = read();
    trail = [""];
    load();
  };
  load();
  const field = ([name, input]) => el("div", {}, el("label", { htmlFor: input.id }, labels[name]), input);
  return el(
    "section.card.stack",
    {},
    el("h2", {}, "Messages to others"),
    el("form.stack", { onsubmit: submit, role: "search" }, el("div.filters", {}, ...Object.entries(inputs).map(field)), el("div.row", {}, el("button", { type: "submit" }, "Search"))),
    box,
  );
}

function table(messages, open) {
  const head = ["Made", "Destination", "Type", "Control id", "About", "State", "Last answer"];
  const rows = messages.map((message) => [
    moment(message.created),
    message.destination,
    el("span.tight", {}, message.type),
    el("button.link", { type: "button", onclick: () => open(message.id) }, message.control || "without one"),
    message.resource,
    stateChip(message.state),
    [[message.code, message.error].filter(Boolean).join(" ") || message.reason || "none yet"],
  ]);
  return rowsTable("Messages to others", head, rows);
}

function one(told, back, again) {
  const act = (name, title, text, path, body, said) => {
    const button = el("button.plain", { type: "button" }, name);
    button.addEventListener("click", async () => {
      if (!(await confirmed(title, text, name))) return;
      button.disabled = true;
      try {
        await call("POST", `${API}/${path}`, body);
        announce(said);
        if (path === "make-anew") back();
        else await again();
      } catch (error) {
        announce(error.message);
        button.disabled = false;
      }
    });
    return button;
  };
  const { id } = told;
  const acts = [
    told.state !== "queued" && told.control ? act("Send again", "Send this message again?", told.state === "withheld" ? "Directives and labels are looked at again; it leaves if they let it." : "The same bytes under the same control id.", "resend", { ids: [id] }, "It is queued again.") : null,
    ASIDE.includes(told.state) ? act("Make anew", "Make this message anew?", "It is made from its event by the mapping as it is now.", "make-anew", { id }, "It is being made anew.") : null,
    ["queued", ...ASIDE].includes(told.state) ? act("Withdraw", "Withdraw this message?", "It is never sent.", "withdraw", { id }, "It is withdrawn.") : null,
  ].filter(Boolean);
  const part = (name, text) => (text ? [el("h3", {}, name), el("pre.json", { tabIndex: 0 }, text.replaceAll("\r", "\n"))] : []);
  return el(
    "section.card.stack",
    {},
    el("p", {}, el("button.link", { type: "button", onclick: back }, "Back to the messages")),
    el("div.row", {}, el("h2", {}, `${told.type} ${told.control}`), stateChip(told.state), el("span.grow"), ...acts),
    facts([
      ["Destination", told.destination],
      ["Made", moment(told.created)],
      ["About", told.resource],
      ["Attempts", String(told.attempts)],
      ["Last answer", [told.code, told.error, told.reason].filter(Boolean).join(" ")],
    ]),
    ...part("Message", told.text),
    ...part("Answer", told.answer),
    told.trace.length ? el("div", {}, el("h3", {}, "Attempts"), el("ul.plainlist", {}, ...told.trace.map((step) => el("li", {}, `${moment(step.at)}: ${step.outcome}`)))) : null,
  );
}
