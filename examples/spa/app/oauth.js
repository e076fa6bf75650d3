// The client: a login with PKCE, and tokens that only this module can see.

// In the storage of the tab there is what a login needs when the browser comes back, and
// never a token.
const pending = "login";

export class Client {
  #config; // issuer, authorization, token, revocation, client_id, redirect_uri, scope
  #access = null; // { token, expires }
  #refresh = null;
  #refreshing = null; // the promise of the refresh that is under way

  constructor(config) {
    this.#config = config;
  }

  get loggedIn() {
    return this.#access !== null;
  }

  // login sends the browser to the login page.
  async login() {
    const verifier = random();
    const state = random();
    sessionStorage.setItem(pending, JSON.stringify({ verifier, state }));
    const challenge = base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
    const query = new URLSearchParams({
      response_type: "code",
      client_id: this.#config.client_id,
      redirect_uri: this.#config.redirect_uri,
      scope: this.#config.scope,
      state,
      code_challenge: challenge,
      code_challenge_method: "S256",
    });
    location.assign(this.#config.authorization + "?" + query);
  }

  // finish reads the answer of the login page, if the address has one. It throws if the
  // answer is not the one to a login of this tab.
  async finish() {
    const answer = new URLSearchParams(location.search);
    if (!answer.has("state")) return;
    const begun = JSON.parse(sessionStorage.getItem(pending) ?? "{}");
    sessionStorage.removeItem(pending);
    history.replaceState(null, "", location.pathname); // no code in the history, or in a bookmark

    if (!begun.state || answer.get("state") !== begun.state) throw new Error("This login was not begun here.");
    if (answer.get("iss") !== this.#config.issuer) throw new Error("This answer is of another server.");
    if (answer.has("error")) throw new Error("The login ended: " + answer.get("error"));
    await this.#ask({
      grant_type: "authorization_code",
      code: answer.get("code"),
      redirect_uri: this.#config.redirect_uri,
      code_verifier: begun.verifier,
    });
  }

  // fetch is fetch with an access token. It refreshes a token that is about to end, and
  // once more if the API refuses it.
  async fetch(url) {
    if (!this.loggedIn || Date.now() > this.#access.expires - 1000) await this.#renew();
    let response = await this.#fetch(url);
    if (response.status === 401) {
      await this.#renew();
      response = await this.#fetch(url);
    }
    return response;
  }

  // logout ends the session at the server too: everything that came of this login.
  async logout() {
    const token = this.#refresh;
    this.#forget();
    if (token === null) return;
    await post(this.#config.revocation, { token, client_id: this.#config.client_id });
  }

  #fetch(url) {
    return fetch(url, { headers: { Authorization: "Bearer " + this.#access.token } });
  }

  // #renew refreshes once, however many calls want it at the same time.
  #renew() {
    if (this.#refresh === null) throw new Error("Log in first.");
    this.#refreshing ??= this.#ask({ grant_type: "refresh_token", refresh_token: this.#refresh }).finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #ask(parameters) {
    const response = await post(this.#config.token, { ...parameters, client_id: this.#config.client_id });
    const body = await response.json();
    if (response.status === 400 && body.error === "invalid_grant") {
      this.#forget(); // the session has ended
      throw new Error("Log in again.");
    }
    if (!response.ok) throw new Error("The server answered " + response.status + ". Try again."); // the tokens are kept
    this.#access = { token: body.access_token, expires: Date.now() + body.expires_in * 1000 };
    this.#refresh = body.refresh_token; // another one at each refresh: the former is used up
  }

  #forget() {
    this.#access = null;
    this.#refresh = null;
  }
}

function post(url, parameters) {
  return fetch(url, { method: "POST", body: new URLSearchParams(parameters) });
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
