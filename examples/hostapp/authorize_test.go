package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

func TestLoginEndsInACode(t *testing.T) {
	shop := open(t, 0)
	c, verifier := shop.app(), oauth2.GenerateVerifier()
	b := newBrowser(t, shop.issuer)

	page := b.get(c.AuthCodeURL("xyz", oauth2.S256ChallengeOption(verifier)))
	page = b.submit(page, "login", url.Values{"email": {demoEmail}, "password": {demoPassword}})
	if page.url.Path != "/authorize" || !strings.Contains(page.body, "<li>"+sentence(scopeOrders)+"</li>") {
		t.Fatalf("after the login: got %s and\n%s\nwant the consent page with its scopes", page.url, page.body)
	}
	if got := page.header.Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors 'none'") {
		t.Errorf("the consent page's Content-Security-Policy: got %q, want frame-ancestors 'none'", got)
	}
	page = b.submit(page, "consent", url.Values{"decision": {"allow"}})
	if page.status != http.StatusSeeOther || !strings.HasPrefix(page.location.String(), c.RedirectURL+"?") {
		t.Fatalf("after the consent: got %d to %s, want 303 to %s", page.status, page.location, c.RedirectURL)
	}
	q := page.location.Query()
	if q.Get("state") != "xyz" || q.Get("iss") != shop.issuer {
		t.Errorf("the redirect: got %s, want the state and iss %s (RFC 9207)", page.location, shop.issuer)
	}
	if n := shop.count(`SELECT count(*) FROM audit JOIN credentials USING (family) WHERE what = 'authorized' AND app = ?`, appClient); n != 1 {
		t.Errorf("audit rows with a stored code: got %d, want 1", n)
	}

	token, err := c.Exchange(t.Context(), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("redeeming the code: got error %v, want a token", err)
	}
	claims := shop.claims(token.AccessToken)
	if claims.Subject != "user:1" || claims.ClientID != appClient || claims.Scope != scopeOrders || claims.Tier != "gold" {
		t.Errorf("the claims: got %+v, want user:1, %s, %s, gold", claims, appClient, scopeOrders)
	}
	status, _, body := shop.ask("Bearer " + token.AccessToken)
	if status != http.StatusOK || !strings.Contains(body, "Teapot") {
		t.Errorf("GET /api/orders: got %d %s, want 200 with the Teapot", status, body)
	}
}

