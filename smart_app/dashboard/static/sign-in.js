// The sign-in page.
import { signIn } from "./api.js";
import { el } from "./dom.js";

/** @param {string} message @param {() => void} done */
export function signInView(message, done) {
  const problem = el("p.error", { role: "alert", hidden: !message, textContent: message });
  const username = el("input", { type: "text", id: "username", autocomplete: "username", required: true });
  const password = el("input", { type: "password", id: "password", autocomplete: "current-password", required: true });
  const button = el("button", { type: "submit" }, "Sign in");
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.hidden = true;
    try {
      await signIn(username.value.trim(), password.value);
      done();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
      password.value = "";
      password.focus();
    } finally {
      button.disabled = false;
    }
  };
  setTimeout(() => username.focus());
  return el(
    "form.card.narrow.stack",
    { onsubmit: submit },
    el("h1", {}, "Sign in"),
    problem,
    el("div", {}, el("label", { htmlFor: "username" }, "User name"), username),
    el("div", {}, el("label", { htmlFor: "password" }, "Password"), password),
    button,
  );
}
