package main

import (
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// newEncryptionKey draws one with the command.
func newEncryptionKey(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(execute(t, nil, "key", "encryption-key").out)
}

// serve starts the keys of a server: a key set over the store, at an instant.
func (b *bed) serve(key string, at time.Time) *jws.KeySet {
	b.Helper()
	k, err := jws.ParseKeyEncryptionKey(1, key)
	if err != nil {
		b.Fatal(err)
	}
	source, err := jws.NewStoredKeys(jws.StoredKeysConfig{Store: b.store(), KeyEncryptionKeys: []jws.KeyEncryptionKey{k}, Algorithm: jws.EdDSA})
	if err != nil {
		b.Fatal(err)
	}
	set, err := jws.OpenKeySet(b.Context(), source, jws.Rotation{}, at)
	if err != nil {
		b.Fatalf("a server on these keys: %v", err)
	}
	return set
}

func TestKeyRotate(t *testing.T) {
	onEachDatabase(t, func(b *bed) {
		key := newEncryptionKey(t)
		b.refused(exitUsage, "OAUTH_KEY_ENCRYPTION_KEYS is not set", "key", "rotate")
		b.env = []string{keysVariable + "=1:" + key}
		b.serve(key, time.Now().Add(-48*time.Hour)) // it makes the first key
		b.must("key", "rotate")
		all := read[[]signingKeyView](b, "key", "list")
		if len(all) != 2 || all[0].State != keySigns || all[1].State != keyPublished {
			t.Fatalf("key list: got %+v, want the old key signing and the new one published", all)
		}
		set := b.serve(key, time.Now())
		if got := set.JWKS(); !strings.Contains(string(got), all[0].ID) || !strings.Contains(string(got), all[1].ID) {
			t.Errorf("the JWKS of a server that starts now: got %s, want both keys", got)
		}
		b.refused(exitRefused, "does not sign before", "key", "rotate")
		later := b.typed(all[1].SignsFrom.Add(time.Second), "", "key", "list", "--json")
		if !strings.Contains(later.out, `"verifies"`) || strings.Contains(later.out, `"published"`) {
			t.Errorf("key list when the new key signs: got %s, want the old one to verify", later.out)
		}
		if table := b.must("key", "list"); !strings.Contains(table, all[1].ID) || !strings.Contains(table, "SIGNS FROM") {
			t.Errorf("key list: got\n%s\nwant a table", table)
		}
		// The algorithm is that of the newest key, not the default.
		if s := b.typed(all[1].SignsFrom.Add(time.Second), "", "key", "rotate"); s.code != exitDone || !strings.Contains(s.notes, "(EdDSA)") {
			t.Errorf("key rotate: got %+v, want another EdDSA key", s)
		}
	})
}

func TestKeyRotateRefuses(t *testing.T) {
	b := onSQLite(t)
	b.serve(newEncryptionKey(t), time.Now().Add(-48*time.Hour))
	wrong := newEncryptionKey(t)
	for keys, want := range map[string]struct {
		code     int
		sentence string
	}{
		"1:" + wrong:            {exitFailed, "give this replica its key-encryption key"},
		"1:" + wrong[:20]:       {exitUsage, "not 32 bytes in base64"},
		wrong:                   {exitUsage, "word 1 of OAUTH_KEY_ENCRYPTION_KEYS is not VERSION:BASE64"},
		"1:" + wrong + " x:abc": {exitUsage, "word 2 of"},
	} {
		b.env = []string{keysVariable + "=" + keys}
		b.refused(want.code, want.sentence, "key", "rotate")
		if s := b.run("key", "rotate"); strings.Contains(s.notes, wrong[:20]) {
			t.Errorf("the message shows a key-encryption key: %s", s.notes)
		}
	}
	if all := read[[]signingKeyView](b, "key", "list"); len(all) != 1 {
		t.Errorf("keys after refusals: got %+v, want the one", all)
	}
}

// A rotation of a command whose durations are too short deletes nothing: servers do.
func TestKeyRotateDeletesNothing(t *testing.T) {
	b := onSQLite(t)
	key := newEncryptionKey(t)
	b.env = []string{keysVariable + "=1:" + key}
	now := time.Now()
	b.serve(key, now.Add(-90*24*time.Hour))
	b.serve(key, now.Add(-time.Hour))
	b.must("key", "rotate", "--token-lifetime", "1s", "--cache-lifetime", "1s", "--delay", "1s")
	if all := read[[]signingKeyView](b, "key", "list"); len(all) != 3 {
		t.Errorf("keys after a rotation: got %+v, want three", all)
	}
}

func TestSigningKeyViews(t *testing.T) {
	now := time.Now()
	r := jws.Rotation{}
	row := func(turn int64, ago time.Duration) *storage.SigningKey {
		return &storage.SigningKey{Turn: turn, AnnouncedAt: now.Add(-ago)}
	}
	month := 30 * 24 * time.Hour
	views := signingKeyViews([]*storage.SigningKey{row(1, 3*month), row(2, month), row(3, r.Lead()+time.Minute), row(4, 0)}, r, now)
	for i, want := range []string{keyGone, keyRetired, keySigns, keyPublished} {
		if views[i].State != want {
			t.Errorf("key %d: got %s, want %s", i+1, views[i].State, want)
		}
	}
	// The first key of all signs at once: nothing was there before it.
	if first := signingKeyViews([]*storage.SigningKey{row(1, 0)}, r, now); first[0].State != keySigns {
		t.Errorf("the first key: got %s, want %s", first[0].State, keySigns)
	}
}
