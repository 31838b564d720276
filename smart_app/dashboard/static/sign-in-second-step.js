// The second step of signing in: a passkey for who has one, or a code.
import { call } from "./api.js";
import { el } from "./dom.js";
import { passkeysWork, usePasskey } from "./passkeys.js";
import { codeStep } from "./sign-in-code.js";

/**
 * Ask for the second factor in place of the ways of signing in.
 * @param {import("./sign-in.js").Visit} visit
 * @param {{continuation: string, factors: string[]}} step the answer of the first step
 */
export async function secondStep(visit, step) {
  if (!step.factors.includes("passkey")) codeStep(visit, step);
  else if (await passkeysWork()) visit.next("Second step", passkeyForm(visit, step));
  else if (step.factors.includes("totp")) codeStep(visit, step);
  else visit.next("Second step", nowhere(visit));
}

function passkeyForm(visit, step) {
  const button = el("button", { type: "submit" }, "Use your passkey");
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    visit.tell("");
    try {
      const { continuation } = step;
      const { publicKey } = await call("POST", "/auth/login/passkey/options", { continuation });
      const credential = await usePasskey(publicKey);
      visit.enter(await call("POST", "/auth/login/passkey", { credential, continuation }));
    } catch (error) {
      visit.tell(error.message);
    } finally {
      button.disabled = false;
    }
  };
  const codes = () => codeStep(visit, step);
  setTimeout(() => button.focus());
  return el(
    "form.stack",
    { onsubmit: submit, "aria-label": "Second step" },
    el("p.quiet", {}, "Unlock it with your fingerprint, face or PIN, or touch your security key."),
    el(
      "div.row",
      {},
      button,
      step.factors.includes("totp") ? el("button.plain", { type: "button", onclick: codes }, "Use a code instead") : null,
    ),
    again(visit),
  );
}

function nowhere(visit) {
  const text = "Your second step is a passkey, and passkeys do not work in this browser or at this address.";
  return el("div.stack", {}, el("p", {}, text), again(visit));
}

function again(visit) {
  return el("div", {}, el("button.link", { type: "button", onclick: () => visit.restart() }, "Start again"));
}
