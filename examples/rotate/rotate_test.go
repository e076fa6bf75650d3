package rotate

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/examples/internal/ask"
	"github.com/contit/oauth/examples/internal/blocks"
	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

var (
	first  = kek{1, "rOb8VvCp2wkq1pIoAeMRXHUsG1xlpcmkjqJ3Sn3AZ0Y="}
	second = kek{2, "q0Dq1bqC0vTqJ3QJ9B8hSxv7m5hYb8mF2m1m8oZk0dE="}
)

// server is a process of a host: an endpoint with an API.
type server struct {
	*tokenendpoint.Handler
	t *testing.T
}

// start starts a process over the store, as a restart does.
func start(t *testing.T, store *memory.Store, secrets ...kek) *server {
	t.Helper()
	keys, err := openKeys(t.Context(), store, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, store, keys)
}

func serve(t *testing.T, store *memory.Store, keys *jws.KeySet) *server {
	t.Helper()
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer: "https://auth.example.com", Audience: []string{"https://api.example.com"},
		Keys: keys, Storage: store, Revocations: store, Logger: slog.New(slog.DiscardHandler),
		Grants: map[string]grants.Grant{
			grants.TypeClientCredentials: grants.ClientCredentials{Refresh: true},
			grants.TypeRefreshToken:      grants.RefreshToken{},
			grants.TypeAPIKey:            grants.APIKey{},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &server{endpoint, t}
}

// token asks for a token with a secret of the client "reports".
func (s *server) token(secret storage.Secret) ask.Answer {
	s.t.Helper()
	return ask.Token(s, "grant_type", "client_credentials", "client_id", "reports", "client_secret", secret.Reveal())
}

// api is the status with which the API answers a token.
func (s *server) api(token ask.Answer) int {
	s.t.Helper()
	h := s.RequireToken("read")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	return ask.API(h, "/orders", token.Text("access_token")).Status
}

// newStore makes a store with the client "reports" and its first secret.
func newStore(t *testing.T) (*memory.Store, storage.Secret) {
	t.Helper()
	store := new(memory.Store)
	if err := store.PutClient(t.Context(), &storage.Client{
		ID: "reports", GrantTypes: []string{grants.TypeClientCredentials, grants.TypeRefreshToken, grants.TypeAPIKey}, Scope: []string{"read"},
	}); err != nil {
		t.Fatal(err)
	}
	secret, err := addSecret(t.Context(), store, "reports", "2026")
	if err != nil {
		t.Fatal(err)
	}
	return store, secret
}

// TestClientSecret: both secrets work until the former ends, in every process at once.
func TestClientSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, former := newStore(t)
		s := start(t, store, first)
		next, err := addSecret(t.Context(), store, "reports", "2027")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := addSecret(t.Context(), store, "reports", "2027"); err == nil {
			t.Error("a second secret gets the ID of the first")
		}
		if got := []int{s.token(former).Status, s.token(next).Status}; got[0] != 200 || got[1] != 200 {
			t.Errorf("the former and the next secret get %d, want 200 for both", got)
		}
		if err := endSecret(t.Context(), store, "reports", "2026", time.Now().Add(7*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := s.token(former); got.Status != 200 {
			t.Errorf("the former secret gets %v before its end, want 200", got)
		}
		time.Sleep(8 * 24 * time.Hour)
		if got := []int{s.token(former).Status, s.token(next).Status}; got[0] != 401 || got[1] != 200 {
			t.Errorf("after the end the former and the next secret get %d, want 401 and 200", got)
		}
		if err := endSecret(t.Context(), store, "reports", "2025", time.Now()); err == nil {
			t.Error("a secret that is not there was ended")
		}
	})
}

