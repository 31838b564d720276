// An OpenID provider on `oidc-provider`. A line of JSON on stdin configures it: {redirect, person,
// amr, client}, where client has its secret or its public keys. It prints its issuer once it listens.
// It lets everybody in as `person`, without asking.
import { createServer } from "node:http";
import { createInterface } from "node:readline/promises";
import Provider from "oidc-provider";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { redirect, person, amr, acr, client } = JSON.parse((await lines.next()).value);

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{ redirect_uris: [redirect], response_types: ["code"], grant_types: ["authorization_code"], ...client }],
  pkce: { required: () => true },
  acrValues: acr ? [acr] : [],
  claims: { openid: ["sub", "amr", "acr"] },
  conformIdTokenClaims: false,
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, amr, ...(acr ? { acr } : {}) }) }),
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid");
    await grant.save();
    return grant;
  },
});

server.on("request", async (request, response) => {
  if (!request.url.startsWith("/interaction/")) return provider.callback()(request, response);
  await provider.interactionDetails(request, response);
  await provider.interactionFinished(request, response, { login: { accountId: person, amr, acr } });
});
console.log(JSON.stringify({ issuer }));
await lines.next(); // until the input ends
process.exit(0);
