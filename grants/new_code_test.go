package grants_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// approved is an authorization request that a user has approved.
func approved() grants.AuthorizationRequest {
	return grants.AuthorizationRequest{
		Client:              client(),
		Subject:             "u1",
		RedirectURI:         "https://c1.test/cb",
		Scope:               []string{"read"},
		CodeChallenge:       challenge,
		CodeChallengeMethod: "S256",
		Claims:              map[string]any{"auth_time": 7},
	}
}

func TestNewAuthorizationCode(t *testing.T) {
	a := approved()
	a.Audience = []string{"https://a.test"}
	now := at.In(time.FixedZone("", 3600)).Add(1234567 * time.Nanosecond)
	code, got, err := grants.NewAuthorizationCode(a, now)
	if err != nil {
		t.Fatal(err)
	}
	if !code.WellFormed(grants.CodePrefix) {
		t.Error("the code does not have the form of one")
	}
	instant := at.Add(1234 * time.Microsecond) // what every store keeps
	want := &storage.Credential{
		Digest:          code.Digest(storage.KindAuthorizationCode),
		Kind:            storage.KindAuthorizationCode,
		Family:          got.Family,
		ClientID:        "c1",
		Subject:         "u1",
		Scope:           []string{"read"},
		Audience:        []string{"https://a.test"},
		Claims:          []byte(`{"auth_time":7}`),
		RedirectURI:     "https://c1.test/cb",
		PKCE:            storage.PKCES256,
		Challenge:       challenge,
		IssuedAt:        instant,
		ExpiresAt:       instant.Add(time.Minute),
		FamilyExpiresAt: instant.Add(time.Minute),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if again, other, _ := grants.NewAuthorizationCode(a, now); got.Family == "" || other.Family == got.Family || again.Reveal() == code.Reveal() {
		t.Error("two codes share a family or a text, or the family has no name")
	}
	a.Scope[0], a.Audience[0] = "root", "https://evil.test"
	if got.Scope[0] != "read" || got.Audience[0] != "https://a.test" {
		t.Error("the record shares a slice with the request")
	}
}

func TestNewAuthorizationCodeDefaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		edit  func(*grants.AuthorizationRequest)
		check func(*storage.Credential) bool
	}{
		{"no redirect_uri has a word of its own", func(a *grants.AuthorizationRequest) { a.RedirectURI = "" },
			func(c *storage.Credential) bool { return c.RedirectURI == storage.NoRedirectURI }},
		{"no PKCE has a word of its own", func(a *grants.AuthorizationRequest) {
			a.Client.PKCENotRequired, a.CodeChallenge, a.CodeChallengeMethod = true, "", ""
		}, func(c *storage.Credential) bool { return c.PKCE == storage.PKCENone && c.Challenge == "" }},
		{"no scope is none", func(a *grants.AuthorizationRequest) { a.Scope = nil },
			func(c *storage.Credential) bool { return len(c.Scope) == 0 }},
		{"no scope is none, whatever the client's default", func(a *grants.AuthorizationRequest) { a.Scope, a.Client.DefaultScope = nil, []string{"write"} },
			func(c *storage.Credential) bool { return len(c.Scope) == 0 }},
		{"an empty scope is none", func(a *grants.AuthorizationRequest) { a.Scope = []string{} },
			func(c *storage.Credential) bool { return len(c.Scope) == 0 }},
		{"no audience is the client's", func(a *grants.AuthorizationRequest) { a.Client.Audience = []string{"https://a.test"} },
			func(c *storage.Credential) bool { return c.Audience == nil }},
		{"no claims are none", func(a *grants.AuthorizationRequest) { a.Claims = map[string]any{} },
			func(c *storage.Credential) bool { return c.Claims == nil }},
		{"its own lifetime", func(a *grants.AuthorizationRequest) { a.Lifetime = 10 * time.Minute },
			func(c *storage.Credential) bool {
				return c.ExpiresAt.Equal(at.Add(10*time.Minute)) && c.FamilyExpiresAt.Equal(c.ExpiresAt)
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := approved()
			c.edit(&a)
			_, got, err := grants.NewAuthorizationCode(a, at)
			if err != nil {
				t.Fatal(err)
			}
			if !c.check(got) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestNewAuthorizationCodeRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		edit  func(*grants.AuthorizationRequest)
		want  grants.Code
		names string
	}{
		{"no client", func(a *grants.AuthorizationRequest) { a.Client = nil }, grants.ServerError, ""},
		{"no subject", func(a *grants.AuthorizationRequest) { a.Subject = "" }, grants.ServerError, ""},
		{"a negative lifetime", func(a *grants.AuthorizationRequest) { a.Lifetime = -1 }, grants.ServerError, ""},
		{"a lifetime over ten minutes", func(a *grants.AuthorizationRequest) { a.Lifetime = 10*time.Minute + 1 }, grants.ServerError, ""},
		{"claims that are no JSON", func(a *grants.AuthorizationRequest) { a.Claims = map[string]any{"f": func() {}} }, grants.ServerError, ""},
		{"a disabled client", func(a *grants.AuthorizationRequest) { a.Client.Disabled = true }, grants.UnauthorizedClient, ""},
		{"a client without the grant", func(a *grants.AuthorizationRequest) { a.Client.GrantTypes = []string{grants.TypeRefreshToken} }, grants.UnauthorizedClient, ""},
		{"a redirect_uri that is not registered", func(a *grants.AuthorizationRequest) { a.RedirectURI += "/" }, grants.InvalidRequest, "redirect_uri"},
		{"no redirect_uri and several registered", func(a *grants.AuthorizationRequest) {
			a.RedirectURI, a.Client.RedirectURIs = "", []string{"https://c1.test/cb", "https://c1.test/other"}
		}, grants.InvalidRequest, "redirect_uri"},
		{"no redirect_uri and none registered", func(a *grants.AuthorizationRequest) { a.RedirectURI, a.Client.RedirectURIs = "", nil }, grants.InvalidRequest, "redirect_uri"},
		{"no challenge", func(a *grants.AuthorizationRequest) { a.CodeChallenge, a.CodeChallengeMethod = "", "" }, grants.InvalidRequest, "code_challenge"},
		{"no challenge of a public client that is let off", func(a *grants.AuthorizationRequest) {
			a.CodeChallenge, a.CodeChallengeMethod, a.Client.AuthMethod, a.Client.PKCENotRequired = "", "", storage.AuthNone, true
		}, grants.InvalidRequest, "code_challenge"},
		{"a method without challenge", func(a *grants.AuthorizationRequest) { a.CodeChallenge, a.Client.PKCENotRequired = "", true }, grants.InvalidRequest, "code_challenge"},
		{"plain", func(a *grants.AuthorizationRequest) { a.CodeChallengeMethod = "plain" }, grants.InvalidRequest, "code_challenge_method"},
		{"no method, which means plain", func(a *grants.AuthorizationRequest) { a.CodeChallengeMethod = "" }, grants.InvalidRequest, "code_challenge_method"},
		{"a method in small letters", func(a *grants.AuthorizationRequest) { a.CodeChallengeMethod = "s256" }, grants.InvalidRequest, "code_challenge_method"},
		{"a challenge that is padded", func(a *grants.AuthorizationRequest) { a.CodeChallenge += "=" }, grants.InvalidRequest, "code_challenge"},
		{"a challenge in the standard alphabet", func(a *grants.AuthorizationRequest) { a.CodeChallenge = strings.Replace(challenge, "-", "+", 1) }, grants.InvalidRequest, "code_challenge"},
		{"a challenge that is too short", func(a *grants.AuthorizationRequest) { a.CodeChallenge = challenge[:42] }, grants.InvalidRequest, "code_challenge"},
		{"a challenge that is too long", func(a *grants.AuthorizationRequest) { a.CodeChallenge += "A" }, grants.InvalidRequest, "code_challenge"},
		{"a challenge with spare bits", func(a *grants.AuthorizationRequest) { a.CodeChallenge = challenge[:42] + "N" }, grants.InvalidRequest, "code_challenge"},
		{"a challenge with a newline, that Go skips", func(a *grants.AuthorizationRequest) { a.CodeChallenge = challenge[:20] + "\n" + challenge[20:] }, grants.InvalidRequest, "code_challenge"},
		{"an audience beyond the client's", func(a *grants.AuthorizationRequest) {
			a.Audience, a.Client.Audience = []string{"https://a.test", "https://b.test"}, []string{"https://a.test"}
		}, grants.InvalidTarget, ""},
		{"a scope beyond the client's", func(a *grants.AuthorizationRequest) { a.Scope = []string{"read", "root"} }, grants.InvalidScope, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := approved()
			c.edit(&a)
			code, record, err := grants.NewAuthorizationCode(a, at)
			v := grants.Verdict(err)
			if !code.Empty() || record != nil || v == nil || v.Code != c.want {
				t.Fatalf("got %+v and the error %v, want %s", record, err, c.want)
			}
			if !strings.Contains(v.Description, c.names) || c.names == "" && v.Description != "" {
				t.Errorf("the description is %q, want it to name %q", v.Description, c.names)
			}
			if !errors.Is(err, c.want) {
				t.Errorf("errors.Is(%v, %s) is false", err, c.want)
			}
			if a.Subject == "" || a.Claims["f"] != nil { // Check has no view on these
				return
			}
			if err := a.Check(); !errors.Is(err, c.want) {
				t.Errorf("Check: got %v, want %s before the user is asked too", err, c.want)
			}
		})
	}
}

