// The note in four sections. Each sentence knows the segments that prove it.
import { el } from "./dom.js";

/** @param {(ids: string[]) => void} onPick a sentence was chosen */
export function noteView(onPick) {
  const body = el("div.pane", { tabIndex: 0 }, waiting());
  const state = el("span.chip", {}, "draft");
  let drawn = "";
  let buttons = [];
  return {
    node: el(
      "section.card",
      { "aria-labelledby": "note" },
      el("div.row", {}, el("h2", { id: "note" }, "Note"), state),
      body,
    ),
    /** @param {any} note the data of note.updated */
    draw(note) {
      const text = JSON.stringify(note);
      if (!note || text === drawn) return;
      drawn = text;
      const focused = document.activeElement?.dataset?.sentence;
      this.state(note.status);
      state.title = note.engine ? `Drafted by ${note.engine}` : "";
      if (note.engine && note.status !== "final") state.textContent = `draft by machine: ${note.engine}`;
      buttons = [];
      body.replaceChildren(...note.sections.map((section) => drawSection(section)), ...leftOut(note));
      if (focused) body.querySelector(`[data-sentence="${CSS.escape(focused)}"]`)?.focus();
    },
    /** @param {string} status a Composition status */
    state(status) {
      state.textContent = status === "final" ? "signed" : "draft, written by machine";
      state.className = status === "final" ? "chip done" : "chip";
    },
    nothing(message) {
      body.replaceChildren(el("p.empty", {}, message));
      state.hidden = true;
    },
    /** @param {string[]} ids */
    mark(ids) {
      for (const button of buttons) {
        const evidence = button.dataset.evidence.split(" ");
        button.classList.toggle("marked", ids.length > 0 && ids.some((id) => evidence.includes(id)));
      }
    },
  };

  function drawSection(section) {
    const sentences = section.sentences.map((sentence) => {
      const button = el(
        "button.sentence",
        { type: "button", onclick: () => onPick(sentence.evidence) },
        sentence.text,
        " ",
        ...(sentence.check?.length ? [checkThis(sentence.check), " "] : []),
        el("span.from", {}, `[${sentence.evidence.map((id) => id.replace(/^(r\d+)?s/, "")).join(", ")}]`),
      );
      button.dataset.sentence = sentence.id;
      button.dataset.evidence = sentence.evidence.join(" ");
      button.addEventListener("mouseenter", () => onPick(sentence.evidence, false));
      buttons.push(button);
      return button;
    });
    const content = sentences.length ? sentences : [el("p.quiet.small", {}, "Nothing yet.")];
    return el("div", {}, el("h3", {}, section.title), ...content);
  }
}

/** A mark on a sentence that its evidence does not plainly bear out. */
function checkThis(doubts) {
  return el("span.check", { title: doubts.join("; ") }, `check this: ${doubts.join("; ")}`);
}

function leftOut(note) {
  if (!note.left_out || note.status === "final") return [];
  const [many, them] = note.left_out === 1 ? ["1 sentence", "it"] : [`${note.left_out} sentences`, "them"];
  return [el("p.quiet.small", {}, `${many} left out: what was said does not bear ${them} out.`)];
}

function waiting() {
  return el("p.quiet", {}, "The note grows while people talk. Every sentence leads to what was said.");
}
