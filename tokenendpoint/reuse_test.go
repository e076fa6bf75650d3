package tokenendpoint_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// reuseBed is an endpoint that reuses tokens for a minute.
type reuseBed struct {
	*testing.T
	store    *memory.Store
	failing  error // of Revoked
	hanging  bool  // Revoked does not return before its context ends
	client   *storage.Client
	secret   storage.Secret
	key      storage.Secret
	record   *storage.APIKey
	keys     []jws.Key
	hooked   int // how often the hook was asked
	claim    any // the claim that it adds
	refresh  bool
	wrapped  bool // the grant is a function of the host's around ours
	endpoint http.Handler
	event    tokenendpoint.Event
}

func (b *reuseBed) Revoked(ctx context.Context, id, family string) (bool, error) {
	if b.hanging {
		<-ctx.Done()
		return false, ctx.Err()
	}
	if b.failing != nil {
		return false, b.failing
	}
	return b.store.Revoked(ctx, id, family)
}

func (b *reuseBed) RevokeToken(ctx context.Context, id string, expiresAt time.Time) error {
	return b.store.RevokeToken(ctx, id, expiresAt)
}

func newReuseBed(t *testing.T, window time.Duration, changes ...func(*reuseBed)) *reuseBed {
	t.Helper()
	secret, hash := clientauth.NewSecret()
	b := &reuseBed{T: t, store: new(memory.Store), secret: secret, client: &storage.Client{
		ID: "app", Secrets: []storage.ClientSecret{{ID: "s", Hash: hash}}, Scope: []string{"read", "write"},
		GrantTypes: []string{grants.TypeClientCredentials, grants.TypeAPIKey, grants.TypeRefreshToken, "urn:example:own"},
	}}
	b.keys = []jws.Key{{Signer: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}}
	for _, change := range changes {
		change(b)
	}
	var err error
	if b.key, b.record, err = grants.NewAPIKey("ck_", storage.APIKey{ClientID: "app", Scope: b.client.Scope}, time.Now()); err != nil {
		t.Fatal(err)
	}
	b.put()
	source := jws.KeySourceFunc(func(context.Context, jws.Rotation, time.Time) ([]jws.Key, error) { return b.keys, nil })
	keys, err := jws.OpenKeySet(t.Context(), source, jws.Rotation{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	hook := func(_ context.Context, _ *grants.Request, a *grants.Authorization) error {
		b.hooked++
		if b.claim != nil {
			a.AddClaim("tier", b.claim)
		}
		return nil
	}
	var clientCredentials grants.Grant = grants.ClientCredentials{Hook: hook, Refresh: b.refresh}
	if b.wrapped {
		clientCredentials = grants.Func(clientCredentials.Authorize)
	}
	b.endpoint, err = tokenendpoint.New(tokenendpoint.Config{
		Issuer: benchIssuer, Audience: []string{benchAudience, "https://other.example.com"}, Keys: keys,
		Storage: b.store, Revocations: b, Logger: discard, ReuseAccessTokens: window,
		Observe: func(_ context.Context, e tokenendpoint.Event) { b.event = e },
		Grants: map[string]grants.Grant{
			grants.TypeClientCredentials: clientCredentials,
			grants.TypeAPIKey:            grants.APIKey{Hook: hook},
			grants.TypeRefreshToken:      grants.RefreshToken{},
			"urn:example:own": grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) {
				return &grants.Authorization{Subject: "u1", Scope: []string{"read"}}, nil
			}),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// put stores the client and the key as they are now.
func (b *reuseBed) put() {
	b.Helper()
	err := errors.Join(b.store.PutClient(b.Context(), b.client), b.store.PutAPIKey(b.Context(), b.record))
	if err != nil {
		b.Fatal(err)
	}
}

type reuseAnswer struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	ExpiresIn    int    `json:"expires_in"`
}

func (b *reuseBed) ask(grant string, more ...string) reuseAnswer {
	b.Helper()
	form := url.Values{"grant_type": {grant}, "client_id": {"app"}, "client_secret": {b.secret.Reveal()}}
	if grant == grants.TypeAPIKey {
		form.Set("api_key", b.key.Reveal())
	}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "/connect/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	b.endpoint.ServeHTTP(w, r)
	var a reuseAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK || a.AccessToken == "" {
		b.Fatalf("%s: got %d %s, want a token", grant, w.Code, w.Body)
	}
	return a
}

func TestReuseAccessTokens(t *testing.T) {
	for _, tt := range []struct {
		name   string
		off    bool
		before func(*reuseBed)
		grant  string
		first  []string        // parameters of the first request
		change func(*reuseBed) // between the two
		second []string
		reused bool
	}{
		{name: "the same decision gets the same token", reused: true},
		{name: "an API key's, too", grant: grants.TypeAPIKey, reused: true},
		{name: "nothing is reused by default", off: true},
		{name: "until the time is over", change: func(b *reuseBed) { time.Sleep(time.Minute) }},
		{name: "just before it is over", change: func(b *reuseBed) { time.Sleep(time.Minute - time.Second) }, reused: true},
		{name: "another scope is another decision", second: []string{"scope", "read"}},
		{name: "the same scope in another order is the same", first: []string{"scope", "read write"}, second: []string{"scope", "write read"}, reused: true},
		{name: "another resource is another decision", second: []string{"resource", benchAudience}},
		{name: "another claim of the hook's is another decision", change: func(b *reuseBed) { b.claim = "gold" }},
		{name: "another value of a claim is another decision", before: func(b *reuseBed) { b.claim = 1 }, change: func(b *reuseBed) { b.claim = 2 }},
		{name: "a revoked token is not given again", change: (*reuseBed).revoke},
		{name: "nor one of which the store cannot tell", change: func(b *reuseBed) { b.failing = errors.New("down") }},
		{name: "nor one of which a store that hangs does not tell", change: func(b *reuseBed) { b.hanging = true }},
		{name: "nor to a client that cannot be compared", before: func(b *reuseBed) {
			b.client.Secrets[0].ExpiresAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
		}},
		{name: "nor after another secret was added to the client", change: func(b *reuseBed) {
			b.client.Secrets = append(b.client.Secrets, storage.ClientSecret{ID: "next", Hash: b.client.Secrets[0].Hash})
			b.put()
		}},
		{name: "nor after the client's lifetime was changed", change: func(b *reuseBed) { b.client.AccessTokenLifetime = 30 * time.Minute; b.put() }},
		{name: "nor after the client got another redirect URI", change: func(b *reuseBed) { b.client.RedirectURIs = []string{benchRedirect}; b.put() }},
		{name: "nor by a key that no longer signs", before: func(b *reuseBed) {
			b.keys = append(b.keys, jws.Key{ // it signs in half a minute
				Signer:      ed25519.NewKeyFromSeed([]byte(strings.Repeat("n", 32))),
				AnnouncedAt: time.Now().Add(30*time.Second - jws.Rotation{}.Lead()),
			})
		}, change: func(*reuseBed) { time.Sleep(31 * time.Second) }},
		{name: "nor beyond the end of the API key", grant: grants.TypeAPIKey, change: func(b *reuseBed) {
			b.record.ExpiresAt = time.Now().Add(time.Minute)
			b.put()
		}},
		{name: "nor with a refresh token", before: func(b *reuseBed) { b.refresh = true }},
		{name: "nor for a grant of the host's own", grant: "urn:example:own"},
		{name: "nor for one of the host's around ours", before: func(b *reuseBed) { b.wrapped = true }},
		{name: "nor in the second half of its life", before: func(b *reuseBed) { b.client.AccessTokenLifetime = 40 * time.Second },
			change: func(*reuseBed) { time.Sleep(21 * time.Second) }},
		{name: "but in the first", before: func(b *reuseBed) { b.client.AccessTokenLifetime = 40 * time.Second },
			change: func(*reuseBed) { time.Sleep(19 * time.Second) }, reused: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				window := time.Minute
				if tt.off {
					window = 0
				}
				before := func(*reuseBed) {}
				if tt.before != nil {
					before = tt.before
				}
				b := newReuseBed(t, window, before)
				grant := tt.grant
				if grant == "" {
					grant = grants.TypeClientCredentials
				}
				first := b.ask(grant, tt.first...)
				if tt.change != nil {
					tt.change(b)
				}
				second := b.ask(grant, tt.second...)
				if got := first.AccessToken == second.AccessToken; got != tt.reused || b.event.Reused != tt.reused {
					t.Errorf("the token was reused: %t, and the event says %t; want %t", got, b.event.Reused, tt.reused)
				}
				if grant != "urn:example:own" && b.hooked != 2 {
					t.Errorf("the hook was asked %d times, want at each request", b.hooked)
				}
			})
		})
	}
}

