// One account: what it is, what may be done with it, where the person is signed in.
import { call } from "./api.js";
import { ask } from "./admin-link.js";
import { sessionsBox } from "./admin-sessions.js";
import { statusChip } from "./admin-users.js";
import { confirmed, sensitive } from "./ask.js";
import { announce, el } from "./dom.js";
import { fill, moment } from "./admin-frame.js";

const API = "/api/admin/users";

/** @param {string} username @param {() => void} back */
export function userView(username, back) {
  const box = el("div");
  const all = el("button.plain", { type: "button", onclick: back }, "Back to the list");
  const load = () =>
    fill(box, async () => {
      const [user, { roles }] = await Promise.all([
        call("POST", `${API}/show`, { username }),
        call("POST", `${API}/search`, { count: 1 }),
      ]);
      return whole(user, roles, load);
    });
  load();
  setTimeout(() => all.focus());
  return el("div.stack", {}, el("div.row", {}, all), box);
}

function whole(user, roles, load) {
  const problem = el("p.error", { role: "alert", hidden: true });
  /** Do something, say so, and show the account as it is then. */
  const act = async (work, done) => {
    problem.hidden = true;
    try {
      if ((await work()) === null) return;
      await load();
      document.getElementById("main").focus({ preventScroll: true });
      announce(done);
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
  };
  return el(
    "div.columns",
    {},
    el("section.card.stack", {}, el("h2", {}, user.display), problem, facts(user), actions(user, act)),
    rolesForm(user, roles, act),
    sessionsBox(user.username, act),
  );
}

function facts(user) {
  const rows = [
    ["User name", user.username],
    ["Person", user.reference],
    ["E-mail", user.email || "none"],
    ["Status", statusChip(user)],
    ["Last sign-in", moment(user.last_sign_in)],
    ["Password set", user.must_change_password ? `${moment(user.password_changed)}, must be changed` : moment(user.password_changed)],
    ["Second factor", user.second_factor ? "set up" : "none"],
    ["Failed sign-ins", lockText(user.lock)],
  ];
  return el("dl.facts", {}, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function lockText(lock) {
  if (lock.until) return el("span.bad", {}, `${lock.failures}, no try counts until ${moment(lock.until)}`);
  return lock.failures ? `${lock.failures} in a row` : "none";
}

function actions(user, act) {
  const name = user.username;
  const post = (path) => call("POST", `${API}/${path}`, { username: name });
  const meant = async (title, text, action, work) => ((await confirmed(title, text, action)) ? work() : null);
  const button = (text, work, kind = ".plain") => el(`button${kind}`, { type: "button", onclick: work }, text);
  const disable = () =>
    act(
      () => meant(`Disable ${name}?`, "Sessions and connected apps end at once, and nobody can sign in with it.", "Disable", () => post("disable")),
      `${name} is disabled.`,
    );
  const change = () =>
    act(
      () =>
        meant(`Ask ${name} for another password?`, "Sessions end now. At the next sign-in another password has to be set.", "Ask for it", () =>
          sensitive(`${API}/require-password-change`, { username: name }),
        ),
      "Another password has to be set.",
    );
  const factor = () =>
    act(
      () =>
        meant(`Remove the second factor of ${name}?`, "Be sure that it is the person who asks. Afterwards the password alone is enough.", "Remove", () =>
          sensitive(`${API}/remove-second-factor`, { username: name }),
        ),
      "The second factor is removed.",
    );
  const active = user.status === "active";
  const waits = user.lock.failures > 0;
  return el(
    "div.row",
    {},
    active ? button("One-time link", () => act(() => ask(name), "A link was made.")) : null,
    user.has_password ? button("Ask for another password", change) : null,
    user.second_factor ? button("Remove the second factor", factor) : null,
    waits ? button("Unlock", () => act(() => post("unlock"), "Unlocked.")) : null,
    active ? button("Disable", disable, ".stop") : button("Enable", () => act(() => post("enable"), `${name} is enabled.`), ""),
  );
}

function rolesForm(user, roles, act) {
  const boxes = roles.map((name) => ({ name, box: el("input", { type: "checkbox", id: `role-${name}`, checked: user.roles.includes(name) }) }));
  const submit = (event) => {
    event.preventDefault();
    const chosen = boxes.filter((one) => one.box.checked).map((one) => one.name);
    act(async () => {
      const text = `${user.display} will be: ${chosen.join(", ") || "nothing"}. Sessions and connected apps end.`;
      if (!(await confirmed("Change the roles?", text, "Change"))) return null;
      return sensitive("/api/admin/users/roles", { username: user.username, roles: chosen });
    }, "The roles are changed.");
  };
  return el(
    "form.card.stack",
    { onsubmit: submit },
    el("fieldset.plainset.stack", {}, el("legend", {}, "Roles"), ...boxes.map((one) => el("label.tick", { htmlFor: one.box.id }, one.box, one.name))),
    el("button", { type: "submit" }, "Save the roles"),
  );
}
