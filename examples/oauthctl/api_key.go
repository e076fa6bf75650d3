package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// keyView is an API key as the program shows it.
type keyView struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	ClientID  string    `json:"client_id"`
	Subject   string    `json:"subject"`
	Scope     string    `json:"scope"`
	Audience  []string  `json:"audience,omitempty"`
	State     string    `json:"state"` // live, expired, revoked
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
}

// newKeyView is the answer that holds a new key.
type newKeyView struct {
	ID     string `json:"id"`
	Secret string `json:"api_key"`
}

func keyState(k *storage.APIKey, at time.Time) string {
	switch {
	case !k.RevokedAt.IsZero():
		return stateRevoked
	case !k.ExpiresAt.IsZero() && !at.Before(k.ExpiresAt):
		return stateExpired
	}
	return stateLive
}

func keyViewOf(k *storage.APIKey, now time.Time) keyView {
	return keyView{k.ID, k.Name, k.ClientID, k.Owner(), strings.Join(k.Scope, " "), k.Audience,
		keyState(k, now), k.CreatedAt, k.ExpiresAt, k.RevokedAt}
}

func noKey(id, subject string) error {
	return notFound("the subject %q has no API key %q. 'oauthctl apikey list --subject %s' shows its keys", subject, id, pasted(subject))
}

// owner is the subject that a key is listed and revoked for.
func owner(subject, id string) string {
	return (&storage.APIKey{ID: id, Subject: subject}).Owner()
}

// allKeys reads a list of API keys to its end.
func allKeys(read func(storage.Page) ([]*storage.APIKey, error)) (all []*storage.APIKey, err error) {
	var p storage.Page
	for {
		page, err := read(p)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < p.Size() {
			return all, nil
		}
		p.After = page[len(page)-1].ID
	}
}

func keysOfSubject(ctx context.Context, s *sqlstore.Store, subject string) ([]*storage.APIKey, error) {
	return allKeys(func(p storage.Page) ([]*storage.APIKey, error) { return s.ListAPIKeysOfSubject(ctx, subject, p) })
}

// keyOfSubject finds one of them.
func keyOfSubject(ctx context.Context, s *sqlstore.Store, subject, id string) (*storage.APIKey, error) {
	keys, err := keysOfSubject(ctx, s, subject)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(keys, func(k *storage.APIKey) bool { return k.ID == id })
	if at < 0 {
		return nil, noKey(id, subject)
	}
	return keys[at], nil
}

func keysOfClient(ctx context.Context, s *sqlstore.Store, id string) ([]*storage.APIKey, error) {
	return allKeys(func(p storage.Page) ([]*storage.APIKey, error) { return s.ListAPIKeysOfClient(ctx, id, p) })
}

func apikeyCreate() *command {
	var prefix, client, subject, name string
	var scope, audience words
	var expires instant
	return &command{
		name:  "apikey create",
		about: "Make an API key, and print it.",
		more: `The key stands alone on stdout, once. Its scopes must be among those of its client, or
the key would be good for nothing.`,
		example: "oauthctl apikey create --prefix shop_live_ --client scripts --subject user:42 --scope read --name laptop --expires 365d",
		flags: func(f *flag.FlagSet) {
			f.StringVar(&prefix, "prefix", "", "what the key begins with, such as \"shop_live_\": the `text` of your other keys")
			f.StringVar(&client, "client", "", "the `client_id` that the key belongs to")
			f.StringVar(&subject, "subject", "", "the `sub` of its tokens (default: \"api_key:\" and the key's ID)")
			f.StringVar(&name, "name", "", "its owner's `name` for it")
			f.Var(&scope, "scope", "the `scopes` that it may be used for")
			f.Var(&audience, "audience", "the `audiences` that it may be used for (default: the client's)")
			f.Var(&expires, "expires", "`when` it ends, such as 365d or 2027-01-31 (default: never)")
		},
		run: func(ctx context.Context, c *call) error {
			for _, needed := range []struct{ flag, value string }{
				{"prefix", prefix}, {"client", client}, {"scope", scope.String()},
			} {
				if needed.value == "" {
					return usage("--%s is missing. 'oauthctl apikey create --help' has an example", needed.flag)
				}
			}
			end, err := expires.future("expires", c.now)
			if err != nil {
				return err
			}
			k := storage.APIKey{ClientID: client, Subject: subject, Name: name, Scope: scope, Audience: audience, ExpiresAt: end}
			secret, record, err := grants.NewAPIKey(prefix, k, c.now)
			if err != nil {
				return usage("%v", err)
			}
			s, done, err := c.store(ctx)
			if err != nil {
				return err
			}
			defer done()
			registered, err := findClient(ctx, s, client)
			if err != nil {
				return err
			}
			if !registered.MayUse(grants.TypeAPIKey) {
				return usage("the client %q may not use the grant %s, so a key of it would be refused", client, grants.TypeAPIKey)
			}
			for _, wanted := range scope {
				if !slices.Contains(registered.Scope, wanted) {
					return usage("the client %q has no scope %q. It has: %s", client, wanted, list(registered.Scope))
				}
			}
			if err := s.CreateAPIKey(ctx, record); err != nil {
				return err
			}
			return c.showSecret(newKeyView{record.ID, secret.Reveal()}, secret.Reveal(), "API key",
				"The key has the ID "+record.ID+". It belongs to "+record.Owner()+".")
		},
	}
}

