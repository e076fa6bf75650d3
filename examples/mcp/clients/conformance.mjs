// The suite @modelcontextprotocol/conformance, for authorization servers: it prints the
// address of the login page, and waits at a port of its own for the browser.
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { agree, say, settings } from "./user.mjs";

// The suite wants Node.js 22 for one function that these scenarios do not call. A copy
// without that import runs on the Node.js 20 of Debian 13, too.
const suite = "node_modules/@modelcontextprotocol/conformance/dist/";
const text = readFileSync(suite + "index.js", "utf8");
if (!text.includes("globSync as a,")) throw new Error("the suite no longer imports globSync in the known spelling");
writeFileSync(suite + "without-glob.js", text.replace("globSync as a,", ""));

const run = spawn(process.execPath, [
  suite + "without-glob.js", "authorization", "--url", settings.base, "--client-id", settings.client,
  "--resource", settings.mcp, "--port", new URL(settings.redirect).port,
]);
let said = "";
run.stderr.on("data", (text) => (said += text));
run.stdout.on("data", async (text) => {
  said += text;
  const address = String(text).match(/^http\S+response_type=code\S+$/m);
  try {
    if (address) await fetch(await agree(address[0]));
  } catch (e) {
    said += e;
    run.kill();
  }
});
run.on("close", (code) => say({ code, said }));
