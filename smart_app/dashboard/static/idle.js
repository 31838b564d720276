// Signs out who has left: a count-down before the server ends the session, and a way to stay.
// A recording that runs is use, here as on the server (docs/guides/running.md).
import { call, session, signOut } from "./api.js";
import { el } from "./dom.js";

const WARNING_MS = 60_000;
const NOTED_MS = 60_000; // the server notes a use once a minute: ours come no more often
const AGAIN_MS = 30_000;
const LAST = "aimed.used";

const busy = new Set();

/** Keep the session open while something runs, such as a recording. @returns {() => void} ends it */
export function keepAwake() {
  const mark = Symbol("busy");
  busy.add(mark);
  return () => busy.delete(mark);
}

/** Begin to watch. Every page does so once. */
export function watchIdleness() {
  let idleMs = 0;
  let told = 0; // when the server last heard of us through this page
  let token = "";
  let warning = null;

  const used = () => {
    localStorage.setItem(LAST, String(Date.now()));
  };
  const heard = () => {
    told = Date.now();
  };
  const learn = async () => {
    // A session of another account may have another length.
    token = session.get()?.token ?? "";
    idleMs = 0;
    if (!token) return;
    used();
    try {
      idleMs = (await call("GET", "/auth/account")).idle_seconds * 1000;
      heard();
    } catch {
      setTimeout(() => token && !idleMs && learn(), AGAIN_MS);
    }
  };
  const stay = async () => {
    used();
    close();
    await call("GET", "/auth/me").then(heard, () => null);
  };
  const close = () => {
    warning?.close();
    warning = null;
  };
  const open = () => {
    const left = el("strong", { role: "timer" });
    const dialog = el(
      "dialog",
      { "aria-labelledby": "idle-title", oncancel: (event) => { event.preventDefault(); stay(); } },
      el(
        "div.stack",
        {},
        el("h2", { id: "idle-title" }, "Are you still there?"),
        el("p", {}, "Nothing was done for a while. You are signed out in ", left, "."),
        el(
          "div.row",
          {},
          el("button", { type: "button", onclick: stay, autofocus: true }, "Stay signed in"),
          el("button.plain", { type: "button", onclick: () => { close(); signOut(); } }, "Sign out now"),
        ),
      ),
    );
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    return Object.assign(dialog, { left });
  };
  const look = () => {
    const current = session.get()?.token ?? "";
    if (current !== token) {
      close();
      learn();
      return;
    }
    if (!token || !idleMs) return;
    if (busy.size) used();
    const last = Number(localStorage.getItem(LAST)) || 0;
    const rest = last + idleMs - Date.now();
    if (rest > WARNING_MS) {
      close();
      // Typing is use too, and the server hears of it by this.
      if (last > told && Date.now() - told > NOTED_MS) {
        heard();
        call("GET", "/auth/me").catch(() => null);
      }
    } else if (rest > 0) {
      warning ??= open();
      const seconds = Math.ceil(rest / 1000);
      warning.left.textContent = seconds === 1 ? "1 second" : `${seconds} seconds`;
    } else {
      close();
      signOut("You were signed out because nothing was done for a while.");
    }
  };
  for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) {
    // While the question stands only its answer counts.
    window.addEventListener(kind, () => warning ?? used(), { passive: true, capture: true });
  }
  learn();
  setInterval(look, 1000);
}
