// The audit trail: searching it, whether it is whole, emergencies.
import { el } from "./dom.js";
import { emergenciesView } from "./admin-emergencies.js";
import { chainView } from "./audit-chain.js";
import { eventsView } from "./audit-events.js";
import { framed } from "./admin-frame.js";

const PARTS = [
  { name: "Events", hash: "#/events", view: eventsView },
  { name: "Is it whole?", hash: "#/chain", view: chainView },
  { name: "Emergency access", hash: "#/emergencies", view: emergenciesView },
];

function auditView() {
  const part = PARTS.find((one) => one.hash === location.hash) ?? PARTS[0];
  const link = (one) => el("a", { href: one.hash, "aria-current": one === part ? "page" : null }, one.name);
  return el(
    "div.stack",
    {},
    el("h1", {}, "Audit trail"),
    el("nav.places", { "aria-label": "Parts of the audit trail" }, ...PARTS.map(link)),
    part.view(),
  );
}

framed("auditor", "The audit trail is for people with the role auditor.", auditView);
