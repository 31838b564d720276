// The frame of the pages for administrators and auditors: sign-in, the role, and what is shown.
import { session, signOut } from "./api.js";
import { el, show } from "./dom.js";
import { watchIdleness } from "./idle.js";
import { fillPlaces, rolesOf } from "./places.js";
import { signInView } from "./sign-in.js";
import { useTheme } from "./theme.js";

/** @param {string} role who may see it @param {string} refusal @param {() => Node} view */
export function framed(role, refusal, view) {
  const route = async (message = "") => {
    const current = session.get();
    document.getElementById("who").textContent = current?.display ?? "";
    document.getElementById("leave").hidden = !current;
    fillPlaces();
    if (!current) {
      show(signInView(message, () => route()));
      return;
    }
    show(bones());
    try {
      const roles = await rolesOf();
      show(roles.includes(role) ? view() : notFor(refusal));
      document.getElementById("main").focus({ preventScroll: true });
    } catch (error) {
      if (session.get()) show(failure(error, () => route()));
    }
  };
  document.getElementById("leave").addEventListener("click", () => signOut());
  window.addEventListener("hashchange", () => route());
  window.addEventListener("signed-out", (event) => route(event.detail));
  useTheme();
  watchIdleness();
  route();
}

/** Grey lines while something loads. */
export function bones() {
  const lines = Array.from({ length: 4 }, () => el("div.bones"));
  return el("div", { role: "status", "aria-label": "Loading" }, ...lines);
}

/** What went wrong, and trying again. @param {Error} error @param {() => void} again */
export function failure(error, again) {
  const button = el("button.plain", { type: "button", onclick: again }, "Try again");
  return el("div.stack", {}, el("p.error", { role: "alert" }, error.message), button);
}

const newest = new WeakMap();

/** Load something into a box; what was asked for before and comes later is not shown. @param {HTMLElement} box @param {() => Promise<Node>} make */
export async function fill(box, make) {
  newest.set(box, make);
  const show = (node) => newest.get(box) === make && box.replaceChildren(node);
  show(bones());
  try {
    show(await make());
  } catch (error) {
    if (session.get()) show(failure(error, () => fill(box, make)));
  }
}

function notFor(refusal) {
  return el(
    "div.card.form.stack",
    {},
    el("h1", {}, "Not for your role"),
    el("p", {}, refusal),
    el("p", {}, el("a", { href: "/" }, "To the consultations")),
  );
}

/** A moment in local time. @param {string|null} text */
export function moment(text) {
  return text ? new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : "never";
}

/**
 * A table that becomes a list of cards on narrow screens.
 * @param {string} name for screen readers @param {string[]} head @param {any[][]} rows of cell contents
 */
export function rowsTable(name, head, rows) {
  const cells = (row) => row.map((cell, at) => el("td", { "data-label": head[at] }, el("span", {}, ...[cell].flat())));
  return el(
    "table.rows",
    { "aria-label": name },
    el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, ...rows.map((row) => el("tr", {}, ...cells(row)))),
  );
}
