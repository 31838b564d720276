// Light or dark: as chosen here, else as the system has it.

function apply() {
  const chosen = localStorage.getItem("aimed.theme");
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.classList.toggle("dark", dark);
}

/** Follow the system and the button of the page's frame. */
export function useTheme() {
  document.getElementById("theme").addEventListener("click", () => {
    const dark = document.documentElement.classList.contains("dark");
    localStorage.setItem("aimed.theme", dark ? "light" : "dark");
    apply();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
  apply();
}
