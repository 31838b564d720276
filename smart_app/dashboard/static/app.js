// The page's frame: who is signed in, light or dark, and which view an address shows.
import { session, signOut } from "./api.js";
import { el, show } from "./dom.js";
import { watchIdleness } from "./idle.js";
import { signInView } from "./sign-in.js";
import { useTheme } from "./theme.js";
import { fillPlaces } from "./places.js";
import { listView } from "./list.js";
import { presentView } from "./present.js";
import { startView } from "./start.js";
import { consultationView } from "./consultation.js";
import { emergencyView } from "./emergency.js";

/** What is on the page. `recording` says whether leaving it would lose sound. */
const NOTHING = { leave() {}, recording: () => false };
let current = NOTHING;
let who = session.get()?.who;

/** Show what the address says. @param {string} [message] for the sign-in page */
function route(message = "") {
  current.leave();
  current = NOTHING;
  named();
  fillPlaces();
  if (!session.get()) {
    show(signInView(message, () => route()));
    return;
  }
  const [, place, id] = location.hash.replace(/^#/, "").split("/");
  if (place === "new") showAlive(startView(id ? decodeURIComponent(id) : null));
  else if (place === "present") showAlive(presentView());
  else if (place === "encounters" && id) showAlive(consultationView(decodeURIComponent(id)));
  else if (place === "emergency") showAlive(emergencyView());
  else show(listView());
  document.getElementById("main").focus({ preventScroll: true });
}

function showAlive(view) {
  current = { ...NOTHING, ...view };
  show(view.node);
}

function named() {
  const person = session.get();
  who = person?.who ?? who;
  document.getElementById("who").textContent = person?.display ?? "";
  for (const node of document.querySelectorAll(".bar .member")) node.hidden = !person;
}

/** Sign in over a page that records: its sound is not sent yet and must not be lost. */
function signInAbove(message) {
  const before = who;
  const dialog = el("dialog.over", { "aria-label": "Sign in again", oncancel: (event) => event.preventDefault() });
  const done = () => {
    dialog.remove();
    if (session.get().who !== before) {
      // Somebody else: what was recorded is not theirs to go on with.
      route();
      return;
    }
    named();
    window.dispatchEvent(new CustomEvent("signed-in"));
  };
  dialog.append(signInView(`${message} The recording goes on meanwhile.`, done));
  document.body.append(dialog);
  dialog.showModal();
  named();
}

function leave() {
  const sure = "A recording is running. Stop recording and sign out? Sound that was not sent yet is lost.";
  if (!current.recording() || window.confirm(sure)) signOut();
}

document.getElementById("leave").addEventListener("click", leave);
window.addEventListener("hashchange", () => route());
window.addEventListener("signed-out", (event) => {
  if (event.cancelable && current.recording()) signInAbove(event.detail);
  else route(event.detail);
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "n" && session.get()) location.hash = "#/new";
  if (event.key === "/") {
    const box = document.querySelector("input[type=search]");
    if (box) {
      event.preventDefault();
      box.focus();
    }
  }
  const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]:not(:disabled)`);
  if (button) {
    event.preventDefault();
    button.click();
  }
});
useTheme();
watchIdleness();
route();
