package grants_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

// keepKey stores an API key of c1.
func keepKey(t testing.TB, store *memory.Store, edit func(*storage.APIKey)) (storage.Secret, *storage.APIKey) {
	t.Helper()
	k := storage.APIKey{ID: "k1", ClientID: "c1", Subject: "owner", Scope: []string{"read", "write"}}
	if edit != nil {
		edit(&k)
	}
	secret, record, err := grants.NewAPIKey("ck_test_", k, at.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.PutAPIKey(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	return secret, record
}

func TestAPIKeyGrants(t *testing.T) {
	end := at.Add(time.Minute)
	for _, c := range []struct {
		name  string
		grant grants.APIKey
		edit  func(*storage.APIKey)
		scope string
		want  func(*grants.Authorization)
	}{
		{name: "what the key carries"},
		{name: "less, if asked", scope: "write", want: func(a *grants.Authorization) { a.Scope = []string{"write"} }},
		{name: "a subject of its own, if the key has none", edit: func(k *storage.APIKey) { k.Subject = "" },
			want: func(a *grants.Authorization) { a.Subject = "api_key:k1" }},
		{name: "its audience", edit: func(k *storage.APIKey) { k.Audience = []string{"https://a.test"} },
			want: func(a *grants.Authorization) { a.Audience = []string{"https://a.test"} }},
		{name: "nothing past its end", edit: func(k *storage.APIKey) { k.ExpiresAt = end },
			want: func(a *grants.Authorization) { a.ExpiresAt = end }},
		{name: "what its client is still registered for", edit: func(k *storage.APIKey) { k.Scope = []string{"read", "gone"} },
			want: func(a *grants.Authorization) { a.Scope = []string{"read"} }},
		{name: "a refresh token if the host says so", grant: grants.APIKey{Refresh: true}, want: func(a *grants.Authorization) { a.Refresh = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := new(memory.Store)
			secret, record := keepKey(t, store, c.edit)
			want := grants.Authorization{
				Subject: "owner", Scope: []string{"read", "write"}, Claims: map[string]any{"api_key_id": "k1"}, APIKey: record,
			}
			if c.want != nil {
				c.want(&want)
			}
			inBody := request(store, "api_key", secret.Reveal())
			inHeader := request(store)
			inHeader.HTTP.Header.Set("X-Api-Key", secret.Reveal())
			both := request(store, "api_key", secret.Reveal())
			both.HTTP.Header.Set("X-Api-Key", "YOUR_API_KEY")
			for _, r := range []*grants.Request{inBody, inHeader, both} {
				if c.scope != "" {
					r.Scope = []string{c.scope}
				}
				got, err := c.grant.Authorize(t.Context(), r)
				wantGranted(t, got, err, want, storage.Secret{})
			}
		})
	}
}

func TestAPIKeyRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		edit  func(*storage.APIKey)
		scope string
		want  grants.Code
	}{
		{"another client's", func(k *storage.APIKey) { k.ClientID = "c2" }, "", grants.InvalidGrant},
		{"one that expires now", func(k *storage.APIKey) { k.ExpiresAt = at }, "", grants.InvalidGrant},
		{"a revoked one", func(k *storage.APIKey) { k.RevokedAt = at.Add(-time.Hour) }, "", grants.InvalidGrant},
		{"one revoked as of tomorrow", func(k *storage.APIKey) { k.RevokedAt = at.Add(24 * time.Hour) }, "", grants.InvalidGrant},
		{"a scope beyond it", func(k *storage.APIKey) { k.Scope = []string{"read"} }, "write", grants.InvalidScope},
		{"scopes that are all taken away", func(k *storage.APIKey) { k.Scope = []string{"gone"} }, "", grants.InvalidScope},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := new(memory.Store)
			secret, _ := keepKey(t, store, c.edit)
			r := request(store, "api_key", secret.Reveal())
			if c.scope != "" {
				r.Scope = []string{c.scope}
			}
			got, err := grants.APIKey{}.Authorize(t.Context(), r)
			wantRefused(t, got, err, c.want)
		})
	}
	for name, key := range map[string]string{
		"garbage": "YOUR_API_KEY", "too long": strings.Repeat("a", 10_000), "flipped": "x" + storage.NewSecret("ck_").Reveal()[1:],
	} {
		t.Run(name+", without asking the store", func(t *testing.T) {
			got, err := grants.APIKey{}.Authorize(t.Context(), request(broken{err: errOutage}, "api_key", key))
			wantRefused(t, got, err, grants.InvalidGrant)
		})
	}
}

