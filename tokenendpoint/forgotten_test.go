package tokenendpoint_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

func TestNewLogsWhatWasProbablyForgotten(t *testing.T) {
	const code, refresh = grants.TypeAuthorizationCode, grants.TypeRefreshToken
	all := map[string]grants.Grant{code: grants.AuthorizationCode{}, refresh: grants.RefreshToken{}}
	refreshing := grants.ClientCredentials{Refresh: true}
	base := func(c *tokenendpoint.Config) { c.BaseURL = "https://as.test/auth" }
	for _, tt := range []struct {
		name    string
		changes []func(*tokenendpoint.Config)
		want    []string // one piece of each hint
	}{
		{"nothing", nil, nil},
		{"nothing of the ready grants", []func(*tokenendpoint.Config){func(c *tokenendpoint.Config) { c.Grants = nil }}, nil},
		{"codes and refresh tokens", []func(*tokenendpoint.Config){func(c *tokenendpoint.Config) { c.Grants = all }}, nil},
		{"refresh_token beside codes", []func(*tokenendpoint.Config){oneGrant(code, grants.AuthorizationCode{})}, []string{"users log in again"}},
		{"refresh_token beside Refresh", []func(*tokenendpoint.Config){oneGrant(grants.TypeClientCredentials, refreshing)}, []string{"a grant has Refresh, which does nothing"}},
		{"refresh_token beside Refresh of API keys", []func(*tokenendpoint.Config){oneGrant(grants.TypeAPIKey, grants.APIKey{Refresh: true})}, []string{"a grant has Refresh, which does nothing"}},
		{"Revocations", []func(*tokenendpoint.Config){func(c *tokenendpoint.Config) { c.Revocations = nil }}, []string{"Revocations is nil"}},
		{"Revocations, of a store in parts", []func(*tokenendpoint.Config){func(c *tokenendpoint.Config) {
			c.Revocations, c.Storage = nil, storage.Parts{Clients: new(memory.Store), Credentials: new(memory.Store)}
		}}, []string{"Revocations is nil"}},
		{"nothing, of a store that remembers no revocation", []func(*tokenendpoint.Config){func(c *tokenendpoint.Config) {
			c.Revocations, c.Storage = nil, storage.Parts{Clients: new(memory.Store)}
		}}, nil},
		{"that the BaseURL has the path already", []func(*tokenendpoint.Config){base, func(c *tokenendpoint.Config) { c.Paths.Token = "/auth/token" }}, []string{"the endpoint is at /auth/auth/token"}},
		{"nothing, if a path only begins like it", []func(*tokenendpoint.Config){base, func(c *tokenendpoint.Config) { c.Paths.Token = "/authorized/token" }}, nil},
		{"that APIs compare the Issuer byte for byte", []func(*tokenendpoint.Config){func(c *tokenendpoint.Config) { c.Issuer += "/" }}, []string{"Issuer ends with a slash"}},
		{"assertions of clients that bring their metadata", []func(*tokenendpoint.Config){new(unregistered).serve}, []string{"clients that nobody has registered may show a key"}},
		{"nothing, if they may show a key", []func(*tokenendpoint.Config){new(unregistered).serve, testbed.WithAssertions}, nil},
		{"several", []func(*tokenendpoint.Config){
			oneGrant(code, grants.AuthorizationCode{}), func(c *tokenendpoint.Config) { c.Revocations = nil },
		}, []string{"users log in again", "Revocations is nil"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			store := new(memory.Store)
			c := goodConfig(t)
			c.Storage, c.Revocations, c.AuthorizationEndpoint = store, store, "https://as.test/login"
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			for _, change := range tt.changes {
				change(&c)
			}
			newHandler(t, c)
			got := log.String()
			if len(tt.want) == 0 && got != "" {
				t.Errorf("the log says %q, want nothing", got)
			}
			if len(tt.want) > 0 && (strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=WARN")) {
				t.Errorf("the log says %q, want one line at warn level", got)
			}
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("the log says %q, want it to name %q", got, want)
				}
			}
		})
	}
}
