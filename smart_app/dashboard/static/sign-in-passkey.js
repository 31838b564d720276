// Signing in with a passkey alone: by its button, or from what the browser offers in the name field.
import { call } from "./api.js";
import { el } from "./dom.js";
import { passkeysWork, usePasskey } from "./passkeys.js";

// A challenge is good for five minutes; the page may stand open for longer.
const RENEW = 4 * 60 * 1000;

/** @param {import("./sign-in.js").Visit} visit */
export function passkeyWay(visit) {
  let waiting = new AbortController();
  const button = el("button.plain", { type: "button", id: "use-passkey" }, "Sign in with a passkey");
  const node = el("div", { hidden: true }, button);

  const enter = async (how) => {
    const { publicKey } = await call("POST", "/auth/login/passkey/options", {});
    const credential = await usePasskey(publicKey, how);
    visit.tell("");
    visit.enter(await call("POST", "/auth/login/passkey", { credential }));
  };
  const offer = async () => {
    waiting.abort();
    if (!node.isConnected) return;
    waiting = new AbortController();
    const { signal } = waiting;
    const again = setTimeout(offer, RENEW);
    try {
      await enter({ signal, mediation: "conditional" });
    } catch (error) {
      // What the browser ends by itself is nobody's fault; a refusal by the server is told.
      if (!signal.aborted && node.isConnected && !error.cause) visit.tell(error.message);
    } finally {
      clearTimeout(again);
    }
  };
  button.addEventListener("click", async () => {
    waiting.abort();
    button.disabled = true;
    visit.tell("");
    try {
      await enter({});
    } catch (error) {
      visit.tell(error.message);
    } finally {
      button.disabled = false;
    }
  });
  const begin = async () => {
    node.hidden = !(await passkeysWork());
    if (!node.hidden && (await PublicKeyCredential.isConditionalMediationAvailable?.())) offer();
  };
  begin();
  return node;
}