// A host asks before it shows a login page, when there is no subject yet.
func TestCheckNeedsNoSubject(t *testing.T) {
	a := approved()
	a.Subject = ""
	if err := a.Check(); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	if _, _, err := grants.NewAuthorizationCode(a, at); !errors.Is(err, grants.ServerError) {
		t.Errorf("a code for nobody: got %v, want server_error", err)
	}
	a.CodeChallengeMethod = "plain"
	if err := a.Check(); !errors.Is(err, grants.InvalidRequest) {
		t.Errorf("got %v, want invalid_request", err)
	}
}

// Nothing that a host shows to the user is refused after they have agreed.
func TestCheckPassesWhatRequestedScopeReturns(t *testing.T) {
	for _, byDefault := range [][]string{nil, {}, {"read"}, {"read", "root"}, {"root"}} {
		a := approved()
		a.Client.DefaultScope = byDefault
		var err error
		if a.Scope, err = grants.RequestedScope(a.Client, ""); err != nil {
			t.Fatal(err)
		}
		if err := a.Check(); err != nil {
			t.Errorf("the default %q: got %v, want no error", byDefault, err)
		}
	}
}

func TestNewCredential(t *testing.T) {
	secret := storage.NewSecret("dc_")
	now := at.In(time.FixedZone("", 3600)).Add(1999 * time.Nanosecond)
	given := storage.Credential{Kind: "device_code", ClientID: "c1", Subject: "u1", Scope: []string{"read"}, ExpiresAt: now.Add(time.Minute)}
	got, err := grants.NewCredential(secret, given, now)
	if err != nil {
		t.Fatal(err)
	}
	want := given.Clone()
	want.Digest, want.Family, want.IssuedAt = secret.Digest("device_code"), got.Family, at.Add(time.Microsecond)
	want.ExpiresAt = at.Add(time.Minute + time.Microsecond)
	want.FamilyExpiresAt = want.ExpiresAt
	if !reflect.DeepEqual(got, want) || got.Family == "" {
		t.Errorf("got  %+v\nwant %+v, in a family", got, want)
	}
	given.Scope[0] = "root"
	if got.Scope[0] != "read" {
		t.Error("the record shares its scope with what was given")
	}
	given.Family, given.FamilyExpiresAt = "f", at.Add(time.Hour)
	if got, err := grants.NewCredential(secret, given, now); err != nil || got.Family != "f" || !got.FamilyExpiresAt.Equal(at.Add(time.Hour)) {
		t.Errorf("got %+v and the error %v, want the family that was given, for as long", got, err)
	}
	given.FamilyExpiresAt = at.Add(time.Second)
	if got, err := grants.NewCredential(secret, given, now); err != nil || !got.FamilyExpiresAt.Equal(got.ExpiresAt) {
		t.Errorf("got %+v and the error %v, want a family that lives as long as its credential", got, err)
	}
}

