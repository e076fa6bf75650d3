package yourusers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/contit/oauth/examples/internal/ask"
	"github.com/contit/oauth/examples/internal/blocks"
	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const (
	callback = "https://app.example.com/callback"
	verifier = "a-code-verifier-of-43-characters-or-more-0123"
)

// host is a site with a user "42" who has logged in with the cookie "c".
type host struct {
	*site
	*http.ServeMux
	t *testing.T
}

func newHost(t *testing.T) *host {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "shop.db")+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec(schema+`INSERT INTO users (id, tier) VALUES ('42', 'gold'); INSERT INTO sessions VALUES ('c', '42', ?);`, time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	config := sqlstore.Config{DB: db, Dialect: sqlstore.SQLite}
	if err := sqlstore.Migrate(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	store, err := sqlstore.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: key})
	if err != nil {
		t.Fatal(err)
	}
	h := &host{ServeMux: http.NewServeMux(), t: t}
	if h.site, err = mount(h.ServeMux, db, store, keys, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	h.login.Logger = slog.New(slog.DiscardHandler)
	if err := store.CreateClient(t.Context(), &storage.Client{
		ID: "app", AuthMethod: storage.AuthNone, RedirectURIs: []string{callback}, Scope: []string{"orders"},
		GrantTypes: []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken},
	}); err != nil {
		t.Fatal(err)
	}
	return h
}

// browse asks for a page with a session cookie, and returns where it leads.
func (h *host) browse(method, path, form, cookie string) (*httptest.ResponseRecorder, *url.URL) {
	h.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "session", Value: cookie})
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		h.t.Fatal(err)
	}
	return w, to
}

