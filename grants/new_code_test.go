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
		Issuer:              issuer,
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
	instant := at.Add(1234 * time.Microsecond) // every store keeps microseconds
	want := &storage.Credential{
		Digest:          code.Digest(storage.KindAuthorizationCode),
		Kind:            storage.KindAuthorizationCode,
		Family:          got.Family,
		Issuer:          issuer,
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

func TestNewCredentialNamesWhatIsMissing(t *testing.T) {
	_, err := grants.NewCredential(storage.NewSecret("pair_"), storage.Credential{Kind: "pairing", Issuer: storage.AnyIssuer, ClientID: "c1"}, at)
	v := grants.Verdict(err)
	if v == nil || v.Code != grants.ServerError || v.Cause == nil {
		t.Fatalf("got the error %v, want server_error with a cause", err)
	}
	const want = "grants: a credential needs an Issuer other than storage.AnyIssuer, a Subject, an ExpiresAt to come"
	if got := v.Cause.Error(); got != want {
		t.Errorf("the cause is %q, want %q", got, want)
	}
}

func TestNewAuthorizationCodeRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		edit  func(*grants.AuthorizationRequest)
		want  grants.ErrorCode
		names string
	}{
		{"no client", func(a *grants.AuthorizationRequest) { a.Client = nil }, grants.ServerError, ""},
		{"no subject", func(a *grants.AuthorizationRequest) { a.Subject = "" }, grants.ServerError, ""},
		{"a negative lifetime", func(a *grants.AuthorizationRequest) { a.Lifetime = -1 }, grants.ServerError, ""},
		{"a lifetime over ten minutes", func(a *grants.AuthorizationRequest) { a.Lifetime = 10*time.Minute + 1 }, grants.ServerError, ""},
		{"claims that are no JSON", func(a *grants.AuthorizationRequest) { a.Claims = map[string]any{"f": func() {}} }, grants.ServerError, ""},
		{"a disabled client", func(a *grants.AuthorizationRequest) { a.Client.Disabled = true }, grants.UnauthorizedClient, ""},
		{"a client without the grant", func(a *grants.AuthorizationRequest) { a.Client.GrantTypes = []string{grants.TypeRefreshToken} }, grants.UnauthorizedClient, "not registered"},
		{"a redirect_uri that is not registered", func(a *grants.AuthorizationRequest) { a.RedirectURI += "/" }, grants.InvalidRequest, "redirect_uri"},
		{"no redirect_uri and several registered", func(a *grants.AuthorizationRequest) {
			a.RedirectURI, a.Client.RedirectURIs = "", []string{"https://c1.test/cb", "https://c1.test/other"}
		}, grants.InvalidRequest, "redirect_uri"},
		{"no redirect_uri and none registered", func(a *grants.AuthorizationRequest) { a.RedirectURI, a.Client.RedirectURIs = "", nil }, grants.InvalidRequest, "redirect_uri"},
		{"R37 a registered redirect_uri that is relative", func(a *grants.AuthorizationRequest) { a.Client.RedirectURIs = []string{"/cb"} }, grants.ServerError, ""},
		{"R37 two scopes registered as one", func(a *grants.AuthorizationRequest) { a.Client.Scope = []string{"read write"} }, grants.ServerError, ""},
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
		{"a scope beyond the client's", func(a *grants.AuthorizationRequest) { a.Scope = []string{"read", "root"} }, grants.InvalidScope, "scope"},
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

// Check accepts every scope that RequestedScope returned. Otherwise a host would show
// the user a request that fails after the user has agreed.
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
	given := storage.Credential{Kind: "device_code", Issuer: issuer, ClientID: "c1", Subject: "u1", Scope: []string{"read"}, ExpiresAt: now.Add(time.Minute)}
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
		t.Error("the record shares its scope with the argument")
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
	given := storage.Credential{Kind: "device_code", Issuer: issuer, ClientID: "c1", Subject: "u1", ExpiresAt: at.Add(time.Minute)}
	for _, c := range []struct {
		name string
		edit func(*storage.Credential, *storage.Secret)
	}{
		{"no secret", func(_ *storage.Credential, s *storage.Secret) { *s = storage.Secret{} }},
		{"an empty secret", func(_ *storage.Credential, s *storage.Secret) { *s = storage.PresentedSecret("") }},
		{"no kind", func(c *storage.Credential, _ *storage.Secret) { c.Kind = "" }},
		{"no issuer", func(c *storage.Credential, _ *storage.Secret) { c.Issuer = "" }},
		{"every issuer", func(c *storage.Credential, _ *storage.Secret) { c.Issuer = storage.AnyIssuer }},
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
