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

// wantKey asserts that the request rests on a key, and that it is a copy.
func wantKey(t testing.TB, r *grants.Request, want *storage.APIKey) {
	t.Helper()
	got, ok := r.APIKey()
	if !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("the request rests on %+v, %t, want %+v", got, ok, want)
		return
	}
	got.Scope[0] = "root"
	if again, _ := r.APIKey(); again.Scope[0] == "root" {
		t.Error("the result of APIKey shares its scope with the request")
	}
}

func TestAPIKeyGrants(t *testing.T) {
	for _, c := range []struct {
		name  string
		grant grants.APIKey
		edit  func(*storage.APIKey)
		want  func(*grants.Authorization)
	}{
		{name: "what the key carries"},
		{name: "a subject of its own, if the key has none", edit: func(k *storage.APIKey) { k.Subject = "" },
			want: func(a *grants.Authorization) { a.Subject = "api_key:k1" }},
		{name: "its audience", edit: func(k *storage.APIKey) { k.Audience = []string{"https://a.test"} },
			want: func(a *grants.Authorization) { a.Audience = []string{"https://a.test"} }},
		{name: "what it carries until its end", edit: func(k *storage.APIKey) { k.ExpiresAt = at.Add(time.Minute) }},
		{name: "a refresh token if the host says so", grant: grants.APIKey{Refresh: true}, want: func(a *grants.Authorization) { a.Refresh = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := new(memory.Store)
			secret, record := keepKey(t, store, c.edit)
			want := grants.Authorization{
				Subject: "owner", Scope: []string{"read", "write"}, Claims: map[string]any{"api_key_id": "k1"},
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
				got, err := c.grant.Authorize(t.Context(), r)
				wantGranted(t, r, got, err, want, storage.Secret{})
				wantKey(t, r, record)
			}
		})
	}
}

func TestAPIKeyRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*storage.APIKey)
	}{
		{"another client's", func(k *storage.APIKey) { k.ClientID = "c2" }},
		{"one that expires now", func(k *storage.APIKey) { k.ExpiresAt = at }},
		{"a revoked one", func(k *storage.APIKey) { k.RevokedAt = at.Add(-time.Hour) }},
		{"one revoked as of tomorrow", func(k *storage.APIKey) { k.RevokedAt = at.Add(24 * time.Hour) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := new(memory.Store)
			secret, _ := keepKey(t, store, c.edit)
			got, err := grants.APIKey{}.Authorize(t.Context(), request(store, "api_key", secret.Reveal()))
			wantRefused(t, got, err, grants.InvalidGrant)
		})
	}
	for name, key := range map[string]string{
		"garbage": "YOUR_API_KEY", "too long": strings.Repeat("a", 10_000), "too long, with a checksum": storage.NewSecret(strings.Repeat("a", 250)).Reveal(), "flipped": "x" + storage.NewSecret("ck_").Reveal()[1:],
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
		code  grants.ErrorCode
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
	t.Run("the key is looked up once", func(t *testing.T) {
		r := request(store, "api_key", secret.Reveal())
		if _, err := (grants.APIKey{ClientIDOptional: true}).ClientID(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		r.Storage = broken{err: errOutage}
		if _, err := (grants.APIKey{}).Authorize(t.Context(), r); err != nil {
			t.Errorf("got %v, want the key that was found", err)
		}
	})
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
		code grants.ErrorCode
	}{
		{"a live key", nil, ""},
		{"a key that ends later", func(k *storage.APIKey) { k.ExpiresAt = at.Add(time.Minute) }, ""},
		{"a key that ends now", func(k *storage.APIKey) { k.ExpiresAt = at }, grants.InvalidGrant},
		{"a revoked key", func(k *storage.APIKey) { k.RevokedAt = at }, grants.InvalidGrant},
		{"a key revoked as of tomorrow", func(k *storage.APIKey) { k.RevokedAt = at.Add(24 * time.Hour) }, grants.InvalidGrant},
		{"a key of another client now", func(k *storage.APIKey) { k.ClientID = "c2" }, grants.InvalidGrant},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := new(memory.Store)
			_, key := keepKey(t, store, c.edit)
			secret := keepRefreshToken(t, store, func(c *storage.Credential) { c.APIKey = key.Digest })
			r := request(store, "refresh_token", secret.Reveal())
			got, err := grants.RefreshToken{}.Authorize(t.Context(), r)
			if c.code != "" {
				wantRefused(t, got, err, c.code)
				if _, _, ok := r.Presented(); ok {
					t.Error("a refused token counts as presented, want not")
				}
				return
			}
			wantGranted(t, r, got, err, grants.Authorization{Subject: "u1", Scope: []string{"read", "write"}, Refresh: true}, secret)
			wantKey(t, r, key)
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
		t.Error("the record shares its scope with the argument")
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

// All that a request gets is bounded by the API key it rests on, so there is one.
func TestARequestRestsOnOneAPIKey(t *testing.T) {
	store := new(memory.Store)
	shown, _ := keepKey(t, store, nil)
	_, behind := keepKey(t, store, func(k *storage.APIKey) { k.ID = "k2" })
	token := keepRefreshToken(t, store, func(c *storage.Credential) { c.APIKey = behind.Digest })
	r := request(store, "api_key", shown.Reveal())
	if _, err := (grants.APIKey{}).Authorize(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	_, err := r.Present(t.Context(), storage.KindRefreshToken, token)
	wantVerdict(t, err, grants.ServerError)

	r = request(store, "api_key", shown.Reveal())
	if _, err := r.Present(t.Context(), storage.KindRefreshToken, token); err != nil {
		t.Fatal(err)
	}
	a, err := grants.APIKey{}.Authorize(t.Context(), r)
	wantRefused(t, a, err, grants.ServerError)
}

// A text that the host's Digest takes for no key is malformed, and one without our
// checksum is not.
func TestShownAsDigestHasIt(t *testing.T) {
	own := func(key storage.Secret) (d storage.Digest, ok bool) {
		return key.Digest("own"), strings.HasPrefix(key.Reveal(), "pat_")
	}
	drawn := storage.NewSecret("ck_").Reveal()
	for _, tt := range []struct {
		name, key    string
		grant        grants.APIKey
		isWellFormed bool
	}{
		{"a drawn key", drawn, grants.APIKey{}, true},
		{"a drawn key, where the host has its own", drawn, grants.APIKey{Digest: own}, false},
		{"a key of the host's", "pat_x", grants.APIKey{Digest: own}, true},
		{"a key of the host's, where it has none of its own", "pat_x", grants.APIKey{}, false},
		{"256 bytes", "pat_" + strings.Repeat("k", 252), grants.APIKey{Digest: own}, true},
		{"257 bytes", "pat_" + strings.Repeat("k", 253), grants.APIKey{Digest: own}, false},
	} {
		key, wellFormed := tt.grant.Shown(&grants.Request{Form: grants.Form{"api_key": tt.key}})
		if key.Reveal() != tt.key || wellFormed != tt.isWellFormed {
			t.Errorf("%s: Shown = %q, %t; want %q, %t", tt.name, key.Reveal(), wellFormed, tt.key, tt.isWellFormed)
		}
	}
}
