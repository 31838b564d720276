// Emergency access: one chart for an hour, for reading, with a reason ("break the glass").
import { call, emergency, nameOf, search } from "./api.js";
import { announce, clock, el } from "./dom.js";
import { chartView } from "./emergency-chart.js";
import { ask, field } from "./frame.js";

/** @returns {{node: Node, leave: () => void}} */
export function emergencyView() {
  const node = el("div.stack");
  let timer = 0;
  const draw = (message = "") => {
    clearInterval(timer);
    const access = emergency.get();
    if (access) node.replaceChildren(...chart(access));
    else node.replaceChildren(asking(message));
  };

  const chart = (access) => {
    const time = el("span.clock", { role: "timer", "aria-label": "Time left" });
    const tick = () => {
      const seconds = (access.until - Date.now()) / 1000;
      time.textContent = clock(seconds);
      if (seconds <= 0) over("The emergency access is over: its hour has passed.");
    };
    const over = (message) => {
      emergency.clear();
      announce(message);
      draw(message);
    };
    const end = async () => {
      await call("POST", "/auth/logout", undefined, access.token).catch(() => null);
      over("The emergency access is ended.");
    };
    tick();
    timer = setInterval(tick, 1000);
    const bar = el(
      "div.card.status.emergency",
      {},
      el("strong", {}, "Emergency access"),
      el("span", {}, time, " left, for reading"),
      el("span.grow"),
      el("button", { type: "button", onclick: end }, "End it now"),
    );
    return [bar, chartView(access.patient, access.token, () => over("The emergency access is over."))];
  };

  const asking = (message) => {
    const patient = patientField();
    const reason = el("textarea", { id: "reason", rows: 3, required: true, minLength: 10, maxLength: 500, "aria-describedby": "reason-hint" });
    return el(
      "section.card.form.stack",
      {},
      el("h1", {}, "Emergency access"),
      message ? el("p", { role: "status" }, message) : null,
      el("p", {}, "Opens one patient's whole chart for an hour, for reading, also what is otherwise hidden from you. Every use is recorded with your name and reason, and is looked at afterwards."),
      ask({
        label: "Emergency access",
        button: "Open the chart",
        fields: [
          ...patient.nodes,
          el("div", {}, el("label", { htmlFor: "reason" }, "Reason"), reason, el("p.quiet.small", { id: "reason-hint" }, "Why the patient cannot wait, in ten characters or more.")),
        ],
        send: async () => {
          const sent = { patient: patient.read(), reason: reason.value.trim() };
          const answer = await call("POST", "/auth/emergency", sent);
          emergency.set({ token: answer.access_token, patient: answer.patient, until: Date.now() + answer.expires_in * 1000 });
          draw();
          announce("The chart is open for an hour.");
        },
      }),
      el("div", {}, el("a", { href: "#/" }, "Cancel")),
    );
  };
  draw();
  return { node, leave: () => clearInterval(timer) };
}

function patientField() {
  const query = field("Find the patient", { id: "find", type: "search", required: false, placeholder: "Family or given name" });
  const results = el("select", { id: "patient", size: 4 });
  const number = field("Or the patient's record number", { id: "number", required: false, autocomplete: "off" });
  const find = async () => {
    const name = query.input.value.trim();
    try {
      const found = await search(`Patient?_count=20${name ? `&name=${encodeURIComponent(name)}` : ""}`);
      if (name !== query.input.value.trim()) return;
      // A late answer does not take away what was chosen meanwhile.
      const chosen = results.value;
      results.replaceChildren(...found.map(option));
      results.value = chosen;
    } catch {
      results.replaceChildren();
    }
  };
  let timer;
  query.input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, 250);
  });
  find();
  return {
    nodes: [query.node, el("div", {}, el("label", { htmlFor: "patient" }, "Patient"), results), number.node],
    read() {
      const id = number.input.value.trim() || results.value;
      if (!id) throw new Error("Choose a patient, or enter the record number.");
      return id;
    },
  };
}

function option(patient) {
  const born = patient.birthDate ? `, born ${patient.birthDate}` : "";
  return el("option", { value: patient.id }, nameOf(patient) + born);
}
