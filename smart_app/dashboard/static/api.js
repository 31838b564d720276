// REST calls with the token of this tab. A 401 anywhere leads back to the sign-in page.

const KEY = "aimed.session";

/** What went wrong, in a sentence for the page. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const session = {
  /** @returns {{token: string, display: string}|null} */
  get() {
    const text = sessionStorage.getItem(KEY);
    return text ? JSON.parse(text) : null;
  },
  /** @param {{token: string, display: string}} value */
  set(value) {
    sessionStorage.setItem(KEY, JSON.stringify(value));
  },
  clear() {
    sessionStorage.removeItem(KEY);
  },
};

/** @param {string} message */
function expired(message) {
  session.clear();
  window.dispatchEvent(new CustomEvent("signed-out", { detail: message }));
}

/**
 * @param {string} method @param {string} path @param {object} [body]
 * @returns {Promise<any>} the parsed answer, null when there is none
 */
export async function call(method, path, body) {
  const headers = { Accept: "application/json" };
  const current = session.get();
  if (current) headers.Authorization = `Bearer ${current.token}`;
  if (body) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body ? JSON.stringify(body) : undefined });
  } catch {
    throw new ApiError(0, "The server does not answer. Check the connection and try again.");
  }
  const text = await answer.text();
  const parsed = text ? JSON.parse(text) : null;
  if (answer.ok) return parsed;
  const message =
    parsed?.issue?.[0]?.diagnostics ?? parsed?.error_description ?? `The server answered ${answer.status}.`;
  if (answer.status === 401 && current) expired("Your session has ended: please sign in again.");
  throw new ApiError(answer.status, message);
}

/** @param {string} username @param {string} password */
export async function signIn(username, password) {
  const answer = await call("POST", "/auth/login", { username, password });
  session.set({ token: answer.access_token, display: answer.user.display });
}

export async function signOut() {
  await call("POST", "/auth/logout").catch(() => null);
  expired("You are signed out.");
}

/** The resources of a search. @param {string} query */
export async function search(query) {
  const bundle = await call("GET", `/fhir/${query}`);
  return (bundle.entry ?? []).map((entry) => entry.resource);
}

/** A WebSocket with the token as a subprotocol: browsers cannot send headers. @param {string} path */
export function socket(path) {
  const base = location.origin.replace(/^http/, "ws");
  return new WebSocket(base + path, ["aimed.v1", `bearer.${session.get()?.token ?? ""}`]);
}

/** A person's name from a Patient. @param {any} patient */
export function nameOf(patient) {
  const name = patient.name?.[0] ?? {};
  return name.text ?? ([...(name.given ?? []), name.family].filter(Boolean).join(" ") || "Unnamed");
}
