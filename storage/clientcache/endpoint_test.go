package clientcache_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/clientcache"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// replica is an endpoint over a cache. The client app has two secrets in its store.
type replica struct {
	store    memory.Store
	cache    *clientcache.Cache
	endpoint http.Handler
	secrets  [2]string
}

func newReplica(t *testing.T) *replica {
	t.Helper()
	r := new(replica)
	app := &storage.Client{ID: "app", Scope: []string{"read"}, GrantTypes: []string{grants.TypeClientCredentials}}
	for i, id := range []string{"old", "new"} {
		secret, hash := clientauth.NewSecret()
		r.secrets[i] = secret.Reveal()
		app.Secrets = append(app.Secrets, storage.ClientSecret{ID: id, Hash: hash})
	}
	if err := r.store.PutClient(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	r.cache = newCache(t, &r.store, clientcache.Config{Staleness: staleness})
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: key})
	if err != nil {
		t.Fatal(err)
	}
	h, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer: "https://as.example.com", Audience: []string{"https://api.example.com"}, Keys: keys,
		Storage: storage.Parts{Clients: r.cache, Credentials: &r.store},
		Grants:  map[string]grants.Grant{grants.TypeClientCredentials: grants.ClientCredentials{}},
		Logger:  slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.endpoint = h.Token()
	return r
}

// change changes the client in the store, as another process does it.
func (r *replica) change(t *testing.T, change func(c *storage.Client)) {
	t.Helper()
	err := r.store.UpdateClient(t.Context(), "app", func(c *storage.Client) error { change(c); return nil })
	if err != nil {
		t.Fatal(err)
	}
}

// status asks for a token with one of the secrets, and returns the status of the answer.
func (r *replica) status(t *testing.T, secret int) int {
	t.Helper()
	request := httptest.NewRequest(http.MethodPost, "/connect/token", strings.NewReader("grant_type=client_credentials"))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth("app", r.secrets[secret])
	w := httptest.NewRecorder()
	r.endpoint.ServeHTTP(w, request)
	var answer struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if want := map[int]string{http.StatusOK: "", http.StatusUnauthorized: "invalid_client"}; answer.Error != want[w.Code] {
		t.Errorf("got the error %q with status %d, want %q", answer.Error, w.Code, want[w.Code])
	}
	return w.Code
}

// wantStatus asks with each secret.
func (r *replica) wantStatus(t *testing.T, when string, want [2]int) {
	t.Helper()
	for i := range want {
		if got := r.status(t, i); got != want[i] {
			t.Errorf("%s, secret %d: got status %d, want %d", when, i, got, want[i])
		}
	}
}

// TestTheEndpointRefusesWithinStaleness changes a client that is used all the time. Use
// must not make the cache remember it for longer.
func TestTheEndpointRefusesWithinStaleness(t *testing.T) {
	const ok, refused = http.StatusOK, http.StatusUnauthorized
	for _, tt := range []struct {
		name   string
		change func(c *storage.Client)
		want   [2]int // with each secret, in the end
	}{
		{"a client that was disabled", func(c *storage.Client) { c.Disabled = true }, [2]int{refused, refused}},
		{"a secret that was removed", func(c *storage.Client) { c.Secrets = c.Secrets[1:] }, [2]int{refused, ok}},
		{"a secret that was replaced", func(c *storage.Client) { _, c.Secrets[0].Hash = clientauth.NewSecret() }, [2]int{refused, ok}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReplica(t)
				r.wantStatus(t, "before the change", [2]int{ok, ok})
				r.change(t, tt.change)
				for passed := time.Duration(0); passed < staleness*3/4; passed += staleness / 8 {
					r.wantStatus(t, "while the cache remembers the client", [2]int{ok, ok})
					time.Sleep(staleness / 8)
				}
				time.Sleep(staleness / 4)
				r.wantStatus(t, "after Staleness", tt.want)
			})
			t.Run("and forgotten", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newReplica(t)
					r.wantStatus(t, "before the change", [2]int{ok, ok})
					r.change(t, tt.change)
					r.cache.Forget("app")
					r.wantStatus(t, "at once", tt.want)
				})
			})
		})
	}
}
