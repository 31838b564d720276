// How states and warnings of HL7 v2 are shown.
import { el } from "./dom.js";

const WARNINGS = {
  backlog: "too many wait",
  oldest: "one waits too long",
  failed: "many have failed",
  silence: "nothing comes",
  paused: "paused",
};
const FINE = ["converted", "replayed", "acknowledged"];
const BAD = ["failed", "dead"];

/** @param {string} state */
export function stateChip(state) {
  const look = FINE.includes(state) ? ".done" : BAD.includes(state) ? ".live" : "";
  return el(`span.chip${look}`, {}, state);
}

/** @param {string[]} warnings what is wrong with a feed @param {boolean} silence whether that is told of sending */
export function health(warnings, silence = false) {
  if (!warnings.length) return el("span.fine", {}, "in order");
  const words = { ...WARNINGS, silence: silence ? "nothing is accepted" : WARNINGS.silence };
  return el("span.bad", {}, warnings.map((one) => words[one] ?? one).join(", "));
}

/** How long ago. @param {string|null} text @param {string} now */
export function ago(text, now) {
  if (!text) return "never";
  const seconds = Math.max(0, (new Date(now) - new Date(text)) / 1000);
  const [size, name] = [[86400, "d"], [3600, "h"], [60, "min"]].find(([length]) => seconds >= length) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${name} ago`;
}

/** Terms and what is to be said of each. @param {[string, any][]} pairs */
export function facts(pairs) {
  const given = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl.facts", {}, ...given.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}
