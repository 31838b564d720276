// A pasted message, converted by the mapping as it is now. Nothing is stored.
import { call } from "./api.js";
import { el } from "./dom.js";
import { resultsList } from "./hl7v2-results.js";
import { legend, messageText, unmappedList } from "./hl7v2-segments.js";
import { structureFindings } from "./hl7v2-structure.js";

export function tryView() {
  const text = el("textarea.hl7", { id: "message", rows: 10, spellcheck: false, required: true, placeholder: "MSH|^~\\&|..." });
  const file = el("input", { type: "file", id: "file", accept: ".hl7,.txt,text/plain" });
  const structure = el("input", { type: "checkbox", id: "structure" });
  const problem = el("p.error", { role: "alert", hidden: true });
  const go = el("button", { type: "submit" }, "Convert");
  const result = el("div.stack");
  file.addEventListener("change", async () => {
    if (file.files[0]) text.value = (await file.files[0].text()).replace(/\r\n?/g, "\n");
  });
  const submit = async (event) => {
    event.preventDefault();
    go.disabled = true;
    problem.hidden = true;
    try {
      result.replaceChildren(...tried(await call("POST", "/api/hl7v2/try", { text: text.value, structure: structure.checked })));
    } catch (error) {
      result.replaceChildren();
      problem.textContent = error.message;
      problem.hidden = false;
    } finally {
      go.disabled = false;
    }
  };
  return el(
    "div.stack",
    {},
    el(
      "form.card.stack",
      { onsubmit: submit, "aria-label": "Try a message" },
      el("h2", {}, "Try a message"),
      el("p.quiet", {}, "It is converted by the mapping as it is now, and not stored."),
      el("div", {}, el("label", { htmlFor: "message" }, "Message"), text),
      el("div", {}, el("label", { htmlFor: "file" }, "Or from a file"), file),
      el("label.tick", { htmlFor: "structure" }, structure, "Check its structure by its HL7 version"),
      problem,
      el("div.row", {}, go),
    ),
    result,
  );
}

function tried(told) {
  const text = messageText(told.segments, told.separator);
  const results = told.drafts.map((one) => ({
    key: one.key,
    title: one.key,
    detail: [one.policy, `from ${one.origin.join(", ")}`, one.problem].filter(Boolean).join(", "),
    content: one.resource,
  }));
  const actions = told.actions.map((one) => el("li", {}, Object.values(one).filter(Boolean).join(" ")));
  return [
    told.refused ? el("p.error", { role: "alert" }, `It would be refused: ${told.refused}`) : null,
    told.ignored ? el("p.note", { role: "status" }, `It would be ignored: ${told.ignored}`) : null,
    ...told.notes.map((note) => el("p.note", {}, note)),
    structureFindings(told.structure),
    el(
      "div.work.message",
      {},
      el("section.card.stack", {}, el("h2", {}, `Message ${told.type}`), legend(), text.node, el("h3", {}, "Left unmapped"), unmappedList(told.segments)),
      el(
        "section.card.stack",
        {},
        el("h2", {}, "What would be made of it"),
        actions.length ? el("div", {}, el("h3", {}, "Acts"), el("ul", {}, ...actions)) : null,
        resultsList(results, text.mark),
      ),
    ),
  ].filter(Boolean);
}
