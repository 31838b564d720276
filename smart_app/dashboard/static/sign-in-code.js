// The second step: a code of the authenticator app, or a recovery code.
import { call } from "./api.js";
import { el } from "./dom.js";

const APP = {
  label: "Code of your authenticator app",
  hint: "Six digits, new every 30 seconds.",
  props: { inputMode: "numeric", autocomplete: "one-time-code", maxLength: 7 },
  other: "Use a recovery code instead",
};
const RECOVERY = {
  label: "Recovery code",
  hint: "One of the codes that you kept when you set up the second step. Each works once.",
  props: { inputMode: "text", autocomplete: "off", maxLength: 40 },
  other: "Use the authenticator app instead",
};

/**
 * Ask for the code in place of the ways of signing in.
 * @param {import("./sign-in.js").Visit} visit
 * @param {{continuation: string, factors: string[]}} step the answer of the first step
 */
export function codeStep(visit, step) {
  visit.next("Second step", codeForm(visit, step, APP));
}

function codeForm(visit, step, kind) {
  const code = el("input", { type: "text", id: "code", required: true, "aria-describedby": "code-hint", ...kind.props });
  const button = el("button", { type: "submit" }, "Sign in");
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    visit.tell("");
    try {
      visit.enter(await call("POST", "/auth/login/code", { continuation: step.continuation, code: code.value.trim() }));
    } catch (error) {
      visit.tell(error.message);
      code.value = "";
      code.focus();
    } finally {
      button.disabled = false;
    }
  };
  const swap = () => visit.next("Second step", codeForm(visit, step, kind === APP ? RECOVERY : APP));
  const other = step.factors.includes("recovery")
    ? el("button.plain", { type: "button", onclick: swap }, kind.other)
    : null;
  return el(
    "form.stack",
    { onsubmit: submit, "aria-label": "Second step" },
    el("div", {}, el("label", { htmlFor: "code" }, kind.label), code),
    el("p.quiet.small", { id: "code-hint" }, kind.hint),
    el("div.row", {}, button, other),
    el("div", {}, el("button.link", { type: "button", onclick: () => visit.restart() }, "Start again")),
  );
}