// query is an authorization request of the app.
func query() string {
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{
		"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {callback}, "scope": {"orders"}, "state": {"s"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode()
}

// allow is a user that allows the app, and then the app with the code.
func (h *host) allow() ask.Answer {
	h.t.Helper()
	page, _ := h.browse("GET", "/authorize?"+query(), "", "c")
	action := regexp.MustCompile(`action="([^"]*)"`).FindStringSubmatch(page.Body.String())
	if action == nil {
		h.t.Fatalf("the consent page has no form: %s", page.Body)
	}
	_, to := h.browse("POST", html.UnescapeString(action[1]), "decision=allow", "c")
	return ask.Token(h, "grant_type", "authorization_code", "client_id", "app", "code", to.Query().Get("code"),
		"redirect_uri", callback, "code_verifier", verifier)
}

func (h *host) refresh(before ask.Answer) ask.Answer {
	h.t.Helper()
	return ask.Token(h, "grant_type", "refresh_token", "client_id", "app", "refresh_token", before.Text("refresh_token"))
}

// orders is the status with which the API answers a token.
func (h *host) orders(token ask.Answer) int {
	h.t.Helper()
	return ask.API(h, "/api/orders", token.Text("access_token")).Status
}

func (h *host) exec(query string) {
	h.t.Helper()
	if _, err := h.users.db.ExecContext(h.t.Context(), query); err != nil {
		h.t.Fatal(err)
	}
}

// TestLogin: a user without a session logs in first, one who says no gets no code, and
// one who says yes gets a token with the claims of the user.
func TestLogin(t *testing.T) {
	h := newHost(t)
	if _, to := h.browse("GET", "/authorize?"+query(), "", ""); to.Path != "/login" || !strings.HasPrefix(to.Query().Get("next"), "/authorize?") {
		t.Errorf("a user without a session is sent to %s, want the login and back", to)
	}
	for cookie, want := range map[string]string{"": "login_required", "c": "consent_required"} {
		if _, to := h.browse("GET", "/authorize?prompt=none&"+query(), "", cookie); to.Query().Get("error") != want {
			t.Errorf("prompt=none with the cookie %q leads to %s, want %s at the app", cookie, to, want)
		}
	}
	if page, _ := h.browse("GET", "/authorize?"+query(), "", "c"); !strings.Contains(page.Body.String(), "<b>orders</b>") {
		t.Errorf("the consent page does not show the scope: %s", page.Body)
	}
	if _, to := h.browse("POST", "/consent?"+query(), "decision=deny", "c"); to.Query().Get("error") != "access_denied" || to.Query().Get("code") != "" {
		t.Errorf("a user who says no is sent to %s, want access_denied", to)
	}
	if _, to := h.browse("POST", "/consent?"+query(), "decision=allow", "another"); to.Query().Get("error") != "login_required" {
		t.Errorf("a user who has logged out is sent to %s, want login_required", to)
	}
	token := h.allow()
	claims := payload(t, token.Text("access_token"))
	if !strings.Contains(claims, `"sub":"user:42"`) || !strings.Contains(claims, `"tier":"gold"`) || !strings.Contains(claims, `"auth_time":`) {
		t.Errorf("the token says %s, want the sub, the tier and the auth_time", claims)
	}
	if got := h.orders(token); got != http.StatusOK {
		t.Errorf("the API answers %d, want 200", got)
	}
}

// TestHook: the hook is asked again at each refresh.
func TestHook(t *testing.T) {
	h := newHost(t)
	first := h.allow()
	h.exec(`UPDATE users SET tier = 'silver' WHERE id = '42'`)
	second := h.refresh(first)
	if claims := payload(t, second.Text("access_token")); !strings.Contains(claims, `"tier":"silver"`) {
		t.Errorf("the token of the refresh says %s, want the tier of now", claims)
	}
	h.exec(`UPDATE users SET locked = TRUE WHERE id = '42'`)
	if got := h.refresh(second).String(); got != "400 invalid_grant the account is locked" {
		t.Errorf("a locked user gets %s", got)
	}
	h.exec(`UPDATE users SET locked = FALSE WHERE id = '42'`)
	if got := h.refresh(second); got.Status != http.StatusOK {
		t.Errorf("the same refresh token gets %v after the lock, want 200: a refusal of a hook uses nothing up", got)
	}
	h.exec(`DELETE FROM users WHERE id = '42'`)
	if got := h.refresh(second).String(); got != "400 invalid_grant" {
		t.Errorf("a user that is gone gets %s, want 400 invalid_grant", got)
	}
	h.exec(`DROP TABLE users`)
	if got := h.refresh(second); got.Status != http.StatusServiceUnavailable {
		t.Errorf("without a table of users the answer is %v, want 503: an outage is never a verdict", got)
	}
}

// TestLock: a lock ends the refresh tokens and, with Revocations, the access tokens.
func TestLock(t *testing.T) {
	h := newHost(t)
	token := h.allow()
	if err := h.lock(t.Context(), "42"); err != nil {
		t.Fatal(err)
	}
	if got := h.refresh(token); got.Text("error") != "invalid_grant" {
		t.Errorf("the refresh token of a locked user gets %v, want invalid_grant", got)
	}
	if got := h.orders(token); got != http.StatusUnauthorized {
		t.Errorf("the API answers the access token of a locked user with %d, want 401", got)
	}
	h.exec(`UPDATE users SET locked = FALSE WHERE id = '42'`)
	if got := h.refresh(token); got.Text("error") != "invalid_grant" {
		t.Errorf("the old refresh token gets %v after the lock, want invalid_grant: it has ended", got)
	}
}

// TestClientIsNoUser: a client in its own name is asked no question about users, and
// the API does not take it for one.
func TestClientIsNoUser(t *testing.T) {
	h := newHost(t)
	secret, hash := clientauth.NewSecret()
	if err := h.store.CreateClient(t.Context(), &storage.Client{
		ID: "reports", Secrets: []storage.ClientSecret{{ID: "1", Hash: hash}}, Scope: []string{"orders"}, GrantTypes: []string{grants.TypeClientCredentials},
	}); err != nil {
		t.Fatal(err)
	}
	token := ask.Token(h, "grant_type", "client_credentials", "client_id", "reports", "client_secret", secret.Reveal())
	if got := h.orders(token); token.Status != http.StatusOK || got != http.StatusForbidden {
		t.Errorf("the client gets %v, and the API answers it with %d; want 200, and 403", token, got)
	}
}

// payload is the text of the claims of a token.
func payload(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no token", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestGuide executes the blocks of the README.
func TestGuide(t *testing.T) { blocks.Guide(t, "yourusers", nil) }
