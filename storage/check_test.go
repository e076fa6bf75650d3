package storage_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
)

func TestCheckPassesAGoodClient(t *testing.T) {
	for name, c := range map[string]storage.Client{
		"one with nothing but an ID": {ID: "c"},
		"one with everything": {
			ID: "zoë", AuthMethod: storage.ClientSecretPost, GrantTypes: []string{"refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"},
			Scope: []string{"orders:read", "!"}, DefaultScope: []string{}, Audience: []string{"https://api.test"},
			RedirectURIs: []string{"https://app.test/callback?n=1", "http://127.0.0.1/", "com.example.app:/cb"},
			Secrets: []storage.ClientSecret{
				{ID: "none yet"}, {ID: "1", Hash: "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$c3Vt"}, {ID: "2", Hash: "$2b$10$x"},
				{ID: "3", Hash: "$sha256$x"}, {ID: "4", Hash: "pbkdf2:sha256:x"}, {ID: "5", Hash: "{SSHA}x"},
				{ID: "6", Hash: "pbkdf2_sha256$1000$salt$x"}, {ID: "7", Hash: "{sha256-hex}x"},
			},
			AccessTokenLifetime: time.Minute, RefreshTokenLifetime: time.Hour, RefreshTokenIdle: time.Hour,
			RefreshGrace: 24 * time.Hour,
		},
		"one that does not encode":     {ID: "c", BasicNotEncoded: true},
		"one that shows an assertion":  {ID: "c", AuthMethod: "private_key_jwt", Assertion: storage.ClientAssertion{JWKSURI: "https://c.test/jwks.json"}},
		"one with a method of its own": {ID: "c", AuthMethod: "https://example.test/auth/method"},
	} {
		if err := c.Check(); err != nil {
			t.Errorf("Check, %s: got error %v, want none", name, err)
		}
	}
}

func TestCheckNamesEveryFault(t *testing.T) {
	const secret = "hunter2-secret"
	c := storage.Client{
		ID: "a\x00", AuthMethod: "client_secret_bsic", GrantTypes: []string{"ok", ""}, Scope: []string{"read", "a b"}, DefaultScope: []string{"\""},
		RedirectURIs: []string{"/callback", "https://app.test/#f"}, Secrets: []storage.ClientSecret{{ID: "1", Hash: secret}, {ID: "1"}},
		AccessTokenLifetime: -1, RefreshTokenLifetime: -1, RefreshTokenIdle: -1, RefreshGrace: -1,
	}
	err := c.Check()
	if err == nil {
		t.Fatal("Check of a client with every fault: got no error")
	}
	for _, want := range []string{
		"ID must", "AuthMethod", "GrantTypes[1]", " Scope[1]", "DefaultScope[0]", "RedirectURIs[0]", "RedirectURIs[1]",
		"Secrets[0].Hash", "Secrets[1]", "AccessTokenLifetime", "RefreshTokenLifetime", "RefreshTokenIdle", "RefreshGrace",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Check: got error %q, want one that names %s", err, want)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("Check: got error %q, want one that does not show what stands in place of a hash", err)
	}
	for _, c := range []storage.Client{
		{ID: "a+b", BasicNotEncoded: true}, {ID: "a%b", BasicNotEncoded: true},
		{ID: "a", BasicNotEncoded: true, AuthMethod: storage.AuthNone}, {ID: "a", BasicNotEncoded: true, AuthMethod: storage.ClientSecretPost},
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), "BasicNotEncoded") {
			t.Errorf("Check of %q with the method %q: got error %v, want one that names BasicNotEncoded", c.ID, c.AuthMethod, err)
		}
	}
	for _, hash := range []string{"pbkdf2_sha256", "pbkdf2_sha256$", "sha256$x", "a$b"} {
		if (&storage.Client{ID: "c", Secrets: []storage.ClientSecret{{ID: "1", Hash: hash}}}).Check() == nil {
			t.Errorf("Check of the hash %q: got no error, want one", hash)
		}
	}
	for _, id := range []string{"", "a\tb", "a\x7f", "a\u0085", "a\xff"} {
		if (&storage.Client{ID: id}).Check() == nil {
			t.Errorf("Check of the ID %q: got no error, want one", id)
		}
	}
	if (&storage.Client{ID: "c", RefreshGrace: storage.MaxRefreshGrace + 1}).Check() == nil {
		t.Error("Check of a grace over a day: got no error, want one")
	}
}

