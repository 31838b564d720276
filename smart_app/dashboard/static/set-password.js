// Setting a password by a link. What the link proves is behind the #, which no server gets to see.
import { call } from "./api.js";
import { el, show } from "./dom.js";
import { useTheme } from "./theme.js";

const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

function form() {
  const problem = el("p.error", { role: "alert", hidden: true });
  const first = el("input", { type: "password", id: "first", autocomplete: "new-password", required: true, minLength: 12, maxLength: 256 });
  const second = el("input", { type: "password", id: "second", autocomplete: "new-password", required: true });
  const button = el("button", { type: "submit" }, "Set the password");
  const tell = (text) => {
    problem.textContent = text;
    problem.hidden = false;
  };
  const submit = async (event) => {
    event.preventDefault();
    problem.hidden = true;
    if (first.value !== second.value) {
      tell("The two are not the same.");
      second.focus();
      return;
    }
    button.disabled = true;
    try {
      await call("POST", "/auth/password/link", { token, password: first.value });
      show(done());
      document.getElementById("main").focus();
    } catch (error) {
      tell(error.message);
    } finally {
      button.disabled = false;
    }
  };
  setTimeout(() => first.focus());
  return el(
    "form.card.narrow.stack",
    { onsubmit: submit },
    el("h1", {}, "Set a password"),
    problem,
    el("p.quiet", { id: "rule" }, "12 characters or more. A few unrelated words are good."),
    el("div", {}, el("label", { htmlFor: "first" }, "New password"), first),
    el("div", {}, el("label", { htmlFor: "second" }, "Once more"), second),
    button,
  );
}

function done() {
  return el("div.card.narrow.stack", {}, el("h1", {}, "The password is set"), el("p", {}, el("a", { href: "/" }, "Sign in")));
}

function nothing() {
  const text = "This page is opened by a link that an administrator gives out. Ask for one.";
  return el("div.card.narrow.stack", {}, el("h1", {}, "Set a password"), el("p.error", { role: "alert" }, text));
}

useTheme();
show(token ? form() : nothing());