func TestAPIKeyNamesTheClient(t *testing.T) {
	store := new(memory.Store)
	secret, _ := keepKey(t, store, nil)
	for _, c := range []struct {
		name  string
		grant grants.APIKey
		key   string
		want  string
		code  grants.Code
	}{
		{"not unless the host says so", grants.APIKey{}, secret.Reveal(), "", grants.InvalidRequest},
		{"if the host says so", grants.APIKey{ClientIDOptional: true}, secret.Reveal(), "c1", ""},
		{"an unknown key names none", grants.APIKey{ClientIDOptional: true}, storage.NewSecret("ck_").Reveal(), "", grants.InvalidGrant},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request(store, "api_key", c.key)
			r.Client = nil // it is asked before the client is known
			got, err := c.grant.ClientID(t.Context(), r)
			if got != c.want || c.code == "" && err != nil || c.code != "" && grants.Verdict(err).Code != c.code {
				t.Errorf("got %q and the error %v, want %q and %q", got, err, c.want, c.code)
			}
		})
	}
	if g := (grants.APIKey{}); !g.IdentifiesClient() {
		t.Error("a key does not stand for the secret, want that it does")
	}
	if g := (grants.APIKey{RequireClientAuthentication: true}); g.IdentifiesClient() {
		t.Error("a key stands for the secret where the host asks for both")
	}
}

// A refresh token that rests on a key is asked about its key each time.
func TestRefreshTokenOfAnAPIKey(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*storage.APIKey)
		code grants.Code
	}{
		{"a live key", nil, ""},
		{"a key that ends later", func(k *storage.APIKey) { k.ExpiresAt = at.Add(time.Minute) }, ""},
		{"a key that ends now", func(k *storage.APIKey) { k.ExpiresAt = at }, grants.InvalidGrant},
		{"a revoked key", func(k *storage.APIKey) { k.RevokedAt = at }, grants.InvalidGrant},
		{"a key of another client now", func(k *storage.APIKey) { k.ClientID = "c2" }, grants.InvalidGrant},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := new(memory.Store)
			_, key := keepKey(t, store, c.edit)
			secret := keepRefreshToken(t, store, func(c *storage.Credential) { c.APIKey = key.Digest })
			got, err := grants.RefreshToken{}.Authorize(t.Context(), request(store, "refresh_token", secret.Reveal()))
			if c.code != "" {
				wantRefused(t, got, err, c.code)
				return
			}
			wantGranted(t, got, err, grants.Authorization{
				Subject: "u1", Scope: []string{"read", "write"}, Refresh: true, APIKey: key, ExpiresAt: key.ExpiresAt,
			}, secret)
		})
	}
}

func TestNewAPIKey(t *testing.T) {
	given := storage.APIKey{ClientID: "c1", Scope: []string{"read"}, ExpiresAt: at.Add(time.Hour)}
	secret, got, err := grants.NewAPIKey("ck_live_", given, at.In(time.FixedZone("", 3600)))
	if err != nil {
		t.Fatal(err)
	}
	if !secret.WellFormed("ck_live_") || got.ID == "" {
		t.Errorf("the key is not one with the prefix ck_live_, or its ID %q is empty", got.ID)
	}
	want := given
	want.Digest, want.ID, want.CreatedAt = secret.Digest(storage.KindAPIKey), got.ID, at
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
	given.Scope[0] = "root"
	if got.Scope[0] != "read" {
		t.Error("the record shares its scope with what was given")
	}
	named := given
	named.ID = "mine"
	if _, record, _ := grants.NewAPIKey("ck_", named, at); record.ID != "mine" {
		t.Errorf("the ID is %q, want the one that was given", record.ID)
	}
	if again, record, _ := grants.NewAPIKey("ck_", given, at); again.Reveal() == secret.Reveal() || record.ID == got.ID {
		t.Error("two keys share a text or an ID")
	}
}

func TestNewAPIKeyRefuses(t *testing.T) {
	for _, c := range []struct{ name, prefix, clientID string }{
		{"no prefix", "", "c1"},
		{"a long prefix", strings.Repeat("a", 33), "c1"},
		{"a space", "ck live", "c1"},
		{"a percent sign", "ck%", "c1"},
		{"a letter outside ASCII", "é_", "c1"},
		{"no client", "ck_", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			secret, record, err := grants.NewAPIKey(c.prefix, storage.APIKey{ClientID: c.clientID}, at)
			if err == nil || record != nil || !secret.Empty() {
				t.Errorf("got %v and the error %v, want an error", record, err)
			}
		})
	}
	for _, prefix := range []string{"a", "Z9_-", strings.Repeat("a", 32)} {
		if _, _, err := grants.NewAPIKey(prefix, storage.APIKey{ClientID: "c1"}, at); err != nil {
			t.Errorf("the prefix %q: got %v, want no error", prefix, err)
		}
	}
}
