// Registered applications, and invitations to register one.
import { call } from "./api.js";
import { confirmed, sensitive, shownOnce } from "./ask.js";
import { announce, el } from "./dom.js";
import { fill, moment, rowsTable } from "./admin-frame.js";
import { inWords } from "./scopes.js";

const API = "/api/admin/clients";
const CHIPS = { active: "span.chip.done", pending: "span.chip", disabled: "span.chip.live" };

export function clientsView() {
  const box = el("div");
  const load = () =>
    fill(box, async () => {
      const [{ clients }, { invitations }] = await Promise.all([call("GET", API), call("GET", "/api/admin/invitations")]);
      const waiting = clients.filter((one) => one.status === "pending");
      const others = clients.filter((one) => one.status !== "pending");
      const none = clients.length ? null : el("p.empty.card", {}, "No application is registered.");
      return el("div.stack", {}, none, ...[...waiting, ...others].map((one) => card(one, load)), invitationsCard(invitations, load));
    });
  load();
  return box;
}

function card(client, load) {
  const problem = el("p.error", { role: "alert", hidden: true });
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
  const facts = [
    ["Id", client.client_id],
    ["Answers for it", client.owner],
    ["Proves itself by", client.token_endpoint_auth_method],
    ["Goes back to", client.redirect_uris.join(" ") || "nowhere: it acts by itself"],
    ["Registered", moment(new Date(client.client_id_issued_at * 1000).toISOString())],
  ];
  return el(
    "section.card.stack",
    {},
    el("div.row", {}, el("h2", {}, client.client_name), el(CHIPS[client.status], {}, client.status)),
    problem,
    el("dl.facts", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    el(
      "details",
      {},
      el("summary", {}, "The most that it may ever get"),
      el("ul", {}, ...client.scope.split(" ").map((scope) => el("li", {}, inWords(scope), el("code.quiet.small.block", {}, scope)))),
      scopeForm(client, act),
    ),
    actions(client, act),
  );
}

function scopeForm(client, act) {
  const box = el("input", { type: "text", id: `scope-${client.client_id}`, value: client.scope, required: true, autocomplete: "off" });
  const submit = (event) => {
    event.preventDefault();
    act(() => sensitive(`${path(client)}/scope`, { scope: box.value }), "The scopes are changed.");
  };
  return el(
    "form.stack",
    { onsubmit: submit },
    el("div", {}, el("label", { htmlFor: box.id }, "Scopes, with a space between them"), box),
    el("button.plain", { type: "submit" }, "Save the scopes"),
  );
}

function actions(client, act) {
  const name = client.client_name;
  const meant = async (title, text, action, work) => ((await confirmed(title, text, action)) ? work() : null);
  const done = async (promise) => {
    await promise;
    return true;
  };
  const button = (text, work, kind = ".plain") => el(`button${kind}`, { type: "button", onclick: work }, text);
  const secret = () =>
    act(
      () =>
        meant(`A new secret for ${name}?`, "The present one stays valid for a week.", "Make a new secret", async () => {
          const made = await sensitive(`${path(client)}/secret`, {});
          if (made) await shownOnce("New secret", `Give it to who runs ${name}.`, made.client_secret);
          return made;
        }),
      "A new secret was made.",
    );
  const disable = () =>
    act(() => meant(`Disable ${name}?`, "Its tokens end at once.", "Disable", () => call("POST", `${path(client)}/disable`)), `${name} is disabled.`);
  const remove = () =>
    act(
      () => meant(`Delete ${name}?`, "It is forgotten with everything that people permitted it.", "Delete", () => done(call("DELETE", path(client)))),
      `${name} is deleted.`,
    );
  const approve = () => act(() => sensitive(`${path(client)}/approve`, {}), `${name} may ask for access.`);
  return el(
    "div.row",
    {},
    client.status === "active" ? null : button(client.status === "pending" ? "Approve" : "Enable", approve, ""),
    client.token_endpoint_auth_method.startsWith("client_secret") ? button("New secret", secret) : null,
    client.status === "active" ? button("Disable", disable) : null,
    button("Delete", remove, ".stop"),
  );
}

function path(client) {
  return `${API}/${encodeURIComponent(client.client_id)}`;
}

function invitationsCard(invitations, load) {
  const owner = el("input", { type: "text", id: "owner", required: true, autocomplete: "off" });
  const scope = el("input", { type: "text", id: "invited-scope", required: true, value: "openid fhirUser launch/patient patient/*.rs", autocomplete: "off" });
  const problem = el("p.error", { role: "alert", hidden: true });
  const fail = (error) => {
    problem.textContent = error.message;
    problem.hidden = false;
  };
  const submit = async (event) => {
    event.preventDefault();
    problem.hidden = true;
    try {
      const made = await sensitive("/api/admin/invitations", { owner: owner.value, scope: scope.value });
      if (!made) return;
      await shownOnce("Invitation", "Whoever has it registers one application at /auth/register, for a week.", made.token);
      load();
    } catch (error) {
      fail(error);
    }
  };
  const withdraw = (one) =>
    el(
      "button.plain",
      { type: "button", onclick: () => call("DELETE", `/api/admin/invitations/${encodeURIComponent(one.id)}`).then(load, fail) },
      "Withdraw",
    );
  const rows = invitations.map((one) => [one.owner, one.scope, moment(one.expires), withdraw(one)]);
  return el(
    "section.card.stack",
    {},
    el("h2", {}, "Invitations"),
    problem,
    rows.length ? rowsTable("Invitations", ["For", "At most", "Until", ""], rows) : el("p.quiet", {}, "No invitation is open."),
    el(
      "form.filters",
      { onsubmit: submit },
      el("div", {}, el("label", { htmlFor: "owner" }, "Who answers for the application"), owner),
      el("div", {}, el("label", { htmlFor: "invited-scope" }, "The most that it may ask for"), scope),
      el("div", {}, el("button", { type: "submit" }, "Invite")),
    ),
  );
}
