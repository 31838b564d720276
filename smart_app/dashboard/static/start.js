// Starting a consultation: who, how it is heard, and the patient's agreement.
import { call, nameOf, search } from "./api.js";
import { el } from "./dom.js";
import { pending } from "./pending.js";
import { watchPresent } from "./present.js";

/**
 * @param {string|null} wanted the id of the patient to offer first
 * @returns {{node: any, leave: () => void}}
 */
export function startView(wanted = null) {
  let chosen = null;
  let here = [];
  let others = [];
  const problem = el("p.error", { role: "alert", hidden: true });
  const results = el("select", { id: "patient", size: 5, required: true });
  const query = el("input", { type: "search", id: "find", placeholder: "Family or given name" });
  const consent = el("input", { type: "checkbox", id: "consent", required: true });
  const source = sourceFields();
  const fresh = newPatientFields();
  const button = el("button", { type: "submit" }, "Start recording");

  const find = async () => {
    try {
      const name = query.value.trim();
      const which = name ? `&name=${encodeURIComponent(name)}` : wanted ? `&_id=${encodeURIComponent(wanted)}` : "";
      const found = await search(`Patient?_count=20${which}`);
      if (name !== query.value.trim()) return;
      others = found;
      draw();
      // An answer that comes late must not close what somebody has begun to fill in: the visit would
      // be recorded on whoever is in the list.
      if (!fresh.begun()) fresh.box.open = results.options.length === 0;
    } catch (error) {
      fail(error);
    }
  };
  // Who is here comes first: it is nearly always one of them.
  const draw = () => {
    const before = results.value;
    const words = query.value.trim().toLowerCase();
    const near = here.filter((one) => (words ? one.name.toLowerCase().includes(words) : !wanted || one.patient === `Patient/${wanted}`));
    const known = new Set(near.map((one) => one.patient));
    const rest = others.filter((one) => !known.has(`Patient/${one.id}`));
    const groups = near.length ? [group("Here now", near.map(present)), group("Others", rest.map(option))] : rest.map(option);
    results.replaceChildren(...groups);
    results.value = before;
    // Nobody is chosen but by a person: here, or by the link that led here.
    if (results.selectedIndex < 0 && wanted) results.value = `Patient/${wanted}`;
  };
  const fail = (error) => {
    problem.textContent = error.message;
    problem.hidden = false;
    button.disabled = false;
  };
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.hidden = true;
    try {
      chosen = fresh.box.open ? await fresh.create() : results.value;
      if (!chosen) throw new Error("Choose a patient, or enter a new one.");
      const input = source.read();
      const started = await call("POST", "/api/encounters", {
        patient: chosen,
        consent: consent.checked,
        channels: input.channels,
        roles: input.channels === 2 ? ["doctor", "patient"] : [],
      });
      pending.set(started.id, input);
      location.hash = `#/encounters/${encodeURIComponent(started.id)}`;
    } catch (error) {
      fail(error);
    }
  };
  let timer;
  query.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, 250);
  });
  fresh.box.addEventListener("toggle", () => (results.required = !fresh.box.open));
  find();
  const stop = watchPresent(
    (rows) => {
      here = rows;
      draw();
    },
    () => {}, // the search still offers everybody
  );
  const node = el(
    "form.card.form.stack",
    { onsubmit: submit },
    el("h1", {}, "New consultation"),
    problem,
    el("div", {}, el("label", { htmlFor: "find" }, "Find the patient"), query),
    el("div", {}, el("label", { htmlFor: "patient" }, "Patient"), results),
    fresh.box,
    source.box,
    el("label.tick", { htmlFor: "consent" }, consent, "The patient agrees to be recorded."),
    el("div.row", {}, button, el("a", { href: "#/" }, "Cancel")),
  );
  return { node, leave: stop };
}

function group(label, options) {
  return el("optgroup", { label }, ...options);
}

function present(one) {
  const born = one.born ? `, born ${one.born}` : "";
  const place = one.place ? ` (${one.place})` : "";
  return el("option", { value: one.patient }, `${one.name || "Unnamed"}${born}${place}`);
}

function option(patient) {
  const born = patient.birthDate ? `, born ${patient.birthDate}` : "";
  return el("option", { value: `Patient/${patient.id}` }, nameOf(patient) + born);
}

function newPatientFields() {
  const given = el("input", { type: "text", id: "given", autocomplete: "off" });
  const family = el("input", { type: "text", id: "family", autocomplete: "off" });
  const born = el("input", { type: "date", id: "born" });
  const choices = ["", "female", "male", "other", "unknown"].map((value) => el("option", { value }, value || "not recorded"));
  const gender = el("select", { id: "gender" }, ...choices);
  const field = (label, input) => el("div", {}, el("label", { htmlFor: input.id }, label), input);
  const box = el(
    "details.stack",
    {},
    el("summary", {}, "The patient is new here"),
    field("Given name", given),
    field("Family name", family),
    field("Date of birth", born),
    field("Sex", gender),
  );
  let touched = false;
  for (const [target, event] of [[box.firstChild, "click"], [box, "input"]]) target.addEventListener(event, () => (touched = true));
  const begun = () => touched;
  const create = async () => {
    if (!family.value.trim()) throw new Error("Enter the new patient's family name.");
    const patient = { resourceType: "Patient", name: [{ family: family.value.trim() }] };
    if (given.value.trim()) patient.name[0].given = given.value.trim().split(/\s+/);
    if (born.value) patient.birthDate = born.value;
    if (gender.value) patient.gender = gender.value;
    return `Patient/${(await call("POST", "/fhir/Patient", patient)).id}`;
  };
  return { box, create, begun };
}

function sourceFields() {
  const kinds = [
    ["microphone", "Microphone"],
    ["file", "Audio file"],
  ].map(([value, text]) => el("option", { value }, text));
  const kind = el("select", { id: "source" }, ...kinds);
  const channels = el(
    "select",
    { id: "channels" },
    el("option", { value: "1" }, "one channel, everybody on it"),
    el("option", { value: "2" }, "two channels: doctor left, patient right"),
  );
  const file = el("input", { type: "file", id: "file", accept: "audio/*" });
  const speed = el("select", { id: "speed" }, el("option", { value: "1" }, "as fast as it was spoken"), el("option", { value: "4" }, "four times as fast"));
  const fileBox = el(
    "div.stack",
    { hidden: true },
    el("div", {}, el("label", { htmlFor: "file" }, "File"), file),
    el("div", {}, el("label", { htmlFor: "speed" }, "Speed"), speed),
  );
  kind.addEventListener("change", () => (fileBox.hidden = kind.value !== "file"));
  const box = el(
    "div.stack",
    {},
    el("div", {}, el("label", { htmlFor: "source" }, "Sound from"), kind),
    fileBox,
    el("div", {}, el("label", { htmlFor: "channels" }, "Channels"), channels),
  );
  const read = () => {
    if (kind.value === "file" && !file.files.length) throw new Error("Choose an audio file.");
    return {
      channels: Number(channels.value),
      file: kind.value === "file" ? file.files[0] : null,
      speed: kind.value === "file" ? Number(speed.value) : 1,
    };
  };
  return { box, read };
}
