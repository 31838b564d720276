// Clinical alerts, most severe first, with their reasons and an answer.
import { call } from "./api.js";
import { announce, el } from "./dom.js";

const SEVERITY = { high: ["\u25b2\u25b2", "High"], moderate: ["\u25b2", "Moderate"], low: ["\u25cf", "Low"] };
const ORDER = ["high", "moderate", "low"];

/** @param {(ids: string[]) => void} onPick the evidence was asked for */
export function alertsView(onPick) {
  const box = el("div.alerts");
  const none = el("p.quiet", {}, "No alerts.");
  const alerts = new Map();
  const draw = () => {
    const sorted = [...alerts.values()].sort(
      (a, b) => (a.status === "open" ? 0 : 1) - (b.status === "open" ? 0 : 1) || ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity),
    );
    none.hidden = sorted.length > 0;
    box.replaceChildren(...sorted.map((alert) => card(alert, onPick, put)));
  };
  const put = (alert, isNew) => {
    alerts.set(alert.id, alert);
    if (isNew) announce(`${SEVERITY[alert.severity][1]} alert: ${alert.title}`);
    draw();
  };
  return {
    node: el("section.card.alerts-pane", { "aria-labelledby": "alerts" }, el("h2", { id: "alerts" }, "Alerts"), none, box),
    put,
  };
}

function card(alert, onPick, put) {
  const [icon, word] = SEVERITY[alert.severity];
  const open = alert.status === "open";
  return el(
    `article.alert.${alert.severity}${open ? "" : ".acknowledged"}`,
    { "aria-label": `${word} alert` },
    el("strong", {}, `${icon} ${word}: ${alert.title}`),
    el("p", {}, alert.detail),
    el(
      "div.row",
      {},
      alert.evidence.length ? el("button.plain", { type: "button", onclick: () => onPick(alert.evidence) }, "Show what was said") : null,
      open ? acknowledgement(alert, put) : el("span.quiet.small", {}, answered(alert)),
    ),
  );
}

function answered(alert) {
  if (alert.status === "withdrawn") return "Withdrawn: the result was corrected";
  return `Acknowledged${alert.acknowledged_by ? ` by ${alert.acknowledged_by}` : ""}`;
}

function acknowledgement(alert, put) {
  const button = el("button", { type: "button", "data-key": "a", title: "Acknowledge (a)" }, "Acknowledge");
  button.addEventListener("click", () => ask(alert, put));
  return button;
}

function ask(alert, put) {
  const reason = el("input", { type: "text", id: "reason", maxLength: 500 });
  const problem = el("p.error", { role: "alert", hidden: true });
  const dialog = el("dialog", { "aria-labelledby": "why" });
  const submit = async (event) => {
    event.preventDefault();
    const body = reason.value.trim() ? { reason: reason.value.trim() } : {};
    try {
      put(await call("POST", `/api/alerts/${encodeURIComponent(alert.id)}/acknowledge`, body), false);
      dialog.close();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
  };
  dialog.append(
    el(
      "form.stack",
      { onsubmit: submit },
      el("h2", { id: "why" }, `Acknowledge: ${alert.title}`),
      problem,
      el("div", {}, el("label", { htmlFor: "reason" }, "Reason (optional)"), reason),
      el("div.row", {}, el("button", { type: "submit" }, "Acknowledge"), el("button.plain", { type: "button", onclick: () => dialog.close() }, "Cancel")),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