func TestNewCredentialRefuses(t *testing.T) {
	given := storage.Credential{Kind: "device_code", ClientID: "c1", Subject: "u1", ExpiresAt: at.Add(time.Minute)}
	for _, c := range []struct {
		name string
		edit func(*storage.Credential, *storage.Secret)
	}{
		{"no secret", func(_ *storage.Credential, s *storage.Secret) { *s = storage.Secret{} }},
		{"an empty secret", func(_ *storage.Credential, s *storage.Secret) { *s = storage.PresentedSecret("") }},
		{"no kind", func(c *storage.Credential, _ *storage.Secret) { c.Kind = "" }},
		{"no client", func(c *storage.Credential, _ *storage.Secret) { c.ClientID = "" }},
		{"no subject", func(c *storage.Credential, _ *storage.Secret) { c.Subject = "" }},
		{"no end", func(c *storage.Credential, _ *storage.Secret) { c.ExpiresAt = time.Time{} }},
		{"an end that is now", func(c *storage.Credential, _ *storage.Secret) { c.ExpiresAt = at }},
	} {
		t.Run(c.name, func(t *testing.T) {
			secret, k := storage.NewSecret("dc_"), given
			c.edit(&k, &secret)
			if got, err := grants.NewCredential(secret, k, at); got != nil || !errors.Is(err, grants.ServerError) {
				t.Errorf("got %+v and the error %v, want server_error", got, err)
			}
		})
	}
	if _, err := grants.NewCredential(storage.NewSecret("dc_"), given, at); err != nil {
		t.Errorf("a complete one: got %v, want no error", err)
	}
}

