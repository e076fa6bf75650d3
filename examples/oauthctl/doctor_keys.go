package main

import (
	"context"
	"strings"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

const signingKeysAbout = "the signing keys"

// signingKeys looks at the keys in the store. A host that keeps its keys elsewhere has
// none there.
func (e *examination) signingKeys(ctx context.Context) error {
	rows, err := e.kept.SigningKeys(ctx)
	if err != nil || len(rows) == 0 {
		return err
	}
	rotation := e.rotation.rotation()
	newest := rows[len(rows)-1]
	late := newest.AnnouncedAt.Add(time.Duration(e.period) + rotation.Reload() + clockSkew)
	switch {
	case newest.AnnouncedAt.After(e.now.Add(2 * clockSkew)):
		e.fail(signingKeysAbout, "Let NTP set the clocks of all replicas", "the key %s was announced in the future, on %s: the clock of a replica is wrong", newest.ID, day(newest.AnnouncedAt))
	case !e.now.Before(late):
		e.warn(signingKeysAbout, "Look whether a server runs, whether it logs errors, and whether --period is its Period",
			"the newest key is of %s, and no server has made the next one, which was due on %s", day(newest.AnnouncedAt), day(late))
	}
	for _, v := range signingKeyViews(rows, rotation, e.now) {
		if v.State == keyGone && e.now.After(v.GoneAt.Add(24*time.Hour)) {
			e.warn(signingKeysAbout, "Look whether a server runs, and whether it may DELETE", "the key %s should have been deleted on %s", v.ID, day(v.GoneAt))
		}
	}
	return e.openKeys(ctx, rotation)
}

// openKeys opens the keys as a server does when it starts. It makes none, since there are
// some and none is due, and deletes none.
func (e *examination) openKeys(ctx context.Context, r jws.Rotation) error {
	if e.getenv(keysVariable) == "" {
		return nil
	}
	encryption, err := e.encryptionKeys()
	if err != nil {
		return err
	}
	_, err = storedKeys(ctx, jws.StoredKeysConfig{
		Store: noDeletion{e.kept}, KeyEncryptionKeys: encryption, Period: never,
	}, r, e.now)
	if err != nil {
		e.fail(signingKeysAbout, "Give the servers the key-encryption key that the finding names", "a server would not start: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}
