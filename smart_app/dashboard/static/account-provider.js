// The account page's link to a sign-in at an outside OpenID provider.
import { call } from "./api.js";
import { announce, el } from "./dom.js";
import { ask, field } from "./frame.js";
import { journey } from "./sign-in-provider.js";

/** @param {any} account @returns {Node|string} */
export function providerSection(account) {
  if (!account.provider) return "";
  const { label } = account.provider;
  const body = el("div.stack");
  const rest = (...notes) => {
    const [text, button, does] = account.provider.linked
      ? [`You can sign in with ${label}.`, "End this", end]
      : [`Link your account once, and you can sign in with ${label}.`, `Link with ${label}`, link];
    body.replaceChildren(
      ...notes,
      el("p.quiet", {}, text),
      el("div", {}, el("button.plain", { type: "button", onclick: does }, button)),
    );
  };
  const withPassword = (button, send) => {
    const password = field("Your password", { id: "provider-password", type: "password", autocomplete: "current-password" });
    body.replaceChildren(
      ask({ label: button, button, fields: [password.node], cancel: () => rest(), send: () => send(password.input.value) }),
    );
    password.input.focus();
  };
  const link = () =>
    withPassword("Go on", async (password) => {
      journey.start(await call("POST", "/auth/account/provider", { password }), "link");
    });
  const end = () =>
    withPassword("End it", async (password) => {
      await call("POST", "/auth/account/provider/remove", { password });
      account.provider.linked = false;
      announce("The link is ended.");
      rest(el("p.good", {}, "The link is ended."));
    });
  rest();
  return el("section.card.stack", { "aria-labelledby": "provider-title" }, el("h2", { id: "provider-title" }, `Sign in with ${label}`), body);
}
