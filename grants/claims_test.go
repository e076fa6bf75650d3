package grants_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// unredeemable are records that no request could redeem.
var unredeemable = []struct {
	name string
	edit func(*storage.Credential)
	want string
}{
	{"a reserved claim", claimsOf(`{"tenant":"t1","iss":"https://evil.test"}`), `"iss" is reserved`},
	{"a reserved claim in another case", claimsOf(`{"SUB":"root"}`), `"sub" is reserved`},
	{"a look-alike of a reserved claim", claimsOf(`{"ſcope":"root"}`), `"scope" is reserved`},
	{"claims that are a list", claimsOf(`[]`), "not a JSON object"},
	{"claims that are null", claimsOf(`null`), "not a JSON object"},
	{"claims that are cut", claimsOf(`{"a":`), "not a JSON object"},
	{"claims that no token has room for", claimsOf(`{"a":"` + strings.Repeat("a", 12<<10) + `"}`), "longer than an access token"},
	{"a subject with a control character", func(c *storage.Credential) { c.Subject = "u1\n" }, "control character"},
	{"a subject that is no UTF-8", func(c *storage.Credential) { c.Subject = "u1\xff" }, "not UTF-8"},
	{"a scope with a space", func(c *storage.Credential) { c.Scope = []string{"read write"} }, "a scope is empty, or has"},
	{"a scope that is empty", func(c *storage.Credential) { c.Scope = []string{""} }, "a scope is empty, or has"},
	{"an audience that is no UTF-8", func(c *storage.Credential) { c.Audience = []string{"a\xff"} }, "not UTF-8"},
	{"an audience of nobody", func(c *storage.Credential) { c.Audience = []string{} }, "must have a member"},
}

func claimsOf(text string) func(*storage.Credential) {
	return func(c *storage.Credential) { c.Claims = []byte(text) }
}

func TestNewCredentialRefusesWhatCannotBeRedeemed(t *testing.T) {
	for _, tt := range unredeemable {
		c := storage.Credential{Kind: "voucher", Issuer: "https://as.test", ClientID: "c1", Subject: "u1", ExpiresAt: at.Add(time.Minute)}
		tt.edit(&c)
		record, err := grants.NewCredential(storage.NewSecret("vo_"), c, at)
		if record != nil || !errors.Is(err, grants.ServerError) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, %v, want a ServerError that says %q", tt.name, record, err, tt.want)
		}
	}
}

func TestNewAuthorizationCodeRefusesWhatCannotBeRedeemed(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(*grants.AuthorizationRequest)
		want string
		late bool // Check says nothing of it
	}{
		"a reserved claim":     {func(a *grants.AuthorizationRequest) { a.Claims = map[string]any{"iss": "x"} }, `"iss" is reserved`, false},
		"an audience of none":  {func(a *grants.AuthorizationRequest) { a.Audience = []string{} }, "must have a member", false},
		"claims without room":  {func(a *grants.AuthorizationRequest) { a.Claims = map[string]any{"a": strings.Repeat("a", 12<<10)} }, "longer", true},
		"a subject of no text": {func(a *grants.AuthorizationRequest) { a.Subject = "u\x00" }, "control character", true},
	} {
		a := grants.AuthorizationRequest{
			Issuer: "https://as.test", Client: client(), Subject: "u1", Scope: []string{"read"}, RedirectURI: "https://c1.test/cb",
			CodeChallenge: strings.Repeat("A", 43), CodeChallengeMethod: "S256",
		}
		if _, _, err := grants.NewAuthorizationCode(a, at); err != nil {
			t.Fatal(err)
		}
		tt.edit(&a)
		_, record, err := grants.NewAuthorizationCode(a, at)
		if record != nil || !errors.Is(err, grants.ServerError) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, %v, want a ServerError that says %q", name, record, err, tt.want)
		}
		if err := a.Check(); errors.Is(err, grants.ServerError) == tt.late {
			t.Errorf("%s: Check says %v", name, err)
		}
	}
}

func TestNewAPIKeyRefusesWhatCannotBeRedeemed(t *testing.T) {
	for name, k := range map[string]storage.APIKey{
		"a subject with a control character": {Subject: "u1\n"},
		"an ID that is no UTF-8":             {ID: "k\xff"},
		"a scope with a space":               {Scope: []string{"read write"}},
		"an audience of nobody":              {Audience: []string{}},
	} {
		k.ClientID = "c1"
		if _, record, err := grants.NewAPIKey("ck_", k, at); err == nil || record != nil {
			t.Errorf("%s: got %v, %v, want an error", name, record, err)
		}
	}
}
