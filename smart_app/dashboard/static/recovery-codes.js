// Recovery codes, which are seen once: to copy, to print, and to say that they are kept.
import { announce, el } from "./dom.js";

/** @param {string[]} codes @param {string} username @param {() => void} done */
export function recoveryCodes(codes, username, done) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(codes.join("\n"));
      announce("The codes are copied.");
      copying.textContent = "Copied";
    } catch {
      // Without leave to write to the clipboard the person copies them by hand.
      const range = document.createRange();
      range.selectNodeContents(list);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      copying.textContent = "Press Ctrl+C";
    }
  };
  const list = el("ol.codes", {}, ...codes.map((code) => el("li", {}, el("code", {}, code))));
  const copying = el("button.plain", { type: "button", onclick: copy }, "Copy");
  return el(
    "div.stack.printed",
    {},
    el("h3", { tabIndex: -1 }, `Recovery codes of ${username}`),
    el("p", {}, "They are shown this once. Each one gets you in once when you do not have your phone. Keep them where only you find them."),
    list,
    el(
      "div.row",
      {},
      copying,
      el("button.plain", { type: "button", onclick: () => window.print() }, "Print"),
      el("button", { type: "button", onclick: done }, "I have kept them"),
    ),
  );
}
