package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// clients looks at all clients and their API keys.
func (e *examination) clients(ctx context.Context) error {
	p := e.progress("clients looked at")
	return allClients(ctx, e.kept, func(client *storage.Client) error {
		p.add(1)
		about := fmt.Sprintf("client %q", client.ID)
		if client.Disabled {
			return nil
		}
		e.registration(about, client)
		e.secrets(about, client)
		return e.apiKeys(ctx, about, client)
	})
}

// registration looks for the faults that make every request of a client fail.
func (e *examination) registration(about string, client *storage.Client) {
	if err := client.Check(); err != nil {
		e.fail(about, "Correct the record where it comes from", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if len(client.GrantTypes) == 0 {
		e.warn(about, "Register it anew with --grant, or disable it", "it may use no grant, so every request of it is refused")
	}
	if client.Public() && client.MayUse(grants.TypeClientCredentials) {
		e.fail(about, "Give it a secret, or take the grant away", "it is public, and client_credentials is refused to it")
	}
	if client.MayUse(grants.TypeAuthorizationCode) && len(client.RedirectURIs) == 0 {
		e.fail(about, "Register a redirect URI", "it uses authorization_code and has no redirect URI, so it never gets a code")
	}
	for _, uri := range client.RedirectURIs {
		if rest, ok := strings.CutPrefix(uri, "http://"); ok && !isLoopback(rest) {
			e.warn(about, "Register https", "its redirect URI %s is not https: who listens on the way reads its codes", uri)
		}
	}
}

func isLoopback(rest string) bool {
	return slices.ContainsFunc([]string{"127.0.0.1", "[::1]", "localhost"}, func(host string) bool {
		after, ok := strings.CutPrefix(rest, host)
		return ok && (after == "" || after[0] == ':' || after[0] == '/' || after[0] == '?')
	})
}

// secrets looks at a client that shows secrets. One that signs assertions, or has a
// certificate, has its keys elsewhere.
func (e *examination) secrets(about string, client *storage.Client) {
	if !slices.Contains([]string{"", storage.ClientSecretBasic, storage.ClientSecretPost}, client.AuthMethod) {
		return
	}
	live := func(at time.Time) (works []storage.ClientSecret) {
		for _, s := range client.Secrets {
			if secretState(s, at) == stateLive {
				works = append(works, s)
			}
		}
		return works
	}
	for _, s := range client.Secrets {
		if err := clientauth.CheckHash(s.Hash); err != nil {
			e.fail(about, "Give it another secret, and end this one", "its secret %q has no hash that can be verified", s.ID)
		}
	}
	if len(live(e.now)) == 0 {
		e.fail(about, "oauthctl client secret add", "it has no secret that works, so every request of it is refused")
		return
	}
	for _, s := range client.Secrets {
		switch {
		case !e.soon(s.ExpiresAt):
		case len(live(s.ExpiresAt)) == 0:
			e.warn(about, "oauthctl client secret add", "its last secret %q ends on %s", s.ID, day(s.ExpiresAt))
		default:
			e.warn(about, "Ask whether the client uses another one", "its secret %q ends on %s", s.ID, day(s.ExpiresAt))
		}
	}
}

// apiKeys looks for keys of a client that end soon.
func (e *examination) apiKeys(ctx context.Context, about string, client *storage.Client) error {
	keys, err := keysOfClient(ctx, e.kept, client.ID)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if keyState(k, e.now) == stateLive && e.soon(k.ExpiresAt) {
			e.warn(about, "oauthctl apikey roll", "the API key %q of %q ends on %s", k.ID, k.Owner(), day(k.ExpiresAt))
		}
	}
	if !client.MayUse(grants.TypeAPIKey) && slices.ContainsFunc(keys, func(k *storage.APIKey) bool { return keyState(k, e.now) == stateLive }) {
		e.fail(about, "Let it use the grant, or revoke its keys", "it has live API keys and may not use the grant %s, so they are refused", grants.TypeAPIKey)
	}
	return nil
}