// TestAPIKey: the successor works beside the former, which then ends alone.
func TestAPIKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, _ := newStore(t)
		s := start(t, store, first)
		former, record, err := grants.NewAPIKey("shop_live_", storage.APIKey{Name: "laptop", ClientID: "reports", Subject: "user:42", Scope: []string{"read"}}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := store.CreateAPIKey(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		next, err := rollAPIKey(t.Context(), store, "shop_live_", record, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		exchange := func(key storage.Secret) int {
			return ask.Token(s, "grant_type", "api_key", "client_id", "reports", "api_key", key.Reveal()).Status
		}
		if got := []int{exchange(former), exchange(next)}; got[0] != 200 || got[1] != 200 {
			t.Errorf("the former and the next key get %d, want 200 for both", got)
		}
		time.Sleep(30 * 24 * time.Hour)
		if got := []int{exchange(former), exchange(next)}; got[0] != 400 || got[1] != 200 {
			t.Errorf("after the end the former and the next key get %d, want 400 and 200", got)
		}
	})
}

// TestSigningKey: the next key signs by itself, and a token of the former is good until
// it expires.
func TestSigningKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, secret := newStore(t)
		s := start(t, store, first)
		kids := make(map[string]bool)
		for range 40 { // days; the process is asked every hour
			for range 24 {
				last := s.token(secret)
				time.Sleep(time.Hour - time.Second)
				if got := s.api(last); got != http.StatusNoContent {
					t.Fatalf("a token gets %d just before its end, want 204", got)
				}
				time.Sleep(time.Second)
			}
			keys, err := store.SigningKeys(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range keys {
				kids[k.ID] = true
			}
		}
		if len(kids) != 2 {
			t.Errorf("in forty days there were %d signing keys, want 2", len(kids))
		}
	})
}

// TestKeyEncryptionKey follows the steps of the README, and leaves out none.
func TestKeyEncryptionKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, secret := newStore(t)
		token := start(t, store, first).token(secret)

		// 1. All processes get the new one as the second.
		s := start(t, store, first, second)
		if got := s.api(token); got != http.StatusNoContent {
			t.Errorf("after step 1 a token gets %d, want 204", got)
		}
		// 2. It becomes the first.
		s = start(t, store, second, first)
		if got := s.api(token); got != http.StatusNoContent {
			t.Errorf("after step 2 a token gets %d, want 204", got)
		}
		// Too early: the former one has sealed the key that signs.
		if _, err := openKeys(t.Context(), store, second); err == nil {
			t.Error("a process without the former key-encryption key starts before its time")
		}
		// 3. The former is dropped when it has sealed no key that is still there.
		changed := time.Now()
		for {
			n, err := sealedWith(t.Context(), store, first.Version)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
			time.Sleep(time.Hour)
			token = s.token(secret)
		}
		if took, want := time.Since(changed), period+rotation.Lead()+rotation.Keep(); took < want || took > want+2*time.Hour {
			t.Errorf("the former key-encryption key was needed for %s, want about %s", took, want)
		}
		s = start(t, store, second)
		if got := []int{s.api(token), s.api(s.token(secret))}; got[0] != http.StatusNoContent || got[1] != http.StatusNoContent {
			t.Errorf("after step 3 the last and a new token get %d, want 204 for both", got)
		}
	})
}

// TestStolenKey: an access token of a stolen key is void after the restart, and the
// sessions go on.
func TestStolenKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, secret := newStore(t)
		token := start(t, store, first).token(secret)
		if err := endStolenKeys(context.WithoutCancel(t.Context()), store); err != nil {
			t.Fatal(err)
		}
		s := start(t, store, first)
		if got := s.api(token); got != http.StatusUnauthorized {
			t.Errorf("a token of the stolen key gets %d, want 401", got)
		}
		refreshed := ask.Token(s, "grant_type", "refresh_token", "client_id", "reports", "client_secret", secret.Reveal(), "refresh_token", token.Text("refresh_token"))
		if got := s.api(refreshed); got != http.StatusNoContent {
			t.Errorf("the refresh gets %v, and its token %d; want 204", refreshed, got)
		}
	})
}

// TestGuide executes the blocks of the README.
func TestGuide(t *testing.T) { blocks.Guide(t, "rotate", nil) }
