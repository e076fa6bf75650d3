package tokenendpoint_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// whyRules are about the cause of a refusal in the log.
var whyRules = []rule{
	{"F20_refusals_say_why_in_the_log", whyRefused},
	{"F20_a_grant_type_is_named_and_a_secret_is_not", whyUnsupported},
	{"F20_a_scope_is_named_and_a_secret_is_not", whyScope},
}

// timedWhyRules are those for which time passes.
var timedWhyRules = []rule{
	{"F20_a_replay_says_how_long_after_the_first_use", whyReplayed},
	{"F20_a_hook_that_widened_is_told_what", whyWidened},
}

// wantCause compares the cause in the log of the last request.
func wantCause(f *testbed.Fixture, name, want string) {
	f.T.Helper()
	if cause := f.LastEvent().Cause; cause == nil || !strings.Contains(cause.Error(), want) {
		f.T.Errorf("%s: the cause is %v, want it to have %q", name, cause, want)
	}
}

func whyReplayed(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	code := f.Redeem(f.C1, f.Code(f.C1))
	f.Send(code).Tokens()
	f.Send(code).Refused("invalid_grant")
	wantCause(f, "a code at once", "used at the same moment")
	time.Sleep(1500 * time.Millisecond)
	f.Send(code).Refused("invalid_grant")
	wantCause(f, "a code soon", "used 1.5s before")
	time.Sleep(3 * time.Second)
	f.Send(code).Refused("invalid_grant")
	wantCause(f, "a code late", "the code was used 4.5s before")

	token := f.RefreshToken(f.C1)
	next := f.Send(testbed.Refresh(f.C1, token)).Tokens().RefreshToken
	time.Sleep(time.Second)
	f.Send(testbed.Refresh(f.C1, next)).Tokens()
	f.Send(testbed.Refresh(f.C1, token)).Refused("invalid_grant")
	wantCause(f, "a refresh token whose successor was used", "used 1s before, and its successor has been used since")

	token = f.RefreshToken(f.C1)
	f.Send(testbed.Refresh(f.C1, token)).Tokens()
	time.Sleep(time.Hour)
	f.Send(testbed.Refresh(f.C1, token)).Refused("invalid_grant")
	wantCause(f, "a refresh token late", "the refresh token was used 1h0m0s before")
}

func whyWidened(t *testing.T) {
	var h testbed.Hook
	f := testbed.NewTimed(t, openMemory, h.Everywhere)
	for want, change := range map[string]func(*grants.Authorization){
		"the Subject":                  func(a *grants.Authorization) { a.Subject = "other" },
		"no Audience":                  func(a *grants.Authorization) { a.Audience = nil },
		`Scope by "root"`:              func(a *grants.Authorization) { a.Scope = append(a.Scope, "root") },
		`Audience by "https://x.test"`: func(a *grants.Authorization) { a.Audience = append(a.Audience, "https://x.test") },
	} {
		h.Do(func(a *grants.Authorization) error { change(a); return nil })
		f.Send(testbed.ClientCredentials(f.C1)).RefusedWith(http.StatusInternalServerError, "server_error")
		wantCause(f, want, want)
	}
}

