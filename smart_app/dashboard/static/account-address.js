// The address that mail about the account goes to.
import { call } from "./api.js";
import { announce, el } from "./dom.js";
import { ask, field } from "./frame.js";

/** @param {any} account */
export function addressSection(account) {
  const body = el("div.stack");
  const closed = (...notes) => {
    const text = account.email || "None yet: without one a forgotten password cannot be reset by mail.";
    body.replaceChildren(
      ...notes,
      el("p", {}, text),
      el("div", {}, el("button.plain", { type: "button", onclick: open }, account.email ? "Change the address" : "Add an address")),
    );
  };
  const open = () => {
    const address = field("E-mail address", { id: "email", type: "email", autocomplete: "email", value: account.email, required: false });
    const password = field("Your password", { id: "email-password", type: "password", autocomplete: "current-password" });
    body.replaceChildren(
      ask({
        label: "E-mail address",
        button: "Save",
        fields: [address.node, password.node],
        cancel: () => closed(),
        send: async () => {
          const email = address.input.value.trim();
          await call("POST", "/auth/account/email", { email, password: password.input.value });
          account.email = email.toLowerCase();
          closed(el("p.good", {}, "Saved."));
          announce("The address is saved.");
        },
      }),
    );
    address.input.focus();
  };
  closed();
  return el("section.card.stack", { "aria-labelledby": "email-title" }, el("h2", { id: "email-title" }, "E-mail address"), body);
}
