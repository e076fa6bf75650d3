package main

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/contit/oauth/examples/internal/ask"
	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// The tests run the endpoint of this folder over SQLite; a host runs its own over its
// own database.
func testSettings() settings {
	return settings{
		Issuer:           "https://auth.example.com",
		Audience:         []string{"https://api.example.com"},
		LoginPage:        "https://auth.example.com/login",
		KeyEncryptionKey: "rOb8VvCp2wkq1pIoAeMRXHUsG1xlpcmkjqJ3Sn3AZ0Y=",
		Proxies:          []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}, // where httptest sends from
		Dialect:          sqlstore.SQLite,
	}
}

func newDatabase(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "oauth.db")+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := sqlstore.Migrate(t.Context(), sqlstore.Config{DB: db, Dialect: sqlstore.SQLite}); err != nil {
		t.Fatal(err)
	}
	return db
}

func open(t *testing.T, db *sql.DB, s settings) (*tokenendpoint.Handler, *sqlstore.Store) {
	t.Helper()
	endpoint, store, err := openEndpoint(t.Context(), db, s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return endpoint, store
}

// register registers the client "reports" and returns its secret.
func register(t *testing.T, store *sqlstore.Store) string {
	t.Helper()
	secret, hash := clientauth.NewSecret()
	err := store.CreateClient(t.Context(), &storage.Client{
		ID:         "reports",
		Secrets:    []storage.ClientSecret{{ID: "first", Hash: hash}},
		GrantTypes: []string{grants.TypeClientCredentials},
		Scope:      []string{"read"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return secret.Reveal()
}

// TestKeysOutliveTheProcess: a token of the process before is good, and so at another
// replica.
func TestKeysOutliveTheProcess(t *testing.T) {
	db := newDatabase(t)
	before, store := open(t, db, testSettings())
	token := ask.Token(before, "grant_type", "client_credentials", "client_id", "reports", "client_secret", register(t, store))
	after, _ := open(t, db, testSettings())
	api := after.RequireToken("read")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	if got := ask.API(api, "/orders", token.Text("access_token")); got.Status != http.StatusNoContent {
		t.Errorf("the next process answers a token of the one before with %v, want 204", got)
	}
}

// TestRevocationReachesTheAPI: a revoked access token is refused, and not only when it
// expires.
func TestRevocationReachesTheAPI(t *testing.T) {
	endpoint, store := open(t, newDatabase(t), testSettings())
	secret := register(t, store)
	token := ask.Token(endpoint, "grant_type", "client_credentials", "client_id", "reports", "client_secret", secret).Text("access_token")
	api := endpoint.RequireToken("read")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	before := ask.API(api, "/orders", token)
	ask.Post(endpoint, "/connect/revocation", "token", token, "client_id", "reports", "client_secret", secret)
	if after := ask.API(api, "/orders", token); before.Status != http.StatusNoContent || after.Status != http.StatusUnauthorized {
		t.Errorf("the API answers %v before the revocation and %v after it, want 204 and 401", before, after)
	}
}

// TestProxyTellsNetworksApart: an attacker who guesses in one network locks no client
// out in another one.
func TestProxyTellsNetworksApart(t *testing.T) {
	endpoint, store := open(t, newDatabase(t), testSettings())
	secret := register(t, store)
	from := func(address, secret string) int {
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"reports"}, "client_secret": {secret}}
		r := httptest.NewRequest("POST", "/connect/token", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-For", address) // all come over the connection of the proxy
		w := httptest.NewRecorder()
		endpoint.ServeHTTP(w, r)
		return w.Code
	}
	attacker := 0
	for range 400 {
		attacker = from("203.0.113.9", "cs_guess")
	}
	if client := from("198.51.100.7", secret); attacker != http.StatusTooManyRequests || client != http.StatusOK {
		t.Errorf("the attacker gets %d and the client elsewhere %d, want 429 and 200", attacker, client)
	}
}

// TestSlowHeadersAreCut: the server bounds the time for headers, which the endpoint
// never sees.
func TestSlowHeadersAreCut(t *testing.T) {
	s := newServer(http.NotFoundHandler())
	if s.ReadHeaderTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 {
		t.Errorf("the server waits for ever: %v, %v, %v", s.ReadHeaderTimeout, s.WriteTimeout, s.IdleTimeout)
	}
}

// TestExpiredRecordsGo: expired records are deleted.
func TestExpiredRecordsGo(t *testing.T) {
	_, store := open(t, newDatabase(t), testSettings())
	long := time.Now().Add(-48 * time.Hour)
	secret := storage.NewSecret("x_")
	record, err := grants.NewCredential(secret, storage.Credential{
		Kind: "test", Issuer: "https://auth.example.com", ClientID: "reports", Subject: "user:42", ExpiresAt: long.Add(time.Hour),
	}, long)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.CreateCredential(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		sweep(ctx, store, slog.New(slog.DiscardHandler))
		close(done)
	}()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, err := store.Credential(t.Context(), record.Digest); errors.Is(err, storage.ErrNotFound) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("an expired record is still there")
		}
	}
	cancel()
	<-done
}

// TestWrongKeyEncryptionKey: a replica with another secret does not start, and changes
// nothing.
func TestWrongKeyEncryptionKey(t *testing.T) {
	db := newDatabase(t)
	_, store := open(t, db, testSettings())
	before, err := store.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := testSettings()
	s.KeyEncryptionKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	if _, _, err := openEndpoint(t.Context(), db, s, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a replica with another key-encryption key starts")
	}
	if after, err := store.SigningKeys(t.Context()); err != nil || len(after) != len(before) {
		t.Errorf("it leaves %d signing keys (%v), want %d", len(after), err, len(before))
	}
}
