// Setting up and removing the second step of signing in, and its recovery codes.
import { call } from "./api.js";
import { announce, el } from "./dom.js";
import { ask, field } from "./frame.js";
import { recoveryCodes } from "./recovery-codes.js";

/** @param {any} account */
export function secondStepSection(account) {
  const body = el("div.stack");
  const rest = (...notes) => {
    body.replaceChildren(...notes, ...(account.totp ? on() : off()));
  };
  const off = () => [
    el("p.quiet", {}, "With a second step nobody gets in by your password alone. You need an authenticator app on your phone, such as the one that your clinic recommends."),
    el("div", {}, el("button", { type: "button", onclick: begin }, "Set up a second step")),
  ];
  const on = () => [
    el("p", {}, el("span.chip.done", {}, "on"), ` An authenticator app. ${left(account.recovery_codes)}`),
    el(
      "div.row",
      {},
      el("button.plain", { type: "button", onclick: renew }, "New recovery codes"),
      el("button.plain", { type: "button", onclick: remove }, "Remove the second step"),
    ),
  ];

  const withPassword = (button, note, send) => {
    const password = field("Your password", { id: "step-password", type: "password", autocomplete: "current-password" });
    body.replaceChildren(
      ask({ label: button, button, fields: [el("p.quiet", {}, note), password.node], cancel: () => rest(), send: () => send(password.input.value) }),
    );
    password.input.focus();
  };
  const begin = () =>
    withPassword("Go on", "First your password once more.", async (password) => {
      confirm(await call("POST", "/auth/account/totp", { password }));
    });
  const confirm = (offer) => {
    const code = field("Code that the app shows", { id: "totp", inputMode: "numeric", autocomplete: "one-time-code", maxLength: 7 });
    const groups = offer.secret.match(/.{1,4}/g).join(" ");
    body.replaceChildren(
      ask({
        label: "Set up a second step",
        button: "Turn it on",
        fields: [
          el("p", {}, "Read this picture with your authenticator app."),
          el("img.qr", { src: offer.qr, alt: "Picture for the authenticator app. Its key stands below as text." }),
          el("details", {}, el("summary", {}, "Without a camera: type this key"), el("code.block", { id: "secret" }, groups)),
          code.node,
        ],
        cancel: () => rest(),
        send: async () => {
          const answer = await call("POST", "/auth/account/totp/confirm", { code: code.input.value.trim() });
          account.totp = true;
          shown(answer.recovery_codes, "The second step is on. You are signed out everywhere else.");
          document.dispatchEvent(new CustomEvent("sessions-changed"));
        },
      }),
    );
    code.input.focus();
  };
  const shown = (codes, said) => {
    account.recovery_codes = codes.length;
    announce(said);
    body.replaceChildren(el("p.good", {}, said), recoveryCodes(codes, account.username, () => rest()));
    body.querySelector("h3").focus();
  };
  const renew = () =>
    withPassword("Make new codes", "The codes that you have stop working.", async (password) => {
      const answer = await call("POST", "/auth/account/recovery-codes", { password });
      shown(answer.recovery_codes, "The old codes do not work any more.");
    });
  const remove = () =>
    withPassword("Remove it", "After this your password alone is enough to sign in.", async (password) => {
      await call("POST", "/auth/account/totp/remove", { password });
      account.totp = false;
      account.recovery_codes = 0;
      announce("The second step is removed.");
      rest(el("p.good", {}, "The second step is removed."));
    });

  rest();
  return el("section.card.stack", { "aria-labelledby": "step-title" }, el("h2", { id: "step-title" }, "Second step"), body);
}

function left(count) {
  if (!count) return "No recovery codes are left: make new ones.";
  return count === 1 ? "One recovery code is left: make new ones." : `${count} recovery codes are left.`;
}
