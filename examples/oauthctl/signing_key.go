package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// signingKeyView is a signing key as the program shows it. The times follow from the
// rows alone, so that no key-encryption key is needed.
type signingKeyView struct {
	Turn        int64     `json:"turn"`
	ID          string    `json:"kid"`
	State       string    `json:"state"`
	AnnouncedAt time.Time `json:"announced_at"`
	SignsFrom   time.Time `json:"signs_from"`
	GoneAt      time.Time `json:"gone_at,omitzero"` // zero if no successor is there
	SealedWith  int       `json:"key_encryption_key"`
}

const (
	keyPublished = "published" // it signs later
	keySigns     = "signs"
	keyRetired   = "verifies" // a successor signs
	keyGone      = "gone"     // a replica deletes it at its next load
)

// signingKeyViews tells how the replicas use each key (see jws.Rotation).
func signingKeyViews(rows []*storage.SigningKey, r jws.Rotation, at time.Time) []signingKeyView {
	views := make([]signingKeyView, len(rows))
	signer := 0
	for i, row := range rows {
		v := signingKeyView{Turn: row.Turn, ID: row.ID, AnnouncedAt: row.AnnouncedAt, SealedWith: row.SealedWith}
		v.SignsFrom = row.AnnouncedAt.Add(r.Lead())
		if i == 0 { // nothing was there before it
			v.SignsFrom = row.AnnouncedAt
		}
		if i+1 < len(rows) {
			v.GoneAt = rows[i+1].AnnouncedAt.Add(r.Lead() + r.Keep())
		}
		if !at.Before(v.SignsFrom) {
			signer = i
		}
		views[i] = v
	}
	for i := range views {
		switch v := &views[i]; {
		case !v.GoneAt.IsZero() && !at.Before(v.GoneAt):
			v.State = keyGone
		case i < signer:
			v.State = keyRetired
		case i == signer:
			v.State = keySigns
		default:
			v.State = keyPublished
		}
	}
	return views
}

// rotationFlags are the times of jws.Rotation, which must be those of the server.
type rotationFlags struct{ token, cache, delay span }

func (r *rotationFlags) add(f *flag.FlagSet) {
	f.Var(&r.token, "token-lifetime", "the `duration` of the server's jws.Rotation.TokenLifetime (default: 1h)")
	f.Var(&r.cache, "cache-lifetime", "the `duration` of the server's jws.Rotation.CacheLifetime (default: 5m)")
	f.Var(&r.delay, "delay", "the `duration` of the server's jws.Rotation.Delay (default: CacheLifetime)")
}

func (r *rotationFlags) rotation() jws.Rotation {
	return jws.Rotation{
		TokenLifetime: time.Duration(r.token), CacheLifetime: time.Duration(r.cache), Delay: time.Duration(r.delay),
		Logger: slog.New(slog.DiscardHandler), // the error has all that it would say
	}
}

func keyList() *command {
	var r rotationFlags
	return &command{
		name:  "key list",
		about: "List the signing keys in the store, and what each is doing.",
		more: `It reads the times of the keys and not the keys, so it needs no key-encryption key. The
state is right if the durations are those of the server.`,
		example: "oauthctl key list",
		flags:   r.add,
		run: func(ctx context.Context, c *call) error {
			s, done, err := c.store(ctx)
			if err != nil {
				return err
			}
			defer done()
			rows, err := s.SigningKeys(ctx)
			if err != nil {
				return err
			}
			views, t := signingKeyViews(rows, r.rotation(), c.now), table{
				head: []string{"TURN", "KID", "STATE", "ANNOUNCED", "SIGNS FROM", "GONE", "SEALED WITH"},
				none: "There are no signing keys in the store. A server with jws.NewStoredKeys makes the first one when it starts.",
			}
			for _, v := range views {
				t.add(strconv.FormatInt(v.Turn, 10), v.ID, v.State, day(v.AnnouncedAt), day(v.SignsFrom), day(v.GoneAt), strconv.Itoa(v.SealedWith))
			}
			return c.show(views, t)
		},
	}
}

// noDeletion keeps a StoredKeys from deleting: it would delete too early if the
// durations of the command were shorter than those of the server. The server deletes.
type noDeletion struct{ signingKeyStore }

// signingKeyStore is a name for embedding: the interface has a method of its own name.
type signingKeyStore = storage.SigningKeys

// DeleteSigningKey does nothing.
func (noDeletion) DeleteSigningKey(context.Context, int64) error { return nil }

// never is a Period in which no key is due.
const never = 100 * 365 * 24 * time.Hour

func keyRotate() *command {
	var r rotationFlags
	var algorithm string
	return &command{
		name:  "key rotate",
		about: "Make the next signing key now, before its time.",
		more: `Servers that run find it by themselves, publish it, and sign with it when every verifier
can know it (jws.Rotation.Lead). The old key verifies for as long as its tokens live. It
needs OAUTH_KEY_ENCRYPTION_KEYS, as the servers have them.`,
		example: "oauthctl key rotate",
		flags: func(f *flag.FlagSet) {
			r.add(f)
			f.StringVar(&algorithm, "algorithm", "", "RS256, PS256, ES256 or EdDSA: the `name` (default: that of the newest key)")
		},
		run: func(ctx context.Context, c *call) error {
			encryption, err := c.encryptionKeys()
			if err != nil {
				return err
			}
			s, done, err := c.store(ctx)
			if err != nil {
				return err
			}
			defer done()
			rows, err := s.SigningKeys(ctx)
			if err != nil {
				return err
			}
			config := jws.StoredKeysConfig{Store: noDeletion{s}, KeyEncryptionKeys: encryption, Algorithm: algorithm, Period: never}
			if n := len(rows); n > 0 {
				if at := rows[n-1].AnnouncedAt.Add(r.rotation().Lead()); n > 1 && c.now.Before(at) {
					return refused("the newest key does not sign before %s. Wait for it: one more key would not sign earlier", day(at))
				}
				keys, err := storedKeys(ctx, config, r.rotation(), c.now)
				if err != nil {
					return err
				}
				if algorithm == "" {
					config.Algorithm = keys[len(keys)-1].Algorithm
				}
			}
			config.Period = time.Second
			keys, err := storedKeys(ctx, config, r.rotation(), c.now)
			if err != nil {
				return err
			}
			newest := keys[len(keys)-1]
			if n := len(rows); n > 0 && newest.ID == rows[n-1].ID {
				return fmt.Errorf("the key %s was made a moment ago, by a server or another operator. Look at 'oauthctl key list'", newest.ID)
			}
			signs := newest.AnnouncedAt
			if len(keys) > 1 {
				signs = signs.Add(r.rotation().Lead())
			}
			if c.json {
				return c.showJSON(map[string]any{"kid": newest.ID, "algorithm": newest.Algorithm, "signs_from": signs})
			}
			c.note("The key %s (%s) is in the store. It signs from %s.", newest.ID, newest.Algorithm, day(signs))
			return nil
		},
	}
}

func storedKeys(ctx context.Context, config jws.StoredKeysConfig, r jws.Rotation, at time.Time) ([]jws.Key, error) {
	source, err := jws.NewStoredKeys(config)
	if err != nil {
		return nil, usage("%v", err)
	}
	return source.Keys(ctx, r, at)
}
