// The sign-in page: a heading, one place for what went wrong, and the ways of signing in below each
// other. A way is a function that gets a `Visit` and returns its element, or null when it is not on
// offer here; it lives in a file of its own, named sign-in-*.js, and is listed in WAYS.
import { session } from "./api.js";
import { el } from "./dom.js";
import { passkeyWay } from "./sign-in-passkey.js";
import { passwordWay } from "./sign-in-password.js";
import { providerWay } from "./sign-in-provider.js";

const WAYS = [passwordWay, passkeyWay, providerWay];

/**
 * What a way of signing in can do with the page.
 * @typedef {object} Visit
 * @property {(answer: object) => void} enter the answer of a sign-in: the person is in
 * @property {(message: string, kind?: "error"|"note") => void} tell say what went wrong; an empty text takes it away
 * @property {(heading: string, node: Node) => void} next show a further step in place of the ways
 * @property {(message?: string) => void} restart begin again with all the ways
 */

/**
 * @param {string} message
 * @param {() => void} done
 * @param {(visit: Visit) => void} [first] what is shown in place of the ways, for who is half in
 */
export function signInView(message, done, first) {
  const problem = el("p", { role: "alert", hidden: true });
  const heading = el("h1");
  const body = el("div.stack");
  /** @type {Visit} */
  const visit = {
    enter(answer) {
      session.begin(answer);
      // Until a second step is set up there is nothing else to see.
      if (answer.enrolling) location.assign("/account");
      else done();
    },
    tell(text, kind = "error") {
      problem.className = kind;
      problem.textContent = text;
      problem.hidden = !text;
    },
    next(title, node) {
      visit.tell("");
      heading.textContent = title;
      body.replaceChildren(node);
      focusFirst(body);
    },
    restart(text = "") {
      visit.next("Sign in", el("div.stack", {}, ...WAYS.map((way) => way(visit))));
      visit.tell(text, "note");
    },
  };
  if (first) first(visit);
  else visit.restart(message);
  return el("section.card.narrow.stack", {}, heading, problem, body);
}

function focusFirst(node) {
  setTimeout(() => node.querySelector("input")?.focus());
}
