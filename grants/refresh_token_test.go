package grants_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

func keepRefreshToken(t testing.TB, store *memory.Store, edit func(*storage.Credential)) storage.Secret {
	t.Helper()
	return keep(t, store, storage.KindRefreshToken, grants.RefreshTokenPrefix, edit)
}

func TestRefreshTokenGrants(t *testing.T) {
	whole := grants.Authorization{Subject: "u1", Scope: []string{"read", "write"}, Refresh: true}
	for _, c := range []struct {
		name string
		edit func(*storage.Credential)
		want func(*grants.Authorization)
	}{
		{name: "what it carries"},
		{name: "its audience", edit: func(c *storage.Credential) { c.Audience = []string{"https://a.test"} },
			want: func(a *grants.Authorization) { a.Audience = []string{"https://a.test"} }},
		{name: "its claims, with numbers as they stand", edit: func(c *storage.Credential) { c.Claims = []byte(`{"auth_time":1767225600123456789}`) },
			want: func(a *grants.Authorization) {
				a.Claims = map[string]any{"auth_time": json.Number("1767225600123456789")}
			}},
		{name: "one that was used: the endpoint judges that", edit: func(c *storage.Credential) { c.Uses, c.SpentAt = 1, at }},
		{name: "one that was used and has expired since: it may be a replay", edit: func(c *storage.Credential) { c.Uses, c.SpentAt, c.ExpiresAt = 1, at, at }},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := new(memory.Store)
			secret := keepRefreshToken(t, store, c.edit)
			r := request(store, "refresh_token", secret.Reveal())
			want := whole
			if c.want != nil {
				c.want(&want)
			}
			got, err := grants.RefreshToken{}.Authorize(t.Context(), r)
			wantGranted(t, r, got, err, want, secret)
			if _, ok := r.APIKey(); ok {
				t.Error("it rests on an API key, want none")
			}
		})
	}
}

func TestRefreshTokenRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*storage.Credential)
		code grants.ErrorCode
	}{
		{"another client's", func(c *storage.Credential) { c.ClientID = "c2" }, grants.InvalidGrant},
		{"one that expires now", func(c *storage.Credential) { c.ExpiresAt = at }, grants.InvalidGrant},
		{"one whose family ends now", func(c *storage.Credential) { c.FamilyExpiresAt = at }, grants.InvalidGrant},
		{"a used one whose family has ended", func(c *storage.Credential) { c.Uses, c.SpentAt, c.FamilyExpiresAt = 1, at, at }, grants.InvalidGrant},
		{"a record of another kind", func(c *storage.Credential) { c.Kind = storage.KindAuthorizationCode }, grants.InvalidGrant},
		{"one of an API key that is gone", func(c *storage.Credential) { c.APIKey[0] = 1 }, grants.InvalidGrant},
		{"claims that are no JSON", func(c *storage.Credential) { c.Claims = []byte("{") }, grants.ServerError},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := new(memory.Store)
			r := request(store, "refresh_token", keepRefreshToken(t, store, c.edit).Reveal())
			got, err := grants.RefreshToken{}.Authorize(t.Context(), r)
			wantRefused(t, got, err, c.code)
		})
	}
	t.Run("a revoked one", func(t *testing.T) {
		store := new(memory.Store)
		secret := keepRefreshToken(t, store, func(c *storage.Credential) { c.Family = "f" })
		if err := store.Revoke(t.Context(), "f"); err != nil {
			t.Fatal(err)
		}
		got, err := grants.RefreshToken{}.Authorize(t.Context(), request(store, "refresh_token", secret.Reveal()))
		wantRefused(t, got, err, grants.InvalidGrant)
	})
	t.Run("an unknown one", func(t *testing.T) {
		unknown := storage.NewSecret(grants.RefreshTokenPrefix).Reveal()
		got, err := grants.RefreshToken{}.Authorize(t.Context(), request(new(memory.Store), "refresh_token", unknown))
		wantRefused(t, got, err, grants.InvalidGrant)
	})
	t.Run("a code, without asking the store", func(t *testing.T) {
		code := storage.NewSecret(grants.CodePrefix).Reveal()
		got, err := grants.RefreshToken{}.Authorize(t.Context(), request(broken{err: errOutage}, "refresh_token", code))
		wantRefused(t, got, err, grants.InvalidGrant)
	})
}

// An error of the store that is no verdict is returned unchanged.
func TestAnOutageIsNoVerdict(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		grant  grants.Grant
		params []string
	}{
		"refresh_token":      {grants.RefreshToken{}, []string{"refresh_token", storage.NewSecret(grants.RefreshTokenPrefix).Reveal()}},
		"authorization_code": {grants.AuthorizationCode{}, []string{"code", storage.NewSecret(grants.CodePrefix).Reveal()}},
		"api_key":            {grants.APIKey{}, []string{"api_key", storage.NewSecret("ck_").Reveal()}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.grant.Authorize(t.Context(), request(broken{err: errOutage}, c.params...))
			wantOutage(t, got, err, errOutage)
			got, err = c.grant.Authorize(cancelled, request(new(memory.Store), c.params...))
			wantOutage(t, got, err, context.Canceled)
			// So is a store that says nothing: an adapter over a table of the host's may.
			got, err = c.grant.Authorize(t.Context(), request(broken{}, c.params...))
			if v := grants.Verdict(err); got != nil || err == nil || v != nil || !strings.Contains(err.Error(), "neither a record nor an error") {
				t.Errorf("neither a record nor an error: got %v, %v, want an outage that says so", got, err)
			}
			// A store that answers with another record is broken, not asked again.
			other := broken{credential: &storage.Credential{ClientID: "c1", Family: "f", FamilyExpiresAt: at.Add(time.Hour)}, key: &storage.APIKey{ClientID: "c1"}}
			got, err = c.grant.Authorize(t.Context(), request(other, c.params...))
			wantRefused(t, got, err, grants.ServerError)
		})
	}
}
