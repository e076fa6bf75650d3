// The playground: a login step by step. The verifier, the codes and the tokens are
// variables of this function.

function playground(section) {
  const client = data.playground;
  if (!crypto.subtle) {
    section.append(h("p", { class: "note" }, t("insecure")));
    return;
  }
  const there = new URL(client.redirectURI);
  if (there.origin !== location.origin) {
    section.append(h("p", { class: "note" }, t("play.address", { here: location.origin, there: there.origin }), " ",
      h("a", { href: there.href.replace(/\/callback$/, "") + "#playground" }, there.origin)));
    return;
  }

  const login = {}; // verifier, challenge, state; code; access, refresh
  const list = h("ol", { class: "steps" });
  const steps = [];
  section.append(list);

  // step adds a step: a heading, a text, and an element for what happens.
  function step(name, ...controls) {
    const area = h("div", { class: "area" });
    const heading = h("h3", {}, h("span", { class: "number" }, t("step", { n: steps.length + 1 })), " ", t("play." + name));
    list.append(h("li", {}, heading, h("p", {}, t("play." + name + "text")), h("div", { class: "controls" }, ...controls), area));
    steps.push(area);
    return area;
  }
  const control = (text, click, ready = false) => {
    const button = h("button", { type: "button", class: "button", onclick: () => click(button) }, text);
    button.disabled = !ready;
    return button;
  };
  const say = (good, sentence) => h("p", { class: "verdict " + (good ? "good" : "bad"), role: "status" }, sentence);
  const facts = (pairs) => h("dl", { class: "facts" }, ...pairs.map(([name, value]) =>
    h("div", {}, h("dt", {}, h("code", {}, name)), h("dd", {}, h("code", { class: "url", dir: "ltr" }, value)))));

  // Draw.
  const drawn = step("draw", control(t("play.again"), draw, true));
  async function draw() {
    const random = () => toBase64(crypto.getRandomValues(new Uint8Array(32)));
    const verifier = random();
    const challenge = toBase64(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
    Object.assign(login, { verifier, challenge, state: random(), code: "", waiting: false });
    drawn.replaceChildren(facts([["code_verifier", login.verifier], ["code_challenge", login.challenge], ["state", login.state]]));
    steps.slice(1).forEach((area) => area.replaceChildren());
    begin.disabled = false;
    redeem.disabled = true;
    showAddress();
    tokens({});
  }

  // Log in. The window is opened in the click itself, or the browser blocks it.
  const scope = h("input", { id: "play-scope", type: "text", dir: "auto", autocomplete: "off", spellcheck: "false", oninput: () => showAddress() });
  scope.value = client.scope;
  const begin = control(t("play.open"), open);
  const address = h("div");
  const back = step("login", h("div", { class: "field inline" }, h("label", { for: "play-scope" }, h("code", {}, "scope")), scope), begin);
  back.before(address);
  const query = () => [
    ["response_type", "code"], ["client_id", client.clientID], ["redirect_uri", client.redirectURI], ["scope", scope.value],
    ["state", login.state], ["code_challenge", login.challenge], ["code_challenge_method", "S256"],
  ].filter(([, value]) => value !== "");
  function addressOf() {
    const url = new URL(data.authorization);
    query().forEach(([name, value]) => url.searchParams.append(name, value));
    return url.href;
  }
  function showAddress() {
    address.replaceChildren(codeBlock(t("request"), "http", "GET " + addressOf().replace(/[?&]/g, "\n  $&")));
  }
  function open() {
    login.waiting = true;
    const child = window.open(addressOf(), "_blank", "popup,width=520,height=700");
    back.replaceChildren(child ? h("p", { class: "note", role: "status" }, t("play.waiting")) : say(false, t("play.blocked")));
  }
  const channel = new BroadcastChannel("reference:" + there.pathname);
  channel.onmessage = (event) => {
    if (!login.waiting || typeof event.data.query !== "string") return;
    const answer = new URLSearchParams(event.data.query);
    const right = answer.get("state") === login.state;
    if (right) channel.postMessage("taken");
    returned(answer, right);
  };
  function returned(answer, right) {
    const iss = answer.get("iss");
    const verdicts = [say(right, t(right ? "play.state" : "play.badstate"))];
    if (iss === null) verdicts.push(h("p", { class: "note" }, t("play.noiss")));
    else verdicts.push(say(iss === data.issuer, iss === data.issuer ? t("play.iss") : t("play.badiss", { iss, want: data.issuer })));
    const error = answer.get("error");
    if (error !== null) verdicts.push(say(false, t("play.refused", { error })), explanation(error), h("p", { class: "note" }, t("play.ended")));
    back.replaceChildren(h("h4", {}, t("play.back")), facts([...answer]), ...verdicts.filter(Boolean));
    if (!right || (iss !== null && iss !== data.issuer)) return;
    login.waiting = false;
    login.code = answer.get("code") || "";
    redeem.disabled = login.code === "";
    offer("authorization_code", login.code === "" ? null : {
      client_id: client.clientID, client_secret: "", code: login.code, redirect_uri: client.redirectURI, code_verifier: login.verifier,
    });
    begin.disabled = true; // the state was used
  }

  // Redeem.
  const redeem = control(t("play.redeem"), async (button) => {
    const answer = await perform({ url: data.url, pairs: [
      ["grant_type", "authorization_code"], ["client_id", client.clientID], ["code", login.code],
      ["redirect_uri", client.redirectURI], ["code_verifier", login.verifier],
    ] }, redeemed, button);
    if (!answer || !answer.json || !answer.json.access_token) return;
    redeemed.append(showToken(answer.json.access_token));
    offer("authorization_code", null); // it was used up
    tokens({ access: answer.json.access_token, refresh: answer.json.refresh_token });
    if (!login.refresh) redeemed.append(h("p", { class: "note" }, t("play.none")));
  });
  const redeemed = step("redeem", redeem);

  // Refresh. "old" was presented last; "refresh" is the newest, its successor.
  const first = control(t("play.first"), (button) => present(login.refresh, button));
  const again = control(t("play.old"), (button) => present(login.old, button));
  const refreshes = data.grants.some((grant) => grant.type === "refresh_token");
  const grace = h("p", { class: "note" });
  const refreshed = refreshes ? step("refresh", first, again) : null;
  if (refreshes) refreshed.before(grace);
  async function present(token, button) {
    const repeated = token === login.old;
    const answer = await perform({ url: data.url, pairs: [
      ["grant_type", "refresh_token"], ["client_id", client.clientID], ["refresh_token", token],
    ] }, refreshed, button);
    if (!answer || !answer.json) return;
    if (!answer.json.access_token) {
      if (answer.json.error === "invalid_grant") refreshed.append(h("p", { class: "note" }, t("play.ended")));
      return;
    }
    // Counted from the answer: the server counts from the request, so it has closed the
    // window when the page says so.
    if (!repeated) login.closes = Date.now() + data.grace * 1000;
    const next = answer.json.refresh_token || token;
    refreshed.append(h("p", { class: "verdict good", role: "status" }, t(repeated && next === login.refresh ? "play.same" : "play.other"), " ", h("code", { class: "url" }, next)));
    tokens({ access: answer.json.access_token, refresh: next, old: token });
  }

  // tokens keeps the tokens of the login, and lets the steps that need them begin.
  function tokens({ access = "", refresh = "", old = "" }) {
    Object.assign(login, { access, refresh, old });
    first.disabled = !refresh;
    first.textContent = old ? t("play.use") : t("play.first");
    again.disabled = !old;
    ask.disabled = !access;
    revoke.disabled = !refresh;
    tick();
  }
  function tick() {
    const left = Math.ceil((login.closes - Date.now()) / 1000);
    grace.textContent = !login.old ? "" : left > 0 ? t("play.grace", { n: left }) : t("play.closed");
  }
  setInterval(tick, 1000);

  // An API key.
  const keyGrant = grantOf("api_key");
  if (keyGrant) {
    const fields = keyGrant.parameters.filter((p) => ["client_id", "api_key"].includes(p.name)).map((p) => field(p, "play-key"));
    const exchanged = step("key", ...fields, control(t("play.keysend"), async (button) => {
      const pairs = [["grant_type", "api_key"], ["client_id", values.client_id || ""], ["api_key", values.api_key || ""]];
      const answer = await perform({ url: data.url, pairs: pairs.filter(([, value]) => value !== "") }, exchanged, button);
      if (answer && answer.json && answer.json.access_token) exchanged.append(showToken(answer.json.access_token));
    }, true));
  }

  // Ask, and revoke.
  const ask = control(t("play.introspectsend"), (button) => perform({
    url: data.introspection, basic: (values.client_secret || "") !== "",
    pairs: [["token", login.access], ["client_id", values.client_id || ""], ["client_secret", values.client_secret || ""]].filter(([, value]) => value !== ""),
  }, asked, button));
  const both = data.grants[0].parameters.filter(ofClientParameter);
  const asked = data.introspection ? step("introspect", ...both.map((p) => field(p, "play-ask")), ask) : null;
  const revoke = control(t("play.revokesend"), async (button) => {
    const answer = await perform({ url: data.revocation, pairs: [
      ["token", login.refresh], ["token_type_hint", "refresh_token"], ["client_id", client.clientID],
    ] }, revoked, button);
    if (answer && answer.status === 200) revoked.append(h("p", { class: "note", role: "status" }, t("play.ended")));
  });
  const revoked = data.revocation ? step("revoke", revoke) : null;

  draw();
}

const ofClientParameter = (parameter) => ofClient([parameter.name]);
