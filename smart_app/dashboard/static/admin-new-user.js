// An account for somebody, who then sets a password by a link.
import { ask } from "./admin-link.js";
import { sensitive } from "./ask.js";
import { el } from "./dom.js";

/** @param {string[]} roles @param {() => void} back @param {(username: string) => void} open */
export function newUserView(roles, back, open) {
  const problem = el("p.error", { role: "alert", hidden: true });
  const username = el("input", { type: "text", id: "new-username", autocomplete: "off", required: true });
  const display = el("input", { type: "text", id: "new-display", autocomplete: "off", required: true });
  const email = el("input", { type: "email", id: "new-email", autocomplete: "off" });
  const reference = el("input", { type: "text", id: "new-reference", autocomplete: "off", placeholder: "Practitioner/..." });
  const boxes = roles.map((name) => ({ name, box: el("input", { type: "checkbox", id: `new-role-${name}`, checked: name === "clinician" }) }));
  const button = el("button", { type: "submit" }, "Make the account");
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.hidden = true;
    try {
      const made = await sensitive("/api/admin/users/create", {
        username: username.value,
        display: display.value,
        email: email.value,
        reference: reference.value,
        roles: boxes.filter((one) => one.box.checked).map((one) => one.name),
      });
      if (made) {
        await ask(made.username);
        open(made.username);
      }
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  };
  setTimeout(() => username.focus());
  const field = (label, input, hint) =>
    el("div", {}, el("label", { htmlFor: input.id }, label), input, hint ? el("p.quiet.small", {}, hint) : null);
  const tick = (one) => el("label.tick", { htmlFor: one.box.id }, one.box, one.name);
  return el(
    "form.card.form.stack",
    { onsubmit: submit },
    el("h2", {}, "New account"),
    problem,
    field("User name", username, "Letters, digits and . _ @ + -"),
    field("Full name", display, "As notes are signed."),
    field("E-mail", email),
    field("Existing person", reference, "A Practitioner/id or Patient/id. Left empty, a new person is made."),
    el("fieldset.plainset.stack", {}, el("legend", {}, "Roles"), ...boxes.map(tick)),
    el("div.row", {}, button, el("button.plain", { type: "button", onclick: back }, "Cancel")),
  );
}
