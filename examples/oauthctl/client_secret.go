package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
)

// secretView is a client's secret as the program shows it.
type secretView struct {
	ID        string    `json:"id"`
	State     string    `json:"state"` // live, waiting, expired
	NotBefore time.Time `json:"not_before,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// newSecretView is the answer that holds a new secret.
type newSecretView struct {
	ClientID string `json:"client_id"`
	ID       string `json:"secret_id"`
	Secret   string `json:"client_secret"`
}

const (
	stateLive    = "live"
	stateWaiting = "waiting"
	stateExpired = "expired"
	stateRevoked = "revoked"
)

func secretState(s storage.ClientSecret, at time.Time) string {
	switch {
	case !s.ExpiresAt.IsZero() && !at.Before(s.ExpiresAt):
		return stateExpired
	case at.Before(s.NotBefore):
		return stateWaiting
	}
	return stateLive
}

func secretViewOf(s storage.ClientSecret, now time.Time) secretView {
	return secretView{s.ID, secretState(s, now), s.NotBefore, s.ExpiresAt}
}

func (v secretView) sentence() string {
	switch {
	case v.State == stateExpired:
		return "expired on " + day(v.ExpiresAt)
	case v.State == stateWaiting:
		return "works from " + day(v.NotBefore)
	case v.ExpiresAt.IsZero():
		return "live, never expires"
	}
	return "live until " + day(v.ExpiresAt)
}

// secretStates counts secrets for a table.
func secretStates(all []secretView) string {
	var parts []string
	for _, state := range []string{stateLive, stateWaiting, stateExpired} {
		n := 0
		for _, v := range all {
			if v.State == state {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	if parts == nil {
		return "-"
	}
	return strings.Join(parts, ", ")
}

func secretAdd() *command {
	var name string
	var expires instant
	return &command{
		name:  "client secret add",
		args:  []string{"CLIENT_ID"},
		about: "Give a client another secret, and print it.",
		more: `The secret stands alone on stdout, once. The secrets that the client has work on, so
that it can change to the new one without a break. Then end the old one with
'oauthctl client secret expire'.`,
		example: "oauthctl client secret add billing --expires 365d",
		flags: func(f *flag.FlagSet) {
			f.StringVar(&name, "name", "", "the `name` of the secret (default: today's date)")
			f.Var(&expires, "expires", "`when` it ends, such as 365d or 2027-01-31 (default: never)")
		},
		run: func(ctx context.Context, c *call) error {
			id := c.args[0]
			end, err := expires.future("expires", c.now)
			if err != nil {
				return err
			}
			s, done, err := c.store(ctx)
			if err != nil {
				return err
			}
			defer done()
			secret, kept := newSecret(name, end, c.now)
			err = s.UpdateClient(ctx, id, func(client *storage.Client) error {
				if client.Public() {
					return usage("the client %q is public and has no use for a secret", id)
				}
				return client.AddSecret(kept)
			})
			switch {
			case errors.Is(err, storage.ErrNotFound):
				return noClient(id)
			case errors.Is(err, storage.ErrExists):
				return exists("the client %q has a secret %q. Choose another name with --name", id, kept.ID)
			case err != nil:
				return err
			}
			return c.showSecret(newSecretView{id, kept.ID, secret.Reveal()}, secret.Reveal(), "client secret",
				"The client has one more secret, "+kept.ID+".")
		},
	}
}

func secretExpire() *command {
	var at instant
	return &command{
		name:  "client secret expire",
		args:  []string{"CLIENT_ID", "SECRET"},
		about: "End a secret of a client, now or later.",
		more: `SECRET is the name that 'oauthctl client show' shows. A secret that ends sooner is left
as it is.`,
		example: "oauthctl client secret expire billing 2026-11-30 --at 7d",
		asks:    true,
		plain:   true,
		flags: func(f *flag.FlagSet) {
			f.Var(&at, "at", "`when`, such as 7d or 2027-01-31 (default: now)")
		},
		run: func(ctx context.Context, c *call) error {
			id, secret := c.args[0], c.args[1]
			end := c.now
			if at.set {
				end = at.time(c.now)
			}
			s, done, err := c.store(ctx)
			if err != nil {
				return err
			}
			defer done()
			client, err := findClient(ctx, s, id)
			if err != nil {
				return err
			}
			has := func(k storage.ClientSecret) bool { return k.ID == secret }
			if !slices.ContainsFunc(client.Secrets, has) {
				return notFound("the client %q has no secret %q. 'oauthctl client show' shows its secrets", id, secret)
			}
			warning := ""
			if !slices.ContainsFunc(client.Secrets, func(k storage.ClientSecret) bool {
				return !has(k) && secretState(k, end) == stateLive
			}) {
				warning = " The client has no other secret that works then: it will be refused."
			}
			if err := c.ask("The secret %q of %q ends on %s.%s", secret, id, day(end), warning); err != nil {
				return err
			}
			err = s.UpdateClient(ctx, id, func(client *storage.Client) error { return client.ExpireSecret(secret, end) })
			if errors.Is(err, storage.ErrNotFound) { // somebody else was faster
				return notFound("the client %q has no secret %q any more", id, secret)
			}
			if err != nil {
				return err
			}
			c.note("The secret ends on %s, or earlier if it was to end earlier.", day(end))
			return nil
		},
	}
}
