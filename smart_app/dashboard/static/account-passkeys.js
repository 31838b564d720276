// The account page's passkeys: adding, naming and removing them.
import { call } from "./api.js";
import { announce, el } from "./dom.js";
import { ask, field } from "./frame.js";
import { makePasskey, passkeysWork } from "./passkeys.js";

const ROOT = "/auth/account/passkeys";

/** @returns {Node} */
export function passkeySection() {
  const body = el("div.stack", {}, el("div.bones"), el("div.bones"));
  const load = async (...notes) => {
    try {
      const [{ passkeys }, work] = await Promise.all([call("GET", ROOT), passkeysWork()]);
      draw(passkeys, work, notes);
    } catch (error) {
      const again = el("button.plain", { type: "button", onclick: () => load() }, "Try again");
      body.replaceChildren(el("p.error", { role: "alert" }, error.message), el("div", {}, again));
    }
  };
  const told = async (text) => {
    announce(text);
    await load(el("p.good", {}, text));
  };
  const draw = (passkeys, work, notes) => {
    body.replaceChildren(
      ...notes,
      el("p.quiet", {}, "A passkey signs you in by fingerprint, face or PIN, without a password. It cannot be given away on a false page."),
      passkeys.length ? el("ul.plainlist", {}, ...passkeys.map(row)) : "",
      work
        ? el("div", {}, el("button", { type: "button", onclick: add }, "Add a passkey"))
        : el("p.quiet.small", {}, "Passkeys cannot be added in this browser or at this address."),
    );
  };
  const row = (one) => {
    const act = (text, does) =>
      el("button.plain", { type: "button", "aria-label": `${text} the passkey ${one.name}`, onclick: () => does(one) }, text);
    const used = one.used ? `last used ${day(one.used)}` : "not used yet";
    return el(
      "li.row",
      {},
      el("div", {}, el("div", {}, one.name), el("div.quiet.small", {}, `Added ${day(one.created)}, ${used}${one.synced ? ", on all your devices" : ""}`)),
      el("span.grow"),
      act("Rename", rename),
      act("Remove", remove),
    );
  };
  const form = (parts, first) => {
    body.replaceChildren(ask({ ...parts, cancel: () => load() }));
    first.focus();
  };
  const nameField = (value) => field("What you call it", { id: "passkey-name", value, maxLength: 60, autocomplete: "off" });
  const passwordField = () => field("Your password", { id: "passkey-password", type: "password", autocomplete: "current-password" });

  const add = () => {
    const name = nameField("");
    const password = passwordField();
    name.input.placeholder = "Such as: ward laptop";
    const send = async () => {
      const { publicKey } = await call("POST", `${ROOT}/options`, { password: password.input.value });
      const credential = await makePasskey(publicKey);
      await call("POST", ROOT, { name: name.input.value.trim(), credential });
      document.dispatchEvent(new CustomEvent("sessions-changed"));
      await told("The passkey is added. You are signed out everywhere else.");
    };
    form({ label: "Add a passkey", button: "Go on", fields: [name.node, password.node], send }, name.input);
  };
  const rename = (one) => {
    const name = nameField(one.name);
    const send = async () => {
      await call("POST", `${ROOT}/${encodeURIComponent(one.id)}/name`, { name: name.input.value.trim() });
      await told("The passkey has its new name.");
    };
    form({ label: "Rename the passkey", button: "Rename", fields: [name.node], send }, name.input);
  };
  const remove = (one) => {
    const password = passwordField();
    const note = el("p", {}, `After this ${one.name} does not sign you in any more. Delete it on the device too.`);
    const send = async () => {
      await call("POST", `${ROOT}/${encodeURIComponent(one.id)}/remove`, { password: password.input.value });
      await told("The passkey is removed.");
    };
    form({ label: "Remove the passkey", button: "Remove", fields: [note, password.node], send }, password.input);
  };

  load();
  return el("section.card.stack", { id: "passkeys", "aria-labelledby": "passkeys-title" }, el("h2", { id: "passkeys-title" }, "Passkeys"), body);
}

function day(text) {
  return new Date(text).toLocaleDateString([], { dateStyle: "medium" });
}
