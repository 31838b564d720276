// Listeners and destinations: how much comes and goes, what waits, what is wrong.
import { call } from "./api.js";
import { confirmed } from "./ask.js";
import { announce, el } from "./dom.js";
import { failure, fill, rowsTable } from "./admin-frame.js";
import { ago, health } from "./hl7v2-words.js";

const API = "/api/hl7v2";
const AGAIN = 10_000;

export function feedsView() {
  const box = el("div.stack");
  const read = async () => feeds(await call("GET", `${API}/feeds`), refresh);
  // Refreshed in place: grey lines every ten seconds would make the page flicker.
  const refresh = async () => {
    if (!box.isConnected) return;
    try {
      const busy = box.contains(document.activeElement) && document.activeElement !== document.body;
      if (!busy && !document.hidden) box.replaceChildren(await read());
    } catch (error) {
      box.replaceChildren(failure(error, () => fill(box, read)));
    }
  };
  const timer = setInterval(() => (box.isConnected ? refresh() : clearInterval(timer)), AGAIN);
  fill(box, read);
  return box;
}

function feeds(told, refresh) {
  return el(
    "div.stack",
    {},
    told.processing ? null : el("p.error", { role: "alert" }, "No process converts messages now: they are kept and wait. Is `aimed mllp` running?"),
    el("section.card.stack", {}, el("h2", {}, "Receiving"), receiving(told)),
    el("section.card.stack", {}, el("h2", {}, "Sending"), sending(told, refresh)),
  );
}

function receiving(told) {
  if (!told.listeners.length) return el("p.empty", {}, "No listener is set, and no message has come.");
  const head = ["Listener", "State", "A minute", "Last hour", "Failed", "Waiting", "Last message"];
  const rows = told.listeners.map((one) => [
    [el("strong", {}, one.name), place(one)],
    health(one.warnings),
    String(one.rate),
    String(one.received_hour),
    one.dead ? el("span.bad", {}, `${one.failed_hour} in the last hour, ${one.dead} in all`) : "none",
    one.waiting ? `${one.waiting}, the oldest from ${ago(one.oldest, told.at)}` : "none",
    ago(one.last, told.at),
  ]);
  return rowsTable("Listeners", head, rows);
}

function place(one) {
  const text = one.address ? `${one.address}, ${one.mode}${one.tls ? ", TLS" : ""}` : "by other ways than MLLP";
  return el("span.quiet.small.block", {}, text);
}

function sending(told, refresh) {
  if (!told.destinations.length) {
    return el("p.empty", {}, "Nothing is sent: no destination is set (AIMED_HL7V2__OUTBOUND__DESTINATIONS).");
  }
  const head = ["Destination", "State", "Waiting", "Dead letters", "Withheld", "Last accepted", "Last attempt", ""];
  const rows = told.destinations.map((one) => [
    [el("strong", {}, one.name), el("span.quiet.small.block", {}, `${one.address}, ${one.messages.join(" ")}`)],
    trying(one) ? el("span.bad", {}, "trying again") : health(one.warnings, true),
    one.backlog ? `${one.backlog}, the oldest from ${ago(one.oldest, told.at)}` : "none",
    one.dead ? el("span.bad", {}, String(one.dead)) : "none",
    one.withheld ? String(one.withheld) : "none",
    ago(one.last_acknowledged, told.at),
    one.reason || "-",
    el("div.row", {}, ...acts(one, refresh)),
  ]);
  return rowsTable("Destinations", head, rows);
}

/** Something waits, and the last attempt failed: too early for a warning, and not in order. */
function trying(one) {
  return Boolean(!one.warnings.length && one.backlog && one.reason);
}

function acts(one, refresh) {
  const post = async (button, act, said) => {
    button.disabled = true;
    try {
      const answer = await call("POST", `${API}/destinations/${encodeURIComponent(one.name)}/${act}`);
      announce(said(answer));
    } catch (error) {
      announce(error.message);
    }
    button.blur();
    await refresh();
  };
  const button = (name, label, work) => {
    const made = el("button.plain", { type: "button", "aria-label": `${label} ${one.name}` }, name);
    made.addEventListener("click", () => work(made));
    return made;
  };
  const pause = async (made) => {
    const text = "What is under way is finished. Messages wait here, in their order, until you resume.";
    if (await confirmed(`Pause ${one.name}?`, text, "Pause")) await post(made, "pause", () => `${one.name} is paused.`);
  };
  const resend = async (made) => {
    const text = `${one.dead} dead letters are queued again, the same bytes under the same control ids.`;
    const said = (answer) => `${answer.queued} messages are queued again.`;
    if (await confirmed(`Send the dead letters of ${one.name} again?`, text, "Send again")) await post(made, "resend", said);
  };
  return [
    one.paused
      ? button("Resume", "Resume", (made) => post(made, "resume", () => `${one.name} goes on.`))
      : button("Pause", "Pause", pause),
    one.dead ? button("Send dead letters again", "Send the dead letters again of", resend) : null,
  ].filter(Boolean);
}
