// An application on `oauth4webapi`. A line of JSON on stdin configures it: {issuer, fhir, id,
// redirect, scope, alg, jwk}, without alg it is a public one. It prints the address to send the
// browser to, reads the one that the browser came back to, and prints what it got.
import { webcrypto } from "node:crypto";
import { createInterface } from "node:readline/promises";
import * as oauth from "oauth4webapi";

// Node 18, which Debian 12 has, gives these by their module only.
globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;

const ALGORITHMS = {
  ES384: { name: "ECDSA", namedCurve: "P-384" },
  RS384: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-384" },
};
const loopback = { [oauth.allowInsecureRequests]: true };
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const tell = (told) => console.log(JSON.stringify(told));

async function discover(issuer, algorithm) {
  const answer = await oauth.discoveryRequest(new URL(issuer), { algorithm, ...loopback });
  return oauth.processDiscoveryResponse(new URL(issuer), answer);
}

async function authentication({ alg, jwk }) {
  if (!alg) return oauth.None();
  const key = await crypto.subtle.importKey("jwk", jwk, ALGORITHMS[alg], false, ["sign"]);
  return oauth.PrivateKeyJwt({ key, kid: jwk.kid });
}

async function authorize(server, { id, redirect, scope, fhir }) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const address = new URL(server.authorization_endpoint);
  address.search = new URLSearchParams({
    response_type: "code", client_id: id, redirect_uri: redirect, scope, aud: fhir, state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  tell({ address });
  const back = new URL((await lines.next()).value);
  const code = oauth.validateAuthResponse(server, { client_id: id }, back, state);
  return { code, verifier, nonce };
}

const configured = JSON.parse((await lines.next()).value);
const client = { client_id: configured.id };
const own = await authentication(configured);
const plain = await discover(configured.issuer, "oauth2");
const server = await discover(configured.issuer, "oidc");

const { code, verifier, nonce } = await authorize(server, configured);
const exchange = await oauth.authorizationCodeGrantRequest(
  server, client, own, code, configured.redirect, verifier, loopback,
);
const tokens = await oauth.processAuthorizationCodeResponse(
  server, client, exchange, { expectedNonce: nonce, requireIdToken: true },
);
await oauth.validateApplicationLevelSignature(server, exchange, loopback);

async function refresh(token) {
  const answer = await oauth.refreshTokenGrantRequest(server, client, own, token, loopback);
  return oauth.processRefreshTokenResponse(server, client, answer);
}

async function introspect(token) {
  const answer = await oauth.introspectionRequest(server, client, own, token, loopback);
  return oauth.processIntrospectionResponse(server, client, answer);
}

async function revoke(token) {
  const answer = await oauth.revocationRequest(server, client, own, token, loopback);
  return oauth.processRevocationResponse(answer);
}

async function read(token) {
  const address = new URL(`${configured.fhir}/Patient/${tokens.patient}`);
  const answer = await oauth.protectedResourceRequest(
    token, "GET", address, undefined, undefined, loopback,
  );
  return answer.json();
}

const refused = (call) => call.then(() => "", (error) => error.error ?? error.code);
const refreshed = await refresh(tokens.refresh_token);
const patient = await read(refreshed.access_token);
const inspected = configured.alg && await introspect(refreshed.access_token);
await revoke(refreshed.refresh_token);
tell({
  same: plain.token_endpoint === server.token_endpoint,
  claims: oauth.getValidatedIdTokenClaims(tokens),
  scope: tokens.scope,
  patient,
  inspected,
  ended: configured.alg && await introspect(refreshed.access_token),
  refused: await refused(refresh(refreshed.refresh_token)),
  unread: await refused(read(refreshed.access_token)),
});
process.exit();
