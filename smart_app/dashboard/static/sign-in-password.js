// Signing in by user name and password, with a second step for who has set one up.
import { call } from "./api.js";
import { el } from "./dom.js";
import { secondStep } from "./sign-in-second-step.js";

/** @param {import("./sign-in.js").Visit} visit */
export function passwordWay(visit) {
  const username = el("input", { type: "text", id: "username", autocomplete: "username webauthn", required: true });
  const password = el("input", { type: "password", id: "password", autocomplete: "current-password", required: true });
  const button = el("button", { type: "submit" }, "Sign in");
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    visit.tell("");
    try {
      visit.enter(await call("POST", "/auth/login", { username: username.value.trim(), password: password.value }));
    } catch (error) {
      if (error.body?.error === "second_factor_required") {
        secondStep(visit, error.body);
        return;
      }
      visit.tell(error.message);
      password.value = "";
      password.focus();
    } finally {
      button.disabled = false;
    }
  };
  return el(
    "form.stack",
    { onsubmit: submit, "aria-label": "User name and password" },
    el("div", {}, el("label", { htmlFor: "username" }, "User name"), username),
    el("div", {}, el("label", { htmlFor: "password" }, "Password"), password),
    button,
    el("div", {}, el("a.small", { href: "/reset" }, "Forgot your password?")),
  );
}
