// What every page but the dashboard itself does alike: the frame, signing in, loading, failing.
import { session, signOut } from "./api.js";
import { el, show } from "./dom.js";
import { watchIdleness } from "./idle.js";
import { fillPlaces } from "./places.js";
import { signInView } from "./sign-in.js";
import { useTheme } from "./theme.js";

/**
 * Show a page for who is signed in, and the sign-in page for others.
 * @param {() => Promise<Node>} view draws the page; what it throws is shown with a way to try again
 * @returns {() => void} draws it again
 */
export function memberPage(view) {
  const route = async (message = "") => {
    whoIsThere();
    if (!session.get()) {
      show(signInView(message, () => route()));
      return;
    }
    show(bones());
    try {
      show(await view());
      document.getElementById("main").focus({ preventScroll: true });
    } catch (error) {
      if (session.get()) show(failure(error, () => route()));
    }
  };
  document.getElementById("leave")?.addEventListener("click", () => signOut());
  window.addEventListener("signed-out", (event) => route(event.detail));
  useTheme();
  watchIdleness();
  route();
  return () => route();
}

function whoIsThere() {
  const current = session.get();
  fillPlaces();
  document.getElementById("who").textContent = current?.display ?? "";
  for (const node of document.querySelectorAll(".bar .member")) node.hidden = !current;
}

function bones() {
  const lines = Array.from({ length: 4 }, () => el("div.bones"));
  return el("div.card.form", { role: "status", "aria-label": "Loading" }, ...lines);
}

function failure(error, again) {
  return el(
    "div.card.form.stack",
    {},
    el("p.error", { role: "alert" }, error.message),
    el("button", { type: "button", onclick: again }, "Try again"),
  );
}

/**
 * A form that sends once at a time and says what went wrong in itself.
 * @param {object} parts
 * @param {string} parts.label the form's name for screen readers
 * @param {string} parts.button the text of its button
 * @param {Node[]} parts.fields
 * @param {() => Promise<void>} parts.send
 * @param {() => void} [parts.cancel] shows a cancel button
 */
export function ask({ label, button, fields, send, cancel }) {
  const problem = el("p.error", { role: "alert", hidden: true });
  const go = el("button", { type: "submit" }, button);
  const submit = async (event) => {
    event.preventDefault();
    go.disabled = true;
    problem.hidden = true;
    try {
      await send();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    } finally {
      go.disabled = false;
    }
  };
  return el(
    "form.stack",
    { onsubmit: submit, "aria-label": label },
    ...fields,
    problem,
    el("div.row", {}, go, cancel ? el("button.plain", { type: "button", onclick: cancel }, "Cancel") : null),
  );
}

/** A labelled input. @param {string} label @param {Record<string, any>} props with an id */
export function field(label, props) {
  const input = el("input", { type: "text", required: true, ...props });
  return { input, node: el("div", {}, el("label", { htmlFor: props.id }, label), input) };
}