// A client that configures itself by the metadata finds the page, and looks for
// the iss that the page adds (RFC 9207).
func TestMetadataNamesTheAuthorizePage(t *testing.T) {
	shop := open(t, 0)
	answer, err := http.Get(shop.issuer + "/.well-known/oauth-authorization-server")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var said struct {
		AuthorizationEndpoint string `json:"authorization_endpoint"`
		Iss                   bool   `json:"authorization_response_iss_parameter_supported"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		t.Fatal(err)
	}
	if !said.Iss || said.AuthorizationEndpoint != shop.endpoint(0).AuthURL {
		t.Errorf("the metadata says %+v, want the page %s and true", said, shop.endpoint(0).AuthURL)
	}
}

func TestRedirectURIKeepsItsQuery(t *testing.T) {
	shop := open(t, 0)
	c, verifier := shop.partner(), oauth2.GenerateVerifier()
	code := shop.code(shop.login(), c, verifier)
	if _, err := c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err != nil {
		t.Errorf("redeeming a confidential client's code: got error %v, want a token", err)
	}
	page := shop.login().get(c.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("scope", "no")))
	if !strings.HasPrefix(page.location.String(), c.RedirectURL+"&error=invalid_scope&") {
		t.Errorf("the redirect: got %s, want %s and then the parameters", page.location, c.RedirectURL)
	}
}

func TestUserDeclines(t *testing.T) {
	shop := open(t, 0)
	b := shop.login()
	page := b.get(shop.app().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	page = b.submit(page, "consent", url.Values{"decision": {"deny"}})
	if q := page.location.Query(); q.Get("error") != "access_denied" || q.Get("state") != "s" || q.Has("code") {
		t.Errorf("the redirect: got %s, want error=access_denied with the state and no code", page.location)
	}
}

func TestFaultyAuthorizationRequests(t *testing.T) {
	shop := open(t, 0)
	shop.addClient(&storage.Client{
		ID: "off", Disabled: true, GrantTypes: []string{grants.TypeAuthorizationCode}, RedirectURIs: []string{"http://127.0.0.1/callback"},
	})
	shop.addClient(&storage.Client{ID: "no-codes", RedirectURIs: []string{"http://127.0.0.1/callback"}})
	tests := []struct {
		name   string
		change string // of the query: name=value sets, name= removes, +name=value repeats
		want   string // an error code of the redirect; if empty, the user is shown the fault
	}{
		{name: "an unknown client is not redirected", change: "client_id=nobody"},
		{name: "a missing client_id is not redirected", change: "client_id="},
		{name: "a repeated client_id is not redirected", change: "+client_id=" + appClient},
		{name: "a disabled client is not redirected", change: "client_id=off"},
		{name: "an unregistered redirect_uri is not redirected", change: "redirect_uri=https://evil.example/callback"},
		{name: "a longer redirect_uri is not redirected", change: "redirect_uri=http://127.0.0.1:49152/callback/x"},
		{name: "a redirect_uri on another loopback name is not redirected", change: "redirect_uri=http://localhost:49152/callback"},
		{name: "a repeated redirect_uri is not redirected", change: "+redirect_uri=https://evil.example/"},
		{name: "a client_id that cannot be read is not redirected", change: "+client_id=%zz"},
		{name: "a broken query", change: "+x=%zz", want: "invalid_request"},
		{name: "a resource that is not the shop's", change: "resource=https://evil.example/api", want: "invalid_target"},
		{name: "a request object", change: "request=eyJ", want: "request_not_supported"},
		{name: "prompt=none without a login", change: "prompt=none", want: "login_required"},
		{name: "a missing response_type", change: "response_type=", want: "invalid_request"},
		{name: "the implicit grant", change: "response_type=token", want: "unsupported_response_type"},
		{name: "plain PKCE", change: "code_challenge_method=plain", want: "invalid_request"},
		{name: "PKCE without a method, which means plain", change: "code_challenge_method=", want: "invalid_request"},
		{name: "no PKCE", change: "code_challenge=", want: "invalid_request"},
		{name: "a code_challenge that is none", change: "code_challenge=abc", want: "invalid_request"},
		{name: "a repeated parameter", change: "+scope=profile", want: "invalid_request"},
		{name: "a scope that the client has not registered", change: "scope=stock:read", want: "invalid_scope"},
		{name: "a malformed scope", change: "scope=orders:read++profile", want: "invalid_scope"},
		{name: "a client that may not have codes", change: "client_id=no-codes", want: "unauthorized_client"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBrowser(t, shop.issuer) // a visitor: the fault comes before the login
			page := b.get(changed(t, shop.app().AuthCodeURL("s t", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())), test.change))
			if test.want == "" {
				if page.status != http.StatusBadRequest || page.location != nil || page.forms["login"] != nil {
					t.Errorf("got %d to %v, want 400 and no redirect", page.status, page.location)
				}
				return
			}
			if page.location == nil {
				t.Fatalf("got %d at %s, want a redirect with %s", page.status, page.url, test.want)
			}
			q := page.location.Query()
			if q.Get("error") != test.want || q.Get("state") != "s t" || q.Get("iss") != shop.issuer || q.Has("code") {
				t.Errorf("got a redirect to %s, want the error %s, the state and iss", page.location, test.want)
			}
		})
	}
	if n := shop.count(`SELECT count(*) FROM credentials`); n != 0 {
		t.Errorf("codes after faulty requests: got %d, want 0", n)
	}
}

// The page sends back no state if the request has two.
func TestRepeatedStateIsNotEchoed(t *testing.T) {
	shop := open(t, 0)
	page := newBrowser(t, shop.issuer).get(changed(t, shop.app().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())), "+state=t"))
	if q := page.location.Query(); q.Get("error") != "invalid_request" || q.Has("state") {
		t.Errorf("got a redirect to %s, want the error invalid_request and no state", page.location)
	}
}

func TestRepeatedScopeCountsOnce(t *testing.T) {
	shop := open(t, 0)
	c := shop.app()
	c.Scopes = []string{scopeOrders, scopeOrders}
	if got := shop.claims(shop.token(c).AccessToken).Scope; got != scopeOrders {
		t.Errorf("the scope of a token: got %q, want %q", got, scopeOrders)
	}
}

// A changed consent form gains nothing: the shop checks the request again.
func TestConsentIsCheckedAgain(t *testing.T) {
	shop := open(t, 0)
	b := shop.login()
	page := b.get(shop.app().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	f := page.forms["consent"]
	f.action = changed(t, shop.issuer+f.action, "redirect_uri=https://evil.example/")
	page = b.submit(page, "consent", url.Values{"decision": {"allow"}})
	if page.status != http.StatusBadRequest || page.location != nil {
		t.Errorf("a consent to another redirect_uri: got %d to %v, want 400 and no redirect", page.status, page.location)
	}
	if n := shop.count(`SELECT count(*) FROM audit`); n != 0 {
		t.Errorf("audit rows: got %d, want 0", n)
	}
}

func (r *running) addClient(c *storage.Client) {
	r.Helper()
	if err := r.store.AddClient(r.Context(), "of a test", c); err != nil {
		r.Fatalf("AddClient: got error %v", err)
	}
}

// changed changes a parameter of a URL. See TestFaultyAuthorizationRequests.
func changed(t testing.TB, address, change string) string {
	t.Helper()
	if repeated, ok := strings.CutPrefix(change, "+"); ok {
		return address + "&" + repeated
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("parsing %q: got error %v", address, err)
	}
	name, value, _ := strings.Cut(change, "=")
	q := u.Query()
	q.Set(name, strings.ReplaceAll(value, "+", " "))
	if value == "" {
		q.Del(name)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// An app may name the API that it wants tokens for (RFC 8707), as MCP clients do.
func TestResourceIsTheAudience(t *testing.T) {
	shop := open(t, 0)
	c, verifier := shop.app(), oauth2.GenerateVerifier()
	b := shop.login()
	page := b.get(c.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("resource", shop.audience())))
	page = b.submit(page, "consent", url.Values{"decision": {"allow"}})
	token, err := c.Exchange(t.Context(), page.location.Query().Get("code"), oauth2.VerifierOption(verifier), oauth2.SetAuthURLParam("resource", shop.audience()))
	if err != nil {
		t.Fatalf("redeeming a code with a resource: got error %v, want a token", err)
	}
	if status, _, body := shop.ask("Bearer " + token.AccessToken); status != http.StatusOK {
		t.Errorf("GET /api/orders: got %d %s, want 200", status, body)
	}
}

// The shop asks its user each time, so prompt=none never ends in a code.
func TestPromptNoneOfALoggedInUser(t *testing.T) {
	shop := open(t, 0)
	page := shop.login().get(shop.app().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()), oauth2.SetAuthURLParam("prompt", "none")))
	if page.location == nil || page.location.Query().Get("error") != "consent_required" {
		t.Errorf("got %d to %v, want consent_required", page.status, page.location)
	}
}

// An app may send its request by POST (RFC 6749 §3.1).
func TestAuthorizationRequestByPOST(t *testing.T) {
	shop := open(t, 0)
	u, err := url.Parse(shop.app().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	if err != nil {
		t.Fatal(err)
	}
	b := shop.login()
	page := b.see(b.client.PostForm(shop.issuer+"/authorize", u.Query()))
	if page.forms["consent"] == nil {
		t.Errorf("got %d at %s, want the consent page", page.status, page.url)
	}
}

// A session that ended before the answer leads through the login back to the question.
func TestConsentAfterTheSession(t *testing.T) {
	shop := open(t, 0)
	b := shop.login()
	page := b.get(shop.app().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	shop.sql(`DELETE FROM sessions`)
	page = b.submit(page, "consent", url.Values{"decision": {"allow"}})
	page = b.submit(page, "login", url.Values{"email": {demoEmail}, "password": {demoPassword}})
	if page.url.Path != "/authorize" || page.forms["consent"] == nil {
		t.Errorf("after the login: got %d at %s, want the consent page", page.status, page.url)
	}
}
