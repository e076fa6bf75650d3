import { Client } from "./oauth.js";

const config = await (await fetch("config.json")).json();
const client = new Client(config);
const element = (id) => document.getElementById(id);

// show writes text, never markup: a part of it comes from elsewhere.
function show(status, output = "") {
  element("status").textContent = status;
  element("output").textContent = output;
  element("login").disabled = client.loggedIn;
  element("orders").disabled = !client.loggedIn;
  element("logout").disabled = !client.loggedIn;
}

async function run(step) {
  try {
    await step();
  } catch (fault) {
    show(fault.message);
  }
}

element("login").addEventListener("click", () => run(() => client.login()));

element("orders").addEventListener("click", () =>
  run(async () => {
    const response = await client.fetch(config.orders);
    show("Logged in.", await response.text());
  }),
);

element("logout").addEventListener("click", () =>
  run(async () => {
    await client.logout();
    show("Logged out.");
  }),
);

await run(async () => {
  await client.finish();
  show(client.loggedIn ? "Logged in." : "Not logged in.");
});
