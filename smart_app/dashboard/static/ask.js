// Questions in a dialog: is it meant, and the own password for what needs a recent sign-in.
import { ApiError, call } from "./api.js";
import { announce, el } from "./dom.js";

/** @param {any} dialog @returns {Promise<string>} its return value, empty when it was closed */
function opened(dialog) {
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    }),
  );
}

function close() {
  return el("button.plain", { type: "submit", value: "", formNoValidate: true }, "Cancel");
}

/**
 * Ask whether it is meant.
 * @param {string} title @param {string} text what will happen @param {string} action the button's text
 */
export async function confirmed(title, text, action) {
  const dialog = el(
    "dialog",
    { "aria-labelledby": "ask-title" },
    el(
      "form.stack",
      { method: "dialog" },
      el("h2", { id: "ask-title" }, title),
      el("p", {}, text),
      el("div.row", {}, close(), el("button.stop", { type: "submit", value: "yes" }, action)),
    ),
  );
  return (await opened(dialog)) === "yes";
}

/** Show something that is seen this once, with a button to copy it. */
export async function shownOnce(title, text, value) {
  const box = el("input", { type: "text", id: "once", readOnly: true, value });
  const copy = async () => {
    box.select();
    await navigator.clipboard?.writeText(value).catch(() => null);
    announce("Copied.");
  };
  const dialog = el(
    "dialog",
    { "aria-labelledby": "ask-title" },
    el(
      "form.stack",
      { method: "dialog" },
      el("h2", { id: "ask-title" }, title),
      el("p", { id: "once-text" }, text),
      el("div", {}, el("label", { htmlFor: "once" }, "Shown this once"), box),
      el(
        "div.row",
        {},
        el("button.plain", { type: "button", onclick: copy }, "Copy"),
        el("button", { type: "submit", value: "done" }, "Done"),
      ),
    ),
  );
  await opened(dialog);
}

/** @param {string} problem what was wrong with the last one */
async function ownPassword(problem) {
  const password = el("input", { type: "password", id: "own", autocomplete: "current-password", required: true });
  const dialog = el(
    "dialog",
    { "aria-labelledby": "ask-title" },
    el(
      "form.stack",
      { method: "dialog" },
      el("h2", { id: "ask-title" }, "Is it you?"),
      el("p", {}, "You signed in some time ago. Give your own password again for this change."),
      problem ? el("p.error", { role: "alert" }, problem) : null,
      el("div", {}, el("label", { htmlFor: "own" }, "Your password"), password),
      el("div.row", {}, close(), el("button", { type: "submit", value: "yes" }, "Go on")),
    ),
  );
  return (await opened(dialog)) === "yes" ? password.value : null;
}

/**
 * Post what may need the own password again; null when the person gives up.
 * @param {string} path @param {object} body
 */
export async function sensitive(path, body) {
  let sent = body;
  let problem = "";
  for (;;) {
    try {
      return await call("POST", path, sent);
    } catch (error) {
      const asks = error instanceof ApiError && error.status === 403 && error.body?.issue?.[0]?.code === "login";
      if (!asks) throw error;
      if (sent !== body) problem = error.message;
    }
    const password = await ownPassword(problem);
    if (password === null) return null;
    sent = { ...body, password };
  }
}
