// A chart for reading in an emergency: what can kill first, then the rest.
import { call, nameOf, search } from "./api.js";
import { el } from "./dom.js";

const SECTIONS = [
  ["AllergyIntolerance", "Allergies"],
  ["MedicationRequest", "Medication"],
  ["MedicationStatement", "Medication as told"],
  ["Condition", "Conditions"],
  ["Procedure", "Procedures"],
  ["Immunization", "Immunizations"],
  ["Observation", "Observations"],
  ["Encounter", "Visits"],
];
const HIDDEN = ["R", "V"];

/**
 * @param {string} id of the patient @param {string} token of the emergency
 * @param {() => void} over the token is good no more
 */
export function chartView(id, token, over) {
  const node = el("div.form.stack", {}, el("div.card", { role: "status", "aria-label": "Loading the chart" }, el("div.bones"), el("div.bones"), el("div.bones")));
  const load = async () => {
    try {
      const patient = await call("GET", `/fhir/Patient/${encodeURIComponent(id)}`, undefined, token);
      const parts = SECTIONS.map(([type, title]) => section(type, title, id, token));
      node.replaceChildren(heading(patient), ...(await Promise.all(parts)));
    } catch (error) {
      if (error.status === 401) {
        over();
        return;
      }
      const again = el("button", { type: "button", onclick: load }, "Try again");
      node.replaceChildren(el("div.card.stack", {}, el("p.error", { role: "alert" }, error.message), el("div", {}, again)));
    }
  };
  load();
  return node;
}

function heading(patient) {
  const facts = [patient.birthDate && `born ${patient.birthDate}`, patient.gender].filter(Boolean).join(", ");
  return el("div", {}, el("h1", {}, nameOf(patient)), el("p.quiet", {}, facts));
}

async function section(type, title, id, token) {
  const body = el("div");
  try {
    const found = await search(`${type}?patient=${encodeURIComponent(id)}&_count=100`, token);
    body.append(found.length ? el("ul.plainlist", {}, ...found.map(row)) : el("p.quiet.small", {}, "Nothing recorded."));
  } catch (error) {
    body.append(el("p.error", { role: "alert" }, error.message));
  }
  return el("section.card", { "aria-label": title }, el("h2", {}, title), body);
}

function row(resource) {
  const hidden = (resource.meta?.security ?? []).some((label) => HIDDEN.includes(label.code));
  const facts = [value(resource), status(resource), date(resource)].filter(Boolean).join(", ");
  return el(
    "li.row",
    {},
    el("span", {}, title(resource), facts ? el("span.quiet.small", {}, ` ${facts}`) : null),
    hidden ? el("span.chip.live", {}, "otherwise hidden") : null,
  );
}

function words(concept) {
  return concept?.text ?? concept?.coding?.find((one) => one.display)?.display ?? concept?.coding?.[0]?.code;
}

function title(resource) {
  const concept = resource.code ?? resource.medicationCodeableConcept ?? resource.vaccineCode ?? resource.reasonCode?.[0] ?? resource.type?.[0];
  return words(concept) ?? resource.medicationReference?.display ?? "Without a name";
}

function value(resource) {
  const { valueQuantity: quantity, valueCodeableConcept: concept, valueString: text } = resource;
  if (quantity) return `${quantity.value} ${quantity.unit ?? quantity.code ?? ""}`.trim();
  return words(concept) ?? text ?? resource.dosageInstruction?.[0]?.text;
}

function status(resource) {
  return words(resource.clinicalStatus) ?? resource.status;
}

function date(resource) {
  const found =
    resource.effectiveDateTime ?? resource.onsetDateTime ?? resource.authoredOn ?? resource.performedDateTime ??
    resource.occurrenceDateTime ?? resource.recordedDate ?? resource.period?.start;
  return found?.slice(0, 10);
}
