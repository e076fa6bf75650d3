package tokenendpoint_test

import (
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// brokenRecordRules are about a client's record that Client.Check would refuse, and
// which came into the store in another way.
var brokenRecordRules = []rule{
	{"R37_a_broken_record_is_an_outage_that_names_the_field", brokenRecord},
	{"R37_a_stranger_learns_nothing_of_a_broken_record", brokenRecordToAStranger},
	{"R37_a_broken_record_uses_nothing_up", brokenRecordUsesNothingUp},
}

func brokenRecord(t *testing.T) {
	f := testbed.New(t, openMemory)
	secret := testbed.ClientCredentials(f.C1)
	bare := testbed.Form("grant_type", "refresh_token", "refresh_token", f.RefreshToken(f.C1), "client_id", f.C1.ID)
	for name, tt := range map[string]struct {
		edit func(*storage.Client)
		r    *testbed.Request
		want string
	}{
		"two scopes in one":           {func(c *storage.Client) { c.Scope = []string{"read write"} }, secret, " Scope[0]"},
		"beside the requested scope":  {func(c *storage.Client) { c.Scope = []string{"read", ""} }, secret.With("scope", "read"), " Scope[1]"},
		"the scope of the default":    {func(c *storage.Client) { c.DefaultScope = []string{"réad"} }, secret, "DefaultScope[0]"},
		"two grants in one":           {func(c *storage.Client) { c.GrantTypes = []string{"client_credentials refresh_token"} }, secret, "GrantTypes[0]"},
		"an unknown method":           {func(c *storage.Client) { c.AuthMethod = "client_secret" }, secret, "AuthMethod"},
		"an unknown method, publicly": {func(c *storage.Client) { c.AuthMethod = "None" }, bare, "AuthMethod"},
		"a token that ended before":   {func(c *storage.Client) { c.AccessTokenLifetime = -time.Minute }, secret, "AccessTokenLifetime"},
		"a family that ended before":  {func(c *storage.Client) { c.RefreshTokenLifetime = -1 }, secret, "RefreshTokenLifetime"},
		"an idle end before":          {func(c *storage.Client) { c.RefreshTokenIdle = -1 }, secret, "RefreshTokenIdle"},
		"with an API key":             {func(c *storage.Client) { c.Scope = []string{"read write"} }, testbed.PresentKey(f.C1, f.APIKey(f.C1)), " Scope[0]"},
		"with a code":                 {func(c *storage.Client) { c.Scope = []string{"read write"} }, f.Redeem(f.C1, f.Code(f.C1)), " Scope[0]"},
		"with a refresh token":        {func(c *storage.Client) { c.Scope = []string{"read write"} }, testbed.Refresh(f.C1, f.RefreshToken(f.C1)), " Scope[0]"},
	} {
		f.Edit(f.C1, tt.edit)
		f.Send(tt.r).Unavailable()
		if cause := f.LastEvent().Cause; cause == nil || !strings.Contains(cause.Error(), tt.want) {
			t.Errorf("%s: the cause is %v, want it to name %s", name, cause, tt.want)
		}
		if id := f.LastEvent().ClientID; id != f.C1.ID {
			t.Errorf("%s: the event names the client %q, want %q", name, id, f.C1.ID)
		}
		f.Restore()
	}
}

// brokenRecordToAStranger: an API key that is wrong gets the answer of a wrong API key
// (ruling R31).
func brokenRecordToAStranger(t *testing.T) {
	f := testbed.New(t, openMemory)
	key := f.APIKey(f.C1)
	stranger := testbed.Form("grant_type", "api_key", "client_id", f.C1.ID)
	for _, edit := range []func(*storage.Client){
		func(c *storage.Client) { c.Scope = []string{"read write"} },
		func(c *storage.Client) { c.AuthMethod = "client_secret" },
	} {
		f.Edit(f.C1, edit)
		f.Send(stranger.With("api_key", "wrong")).Refused("invalid_grant")
		f.Send(stranger.With("api_key", key)).Unavailable()
		f.Restore()
	}
}

func brokenRecordUsesNothingUp(t *testing.T) {
	f := testbed.New(t, openMemory)
	token, code := f.RefreshToken(f.C1), f.Code(f.C1)
	f.Edit(f.C1, func(c *storage.Client) { c.Scope = []string{"read write"} })
	f.Send(testbed.Refresh(f.C1, token)).Unavailable()
	f.Send(f.Redeem(f.C1, code)).Unavailable()
	f.Restore()
	f.Works(f.C1, token)
	f.Send(f.Redeem(f.C1, code)).Tokens()
}
