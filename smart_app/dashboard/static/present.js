// Who is here by the hospital's admissions, kept up to date while the page is open.
import { ApiError, session } from "./api.js";
import { el } from "./dom.js";

const EVERY = 5000;

/**
 * Ask again and again; nothing is sent while nothing changed (304).
 * @param {(rows: any[]) => void} onChange @param {(error: Error) => void} onError
 * @returns {() => void} stops it
 */
export function watchPresent(onChange, onError) {
  let etag = null;
  let over = false;
  let timer;
  const ask = async () => {
    try {
      const headers = { Accept: "application/json", Authorization: `Bearer ${session.get()?.token ?? ""}` };
      if (etag) headers["If-None-Match"] = etag;
      const answer = await fetch("/api/patients/present", { headers, cache: "no-store" });
      if (over || answer.status === 304) return;
      if (!answer.ok) throw new ApiError(answer.status, "The list of patients who are here cannot be read.");
      const { present } = await answer.json();
      etag = answer.headers.get("ETag");
      if (!over) onChange(present);
    } catch (error) {
      if (!over) onError(error);
    } finally {
      // A hidden page asks nothing; it catches up when it is seen again.
      if (!over && session.get()) timer = setTimeout(ask, document.hidden ? EVERY * 12 : EVERY);
    }
  };
  ask();
  return () => {
    over = true;
    clearTimeout(timer);
  };
}

/** The list as a view of the page. @returns {{node: any, leave: () => void}} */
export function presentView() {
  const body = el("tbody");
  const none = el("p.quiet.empty", { hidden: true }, "Nobody is here by the hospital's admissions.");
  const problem = el("p.error", { role: "alert", hidden: true });
  const count = el("span.quiet", { role: "status" });
  const head = ["Patient", "Born", "Where", "Since", "Doctor", ""].map((text) => el("th", { scope: "col" }, text));
  const table = el("table", { hidden: true }, el("thead", {}, el("tr", {}, ...head)), body);
  const draw = (rows) => {
    problem.hidden = true;
    none.hidden = rows.length > 0;
    table.hidden = rows.length === 0;
    count.textContent = rows.length === 1 ? "1 patient" : `${rows.length} patients`;
    body.replaceChildren(...rows.map(row));
  };
  const fail = (error) => {
    problem.textContent = `${error.message} What is shown may be out of date.`;
    problem.hidden = false;
  };
  const stop = watchPresent(draw, fail);
  const node = el(
    "section.stack",
    {},
    el("div.row", {}, el("h1", {}, "Here now"), count, el("span.grow"), el("a", { href: "#/" }, "Consultations")),
    problem,
    el("div.card", {}, none, table),
  );
  return { node, leave: stop };
}

function row(one) {
  const start = `#/new/${encodeURIComponent(one.patient.split("/")[1])}`;
  const cells = [one.name || "Unnamed", one.born ?? "", one.place ?? "", since(one.since), one.doctor ?? ""];
  const link = el("a", { href: start, "aria-label": `New consultation with ${one.name || "this patient"}` }, "New consultation");
  return el("tr", {}, ...cells.map((text) => el("td", {}, text)), el("td", {}, link));
}

/** @param {string|null} text a FHIR dateTime */
export function since(text) {
  if (!text) return "";
  if (!text.includes("T")) return text;
  return new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}
