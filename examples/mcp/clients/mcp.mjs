// The client of a TypeScript SDK for MCP: it connects, lists the tools, calls one.
import { agree, pages, say, settings } from "./user.mjs";

const { Client, StreamableHTTPClientTransport, PrivateKeyJwtProvider, UnauthorizedError, CrossAppAccessProvider } =
  settings.sdk === 1
    ? {
        ...(await import("@modelcontextprotocol/sdk/client/index.js")),
        ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")),
        ...(await import("@modelcontextprotocol/sdk/client/auth-extensions.js")),
        ...(await import("@modelcontextprotocol/sdk/client/auth.js")),
      }
    : await import("@modelcontextprotocol/client");

// Editor is what an editor implements: it keeps what it learns, and opens the browser.
class Editor {
  kept = {};
  clientMetadataUrl = settings.document;
  redirectUrl = settings.redirect;
  clientMetadata = {
    client_name: "editor",
    redirect_uris: [settings.redirect],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: settings.method ?? "none",
  };
  state = () => (this.kept.state ??= crypto.randomUUID());
  clientInformation = () => this.kept.client;
  saveClientInformation = (client) => void (this.kept.client = client);
  tokens = () => this.kept.tokens;
  saveTokens = (tokens) => void (this.kept.tokens = tokens);
  codeVerifier = () => this.kept.verifier;
  saveCodeVerifier = (verifier) => void (this.kept.verifier = verifier);
  discoveryState = () => this.kept.discovery;
  saveDiscoveryState = (discovery) => void (this.kept.discovery = discovery);
  redirectToAuthorization = async (address) => void (this.kept.answer = await agree(address));
}

const providers = {
  user: () => new Editor(),
  key: () =>
    new PrivateKeyJwtProvider({
      clientId: settings.client,
      privateKey: settings.key,
      algorithm: "ES256",
      scope: settings.scope,
      expectedIssuer: settings.base,
    }),
  company: () =>
    new CrossAppAccessProvider({
      assertion: () => settings.assertion,
      clientId: settings.client,
      clientSecret: settings.secret,
      expectedIssuer: settings.base,
    }),
};
const provider = providers[settings.provider]();

let client, transport;
async function connect() {
  client = new Client({ name: "test", version: "1" });
  transport = new StreamableHTTPClientTransport(new URL(settings.mcp), { authProvider: provider });
  await client.connect(transport);
}

// authorized does something, and again after the user has agreed.
async function authorized(work) {
  try {
    return await work();
  } catch (e) {
    if (!(e instanceof UnauthorizedError)) throw e;
    const back = provider.kept.answer;
    if (back.searchParams.get("state") !== provider.kept.state) throw new Error("another state");
    if (!back.searchParams.has("code")) throw new Error(`the answer is ${back}`);
    await transport.finishAuth(settings.sdk === 1 ? back.searchParams.get("code") : back.searchParams);
    if (work !== connect) await connect();
    return work();
  }
}

await authorized(connect);
const { tools } = await client.listTools();
let result = { isError: true, content: [{ text: "" }] };
let failed = "";
try {
  result = await authorized(() => client.callTool({ name: tools[0].name, arguments: { text: "milk" } }));
} catch (e) {
  failed = String(e);
}
await client.close();
say({
  pages,
  text: result.content[0].text,
  isError: Boolean(result.isError),
  refresh: Boolean(provider.tokens()?.refresh_token),
  clientID: provider.clientInformation()?.client_id,
  failed,
});
