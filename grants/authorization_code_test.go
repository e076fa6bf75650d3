package grants_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

// The example of RFC 7636 appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// codeRequest stores a code and makes the request that redeems it.
func codeRequest(t testing.TB, edit func(*storage.Credential), params ...string) (*grants.Request, storage.Secret) {
	t.Helper()
	store := new(memory.Store)
	secret := keep(t, store, storage.KindAuthorizationCode, grants.CodePrefix, func(c *storage.Credential) {
		c.RedirectURI, c.PKCE, c.Challenge = "https://c1.test/cb", storage.PKCES256, challenge
		if edit != nil {
			edit(c)
		}
	})
	right := []string{"code", secret.Reveal(), "redirect_uri", "https://c1.test/cb", "code_verifier", verifier}
	r := request(store, append(right, params...)...)
	for name, value := range r.Form {
		if value == "" { // as the endpoint does
			delete(r.Form, name)
		}
	}
	return r, secret
}

func TestAuthorizationCodeGrants(t *testing.T) {
	whole := grants.Authorization{Subject: "u1", Scope: []string{"read", "write"}, Refresh: true}
	for _, c := range []struct {
		name   string
		edit   func(*storage.Credential)
		client func(*storage.Client)
		params []string // "" leaves one out
		want   func(*grants.Authorization)
	}{
		{name: "what the user approved"},
		{name: "all of it: the scope parameter means nothing", params: []string{"scope", "read"}},
		{name: "no more than it: the scope parameter means nothing", params: []string{"scope", "admin:x"}},
		{name: "no scope, if none was approved", edit: func(c *storage.Credential) { c.Scope = nil },
			want: func(a *grants.Authorization) { a.Scope = nil }},
		{name: "its audience and claims", edit: func(c *storage.Credential) {
			c.Audience, c.Claims = []string{"https://a.test"}, []byte(`{"auth_time":1,"amr":["pwd"]}`)
		}, want: func(a *grants.Authorization) {
			a.Audience = []string{"https://a.test"}
			a.Claims = map[string]any{"auth_time": json.Number("1"), "amr": []any{"pwd"}}
		}},
		{name: "one whose request had no redirect_uri", edit: func(c *storage.Credential) { c.RedirectURI = storage.NoRedirectURI }, params: []string{"redirect_uri", ""}},
		{name: "one without PKCE to a client that needs none", edit: func(c *storage.Credential) { c.PKCE, c.Challenge = storage.PKCENone, "" },
			client: func(c *storage.Client) { c.PKCENotRequired = true }, params: []string{"code_verifier", ""}},
		{name: "one that was used: the endpoint judges that", edit: func(c *storage.Credential) { c.Uses, c.SpentAt = 1, at }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, secret := codeRequest(t, c.edit, c.params...)
			if c.client != nil {
				c.client(r.Client)
			}
			want := whole
			if c.want != nil {
				c.want(&want)
			}
			got, err := grants.AuthorizationCode{}.Authorize(t.Context(), r)
			wantGranted(t, r, got, err, want, secret)
		})
	}
}

func TestAuthorizationCodeRefuses(t *testing.T) {
	withoutPKCE := func(c *storage.Credential) { c.PKCE, c.Challenge = storage.PKCENone, "" }
	public := func(c *storage.Client) { c.AuthMethod, c.PKCENotRequired = storage.AuthNone, true }
	for _, c := range []struct {
		name   string
		edit   func(*storage.Credential)
		client func(*storage.Client)
		params []string
		want   grants.ErrorCode
	}{
		{name: "another client's", edit: func(c *storage.Credential) { c.ClientID = "c2" }, want: grants.InvalidGrant},
		{name: "one that expires now", edit: func(c *storage.Credential) { c.ExpiresAt = at }, want: grants.InvalidGrant},
		{name: "a refresh token", params: []string{"code", storage.NewSecret(grants.RefreshTokenPrefix).Reveal()}, want: grants.InvalidGrant},
		{name: "an unknown one", params: []string{"code", storage.NewSecret(grants.CodePrefix).Reveal()}, want: grants.InvalidGrant},
		{name: "another redirect_uri", params: []string{"redirect_uri", "https://c1.test/cb/"}, want: grants.InvalidGrant},
		{name: "no redirect_uri", params: []string{"redirect_uri", ""}, want: grants.InvalidRequest},
		{name: "a redirect_uri that the request had not", edit: func(c *storage.Credential) { c.RedirectURI = storage.NoRedirectURI }, want: grants.InvalidGrant},
		{name: "the word for no redirect_uri", edit: func(c *storage.Credential) { c.RedirectURI = storage.NoRedirectURI },
			params: []string{"redirect_uri", storage.NoRedirectURI}, want: grants.InvalidGrant},
		{name: "a redirect_uri that the store lost", edit: func(c *storage.Credential) { c.RedirectURI = "" }, params: []string{"redirect_uri", ""}, want: grants.ServerError},
		{name: "no verifier", params: []string{"code_verifier", ""}, want: grants.InvalidGrant},
		{name: "another verifier", params: []string{"code_verifier", strings.ToUpper(verifier)}, want: grants.InvalidGrant},
		{name: "the challenge as verifier", params: []string{"code_verifier", challenge}, want: grants.InvalidGrant},
		{name: "a downgrade", edit: withoutPKCE, client: func(c *storage.Client) { c.PKCENotRequired = true }, want: grants.InvalidRequest},
		{name: "a client that needs PKCE", edit: withoutPKCE, params: []string{"code_verifier", ""}, want: grants.InvalidGrant},
		{name: "a public client, whatever it is registered with", edit: withoutPKCE, client: public, params: []string{"code_verifier", ""}, want: grants.InvalidGrant},
		{name: "a method that the store lost", edit: func(c *storage.Credential) { c.PKCE = "" }, want: grants.ServerError},
		{name: "a method and challenge that the store lost", edit: func(c *storage.Credential) { c.PKCE, c.Challenge = "", "" },
			client: func(c *storage.Client) { c.PKCENotRequired = true }, params: []string{"code_verifier", ""}, want: grants.ServerError},
		{name: "a challenge that the store lost", edit: func(c *storage.Credential) { c.Challenge = "" }, want: grants.ServerError},
		{name: "a challenge under the method none", edit: func(c *storage.Credential) { c.PKCE = storage.PKCENone }, want: grants.ServerError},
		{name: "plain", edit: func(c *storage.Credential) { c.PKCE, c.Challenge = "plain", verifier }, want: grants.ServerError},
		{name: "an unknown method", edit: func(c *storage.Credential) { c.PKCE = "S512" }, want: grants.ServerError},
		{name: "claims that are no JSON", edit: func(c *storage.Credential) { c.Claims = []byte("[]") }, want: grants.ServerError},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := codeRequest(t, c.edit, c.params...)
			if c.client != nil {
				c.client(r.Client)
			}
			got, err := grants.AuthorizationCode{}.Authorize(t.Context(), r)
			wantRefused(t, got, err, c.want)
		})
	}
}