func (b *reuseBed) revoke() {
	b.Helper()
	if err := b.store.RevokeToken(b.Context(), b.event.TokenID, time.Now().Add(time.Hour)); err != nil {
		b.Fatal(err)
	}
}

func TestReusedTokenHasWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newReuseBed(t, time.Minute)
		first := b.ask(grants.TypeClientCredentials)
		id := b.event.TokenID
		time.Sleep(20*time.Second + 400*time.Millisecond)
		second := b.ask(grants.TypeClientCredentials)
		if first.ExpiresIn != 3600 || second.ExpiresIn != 3580 || second.AccessToken != first.AccessToken {
			t.Errorf("expires_in is %d and then %d, want 3600 and 3580 for one token", first.ExpiresIn, second.ExpiresIn)
		}
		if b.event.TokenID != id || id == "" {
			t.Errorf("the event names the token %q, want %q", b.event.TokenID, id)
		}
		b.revoke()
		third := b.ask(grants.TypeClientCredentials)
		if third.AccessToken == first.AccessToken || third.ExpiresIn != 3600 {
			t.Errorf("after a revocation expires_in is %d, want a new token with 3600", third.ExpiresIn)
		}
		if again := b.ask(grants.TypeClientCredentials); again.AccessToken != third.AccessToken {
			t.Error("the new token is not reused")
		}
	})
}