func apikeyList() *command {
	var client, subject string
	return &command{
		name:    "apikey list",
		about:   "List the API keys of a subject or of a client, dead ones too.",
		example: "oauthctl apikey list --subject user:42",
		flags: func(f *flag.FlagSet) {
			f.StringVar(&client, "client", "", "the keys of this `client_id`")
			f.StringVar(&subject, "subject", "", "the keys of this `sub`")
		},
		run: func(ctx context.Context, c *call) error {
			if (client == "") == (subject == "") {
				return usage("say whose keys: --subject user:42, or --client billing, and not both")
			}
			s, done, err := c.store(ctx)
			if err != nil {
				return err
			}
			defer done()
			keys, err := keysOfSubject(ctx, s, subject)
			if client != "" {
				keys, err = keysOfClient(ctx, s, client)
			}
			if err != nil {
				return err
			}
			views, t := []keyView{}, table{
				head: []string{"ID", "NAME", "CLIENT_ID", "SUBJECT", "SCOPE", "STATE", "CREATED", "EXPIRES"},
				none: "There are no such keys.",
			}
			for _, k := range keys {
				v := keyViewOf(k, c.now)
				views = append(views, v)
				t.add(v.ID, v.Name, v.ClientID, v.Subject, list(k.Scope), v.State, day(v.CreatedAt), day(v.ExpiresAt))
			}
			return c.show(views, t)
		},
	}
}

// worksOn says how long a key that is not revoked is good for.
func worksOn(k *storage.APIKey, now time.Time) string {
	switch {
	case keyState(k, now) == stateExpired:
		return "ended on " + day(k.ExpiresAt)
	case k.ExpiresAt.IsZero():
		return "STILL WORKS, and does not end by itself"
	}
	return "STILL WORKS, until " + day(k.ExpiresAt)
}

func apikeyRoll() *command {
	var prefix, subject string
	var expires, oldEnds instant
	return &command{
		name:  "apikey roll",
		args:  []string{"ID"},
		about: "Make the successor of an API key, and print it.",
		more: `The successor has the name, the owner, the scopes and the length of life of the old key,
and stands alone on stdout, once. THE OLD KEY WORKS ON, so that its owner can change to
the new one without a break: until --old-ends, or until you end it with
'oauthctl apikey revoke'. If the old key leaked, revoke it now.`,
		example: "oauthctl apikey roll 0b3e2c5a-6f4d-4d0e-9a51-2f6f5d1f8d3c --subject user:42 --prefix shop_live_ --old-ends 7d",
		flags: func(f *flag.FlagSet) {
			f.StringVar(&prefix, "prefix", "", "what the key begins with: the `text` of your other keys. The store does not know it")
			f.StringVar(&subject, "subject", "", "the `sub` that owns the key (default: \"api_key:\" and ID)")
			f.Var(&expires, "expires", "`when` the successor ends (default: after as long as the old key was to live)")
			f.Var(&oldEnds, "old-ends", "`when` the old key ends, such as 7d, unless it ends sooner (default: as before)")
		},
		run: func(ctx context.Context, c *call) error {
			id, subject := c.args[0], owner(subject, c.args[0])
			if prefix == "" {
				return usage("--prefix is missing: the store does not know what the old key began with")
			}
			end, err := expires.future("expires", c.now)
			if err != nil {
				return err
			}
			oldEnd, err := oldEnds.future("old-ends", c.now)
			if err != nil {
				return err
			}
			s, done, err := c.store(ctx)
			if err != nil {
				return err
			}
			defer done()
			old, err := keyOfSubject(ctx, s, subject, id)
			if err != nil {
				return err
			}
			if !old.RevokedAt.IsZero() {
				return usage("the key %q is revoked and gets no successor. Make a new key with 'oauthctl apikey create'", id)
			}
			if end.IsZero() && !old.ExpiresAt.IsZero() && old.CreatedAt.IsZero() {
				return usage("--expires is missing: the store does not know when the old key was made, so its length of life is unknown")
			}
			if end.IsZero() && !old.ExpiresAt.IsZero() {
				end = c.now.Add(old.ExpiresAt.Sub(old.CreatedAt)).UTC().Truncate(time.Second)
			}
			secret, record, err := grants.NewAPIKey(prefix, storage.APIKey{
				// The owner is named even where it was the default, which has the old ID: to the
				// host, the successor is the same "sub".
				ClientID: old.ClientID, Subject: old.Owner(), Name: old.Name, Scope: old.Scope, Audience: old.Audience, ExpiresAt: end,
			}, c.now)
			if err != nil {
				return usage("%v", err)
			}
			if err := s.CreateAPIKey(ctx, record); err != nil {
				return err
			}
			failed := expireOld(ctx, s, old, oldEnd)
			err = c.showSecret(newKeyView{record.ID, secret.Reveal()}, secret.Reveal(), "API key",
				"The successor has the ID "+record.ID+". The old key "+worksOn(old, c.now)+". When its owner uses the successor:\noauthctl apikey revoke "+pasted(id)+" --subject "+pasted(subject))
			return errors.Join(err, failed)
		},
	}
}

// expireOld lets a key end at an instant, if that is not zero and the key does not end
// sooner. The successor is in the store already, so that it is printed in any case.
func expireOld(ctx context.Context, s *sqlstore.Store, old *storage.APIKey, at time.Time) error {
	if at.IsZero() {
		return nil
	}
	if err := s.ExpireAPIKey(ctx, old.Owner(), old.ID, at); err != nil {
		return fmt.Errorf("the old key has not got its end. Revoke it when its owner uses the successor: %w", err)
	}
	if old.ExpiresAt.IsZero() || at.Before(old.ExpiresAt) {
		old.ExpiresAt = at
	}
	return nil
}
