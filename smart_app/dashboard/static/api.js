// REST calls with the token of this tab. A token that has ended leads back to the sign-in page.

const KEY = "aimed.session";
const EMERGENCY = "aimed.emergency";

/** What went wrong, in a sentence for the page. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message @param {any} [body] what the server sent */
  constructor(status, message, body = null) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

export const session = {
  /** @returns {{token: string, display: string, who: string}|null} */
  get() {
    const text = sessionStorage.getItem(KEY);
    return text ? JSON.parse(text) : null;
  },
  /** @param {{token: string, display: string, who: string}} value */
  set(value) {
    sessionStorage.setItem(KEY, JSON.stringify(value));
  },
  /** Keep what a sign-in answered. @param {any} answer */
  begin(answer) {
    session.set({ token: answer.access_token, display: answer.user.display, who: answer.user.reference });
  },
  clear() {
    sessionStorage.clear(); // what other parts keep in this tab goes with the token
  },
};

/** An emergency access that was opened in this tab; it goes with the session. */
export const emergency = {
  /** @returns {{token: string, patient: string, until: number}|null} while it lasts */
  get() {
    const found = JSON.parse(sessionStorage.getItem(EMERGENCY) ?? "null");
    return found && found.until > Date.now() ? found : null;
  },
  /** @param {{token: string, patient: string, until: number}} value */
  set(value) {
    sessionStorage.setItem(EMERGENCY, JSON.stringify(value));
  },
  clear() {
    sessionStorage.removeItem(EMERGENCY);
  },
};

/**
 * The session is over: forget it and tell the page, once.
 * @param {string} [message] for the sign-in page
 * @param {boolean} [wanted] whether the person wants to leave, so that nothing waits for them
 */
export function sessionEnded(message = "Your session has ended: please sign in again.", wanted = false) {
  if (!session.get()) return;
  session.clear();
  window.dispatchEvent(new CustomEvent("signed-out", { detail: message, cancelable: !wanted }));
}

/**
 * A socket was closed because its token is good no more.
 * @param {WebSocket} connection @param {() => void} again opens it with the token of a later sign-in
 */
export function socketEnded(connection, again) {
  const current = session.get()?.token;
  if (current && tokens.get(connection) !== current) {
    // The person has signed in again before this socket noticed.
    again();
    return;
  }
  window.addEventListener("signed-in", again, { once: true });
  sessionEnded();
}

/**
 * @param {string} method @param {string} path @param {object} [body] JSON, or a form
 * @param {string} [token] another one than the session's
 * @returns {Promise<any>} the parsed answer, null when there is none
 */
export async function call(method, path, body, token = session.get()?.token) {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const form = body instanceof URLSearchParams;
  if (body && !form) headers["Content-Type"] = "application/json";
  const sent = form || !body ? body : JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: sent });
  } catch {
    throw new ApiError(0, "The server does not answer. Check the connection and try again.");
  }
  const text = await answer.text();
  const parsed = text ? JSON.parse(text) : null;
  if (answer.ok) return parsed;
  const message =
    parsed?.issue?.[0]?.diagnostics ?? parsed?.error_description ?? `The server answered ${answer.status}.`;
  if (parsed?.error === "password_change_required") location.assign(`/set-password#${parsed.continuation}`);
  // A wrong password on the account page is a 401 too; a session that has ended says so (RFC 6750 section 3.1).
  const ended = answer.headers.get("WWW-Authenticate")?.includes('error="invalid_token"');
  if (answer.status === 401 && ended && token === session.get()?.token) sessionEnded();
  throw new ApiError(answer.status, message, parsed);
}

/** @param {string} [message] for the sign-in page */
export async function signOut(message = "You are signed out.") {
  const held = [emergency.get()?.token, session.get()?.token].filter(Boolean);
  // The page first: whoever comes by sees nothing more, even when the server does not answer.
  sessionEnded(message, true);
  for (const token of held) await call("POST", "/auth/logout", undefined, token).catch(() => null);
}

/**
 * The resources of a search, by POST: names do not belong into addresses.
 * @param {string} query @param {string} [token]
 */
export async function search(query, token) {
  const [type, parameters] = query.split("?");
  const bundle = await call("POST", `/fhir/${type}/_search`, new URLSearchParams(parameters), token);
  return (bundle.entry ?? []).map((entry) => entry.resource);
}

/** @type {WeakMap<WebSocket, string>} */
const tokens = new WeakMap();

/**
 * Save an answer as a file. @param {string} path @param {object} body @param {string} name
 * @returns {Promise<number>} how many lines it has
 */
export async function download(path, body, name) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${session.get()?.token ?? ""}` };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const content = await answer.blob();
  const text = await content.text();
  if (!answer.ok) throw new ApiError(answer.status, JSON.parse(text)?.issue?.[0]?.diagnostics ?? "It failed.");
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
  return text.split("\n").filter(Boolean).length;
}

/** A WebSocket with the token as a subprotocol: browsers cannot send headers. @param {string} path */
export function socket(path) {
  const base = location.origin.replace(/^http/, "ws");
  const token = session.get()?.token ?? "";
  const connection = new WebSocket(base + path, ["aimed.v1", `bearer.${token}`]);
  tokens.set(connection, token);
  return connection;
}

/** A person's name from a Patient. @param {any} patient */
export function nameOf(patient) {
  const name = patient.name?.[0] ?? {};
  return name.text ?? ([...(name.given ?? []), name.family].filter(Boolean).join(" ") || "Unnamed");
}
