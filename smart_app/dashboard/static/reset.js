// A forgotten password: asking for the mail, and the page that its link opens.
import { call, session } from "./api.js";
import { el, show } from "./dom.js";
import { ask, field } from "./frame.js";
import { newPasswordFields } from "./password-fields.js";
import { useTheme } from "./theme.js";

function route() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  // Out of the address bar and the history: who looks over a shoulder or comes later cannot use it.
  if (token) history.replaceState(null, "", location.pathname);
  if (token) showCard("Set a new password", setting(token));
  else showCard("Forgot your password?", asking());
  setTimeout(() => document.querySelector("#main input")?.focus());
}

function showCard(heading, ...nodes) {
  show(el("section.card.narrow.stack", {}, el("h1", {}, heading), ...nodes));
}

function asking() {
  const address = field("Your e-mail address", { id: "email", type: "email", autocomplete: "email" });
  return ask({
    label: "Forgotten password",
    button: "Send me a link",
    fields: [
      el("p.quiet", {}, "We send a link to the address that your account has. With it you set a new password."),
      address.node,
    ],
    send: async () => {
      const answer = await call("POST", "/auth/password-reset", { email: address.input.value.trim() });
      showCard(
        "Look at your mail",
        el("p", { role: "status" }, answer.message),
        el("p.quiet", {}, "It comes within a few minutes and is good for 15. Nothing came? Look among the unwanted mail, or ask your administrator: perhaps your account has no address yet."),
        el("div", {}, el("a", { href: "/" }, "Back to the sign-in page")),
      );
      document.getElementById("main").focus();
    },
  });
}

function setting(token) {
  const fields = newPasswordFields();
  return ask({
    label: "New password",
    button: "Set the password",
    fields: fields.nodes,
    send: async () => {
      try {
        await call("POST", "/auth/password-reset/finish", { token, password: fields.read() });
      } catch (error) {
        if (error.body?.error === "invalid_grant") return spent(error.message);
        throw error;
      }
      session.clear();
      showCard(
        "Your password is changed",
        el("p", { role: "status" }, "You were signed out everywhere, and applications lost their access."),
        el("div", {}, el("a.button", { href: "/" }, "Sign in")),
      );
      document.querySelector("#main a").focus();
      return undefined;
    },
  });
}

function spent(message) {
  showCard(
    "This link does not work any more",
    el("p.error", { role: "alert" }, message),
    el("div", {}, el("button", { type: "button", onclick: route }, "Ask for a new link")),
  );
}

window.addEventListener("hashchange", route);
useTheme();
route();
