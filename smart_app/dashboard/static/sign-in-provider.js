// Signing in by an outside OpenID provider: the browser goes there and comes back to /sign-in/provider.
import { call } from "./api.js";
import { el } from "./dom.js";
import { ways } from "./ways.js";

const KEY = "aimed.provider";
const LANDING = "/sign-in/provider";

/** What this tab keeps while the person is at the provider; it is taken out once. */
export const journey = {
  /** @param {{redirect: string, binding: string}} begun @param {"sign-in"|"link"} purpose */
  start(begun, purpose) {
    const here = location.pathname + location.search + location.hash;
    const back = location.pathname === LANDING ? "/" : here;
    sessionStorage.setItem(KEY, JSON.stringify({ binding: begun.binding, purpose, back }));
    location.assign(begun.redirect);
  },
  /** @returns {{binding: string, purpose: string, back: string}|null} */
  end() {
    const text = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    return text ? JSON.parse(text) : null;
  },
};

/** @param {import("./sign-in.js").Visit} visit */
export function providerWay(visit) {
  const button = el("button.plain", { type: "button", id: "use-provider" });
  const node = el("div", { hidden: true }, button);
  button.addEventListener("click", async () => {
    button.disabled = true;
    visit.tell("");
    try {
      journey.start(await call("POST", "/auth/login/provider"), "sign-in");
    } catch (error) {
      visit.tell(error.message);
      button.disabled = false;
    }
  });
  ways().then(({ provider }) => {
    // Over a page that records there is no going away.
    if (!provider || node.closest("dialog")) return;
    button.textContent = `Sign in with ${provider.label}`;
    node.hidden = false;
  });
  return node;
}
