package main

import (
	"context"
	"errors"
	"flag"

	"github.com/contit/oauth/storage"
)

func apikeyRevoke() *command {
	var subject string
	return &command{
		name:  "apikey revoke",
		args:  []string{"ID"},
		about: "End an API key, and the refresh tokens that it gave.",
		more: `It cannot be undone. Access tokens that the key gave live until they expire. A key that
is revoked already stays as it is.`,
		example: "oauthctl apikey revoke 0b3e2c5a-6f4d-4d0e-9a51-2f6f5d1f8d3c --subject user:42",
		asks:    true,
		plain:   true,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&subject, "subject", "", "the `sub` that owns the key (default: \"api_key:\" and ID)")
		},
		run: func(ctx context.Context, c *call) error {
			id, subject := c.args[0], owner(subject, c.args[0])
			s, done, err := c.store(ctx)
			if err != nil {
				return err
			}
			defer done()
			key, err := keyOfSubject(ctx, s, subject, id)
			if err != nil {
				return err
			}
			if err := c.ask("The key %q (%s) of %q ends for good.", id, printable(key.Name), subject); err != nil {
				return err
			}
			err = s.RevokeAPIKey(ctx, subject, id, c.now)
			if errors.Is(err, storage.ErrNotFound) {
				return noKey(id, subject)
			}
			if err != nil {
				return err
			}
			c.note("The key is revoked.")
			return nil
		},
	}
}
