// What came of a message: resources that open to their JSON, and mark where they came from.
import { el } from "./dom.js";

/**
 * @param {{key: string, title: string, detail: string, content: any}[]} results
 * @param {(key: string|null) => void} mark shows in the text what went into a draft
 */
export function resultsList(results, mark) {
  if (!results.length) return el("p.empty", {}, "No resource came of it.");
  const nodes = results.map((one) => {
    const json = el("pre.json", { tabIndex: 0, "aria-label": `JSON of ${one.title}` });
    const node = el(
      "details",
      {},
      el("summary", {}, el("strong", {}, one.title), el("span.quiet.small", {}, ` ${one.detail}`)),
      json,
    );
    // Made when it is opened: a message may have hundreds.
    node.addEventListener("toggle", () => {
      if (node.open && !json.textContent) {
        json.textContent = one.content ? JSON.stringify(one.content, null, 2) : missing(one);
      }
      if (node.open) nodes.filter((other) => other !== node).forEach((other) => (other.open = false));
      mark(nodes.find((other) => other.open) ? results[nodes.findIndex((other) => other.open)].key : null);
    });
    return node;
  });
  return el("div.results", {}, ...nodes);
}

function missing(one) {
  return one.withheld ? "You may not read this: a label or a directive of the patient keeps it from you." : "It is not there any more.";
}
