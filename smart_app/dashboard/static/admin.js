// The administration: which of its parts an address shows.
import { el } from "./dom.js";
import { clientsView } from "./admin-clients.js";
import { emergenciesView } from "./admin-emergencies.js";
import { usersView } from "./admin-users.js";
import { framed } from "./admin-frame.js";

const PARTS = [
  { name: "People", hash: "#/users", view: usersView },
  { name: "Applications", hash: "#/clients", view: clientsView },
  { name: "Emergency access", hash: "#/emergencies", view: emergenciesView },
];

function adminView() {
  const part = PARTS.find((one) => one.hash === location.hash) ?? PARTS[0];
  const link = (one) => el("a", { href: one.hash, "aria-current": one === part ? "page" : null }, one.name);
  return el(
    "div.stack",
    {},
    el("h1", {}, "Administration"),
    el("nav.places", { "aria-label": "Parts of the administration" }, ...PARTS.map(link)),
    part.view(),
  );
}

framed("admin", "The administration is for people with the role admin.", adminView);
