// Where an OpenID provider sends people back to, signed in there or not.
import { call, session } from "./api.js";
import { el, show } from "./dom.js";
import { journey } from "./sign-in-provider.js";
import { secondStep } from "./sign-in-second-step.js";
import { signInView } from "./sign-in.js";
import { useTheme } from "./theme.js";

const sent = new URLSearchParams(location.search);
const kept = journey.end();
// The code counts once, but it need not stand in the history.
history.replaceState(null, "", location.pathname);

async function arrive() {
  if (!kept) return fail("This sign-in was begun in another window, or has ended already.");
  if (!sent.get("code") || !sent.get("state")) return fail("You were not signed in there: it was ended or refused.");
  show(el("div.card.narrow", { role: "status", "aria-label": "Signing in" }, el("div.bones"), el("div.bones")));
  const back = { code: sent.get("code"), state: sent.get("state"), iss: sent.get("iss"), binding: kept.binding };
  try {
    if (kept.purpose === "link") {
      await call("POST", "/auth/account/provider/finish", back);
      location.replace("/account");
      return;
    }
    const answer = await call("POST", "/auth/login/provider/finish", back);
    session.begin(answer);
    location.replace(answer.enrolling ? "/account" : kept.back);
  } catch (error) {
    if (error.body?.error !== "second_factor_required") return fail(error.message);
    show(signInView("", () => location.replace(kept.back), (visit) => secondStep(visit, error.body)));
  }
}

function fail(text) {
  const linking = kept?.purpose === "link";
  show(
    el(
      "div.card.narrow.stack",
      {},
      el("h1", {}, linking ? "The account was not linked" : "You are not signed in"),
      el("p.error", { role: "alert" }, text),
      el("p", {}, el("a.button", { href: linking ? "/account" : (kept?.back ?? "/") }, linking ? "Back to your account" : "Back to signing in")),
    ),
  );
  document.getElementById("main").focus({ preventScroll: true });
}

useTheme();
arrive();
