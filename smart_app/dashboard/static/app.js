// The page's frame: who is signed in, light or dark, and which view an address shows.
import { session, signOut } from "./api.js";
import { show } from "./dom.js";
import { signInView } from "./sign-in.js";
import { useTheme } from "./theme.js";
import { listView } from "./list.js";
import { startView } from "./start.js";
import { consultationView } from "./consultation.js";

let leaveView = () => {};

/** Show what the address says. @param {string} [message] for the sign-in page */
function route(message = "") {
  leaveView();
  leaveView = () => {};
  const current = session.get();
  document.getElementById("who").textContent = current?.display ?? "";
  document.getElementById("leave").hidden = !current;
  if (!current) {
    show(signInView(message, () => route()));
    return;
  }
  const [, place, id] = location.hash.replace(/^#/, "").split("/");
  if (place === "new") show(startView());
  else if (place === "encounters" && id) {
    const view = consultationView(decodeURIComponent(id));
    leaveView = view.leave;
    show(view.node);
  } else show(listView());
  document.getElementById("main").focus({ preventScroll: true });
}

document.getElementById("leave").addEventListener("click", signOut);
window.addEventListener("hashchange", () => route());
window.addEventListener("signed-out", (event) => route(event.detail));
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
route();
