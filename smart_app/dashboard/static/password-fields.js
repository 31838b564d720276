// A new password, typed twice, with what is wanted of it said before and not after.
import { el } from "./dom.js";
import { field } from "./frame.js";

const SHORTEST = 12;

/** @returns {{nodes: Node[], read: () => string, clear: () => void}} `read` throws what is wrong */
export function newPasswordFields() {
  const first = field("New password", { id: "new", type: "password", autocomplete: "new-password", "aria-describedby": "wanted" });
  const again = field("The same again", { id: "again", type: "password", autocomplete: "new-password" });
  const length = el("li", {}, `At least ${SHORTEST} characters. Spaces and any other signs are fine.`);
  const seen = el("input", {
    type: "checkbox",
    id: "seen",
    onchange: () => {
      for (const one of [first, again]) one.input.type = seen.checked ? "text" : "password";
    },
  });
  first.input.addEventListener("input", () => {
    length.classList.toggle("met", [...first.input.value].length >= SHORTEST);
  });
  const wanted = el(
    "ul.quiet.small.wanted",
    { id: "wanted" },
    length,
    el("li", {}, "None that many people use, and no simple pattern."),
    el("li", {}, "Not made of your name. A few unrelated words are good."),
  );
  return {
    nodes: [first.node, wanted, again.node, el("label.tick", { htmlFor: "seen" }, seen, "Show what I type")],
    read() {
      if ([...first.input.value].length < SHORTEST) {
        first.input.focus();
        throw new Error(`A password has at least ${SHORTEST} characters.`);
      }
      if (first.input.value !== again.input.value) {
        again.input.focus();
        throw new Error("The two are not the same. Type the second one again.");
      }
      return first.input.value;
    },
    clear() {
      first.input.value = again.input.value = "";
      length.classList.remove("met");
    },
  };
}