// redirects are held against what TestMayRedirect registers.
var redirects = []struct {
	name, uri string
	want      bool
}{
	{"the very string", "https://app.test/cb", true},
	{"a scheme of an app", "com.example.app:/cb", true},
	{"a slash more", "https://app.test/cb/", false},
	{"another case of the path", "https://app.test/CB", false},
	{"another case of the host", "https://APP.test/cb", false},
	{"another case of the scheme", "HTTPS://app.test/cb", false},
	{"another scheme", "http://app.test/cb", false},
	{"another port", "https://app.test:8443/cb", false},
	{"the default port", "https://app.test:443/cb", false},
	{"a prefix", "https://app.test/c", false},
	{"longer", "https://app.test/cb.evil", false},
	{"a directory below", "https://app.test/cb/x", false},
	{"a query", "https://app.test/cb?x=1", false},
	{"an empty query", "https://app.test/cb?", false},
	{"a fragment", "https://app.test/cb#x", false},
	{"an empty fragment", "https://app.test/cb#", false},
	{"the host as a prefix of another", "https://app.test.evil.test/cb", false},
	{"the host as user", "https://app.test@evil.test/cb", false},
	{"a user", "https://u@app.test/cb", false},
	{"a subdomain", "https://x.app.test/cb", false},
	{"a dot segment", "https://app.test/x/../cb", false},
	{"a percent escape", "https://app.test/%63b", false},
	{"a backslash", `https://evil.test\@app.test/cb`, false},
	{"a space before", " https://app.test/cb", false},
	{"relative", "/cb", false},
	{"javascript", "javascript:alert(1)", false},

	{"loopback, any port", "http://127.0.0.1:51004/cb", true},
	{"loopback, no port where one is registered", "http://[::1]/cb", true},
	{"loopback of IPv6, another port", "http://[::1]:51004/cb", true},
	{"loopback, a query that is registered", "http://127.0.0.1:51004/q?a=b", true},
	{"loopback, another query", "http://127.0.0.1:51004/q?a=c", false},
	{"loopback, a query more", "http://127.0.0.1:51004/cb?a=b", false},
	{"loopback, an empty query", "http://127.0.0.1:51004/cb?", false},
	{"loopback, a fragment", "http://127.0.0.1:51004/cb#x", false},
	{"loopback, an empty fragment", "http://127.0.0.1:51004/cb#", false},
	{"loopback, another path", "http://127.0.0.1:51004/other", false},
	{"loopback, a percent escape", "http://127.0.0.1:51004/%63b", false},
	{"loopback, a space behind", "http://127.0.0.1:51004/cb ", false},
	{"loopback, another case of the scheme", "HTTP://127.0.0.1:51004/cb", false},
	{"loopback, a user", "http://u@127.0.0.1:51004/cb", false},
	{"loopback, an empty user", "http://@127.0.0.1:51004/cb", false},
	{"loopback, as user of another", "http://127.0.0.1:51004@evil.test/cb", false},
	{"loopback, a backslash", `http://127.0.0.1:1\@evil.test/cb`, false},
	{"loopback, as a prefix of another", "http://127.0.0.1.evil.test:51004/cb", false},
	{"loopback, another address", "http://127.0.0.2:51004/cb", false},
	{"loopback, another family", "http://[::1]:51004/q?a=b", false},
	{"loopback, another spelling", "http://127.1:51004/cb", false},
	{"loopback, another spelling of IPv6", "http://[0:0:0:0:0:0:0:1]:51004/cb", false},
	{"loopback, a zone", "http://[::1%25lo]:51004/cb", false},
	{"loopback, mapped", "http://[::ffff:127.0.0.1]:51004/cb", false},
	{"loopback, nothing behind the port", "http://127.0.0.1:51004", false},
	{"loopback, a port and letters", "http://127.0.0.1:1x/cb", false},
	{"loopback, two ports", "http://127.0.0.1:1:2/cb", false},
	{"loopback, letters behind the address", "http://127.0.0.1x/cb", false},
	{"loopback, a port that is none", "http://127.0.0.1:x/cb", false},
	{"loopback, over https", "https://127.0.0.1:51004/cb", false},
	{"https on a loopback address has its port", "https://127.0.0.1:51004/tls", false},
	{"localhost has its port: it can be resolved elsewhere", "http://localhost:51004/cb", false},
	{"http elsewhere has its port", "http://app.test:51004/plain", false},
	{"nothing, where several are registered", "", false},
}