// The grant redeems the code that NewAuthorizationCode makes.
func TestAuthorizationCodeRedeemsWhatWasMade(t *testing.T) {
	store := new(memory.Store)
	code, record, err := grants.NewAuthorizationCode(approved(), at.Add(-time.Minute+time.Microsecond))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.CreateCredential(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	r := request(store, "code", code.Reveal(), "redirect_uri", "https://c1.test/cb", "code_verifier", verifier)
	got, err := grants.AuthorizationCode{}.Authorize(t.Context(), r)
	wantGranted(t, r, got, err, grants.Authorization{
		Subject: "u1", Scope: []string{"read"}, Claims: map[string]any{"auth_time": json.Number("7")}, Refresh: true,
	}, code)
}

// A code_verifier is 43 to 128 of A-Z a-z 0-9 - . _ ~ (RFC 7636 §4.1), even if the
// code_challenge was made of another text.
func TestVerifierGrammar(t *testing.T) {
	for _, c := range []struct {
		name, verifier string
		right          bool
	}{
		{"43 characters", strings.Repeat("a", 43), true},
		{"128 characters", strings.Repeat("Z", 128), true},
		{"every kind of character", strings.Repeat("aZ09-._~", 6), true},
		{"42 characters", strings.Repeat("a", 42), false},
		{"129 characters", strings.Repeat("a", 129), false},
		{"a plus sign", strings.Repeat("a", 43) + "+", false},
		{"a slash", strings.Repeat("a", 43) + "/", false},
		{"padding", strings.Repeat("a", 43) + "=", false},
		{"a space", strings.Repeat("a", 43) + " ", false},
		{"a NUL", strings.Repeat("a", 43) + "\x00", false},
		{"a letter outside ASCII", strings.Repeat("a", 43) + "é", false},
		{"a neighbour of the letters", strings.Repeat("a", 43) + "[", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			sum := sha256.Sum256([]byte(c.verifier))
			r, secret := codeRequest(t, func(k *storage.Credential) {
				k.Challenge = base64.RawURLEncoding.EncodeToString(sum[:])
			}, "code_verifier", c.verifier)
			got, err := grants.AuthorizationCode{}.Authorize(t.Context(), r)
			if !c.right {
				wantRefused(t, got, err, grants.InvalidGrant)
				return
			}
			wantGranted(t, r, got, err, grants.Authorization{Subject: "u1", Scope: []string{"read", "write"}, Refresh: true}, secret)
		})
	}
}

// The client is not told why its code is refused; the operator is.
func TestTheCauseIsForTheLog(t *testing.T) {
	for _, c := range []struct {
		name, parameter, value, cause string
	}{
		{"no verifier", "code_verifier", "", "code_verifier is missing"},
		{"another verifier", "code_verifier", strings.ToUpper(verifier), "does not fit"},
		{"another redirect_uri", "redirect_uri", "https://evil.test/cb", "redirect_uri"},
		{"a refresh token", "code", storage.NewSecret(grants.RefreshTokenPrefix).Reveal(), "malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := codeRequest(t, nil, c.parameter, c.value)
			_, err := grants.AuthorizationCode{}.Authorize(t.Context(), r)
			v := grants.Verdict(err)
			if v == nil || v.Code != grants.InvalidGrant || v.Description != "" || v.Cause == nil || !strings.Contains(v.Cause.Error(), c.cause) {
				t.Errorf("got the error %v, want invalid_grant without a description and a cause that says %q", err, c.cause)
			}
		})
	}
}
