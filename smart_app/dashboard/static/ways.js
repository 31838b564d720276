// How somebody can sign in here, beside a password.
import { call } from "./api.js";

let asked;

/** @returns {Promise<{passkeys: boolean, provider: {label: string}|null}>} asked for once a page */
export function ways() {
  asked ??= call("GET", "/auth/ways").catch(() => {
    asked = undefined; // the next sign-in page asks again
    return { passkeys: false, provider: null };
  });
  return asked;
}