func TestMayRedirect(t *testing.T) {
	registered := []string{
		"https://app.test/cb", "com.example.app:/cb", "http://127.0.0.1/cb", "http://[::1]:8080/cb", "http://127.0.0.1/q?a=b",
		"http://localhost/cb", "https://127.0.0.1/tls", "http://app.test/plain",
	}
	for _, c := range redirects {
		t.Run(c.name, func(t *testing.T) {
			if got := grants.MayRedirect(&storage.Client{RedirectURIs: registered}, c.uri); got != c.want {
				t.Errorf("MayRedirect(%q) = %t, want %t", c.uri, got, c.want)
			}
		})
	}
	if !grants.MayRedirect(&storage.Client{RedirectURIs: registered[:1]}, "") {
		t.Error("nothing, where one is registered: got false, want true")
	}
	if grants.MayRedirect(&storage.Client{}, "") || grants.MayRedirect(&storage.Client{}, "https://app.test/cb") {
		t.Error("none registered: got true, want false")
	}
	if grants.MayRedirect(&storage.Client{RedirectURIs: []string{"://broken"}}, "http://127.0.0.1/cb") {
		t.Error("a broken one registered: got true, want false")
	}
	for _, rest := range []string{"", "?a=b", "/?a=b"} {
		if !grants.MayRedirect(&storage.Client{RedirectURIs: []string{"http://127.0.0.1" + rest}}, "http://127.0.0.1:51004"+rest) {
			t.Errorf("loopback, any port and no path but %q: got false, want true", rest)
		}
	}
}

// What only begins like a loopback address has its port, and whatever else
// stands there.
func TestMayRedirectBesideLoopback(t *testing.T) {
	for _, c := range []struct{ name, registered, uri string }{
		{"a user and its password", "http://127.0.0.1:1@app.test/cb", "http://127.0.0.1:2@app.test/cb"},
		{"a user without a password", "http://127.0.0.1@app.test/cb", "http://127.0.0.1:2@app.test/cb"},
		{"a user at a loopback address of IPv6", "http://[::1]:1@app.test/cb", "http://[::1]:2@app.test/cb"},
		{"a name", "http://127.0.0.1.app.test/cb", "http://127.0.0.1:2.app.test/cb"},
		{"a fragment", "http://127.0.0.1:1#x", "http://127.0.0.1:2#x"},
		{"a backslash", `http://127.0.0.1:1\@app.test`, `http://127.0.0.1:2\@app.test`},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &storage.Client{RedirectURIs: []string{c.registered}}
			if grants.MayRedirect(k, c.uri) {
				t.Errorf("MayRedirect(%q) where %q is registered = true, want false", c.uri, c.registered)
			}
			if !grants.MayRedirect(k, c.registered) {
				t.Errorf("MayRedirect(%q) where the same is registered = false, want true", c.registered)
			}
		})
	}
}
