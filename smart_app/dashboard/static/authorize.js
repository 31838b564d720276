// An application asks for access: the person signs in, picks a patient, and says yes to all or part.
import { call, nameOf, search, session, signOut } from "./api.js";
import { el, show } from "./dom.js";
import { categoriesOf, howLong, inWords } from "./scopes.js";
import { signInView } from "./sign-in.js";
import { useTheme } from "./theme.js";
import { watchIdleness } from "./idle.js";

const id = new URLSearchParams(location.search).get("request") ?? "";

async function route(message = "") {
  document.getElementById("who").textContent = session.get()?.display ?? "";
  document.getElementById("leave").hidden = !session.get();
  if (!session.get()) {
    show(signInView(message || "Sign in to answer the application.", () => route()));
    return;
  }
  show(el("div.card.form", { ariaBusy: "true" }, el("div.bones"), el("div.bones"), el("div.bones")));
  try {
    const asked = await call("GET", `/auth/authorize/${encodeURIComponent(id)}`);
    document.getElementById("who").textContent = asked.user.display;
    show(await consentView(asked));
    document.getElementById("main").focus({ preventScroll: true });
  } catch (error) {
    if (session.get()) show(failure(error.message));
  }
}

function failure(message) {
  return el(
    "div.card.narrow.stack",
    {},
    el("h1", {}, "This cannot go on"),
    el("p.error", { role: "alert" }, message),
    el("p.quiet", {}, "Close this page and start again from the application."),
  );
}

async function consentView(asked) {
  const problem = el("p.error", { role: "alert", hidden: true });
  const boxes = asked.scopes.map(scopeField);
  const needsPatient = !asked.launch?.patient && asked.scopes.includes("launch/patient");
  const picker = needsPatient ? patientField(asked.scopes.includes("launch/encounter")) : null;
  const lasts = el("p", { ariaLive: "polite" });
  const tellHowLong = () => {
    lasts.textContent = howLong(boxes.flatMap((box) => box.read()), asked.lasts);
  };
  tellHowLong();
  const allow = el("button", { type: "submit" }, "Allow");
  const deny = el("button.plain", { type: "button" }, "Deny");

  const send = async (scopes) => {
    problem.hidden = true;
    allow.disabled = deny.disabled = true;
    try {
      const body = { scopes, ...(scopes.length && picker ? picker.read() : {}) };
      const answer = await call("POST", `/auth/authorize/${encodeURIComponent(id)}`, body);
      location.assign(answer.redirect);
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
      allow.disabled = deny.disabled = false;
    }
  };
  deny.addEventListener("click", () => send([]));
  const submit = (event) => {
    event.preventDefault();
    const chosen = boxes.flatMap((box) => box.read());
    if (chosen.length) send(chosen);
    else {
      problem.textContent = "Nothing is ticked. Tick what it may do, or deny.";
      problem.hidden = false;
    }
  };
  return el(
    "form.card.form.stack",
    { onsubmit: submit, onchange: tellHowLong },
    el("h1", {}, `${asked.client.name} asks for access`),
    el("p.quiet", {}, `You are ${asked.user.display}. After this you go on at ${new URL(asked.redirect).host}.`),
    problem,
    await launchedWith(asked.launch),
    picker?.node,
    el("fieldset.plainset.stack", {}, el("legend", {}, "It would be able to"), ...boxes.map((box) => box.node)),
    lasts,
    links(asked.client),
    el("div.row", {}, allow, deny),
  );
}

function scopeField(scope, number) {
  const tick = el("input", { type: "checkbox", id: `scope-${number}`, checked: true });
  const narrower = categoriesOf(scope).map((one, place) => {
    const box = el("input", { type: "checkbox", id: `scope-${number}-${place}` });
    return { ...one, box, node: el("label.tick", { htmlFor: box.id }, box, one.name) };
  });
  const details = narrower.length
    ? el("details.indent", {}, el("summary.small", {}, "Only some of it"), ...narrower.map((one) => one.node))
    : null;
  const name = el("span", {}, inWords(scope), el("code.quiet.small.block", {}, scope));
  return {
    node: el("div", {}, el("label.tick", { htmlFor: tick.id }, tick, name), details),
    read() {
      if (!tick.checked) return [];
      const some = narrower.filter((one) => one.box.checked).map((one) => one.scope);
      return some.length ? some : [scope];
    },
  };
}

async function launchedWith(launch) {
  if (!launch?.patient) return null;
  const [patient] = await search(`Patient?_id=${encodeURIComponent(launch.patient)}`);
  return el("p", {}, "It opens with the patient ", el("strong", {}, patient ? nameOf(patient) : launch.patient), ".");
}

function patientField(withEncounter) {
  const query = el("input", { type: "search", id: "find", placeholder: "Family or given name" });
  const results = el("select", { id: "patient", size: 5, required: true });
  const encounters = el("select", { id: "encounter" });
  const none = el("p.quiet.small", { hidden: true }, "No patient of that name.");
  const visits = async () => {
    if (!withEncounter || !results.value) return;
    const found = await search(`Encounter?patient=${encodeURIComponent(results.value)}&_count=20`);
    encounters.replaceChildren(el("option", { value: "" }, "No visit"), ...found.map(visit));
  };
  const find = async () => {
    const name = query.value.trim();
    const found = await search(`Patient?_count=20${name ? `&name=${encodeURIComponent(name)}` : ""}`);
    if (name !== query.value.trim()) return;
    results.replaceChildren(...found.map(person));
    none.hidden = found.length > 0;
    // Of several nobody is chosen but by the person.
    results.selectedIndex = found.length === 1 ? 0 : -1;
    await visits();
  };
  let timer;
  query.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, 250);
  });
  results.addEventListener("change", visits);
  find();
  return {
    node: el(
      "div.stack",
      {},
      el("div", {}, el("label", { htmlFor: "find" }, "Which patient?"), query),
      el("label.hidden", { htmlFor: "patient" }, "Patient"),
      results,
      none,
      withEncounter ? el("div", {}, el("label", { htmlFor: "encounter" }, "Visit"), encounters) : null,
    ),
    read: () => ({ patient: results.value || null, encounter: encounters.value || null }),
  };
}

function person(patient) {
  const born = patient.birthDate ? `, born ${patient.birthDate}` : "";
  return el("option", { value: patient.id }, nameOf(patient) + born);
}

function visit(encounter) {
  const day = encounter.period?.start?.slice(0, 10) ?? "no date";
  return el("option", { value: encounter.id }, `${day}, ${encounter.status}`);
}

function links(client) {
  const shown = [
    ["About it", client.client_uri],
    ["Privacy", client.policy_uri],
    ["Terms", client.tos_uri],
  ].filter(([, address]) => address);
  if (!shown.length) return null;
  const made = shown.map(([name, href]) => el("a", { href, target: "_blank", rel: "noreferrer" }, name));
  return el("p.row.small", {}, ...made);
}

document.getElementById("leave").addEventListener("click", () => signOut());
window.addEventListener("signed-out", (event) => route(event.detail));
useTheme();
watchIdleness();
route();
