package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/oauth2"

	"github.com/contit/oauth/tokenendpoint/bearer"
)

// running is a shop that serves, with the helpers of its tests.
type running struct {
	testing.TB
	*shop
	*demo
}

func open(t testing.TB, codeReuseWindow time.Duration) *running {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	s, err := newShop(newDatabase(t), config{
		issuer:          "http://" + server.Listener.Addr().String(),
		log:             slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		bcryptCost:      bcrypt.MinCost,
		codeReuseWindow: codeReuseWindow,
	})
	if err != nil {
		t.Fatalf("newShop: got error %v, want none", err)
	}
	t.Cleanup(s.Close)
	server.Config.Handler = s
	server.Start()
	t.Cleanup(server.Close)
	seeded, err := s.seed(t.Context())
	if err != nil || seeded == nil {
		t.Fatalf("seed: got %v and error %v, want secrets", seeded, err)
	}
	return &running{t, s, seeded}
}

// sql changes the database behind the shop's back, as the shop's back office
// might.
func (r *running) sql(statement string, args ...any) {
	r.Helper()
	done, err := r.db.write.ExecContext(r.Context(), statement, args...)
	if err != nil {
		r.Fatalf("%s: got error %v", statement, err)
	}
	if n, _ := done.RowsAffected(); n == 0 {
		r.Fatalf("%s: changed nothing", statement)
	}
}

func (r *running) count(query string, args ...any) int {
	r.Helper()
	var n int
	if err := r.db.read.QueryRowContext(r.Context(), query, args...).Scan(&n); err != nil {
		r.Fatalf("%s: got error %v", query, err)
	}
	return n
}

func (r *running) endpoint(style oauth2.AuthStyle) oauth2.Endpoint {
	return oauth2.Endpoint{AuthURL: r.issuer + "/authorize", TokenURL: r.issuer + "/connect/token", AuthStyle: style}
}

// app is the public client, on some port.
func (r *running) app() *oauth2.Config {
	return &oauth2.Config{
		ClientID:    appClient,
		Endpoint:    r.endpoint(oauth2.AuthStyleInParams),
		RedirectURL: "http://127.0.0.1:49152/callback",
		Scopes:      []string{scopeOrders},
	}
}

// partner is the confidential client.
func (r *running) partner() *oauth2.Config {
	return &oauth2.Config{
		ClientID:     partnerClient,
		ClientSecret: r.partnerSecret.Reveal(),
		Endpoint:     r.endpoint(oauth2.AuthStyleInHeader),
		RedirectURL:  "http://127.0.0.1:8082/callback?from=shop",
		Scopes:       []string{scopeOrders, scopeProfile},
	}
}

// login logs the demo user in.
func (r *running) login() *browser {
	r.Helper()
	b := newBrowser(r, r.issuer)
	page := b.submit(b.get(r.issuer+"/"), "login", url.Values{"email": {demoEmail}, "password": {demoPassword}})
	if page.status != http.StatusOK || page.url.Path != "/" {
		r.Fatalf("login: got %d at %s, want 200 at /", page.status, page.url.Path)
	}
	return b
}

// loginBob logs in a second user, who is new.
func (r *running) loginBob() *browser {
	r.Helper()
	bob := &user{Email: "bob@example.com", Name: "Bob", Tier: "none"}
	if err := r.users.add(r.Context(), bob, "bob's password"); err != nil {
		r.Fatalf("adding a user: got error %v", err)
	}
	b := newBrowser(r, r.issuer)
	b.submit(b.get(r.issuer+"/login"), "login", url.Values{"email": {bob.Email}, "password": {"bob's password"}})
	return b
}

// code lets the browser's user allow an app, and returns the code.
func (r *running) code(b *browser, c *oauth2.Config, verifier string) string {
	r.Helper()
	page := b.get(c.AuthCodeURL("the state", oauth2.S256ChallengeOption(verifier)))
	page = b.submit(page, "consent", url.Values{"decision": {"allow"}})
	if page.status != http.StatusSeeOther || page.location == nil {
		r.Fatalf("allowing: got %d and the page\n%s\nwant 303 to the app", page.status, page.body)
	}
	q := page.location.Query()
	if q.Get("code") == "" || q.Get("state") != "the state" || q.Get("iss") != r.issuer {
		r.Fatalf("the redirect: got %s, want code, state and iss", page.location)
	}
	return q.Get("code")
}

// token is the whole of the authorization code grant.
func (r *running) token(c *oauth2.Config) *oauth2.Token {
	r.Helper()
	verifier := oauth2.GenerateVerifier()
	token, err := c.Exchange(r.Context(), r.code(r.login(), c, verifier), oauth2.VerifierOption(verifier))
	if err != nil {
		r.Fatalf("redeeming a code: got error %v, want a token", err)
	}
	return token
}

// refresh presents a refresh token.
func refresh(ctx context.Context, c *oauth2.Config, token *oauth2.Token) (*oauth2.Token, error) {
	return c.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
}

func (r *running) mustRefresh(c *oauth2.Config, token *oauth2.Token) *oauth2.Token {
	r.Helper()
	next, err := refresh(r.Context(), c, token)
	if err != nil {
		r.Fatalf("a refresh: got error %v, want a token", err)
	}
	return next
}

// post sends a token request that the client library has no method for.
func (r *running) post(c *oauth2.Config, form url.Values) (*oauth2.Token, error) {
	r.Helper()
	conf := *c
	conf.RedirectURL = ""
	options := []oauth2.AuthCodeOption{}
	for name := range form {
		options = append(options, oauth2.SetAuthURLParam(name, form.Get(name)))
	}
	return conf.Exchange(r.Context(), "", options...)
}

// wantCode asserts that err has this code of RFC 6749 §5.2.
func (r *running) wantCode(what string, err error, want string) {
	r.Helper()
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || refused.ErrorCode != want {
		r.Errorf("%s: got error %v, want %s", what, err, want)
	}
}

// accessToken has the claims of an access token that the tests check.
type accessToken struct{ Subject, ClientID, Scope, Tier string }

// claims verifies an access token as the protected route does.
func (r *running) claims(text string) accessToken {
	r.Helper()
	v, err := bearer.New(bearer.Config{Issuer: r.issuer, Audience: r.audience(), Keys: r.keys})
	if err != nil {
		r.Fatalf("bearer.New: got error %v", err)
	}
	t, err := v.Verify(r.Context(), text, time.Now())
	if err != nil {
		r.Fatalf("verifying a token of the shop: got error %v", err)
	}
	tier, _ := t.Claims["tier"].(string)
	return accessToken{t.Subject, t.ClientID, strings.Join(t.Scope, " "), tier}
}

// ask calls the protected route with an Authorization header.
func (r *running) ask(authorization string) (status int, challenge, body string) {
	r.Helper()
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.issuer+"/api/orders", nil)
	if err != nil {
		r.Fatalf("making a request: got error %v", err)
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		r.Fatalf("GET /api/orders: got error %v", err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		r.Fatalf("GET /api/orders: got error %v", err)
	}
	return answer.StatusCode, answer.Header.Get("WWW-Authenticate"), strings.TrimSpace(string(b))
}
