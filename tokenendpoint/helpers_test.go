package tokenendpoint_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const testVerifier = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"

var testChallenge = func() string {
	sum := sha256.Sum256([]byte(testVerifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}()

var discard = slog.New(slog.DiscardHandler)

// testKeys is a key set with the fastest algorithm.
func testKeys(t testing.TB) *jws.KeySet {
	t.Helper()
	return exampleKeys()
}

// exampleKeys are keys for examples.
func exampleKeys() *jws.KeySet {
	keys, err := jws.NewKeySet(jws.Key{Signer: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))})
	if err != nil {
		panic(err)
	}
	return keys
}

// aClient adds a client of all grants to the configured store, and returns its
// secret.
func aClient(t testing.TB, c tokenendpoint.Config) string {
	t.Helper()
	secret, hash := clientauth.NewSecret()
	err := c.Storage.(*memory.Store).PutClient(t.Context(), &storage.Client{
		ID: "c1", Secrets: []storage.ClientSecret{{Hash: hash}}, Scope: []string{"read"},
		GrantTypes: []string{"client_credentials", "refresh_token", "authorization_code", "own"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return secret.Reveal()
}

// ask asks h as the client c1.
func ask(h http.Handler, secret, body string) *httptest.ResponseRecorder {
	return serve(h, asked("c1", secret, body))
}

// asked are the requests of a client that shows a secret by Basic.
func asked(id, secret, body string) *http.Request {
	r := httptest.NewRequest("POST", "/connect/token", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://spa.test")
	r.SetBasicAuth(id, secret)
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func newHandler(t testing.TB, c tokenendpoint.Config) *tokenendpoint.Handler {
	t.Helper()
	h, err := tokenendpoint.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// token reads a response that issued tokens.
func token(t testing.TB, w *httptest.ResponseRecorder) (response, claims map[string]any) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &response); err != nil || w.Code != http.StatusOK {
		t.Fatalf("got %d %s, want tokens", w.Code, w.Body)
	}
	text, _ := response["access_token"].(string)
	return response, payload(t, text)
}
