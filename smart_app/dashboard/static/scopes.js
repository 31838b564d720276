// SMART scopes in words, and the categories that a wide one can be narrowed to.

const PLAIN = {
  openid: "Know that it is you who signed in",
  fhirUser: "Know who you are: your name and role",
  launch: "Know which patient is open here",
  "launch/patient": "Know which patient you choose",
  "launch/encounter": "Know which visit you choose",
  offline_access: "Keep this access when you are away, until you end it",
  online_access: "Keep this access while you are signed in",
};
const VERBS = { c: "add", r: "read", u: "change", d: "delete", s: "search" };
const OLD = { read: "rs", write: "cud", "*": "cruds" };
const OBSERVATION = "http://terminology.hl7.org/CodeSystem/observation-category";
const CONDITION = "http://terminology.hl7.org/CodeSystem/condition-category";

/** For each type the categories that US Core asks servers to tell apart. */
const CATEGORIES = {
  Observation: [
    [`${OBSERVATION}|vital-signs`, "Vital signs"],
    [`${OBSERVATION}|laboratory`, "Laboratory results"],
    [`${OBSERVATION}|social-history`, "Social history"],
    [`${OBSERVATION}|survey`, "Surveys and assessments"],
  ],
  Condition: [
    [`${CONDITION}|problem-list-item`, "Problem list"],
    [`${CONDITION}|encounter-diagnosis`, "Diagnoses of visits"],
    ["http://hl7.org/fhir/us/core/CodeSystem/condition-category|health-concern", "Health concerns"],
  ],
};

/** @param {string} scope */
export function inWords(scope) {
  if (PLAIN[scope]) return PLAIN[scope];
  const [, level, type, action, query] = scope.match(/^(\w+)\/([\w*]+)\.([^?]+)\??(.*)$/) ?? [];
  if (!level) return scope;
  const verbs = [...(OLD[action] ?? action)].map((letter) => VERBS[letter]);
  const last = verbs.pop();
  const what = type === "*" ? "everything" : `${spaced(type)} records`;
  const whose = level === "patient" ? "of the chosen patient" : "that you may see yourself";
  const doing = verbs.length ? `${verbs.join(", ")} and ${last}` : last;
  const only = query ? `, only where ${decodeURIComponent(query).replaceAll("&", " and ")}` : "";
  const text = `${doing} ${what} ${whose}${only}`;
  return text[0].toUpperCase() + text.slice(1);
}

/** @param {string} type */
function spaced(type) {
  return type.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

/**
 * How long the access lasts with these scopes, in a sentence.
 * @param {string[]} scopes
 * @param {{access_seconds: number, grant_days: number}} lasts
 */
export function howLong(scopes, lasts) {
  const once = `${Math.round(lasts.access_seconds / 60)} minutes`;
  if (scopes.includes("offline_access"))
    return `Its access lasts for ${lasts.grant_days} days, or until you end it under Connected apps.`;
  if (scopes.includes("online_access"))
    return `Its access lasts while you are signed in here, and ends ${once} later at most.`;
  return `Its access ends after ${once} at most.`;
}

/** The narrower scopes of one that names a type with categories. @param {string} scope */
export function categoriesOf(scope) {
  const [, type] = scope.match(/^\w+\/(\w+)\.[^?]+$/) ?? [];
  return (CATEGORIES[type] ?? []).map(([code, name]) => ({ scope: `${scope}?category=${code}`, name }));
}
