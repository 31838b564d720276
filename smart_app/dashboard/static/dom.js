// Elements from data. Text is only ever set as text, so nothing a patient says becomes markup.

/**
 * @param {string} tag name, with classes after dots: "p.quiet.small"
 * @param {Record<string, any>} [props] properties and attributes; on* are listeners
 * @param {...(Node|string|null|undefined)} children
 * @returns {any}
 */
export function el(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key in node && key !== "list" && key !== "form") node[key] = value;
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Say something to screen readers without moving the focus. @param {string} text */
export function announce(text) {
  document.getElementById("announce").textContent = text;
}

/** Replace what the page shows. @param {...Node} nodes */
export function show(...nodes) {
  const main = document.getElementById("main");
  main.replaceChildren(...nodes);
  return main;
}

/** Seconds as 3:07. @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
