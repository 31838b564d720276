// Where somebody is signed in.
import { call } from "./api.js";
import { confirmed } from "./ask.js";
import { el } from "./dom.js";
import { fill, moment, rowsTable } from "./admin-frame.js";

const API = "/api/admin/users/sessions";

/** @param {string} username @param {(work: () => Promise<any>, done: string) => Promise<void>} act */
export function sessionsBox(username, act) {
  const box = el("div");
  fill(box, async () => {
    const { sessions } = await call("POST", API, { username });
    return sessions.length ? listOf(sessions, username, act) : el("p.empty", {}, "Signed in nowhere.");
  });
  return el("section.card.stack", {}, el("h2", {}, "Sessions"), box);
}

function listOf(sessions, username, act) {
  const end = (one) =>
    el("button.plain", { type: "button", onclick: () => act(() => ended(username, one.id), "The session has ended.") }, "End");
  const all = async () => {
    const text = "Every session ends, and connected apps lose their access.";
    return (await confirmed(`Sign ${username} out everywhere?`, text, "End all")) ? ended(username, "") : null;
  };
  const rows = sessions.map((one) => [where(one), moment(one.last_used), moment(one.expires), one.current ? "yours, now" : end(one)]);
  return el(
    "div.stack",
    {},
    rowsTable("Sessions", ["Where", "Last used", "Ends", ""], rows),
    el("button.plain", { type: "button", onclick: () => act(all, "All sessions have ended.") }, "End all sessions"),
  );
}

async function ended(username, session) {
  await call("POST", `${API}/end`, { username, session });
  return true;
}

function where(one) {
  if (one.emergency) return `Emergency access, ${one.address}`;
  if (one.client) return `Application ${one.client}`;
  return [one.address || "address unknown", one.agent ? el("span.quiet.small.block", {}, one.agent) : ""];
}
