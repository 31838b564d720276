// The transcript: finals in the order they were spoken, what is being said now below them.
import { clock, el } from "./dom.js";

const ROLE = { doctor: "Doctor", patient: "Patient", unknown: "Speaker" };

const EMPTY = "Nothing has been said yet.";
const UNHEARD = "What is said is recorded, and appears here once speech recognition works.";

/** @param {(ids: string[]) => void} onPick a segment was chosen */
export function transcriptView(onPick) {
  const finals = el("div", { role: "log", "aria-label": "Transcript" });
  const partials = el("div");
  const empty = el("p.quiet", {}, EMPTY);
  const pane = el("div.pane", { tabIndex: 0 }, empty, finals, partials);
  const current = new Map(); // channel -> partial
  let follows = true;
  pane.addEventListener("scroll", () => {
    follows = pane.scrollHeight - pane.scrollTop - pane.clientHeight < 60;
  });
  const settle = () => {
    empty.hidden = finals.childElementCount + partials.childElementCount > 0;
    if (follows) pane.scrollTop = pane.scrollHeight;
  };
  const line = (data, kind) =>
    el(
      `div.segment.${data.role}${kind}`,
      {},
      el("time", {}, clock(data.start)),
      el("span.role", {}, ROLE[data.role] ?? data.role),
      el("span.said", {}, data.text),
    );
  return {
    node: el("section.card.transcript-pane", { "aria-labelledby": "said" }, el("h2", { id: "said" }, "Transcript"), pane),
    final(data) {
      if (finals.querySelector(`[data-segment="${CSS.escape(data.id)}"]`)) return;
      current.delete(data.channel);
      const node = line(data, "");
      node.dataset.segment = data.id;
      node.dataset.start = data.start;
      node.addEventListener("click", () => onPick([data.id]));
      // Finals of two channels may arrive out of order.
      const later = [...finals.children].find((other) => Number(other.dataset.start) > data.start);
      finals.insertBefore(node, later ?? null);
      this.drawPartials();
    },
    partial(data) {
      // Nothing said: the engine that was about to say it has failed.
      if (data.text) current.set(data.channel, data);
      else current.delete(data.channel);
      this.drawPartials();
    },
    drawPartials() {
      partials.replaceChildren(...[...current.values()].map((data) => line(data, ".partial")));
      settle();
    },
    /** @param {boolean} is whether nothing hears what is said */
    waits(is) {
      empty.textContent = is ? UNHEARD : EMPTY;
    },
    clear() {
      finals.replaceChildren();
      this.clearPartials();
    },
    clearPartials() {
      current.clear();
      this.drawPartials();
    },
    /** @param {string[]} ids */
    mark(ids, scroll = true) {
      for (const node of finals.children) node.classList.toggle("marked", ids.includes(node.dataset.segment));
      const first = finals.querySelector(".marked");
      if (first && scroll) {
        follows = false;
        first.scrollIntoView({ block: "nearest", behavior: "smooth" });
      }
    },
  };
}