// whyRefused: the cause names the bound that was exceeded, and its setting.
func whyRefused(t *testing.T) {
	const a, b = "https://a.test", "https://b.test"
	f := testbed.New(t, openMemory, testbed.APIKeys(grants.APIKey{Refresh: true}))
	key := f.APIKey(f.C1, func(k *storage.APIKey) { k.Scope, k.Audience = []string{"read"}, []string{a} })
	own := func(c *storage.Client) { c.Audience = []string{a, b} }
	f.Edit(f.C1, own)
	token := f.RefreshToken(f.C1, func(r *grants.AuthorizationRequest) { r.Scope, r.Audience = []string{"read"}, []string{a} })
	for name, tt := range map[string]struct {
		edit       func(*storage.Client)
		r          *testbed.Request
		code, want string
	}{
		"malformed":                 {nil, testbed.ClientCredentials(f.C1).With("scope", "a  b"), "invalid_scope", "malformed"},
		"beyond the registration":   {nil, testbed.ClientCredentials(f.CC).With("scope", "read write"), "invalid_scope", "Client.Scope"},
		"a key without scopes":      {func(c *storage.Client) { own(c); c.Scope = []string{"write"} }, testbed.PresentKey(f.C1, key), "invalid_scope", "Client.Scope"},
		"beyond the key":            {own, testbed.PresentKey(f.C1, key).With("scope", "write"), "invalid_scope", "APIKey.Scope"},
		"beyond the grant":          {own, testbed.Refresh(f.C1, token).With("scope", "write"), "invalid_scope", "granted"},
		"no target":                 {nil, testbed.ClientCredentials(f.C1).With("resource", "api"), "invalid_target", "absolute URI"},
		"a target of nobody":        {nil, testbed.ClientCredentials(f.C1).With("resource", a), "invalid_target", "Config.Audience"},
		"a target beyond":           {own, testbed.ClientCredentials(f.C1).With("resource", testbed.Audience), "invalid_target", "Client.Audience"},
		"a target beyond the key":   {own, testbed.PresentKey(f.C1, key).With("resource", b), "invalid_target", "APIKey.Audience"},
		"a target beyond the grant": {own, testbed.Refresh(f.C1, token).With("resource", b), "invalid_target", "granted"},
		"a key for another target":  {nil, testbed.PresentKey(f.C1, key), "invalid_target", "Config.Audience"},
		"not registered":            {nil, f.Redeem(f.CC, f.Code(f.C1)), "unauthorized_client", `"authorization_code" (Client.GrantTypes)`},
	} {
		f.Restore()
		if tt.edit != nil {
			f.Edit(f.C1, tt.edit)
		}
		f.Send(tt.r).Refused(tt.code)
		if cause := f.LastEvent().Cause; cause == nil || !strings.Contains(cause.Error(), tt.want) {
			t.Errorf("%s: the cause is %v, want it to name %s", name, cause, tt.want)
		}
	}
}

// whyScope: the cause names the first scope that is too much, unless it may be a secret.
func whyScope(t *testing.T) {
	f := testbed.New(t, openMemory)
	send := func(scope string) string {
		t.Helper()
		f.Send(testbed.ClientCredentials(f.C1).With("scope", "read "+scope)).Refused("invalid_scope")
		cause := f.LastEvent().Cause
		if cause == nil || !strings.Contains(cause.Error(), "Client.Scope") {
			t.Errorf("%s: the cause is %v, want it to name Client.Scope", scope, cause)
			return ""
		}
		return cause.Error()
	}
	for _, name := range []string{"nope", "https://api.example.com/auth/orders.v2", "orders:write", "a" + strings.Repeat("b", 63), "'; drop"} {
		if cause := send(name); !strings.Contains(cause, strconv.Quote(strings.Fields(name)[0])) {
			t.Errorf("the cause is %q, want it to name %s", cause, name)
		}
	}
	// The fixture looks for the secrets themselves.
	for _, secret := range []string{
		f.C1.Secret, f.APIKey(f.C1), f.Code(f.C1), f.RefreshToken(f.C1), "a" + strings.Repeat("b", 64), "key:" + strings.Repeat("a1", 10),
	} {
		f.Secret(secret)
		send(secret)
	}
}

func whyUnsupported(t *testing.T) {
	f := testbed.New(t, openMemory)
	send := func(grantType string) string {
		t.Helper()
		f.Send(testbed.ClientCredentials(f.C1).With("grant_type", grantType)).Refused("unsupported_grant_type")
		cause := f.LastEvent().Cause
		if cause == nil || !strings.Contains(cause.Error(), "Config.Grants") {
			t.Errorf("%s: the cause is %v, want it to name Config.Grants", grantType, cause)
			return ""
		}
		return cause.Error()
	}
	for _, name := range []string{"nope", "clientCredentials", "oauth2", "urn:x:y1", "a" + strings.Repeat("b", 63), "urn:ietf:params:oauth:grant-type:token-exchange"} {
		if cause := send(name); !strings.Contains(cause, `"`+name+`"`) {
			t.Errorf("the cause is %q, want it to name %s", cause, name)
		}
	}
	// The fixture looks for the secrets themselves.
	for _, secret := range []string{
		f.C1.Secret, f.APIKey(f.C1), f.Code(f.C1), f.RefreshToken(f.C1), "a" + strings.Repeat("b", 64), "two words",
	} {
		f.Secret(secret)
		send(secret)
	}
}
