// Finding people, and who is chosen of them. Names stay out of the address: a patient may be one.
import { call } from "./api.js";
import { announce, el } from "./dom.js";
import { newUserView } from "./admin-new-user.js";
import { userView } from "./admin-user.js";
import { fill, moment, rowsTable } from "./admin-frame.js";

const API = "/api/admin/users";

export function usersView() {
  const place = el("div");
  const back = () => place.replaceChildren(listOf(open, add));
  const open = (username) => place.replaceChildren(userView(username, back));
  const add = (roles) => place.replaceChildren(newUserView(roles, back, open));
  back();
  return place;
}

function listOf(open, add) {
  const text = el("input", { type: "search", id: "text", autocomplete: "off", placeholder: "Name, user name or e-mail" });
  const role = el("select", { id: "role" }, el("option", { value: "" }, "any role"));
  const status = el(
    "select",
    { id: "status" },
    ...[["", "any"], ["active", "active"], ["disabled", "disabled"]].map(([value, name]) => el("option", { value }, name)),
  );
  const results = el("div");
  const fresh = el("button", { type: "button", disabled: true }, "New account");
  let roles = [];
  const page = async (after = "") => {
    const asked = { text: text.value, role: role.value, status: status.value, after };
    const found = await call("POST", `${API}/search`, asked);
    if (!roles.length) {
      roles = found.roles;
      role.append(...roles.map((name) => el("option", { value: name }, name)));
      fresh.disabled = false;
    }
    return found;
  };
  const load = () => fill(results, async () => listed(await page(), page, open));
  fresh.addEventListener("click", () => add(roles));
  let timer;
  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(load, 250);
  });
  role.addEventListener("change", load);
  status.addEventListener("change", load);
  load();
  const field = (label, input) => el("div", {}, el("label", { htmlFor: input.id }, label), input);
  return el(
    "section.card.stack",
    {},
    el("div.row", {}, el("h2", {}, "People"), el("span.grow"), fresh),
    el("div.filters", { role: "search" }, field("Find", text), field("Role", role), field("Status", status)),
    results,
  );
}

function listed(first, page, open) {
  if (!first.users.length) return el("p.empty", {}, "Nobody is found.");
  const head = ["Name", "User name", "Roles", "Status", "Last sign-in"];
  const table = rowsTable("People", head, []);
  const body = table.querySelector("tbody");
  const more = el("button.plain", { type: "button" }, "Show more");
  let next = "";
  const append = (found) => {
    const rows = rowsTable("", head, found.users.map((one) => row(one, open))).querySelectorAll("tbody tr");
    body.append(...rows);
    next = found.next;
    more.hidden = !next;
    announce(`${body.children.length} people shown.`);
  };
  more.addEventListener("click", async () => {
    more.disabled = true;
    await page(next).then(append, (error) => announce(error.message));
    more.disabled = false;
  });
  append(first);
  return el("div.stack", {}, table, more);
}

function row(user, open) {
  const name = el("button.link", { type: "button", onclick: () => open(user.username) }, user.display);
  return [name, user.username, user.roles.join(", "), statusChip(user), moment(user.last_sign_in)];
}

/** @param {any} user */
export function statusChip(user) {
  if (user.status === "disabled") return el("span.chip.live", {}, "disabled");
  if (!user.has_password) return el("span.chip", {}, "waits for a password");
  return el("span.chip.done", {}, "active");
}
