// One received message beside what came of it.
import { call } from "./api.js";
import { el } from "./dom.js";
import { fill, moment } from "./admin-frame.js";
import { replayed } from "./hl7v2-messages.js";
import { resultsList } from "./hl7v2-results.js";
import { legend, messageText, unmappedList } from "./hl7v2-segments.js";
import { structureFindings } from "./hl7v2-structure.js";
import { facts, stateChip } from "./hl7v2-words.js";

const PATIENCE = 20;

export function messageView(id) {
  const box = el("div");
  const read = async () => whole(await call("GET", `/api/hl7v2/messages/${encodeURIComponent(id)}`), settle);
  const settle = async () => {
    // Again until it is processed: it was just queued.
    for (let turn = 0; turn < PATIENCE && box.isConnected; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const told = await call("GET", `/api/hl7v2/messages/${encodeURIComponent(id)}`);
      if (!["received", "converting"].includes(told.state)) {
        box.replaceChildren(whole(told, settle));
        return;
      }
    }
    await fill(box, read);
  };
  fill(box, read);
  return box;
}

function whole(told, settle) {
  const again = el("button.plain", { type: "button", disabled: told.raw === null }, "Process again");
  again.addEventListener("click", () => replayed(again, 1, { ids: [told.id] }, settle));
  return el(
    "div.stack",
    {},
    el("p", {}, el("a", { href: "#/messages" }, "Back to the messages")),
    el(
      "section.card.stack",
      {},
      el("div.row", {}, el("h2", {}, `${told.type || "Message"} ${told.control}`), stateChip(told.state), el("span.grow"), again),
      told.error ? el("p.error", {}, told.error.text) : null,
      ...[...told.warnings, ...told.notes].map((text) => el("p.note", {}, text)),
      facts([
        ["Received", `${moment(told.received)} on ${told.listener} from ${told.peer}`],
        ["Sender", [told.app, told.facility].filter(Boolean).join(" | ")],
        ["Version", told.version],
        ["Patient ids", told.patients.join(", ")],
        ["Visit", told.visit],
        ["Processed", told.finished ? `${moment(told.finished)}${told.replays ? `, replayed ${told.replays} times` : ""}` : "not yet"],
        ["Size", `${told.size} bytes${told.charset ? `, read as ${told.charset}` : ""}`],
        ["Fields", counted(told.counts)],
      ]),
    ),
    structureFindings(told.structure) ?? el("span"),
    ...beside(told),
    answers(told),
  );
}

function counted(counts) {
  return Object.entries(counts).map(([name, count]) => `${count} ${name}`).join(", ");
}

function beside(told) {
  if (!told.segments) {
    const text = told.raw === null ? "The bytes of this message were removed: they are kept for a time only." : "This is not HL7 v2 that can be read.";
    return [el("section.card.stack", {}, el("h2", {}, "Message"), el("p", {}, text), told.raw ? el("pre.json", { tabIndex: 0 }, told.raw) : null)];
  }
  const text = messageText(told.segments, told.separator);
  const byReference = new Map(told.fhir.map((one) => [`${one.resourceType}/${one.id}`, one]));
  const results = (told.written.length ? told.written : told.resources.map((reference) => ({ key: "", reference, effect: "" }))).map((one) => ({
    key: one.key,
    title: one.reference.split("/")[0],
    detail: [one.reference.split("/")[1], one.effect, one.version ? `version ${one.version}` : ""].filter(Boolean).join(", "),
    content: byReference.get(one.reference),
    withheld: told.withheld.includes(one.reference),
  }));
  return [
    el(
      "div.work.message",
      {},
      el("section.card.stack", {}, el("h2", {}, "Message"), legend(), text.node, el("h3", {}, "Left unmapped"), Object.keys(told.counts).length ? unmappedList(told.segments) : el("p.quiet", {}, "It is not converted yet.")),
      el("section.card.stack", {}, el("h2", {}, "FHIR"), el("p.small.quiet", {}, "Open one to see it as it is now; what it was made of is marked in the message."), resultsList(results, text.mark)),
    ),
  ];
}

function answers(told) {
  const part = (name, text) => (text ? [el("h3", {}, name), el("pre.json", { tabIndex: 0 }, text.replaceAll("\r", "\n"))] : []);
  const parts = [...part("Acknowledgement", told.acknowledgement), ...part(`Application acknowledgement (${told.answer_state})`, told.answer)];
  return parts.length ? el("section.card", {}, el("h2", {}, "Answered"), ...parts) : el("span");
}
