// Whether the audit trail is whole: its newest block, and what the last check found.
import { call } from "./api.js";
import { el } from "./dom.js";
import { fill, moment } from "./admin-frame.js";

const WAIT = 1000;

export function chainView() {
  const box = el("div", { "aria-live": "polite" });
  const load = () => fill(box, async () => shown(await call("GET", "/api/audit/chain"), follow));
  /** Begin a check, or look how the one that runs is, until it is over. */
  const follow = async () => {
    try {
      let state = await call("POST", "/api/audit/chain/verify", {});
      while (state.running && box.isConnected) {
        box.replaceChildren(shown(state, follow));
        await new Promise((resolve) => setTimeout(resolve, WAIT));
        state = await call("GET", "/api/audit/chain");
      }
      box.replaceChildren(shown(state, follow));
    } catch {
      load();
    }
  };
  load();
  return el("section.card.stack", {}, el("h2", {}, "Is the audit trail whole?"), box);
}

function shown(state, follow) {
  const head = state.head;
  const facts = [
    ["Blocks", String(state.blocks)],
    ["Newest block", head ? `${head.block}, sealed ${moment(head.at)}` : "none yet"],
    ["Its hash", head ? el("code", {}, `${head.block}:${head.hash}`) : "none yet"],
    ["Events that wait", state.waiting ? "some, for a second" : "none"],
  ];
  const button = el("button", { type: "button", disabled: state.running, onclick: follow }, state.running ? "Checking ..." : "Check now");
  return el(
    "div.stack",
    {},
    verdict(state.check),
    el("dl.facts", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    el("p.quiet.small", {}, "Note the hash somewhere else from time to time: with it one can tell later whether the newest blocks were cut off."),
    button,
  );
}

function verdict(check) {
  if (!check) return el("p", {}, "It was never checked here.");
  const when = `Checked ${moment(check.ended)}, up to block ${check.block}: ${check.events} events.`;
  if (!check.faults) return el("p", {}, el("span.fine", {}, "It is whole. "), when);
  return el(
    "div.stack",
    {},
    el("p", {}, el("span.bad", {}, `It is not whole: ${check.faults} findings. `), when),
    el("ul", {}, ...check.findings.map((one) => el("li", {}, `${one.place} ${one.text}`))),
  );
}
