// Where the person is signed in, and ending that.
import { call } from "./api.js";
import { announce, el } from "./dom.js";

/** @returns {Node} */
export function sessionsSection() {
  const body = el("div.stack", {}, el("div.bones"), el("div.bones"));
  const load = async () => {
    try {
      const { sessions } = await call("GET", "/auth/sessions");
      draw(sessions.filter((one) => !one.client));
    } catch (error) {
      const again = el("button.plain", { type: "button", onclick: load }, "Try again");
      body.replaceChildren(el("p.error", { role: "alert" }, error.message), el("div", {}, again));
    }
  };
  const end = (path, said) => async (event) => {
    event.target.disabled = true;
    try {
      await call("DELETE", path);
      announce(said);
      await load();
      body.querySelector("button")?.focus();
    } catch (error) {
      event.target.disabled = false;
      body.prepend(el("p.error", { role: "alert" }, error.message));
    }
  };
  const draw = (sessions) => {
    const others = sessions.filter((one) => !one.current).length;
    body.replaceChildren(
      el("ul.plainlist", {}, ...sessions.map(row)),
      others ? el("div", {}, el("button.plain", { type: "button", onclick: end("/auth/sessions", "All other sessions are ended.") }, "End all others")) : "",
    );
  };
  const row = (one) => {
    const where = `${browserOf(one.agent)}${one.address ? `, from ${one.address}` : ""}`;
    const path = `/auth/sessions/${encodeURIComponent(one.id)}`;
    const button = el("button.plain", { type: "button", "aria-label": `End the session ${where}`, onclick: end(path, "The session is ended.") }, "End");
    return el(
      "li.row",
      {},
      el("div", {}, el("div", {}, where), el("div.quiet.small", {}, `Signed in ${moment(one.issued)}, last used ${moment(one.last_used)}`)),
      el("span.grow"),
      one.current ? el("span.chip.done", {}, "this one") : button,
    );
  };
  document.addEventListener("sessions-changed", load);
  load();
  return el("section.card.stack", { "aria-labelledby": "sessions-title" }, el("h2", { id: "sessions-title" }, "Where you are signed in"), body);
}

function moment(text) {
  return new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

/** A browser's name in words, from its User-Agent. @param {string} agent */
function browserOf(agent) {
  const names = [
    [/Edg\//, "Edge"],
    [/OPR\//, "Opera"],
    [/Firefox\//, "Firefox"],
    [/Chrom(e|ium)\//, "Chrome"],
    [/Safari\//, "Safari"],
  ];
  const systems = [
    [/iPhone|iPad/, "iOS"],
    [/Android/, "Android"],
    [/Windows/, "Windows"],
    [/Mac OS X/, "macOS"],
    [/Linux/, "Linux"],
  ];
  const first = (table) => table.find(([pattern]) => pattern.test(agent))?.[1];
  const [name, system] = [first(names), first(systems)];
  if (name && system) return `${name} on ${system}`;
  return name ?? (agent.split(/[\s/]/)[0] || "Unknown program");
}