func TestSecretsOfAClient(t *testing.T) {
	at := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	c := &storage.Client{ID: "c"}
	for _, tt := range []struct {
		name      string
		got, want error
	}{
		{"a new secret", c.AddSecret(storage.ClientSecret{ID: "1"}), nil},
		{"another secret", c.AddSecret(storage.ClientSecret{ID: "2", ExpiresAt: at.Add(-time.Hour)}), nil},
		{"a secret whose ID is taken", c.AddSecret(storage.ClientSecret{ID: "1"}), storage.ErrExists},
		{"the first ends", c.ExpireSecret("1", at), nil},
		{"the first ends later", c.ExpireSecret("1", at.Add(time.Hour)), nil},
		{"the second ends later than it would", c.ExpireSecret("2", at), nil},
		{"a third ends", c.ExpireSecret("3", at), storage.ErrNotFound},
	} {
		if !errors.Is(tt.got, tt.want) {
			t.Errorf("%s: got error %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	if c.AddSecret(storage.ClientSecret{}) == nil || c.ExpireSecret("1", time.Time{}) == nil {
		t.Error("a secret without an ID, or an end at the zero time: got no error, want one")
	}
	if len(c.Secrets) != 2 || !c.Secrets[0].ExpiresAt.Equal(at) || !c.Secrets[1].ExpiresAt.Equal(at.Add(-time.Hour)) {
		t.Errorf("the secrets: got %+v, want each to end at the earliest instant that was asked for", c.Secrets)
	}
}

func TestOwnerOfAnAPIKey(t *testing.T) {
	for want, k := range map[string]storage.APIKey{"alice": {ID: "k1", Subject: "alice"}, "api_key:k1": {ID: "k1"}} {
		if got := k.Owner(); got != want {
			t.Errorf("Owner: got %q, want %q", got, want)
		}
	}
}

func TestIsScopeToken(t *testing.T) {
	for s, want := range map[string]bool{
		"read": true, "orders:read": true, "!": true, "~": true,
		"": false, "a b": false, `a"`: false, `a\`: false, "a\x7f": false, "a\n": false, "é": false,
	} {
		if got := storage.IsScopeToken(s); got != want {
			t.Errorf("IsScopeToken(%q) = %t, want %t", s, got, want)
		}
	}
}

// R37: Check names each fault of the assertion of a client.
func TestCheckAssertion(t *testing.T) {
	const public, private = `{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b"}]}`, `{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b","d":"c"}]}`
	for _, tt := range []struct {
		name, method string
		assertion    storage.ClientAssertion
		want         string
	}{
		{"keys", storage.PrivateKeyJWT, storage.ClientAssertion{JWKS: []byte(public)}, ""},
		{"the address of keys", storage.PrivateKeyJWT, storage.ClientAssertion{JWKSURI: "https://c.test/jwks"}, ""},
		{"a platform", storage.PrivateKeyJWT, storage.ClientAssertion{Issuer: "https://p.test", Claims: []byte(`{"a":"b"}`)}, ""},
		{"a method of the host's", "https://example.test/method", storage.ClientAssertion{JWKS: []byte(public)}, ""},
		{"nothing", storage.PrivateKeyJWT, storage.ClientAssertion{}, "none of JWKS, JWKSURI and Issuer"},
		{"keys without the method", "", storage.ClientAssertion{JWKS: []byte(public)}, "AuthMethod is not private_key_jwt"},
		{"a private key", storage.PrivateKeyJWT, storage.ClientAssertion{JWKS: []byte(private)}, "private or symmetric key"},
		{"a symmetric key", storage.PrivateKeyJWT, storage.ClientAssertion{JWKS: []byte(`{"keys":[{"kty":"oct","k":"x"}]}`)}, "private or symmetric key"},
		{"no JWK Set", storage.PrivateKeyJWT, storage.ClientAssertion{JWKS: []byte(`{"kty":"EC"}`)}, "no JWK Set"},
		{"http", storage.PrivateKeyJWT, storage.ClientAssertion{JWKSURI: "http://c.test/jwks"}, "must be an https URL"},
		{"two sources", storage.PrivateKeyJWT, storage.ClientAssertion{JWKS: []byte(public), JWKSURI: "https://c.test/jwks"}, "more than one"},
		{"a platform without claims", storage.PrivateKeyJWT, storage.ClientAssertion{Issuer: "https://p.test"}, "come together"},
		{"a platform with claims that every client of it has", storage.PrivateKeyJWT, storage.ClientAssertion{Issuer: "https://p.test", Claims: []byte(`{"iss":"https://p.test","aud":"https://as.test"}`)}, "every assertion of the issuer"},
		{"a platform with no claim", storage.PrivateKeyJWT, storage.ClientAssertion{Issuer: "https://p.test", Claims: []byte(`{}`)}, "every assertion of the issuer"},
		{"claims that are a list", storage.PrivateKeyJWT, storage.ClientAssertion{Issuer: "https://p.test", Claims: []byte(`["a"]`)}, "no JSON object"},
	} {
		c := storage.Client{ID: "c", AuthMethod: tt.method, Assertion: tt.assertion}
		err := c.Check()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
