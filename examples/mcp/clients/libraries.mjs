// OAuth libraries for JavaScript, which show themselves by a key (private_key_jwt).
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { agree, say, settings } from "./user.mjs";

const key = await crypto.subtle.importKey("pkcs8", Buffer.from(settings.key, "base64"), { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);

const flows = {
  // A program of its own, by oauth4webapi.
  async oauth4webapi() {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(settings.base);
    const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }));
    const client = { client_id: settings.client };
    const asked = new URLSearchParams({ resource: settings.mcp, scope: settings.scope });
    const answer = await oauth.clientCredentialsGrantRequest(server, client, oauth.PrivateKeyJwt(key), asked, insecure);
    return oauth.processClientCredentialsResponse(server, client, answer);
  },
  // An app with users whose client_id is the URL of its document, by openid-client: it
  // gets a code, and refreshes.
  async openidClient() {
    const config = await openid.discovery(new URL(settings.base), settings.document, { token_endpoint_auth_method: "private_key_jwt" }, openid.PrivateKeyJwt(key), {
      algorithm: "oauth2",
      execute: [openid.allowInsecureRequests],
    });
    const pkceCodeVerifier = openid.randomPKCECodeVerifier();
    const expectedState = openid.randomState();
    const address = openid.buildAuthorizationUrl(config, {
      redirect_uri: settings.redirect,
      scope: settings.scope,
      resource: settings.mcp,
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      state: expectedState,
    });
    const first = await openid.authorizationCodeGrant(config, await agree(address), { pkceCodeVerifier, expectedState }, { resource: settings.mcp });
    return openid.refreshTokenGrant(config, first.refresh_token, { resource: settings.mcp });
  },
};
const tokens = await flows[settings.flow]();
say({ token: tokens.access_token, scope: tokens.scope });
