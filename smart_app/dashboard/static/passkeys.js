// The browser's side of passkeys. WebAuthn level 3, 5.1.
import { ways } from "./ways.js";

const WORDS = {
  AbortError: "The browser ended it. Try again.",
  InvalidStateError: "This device has a passkey of yours already.",
  NotAllowedError: "No passkey was chosen, or it took too long. Try again, or use another way.",
  NotSupportedError: "This device cannot make a passkey.",
  SecurityError: "Passkeys do not work at this address.",
};

/** Whether both this browser and the server at this address can do it. */
export async function passkeysWork() {
  const able = window.PublicKeyCredential?.parseRequestOptionsFromJSON && navigator.credentials;
  return Boolean(able) && (await ways()).passkeys;
}

/** @param {object} options of the server @returns {Promise<object>} what to send back */
export async function makePasskey(options) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return asJson(() => navigator.credentials.create({ publicKey }));
}

/**
 * @param {object} options of the server
 * @param {{signal?: AbortSignal, mediation?: "conditional"}} [how]
 * @returns {Promise<object>} what to send back
 */
export async function usePasskey(options, how = {}) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return asJson(() => navigator.credentials.get({ publicKey, ...how }));
}

async function asJson(ask) {
  let made;
  try {
    made = await ask();
  } catch (error) {
    throw new Error(WORDS[error.name] ?? "The browser could not use a passkey.", { cause: error });
  }
  if (!made) throw new Error(WORDS.NotAllowedError);
  return made.toJSON();
}
