package main

import (
	"context"
	"errors"
	"flag"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// clientView is a client as the program shows it, in the words of RFC 7591. It has no
// hash.
type clientView struct {
	ID            string       `json:"client_id"`
	AuthMethod    string       `json:"token_endpoint_auth_method,omitempty"`
	Disabled      bool         `json:"disabled"`
	GrantTypes    []string     `json:"grant_types"`
	Scope         string       `json:"scope"`
	DefaultScope  *string      `json:"default_scope,omitempty"`
	Audience      []string     `json:"audience,omitempty"`
	RedirectURIs  []string     `json:"redirect_uris,omitempty"`
	PKCERequired  bool         `json:"pkce_required"`
	Rotates       bool         `json:"refresh_tokens_rotate"`
	AccessToken   string       `json:"access_token_lifetime,omitempty"`
	RefreshToken  string       `json:"refresh_token_lifetime,omitempty"`
	RefreshIdle   string       `json:"refresh_token_idle,omitempty"`
	ClientSecrets []secretView `json:"secrets"`
}

func viewOf(c *storage.Client, now time.Time) clientView {
	v := clientView{
		ID:            c.ID,
		AuthMethod:    c.AuthMethod,
		Disabled:      c.Disabled,
		GrantTypes:    c.GrantTypes,
		Scope:         strings.Join(c.Scope, " "),
		Audience:      c.Audience,
		RedirectURIs:  c.RedirectURIs,
		PKCERequired:  c.Public() || !c.PKCENotRequired,
		Rotates:       !c.RefreshNotRotated,
		AccessToken:   lifetime(c.AccessTokenLifetime),
		RefreshToken:  lifetime(c.RefreshTokenLifetime),
		RefreshIdle:   lifetime(c.RefreshTokenIdle),
		ClientSecrets: []secretView{},
	}
	if c.DefaultScope != nil {
		s := strings.Join(c.DefaultScope, " ")
		v.DefaultScope = &s
	}
	for _, s := range c.Secrets {
		v.ClientSecrets = append(v.ClientSecrets, secretViewOf(s, now))
	}
	return v
}

// lifetime is empty for zero, which is the endpoint's.
func lifetime(d time.Duration) string {
	if d == 0 {
		return ""
	}
	s := span(d)
	return s.String()
}

// kind is how a client authenticates, for a table.
func (v clientView) kind() string {
	switch v.AuthMethod {
	case "":
		return "secret"
	case storage.AuthNone:
		return "public"
	}
	return v.AuthMethod
}

func noClient(id string) error {
	return notFound("there is no client %q. 'oauthctl client list' shows all", id)
}

// findClient returns a client, or a verdict.
func findClient(ctx context.Context, s *sqlstore.Store, id string) (*storage.Client, error) {
	client, err := s.Client(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, noClient(id)
	}
	return client, err
}

// allClients calls f for each client, in the order of their IDs.
func allClients(ctx context.Context, s *sqlstore.Store, f func(*storage.Client) error) error {
	var p storage.Page
	for {
		page, err := s.ListClients(ctx, p)
		if err != nil {
			return err
		}
		for _, client := range page {
			if err := f(client); err != nil {
				return err
			}
		}
		if len(page) < p.Size() {
			return nil
		}
		p.After = page[len(page)-1].ID
	}
}

// newClient are the flags of "client create".
type newClient struct {
	grants, scope, defaultScope, audience, redirects words
	public                                           bool
	secretName                                       string
	secretExpires                                    instant
	access, refresh, idle                            span
}

func clientCreate() *command {
	n := new(newClient)
	return &command{
		name:  "client create",
		args:  []string{"CLIENT_ID"},
		about: "Register a client, and print its secret.",
		more: `The secret stands alone on stdout, once. A client with --public has none.

A flag that takes several words may come several times.`,
		example: "oauthctl client create billing --grant client_credentials --scope \"read write\"",
		flags:   n.flags,
		run: func(ctx context.Context, c *call) error {
			return n.create(ctx, c)
		},
	}
}

func (n *newClient) flags(f *flag.FlagSet) {
	f.Var(&n.grants, "grant", "`grant_types` that the client may use (default: none)")
	f.Var(&n.scope, "scope", "all `scopes` that its tokens may carry (default: none)")
	f.Var(&n.defaultScope, "default-scope", "the `scopes` of a request that names none (default: all)")
	f.Var(&n.audience, "audience", "the `audiences` of its tokens (default: the endpoint's)")
	f.Var(&n.redirects, "redirect-uri", "the `uris` that codes may be sent to")
	f.BoolVar(&n.public, "public", false, "the client cannot keep a secret: an app on a device or in a browser")
	f.StringVar(&n.secretName, "secret-name", "", "the `name` of its secret (default: today's date)")
	f.Var(&n.secretExpires, "secret-expires", "`when` its secret ends, such as 365d or 2027-01-31 (default: never)")
	f.Var(&n.access, "access-token-lifetime", "a `duration` (default: the endpoint's)")
	f.Var(&n.refresh, "refresh-token-lifetime", "a `duration` (default: the endpoint's)")
	f.Var(&n.idle, "refresh-token-idle", "a `duration` (default: the endpoint's)")
}

// record is the client without a secret. Its error names the flags that cannot be meant.
func (n *newClient) record(id string) (*storage.Client, error) {
	client := &storage.Client{
		ID: id, GrantTypes: n.grants, Scope: n.scope, DefaultScope: n.defaultScope, Audience: n.audience, RedirectURIs: n.redirects,
		AccessTokenLifetime: time.Duration(n.access), RefreshTokenLifetime: time.Duration(n.refresh), RefreshTokenIdle: time.Duration(n.idle),
	}
	if n.public {
		client.AuthMethod = storage.AuthNone
	}
	for _, s := range n.defaultScope {
		if !slices.Contains(n.scope, s) {
			return nil, usage("the --default-scope %q is not among the scopes of --scope", s)
		}
	}
	switch {
	case n.public && (n.secretName != "" || n.secretExpires.set):
		return nil, usage("a client with --public has no secret: leave out --secret-name and --secret-expires")
	case n.public && client.MayUse(grants.TypeClientCredentials):
		return nil, usage("a client with --public cannot use client_credentials (RFC 6749 §4.4), since it has nothing to show")
	case client.MayUse(grants.TypeAuthorizationCode) && len(n.redirects) == 0:
		return nil, usage("a client of authorization_code needs a --redirect-uri, to which its codes are sent")
	}
	if err := client.Check(); err != nil {
		return nil, usage("%v", err)
	}
	return client, nil
}

func (n *newClient) create(ctx context.Context, c *call) error {
	client, err := n.record(c.args[0])
	if err != nil {
		return err
	}
	expires, err := n.secretExpires.future("secret-expires", c.now)
	if err != nil {
		return err
	}
	var secret storage.Secret
	if !n.public {
		var kept storage.ClientSecret
		secret, kept = newSecret(n.secretName, expires, c.now)
		client.Secrets = []storage.ClientSecret{kept}
	}
	s, done, err := c.store(ctx)
	if err != nil {
		return err
	}
	defer done()
	switch err := s.CreateClient(ctx, client); {
	case errors.Is(err, storage.ErrExists):
		return exists("there is a client %q. 'oauthctl client show' shows it, and 'oauthctl client secret add' gives it another secret", client.ID)
	case err != nil:
		return err
	}
	if len(n.grants) == 0 {
		c.note("The client may use no grant, since there was no --grant.")
	}
	if n.public {
		c.note("The client %q is registered. It has no secret.", client.ID)
		if c.json {
			return c.showJSON(viewOf(client, c.now))
		}
		return nil
	}
	return c.showSecret(newSecretView{client.ID, client.Secrets[0].ID, secret.Reveal()}, secret.Reveal(), "client secret",
		"The client is registered, with the secret "+client.Secrets[0].ID+".")
}

// newSecret draws a secret. Its name is today's date if there is no other.
func newSecret(name string, expires, now time.Time) (storage.Secret, storage.ClientSecret) {
	if name == "" {
		name = now.UTC().Format(time.DateOnly)
	}
	secret, hash := clientauth.NewSecret()
	return secret, storage.ClientSecret{ID: name, Hash: hash, ExpiresAt: expires}
}

func clientList() *command {
	return &command{
		name:    "client list",
		about:   "List the clients.",
		example: "oauthctl client list --json",
		run: func(ctx context.Context, c *call) error {
			s, done, err := c.store(ctx)
			if err != nil {
				return err
			}
			defer done()
			views, t := []clientView{}, table{
				head: []string{"CLIENT_ID", "AUTHENTICATES", "SECRETS", "GRANTS", "SCOPE", "DISABLED"},
				none: "There are no clients. 'oauthctl client create' registers one.",
			}
			err = allClients(ctx, s, func(client *storage.Client) error {
				v := viewOf(client, c.now)
				views = append(views, v)
				t.add(v.ID, v.kind(), secretStates(v.ClientSecrets), list(v.GrantTypes), list(client.Scope), yesNo(v.Disabled))
				return nil
			})
			if err != nil {
				return err
			}
			return c.show(views, t)
		},
	}
}

func clientShow() *command {
	return &command{
		name:    "client show",
		args:    []string{"CLIENT_ID"},
		about:   "Show a client and its secrets, without their hashes.",
		example: "oauthctl client show billing",
		run: func(ctx context.Context, c *call) error {
			s, done, err := c.store(ctx)
			if err != nil {
				return err
			}
			defer done()
			client, err := findClient(ctx, s, c.args[0])
			if err != nil {
				return err
			}
			v := viewOf(client, c.now)
			if c.json {
				return c.showJSON(v)
			}
			return c.show(v, v.table(client))
		},
	}
}

func (v clientView) table(client *storage.Client) (t table) {
	t.add("client_id", v.ID)
	t.add("disabled", yesNo(v.Disabled))
	t.add("authenticates", v.kind())
	t.add("grants", list(v.GrantTypes))
	t.add("scope", list(client.Scope))
	if client.DefaultScope != nil {
		t.add("default scope", list(client.DefaultScope))
	}
	if client.Audience != nil {
		t.add("audience", list(client.Audience))
	}
	for _, uri := range v.RedirectURIs {
		t.add("redirect_uri", uri)
	}
	t.add("PKCE required", yesNo(v.PKCERequired))
	t.add("refresh rotates", yesNo(v.Rotates))
	for _, l := range []struct{ name, value string }{
		{"access token", v.AccessToken}, {"refresh token", v.RefreshToken}, {"refresh idle", v.RefreshIdle},
	} {
		if l.value != "" {
			t.add(l.name, l.value)
		}
	}
	for _, s := range v.ClientSecrets {
		t.add("secret", s.ID+", "+s.sentence())
	}
	return t
}

func clientDisable() *command {
	return clientSwitch("disable", "Refuse every request of a client, until it is enabled again.", true,
		"Its access tokens live until they expire. An endpoint that remembers clients refuses the client within the Staleness of its cache. 'oauthctl client enable' undoes it.")
}

func clientEnable() *command {
	return clientSwitch("enable", "Let a client that was disabled work again.", false,
		"Its refresh tokens are good again, if they have not expired.")
}

func clientSwitch(verb, about string, disabled bool, after string) *command {
	return &command{
		name:    "client " + verb,
		args:    []string{"CLIENT_ID"},
		about:   about,
		more:    after,
		example: "oauthctl client " + verb + " billing",
		plain:   true,
		run: func(ctx context.Context, c *call) error {
			s, done, err := c.store(ctx)
			if err != nil {
				return err
			}
			defer done()
			err = s.UpdateClient(ctx, c.args[0], func(client *storage.Client) error {
				client.Disabled = disabled
				return nil
			})
			if errors.Is(err, storage.ErrNotFound) {
				return noClient(c.args[0])
			}
			if err != nil {
				return err
			}
			c.note("The client is %sd. %s", verb, after)
			return nil
		},
	}
}
