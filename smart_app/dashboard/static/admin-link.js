// The link by which somebody sets a password once.
import { sensitive, shownOnce } from "./ask.js";
import { moment } from "./admin-frame.js";

/** Make a link and show it. @param {string} username */
export async function ask(username) {
  const made = await sensitive("/api/admin/users/password-link", { username });
  if (!made) return;
  const text = `Give it to ${username} by a way that you trust. It works once, until ${moment(made.expires)}.`;
  await shownOnce("Link to set a password", text, made.url);
}
