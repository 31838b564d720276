// The account page: one section each, in a file of its own that gives a function (account) => Node.
import { call } from "./api.js";
import { el } from "./dom.js";
import { memberPage } from "./frame.js";
import { addressSection } from "./account-address.js";
import { passkeySection } from "./account-passkeys.js";
import { passwordSection } from "./account-password.js";
import { secondStepSection } from "./account-second-step.js";
import { providerSection } from "./account-provider.js";
import { sessionsSection } from "./account-sessions.js";

const SECTIONS = [passwordSection, secondStepSection, passkeySection, providerSection, sessionsSection, addressSection];

memberPage(async () => {
  const account = await call("GET", "/auth/account");
  if (account.enrolling) return enrolment(account);
  return el(
    "div.form.stack",
    {},
    el("h1", {}, "Your account"),
    el("p.quiet", {}, `${account.display}, user name ${account.username}. Roles: ${account.roles.join(", ")}.`),
    ...SECTIONS.map((section) => section(account)),
    el(
      "section.card.stack",
      { "aria-labelledby": "apps-title" },
      el("h2", { id: "apps-title" }, "Connected apps"),
      el("p.quiet", {}, "Applications that you have let in work in your name until you end it."),
      el("div", {}, el("a", { href: "/apps" }, "See and end their access")),
    ),
  );
});

/** For who has to set up a second step before anything else. */
function enrolment(account) {
  return el(
    "div.form.stack",
    {},
    el("h1", {}, "One thing before you go on"),
    el("p", {}, "Your role needs a second step of signing in, so that nobody gets in by your password alone. Set up one of these two."),
    secondStepSection(account),
    passkeySection(),
    el("p", {}, "Once it is set up, ", el("a", { href: "/" }, "go on to the start page"), "."),
  );
}
