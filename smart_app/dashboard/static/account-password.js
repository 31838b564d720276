// Changing the password by who knows the present one.
import { call } from "./api.js";
import { announce, el } from "./dom.js";
import { ask, field } from "./frame.js";
import { newPasswordFields } from "./password-fields.js";

/** @param {any} account */
export function passwordSection(account) {
  const body = el("div.stack");
  const closed = (...notes) => {
    const since = account.password_changed?.slice(0, 10);
    const text = since ? `Last changed on ${since}.` : "It is the one that you were given.";
    body.replaceChildren(
      ...notes,
      el("p.quiet", {}, text),
      el("div", {}, el("button.plain", { type: "button", onclick: open }, "Change the password")),
    );
  };
  const open = () => {
    const current = field("Present password", { id: "current", type: "password", autocomplete: "current-password" });
    const fields = newPasswordFields();
    // Lets a password store know whose password this is.
    const name = el("input", { type: "text", value: account.username, autocomplete: "username", hidden: true });
    body.replaceChildren(
      ask({
        label: "Change the password",
        button: "Change it",
        fields: [name, current.node, ...fields.nodes],
        cancel: () => closed(),
        send: async () => {
          await call("POST", "/auth/account/password", { current: current.input.value, new: fields.read() });
          account.password_changed = new Date().toISOString();
          closed(el("p.good", {}, "The password is changed. You are signed out everywhere else."));
          announce("The password is changed.");
          document.dispatchEvent(new CustomEvent("sessions-changed"));
        },
      }),
    );
    current.input.focus();
  };
  closed();
  return el("section.card.stack", { "aria-labelledby": "password-title" }, el("h2", { id: "password-title" }, "Password"), body);
}
