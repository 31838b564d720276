// The pages that somebody's roles are for, as links in the page's frame.
import { call, session } from "./api.js";
import { el } from "./dom.js";

const PLACES = [
  { name: "Consultations", path: "/", roles: ["clinician", "nurse"] },
  { name: "Administration", path: "/admin", roles: ["admin"] },
  { name: "HL7 v2", path: "/hl7v2", roles: ["admin"] },
  { name: "Audit trail", path: "/audit", roles: ["auditor"] },
  { name: "Connected apps", path: "/apps", roles: [] },
];
const KEY = "aimed.roles";

/** The roles of who is signed in, asked for once. @returns {Promise<string[]>} */
export async function rolesOf() {
  const token = session.get()?.token;
  if (!token) return [];
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (kept?.token === token) return kept.roles;
  const { roles } = await call("GET", "/auth/account");
  sessionStorage.setItem(KEY, JSON.stringify({ token, roles }));
  return roles;
}

/** Show the links, or none before sign-in. */
export async function fillPlaces() {
  const bar = document.getElementById("places");
  if (!bar) return;
  const roles = await rolesOf().catch(() => []);
  const own = PLACES.filter((one) => !one.roles.length || one.roles.some((role) => roles.includes(role)));
  const here = location.pathname;
  const link = (one) => el("a", { href: one.path, "aria-current": one.path === here ? "page" : null }, one.name);
  bar.replaceChildren(...(session.get() ? own.map(link) : []));
}
