package integration_test

import (
	"crypto/rand"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// wantRevoked compares the store's answer about a token that has no family.
func wantRevoked(t testing.TB, s storage.Revocations, what, id string, want bool) {
	t.Helper()
	if got, err := s.Revoked(t.Context(), id, ""); err != nil || got != want {
		t.Errorf("Revoked of %s: got %t and error %v, want %t", what, got, err, want)
	}
}

func TestLostAnswerOfRevokeToken(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		w, store, _ := lossy(t, s)
		ctx := t.Context()
		w.breakOn("denied_tokens", false, errReset)
		wantOutage(t, "RevokeToken that did not reach the database", store.RevokeToken(ctx, "one", start))
		wantRevoked(t, store, "that token", "one", false)

		w.breakOn("denied_tokens", true, errReset)
		wantOutage(t, "RevokeToken whose answer was lost", store.RevokeToken(ctx, "one", start))
		wantRevoked(t, store, "that token", "one", true)
		must(t, "RevokeToken, again", store.RevokeToken(ctx, "one", start))

		w.breakOn("denied_tokens", false, refusal("40001"), errors.New("Error 1213 (40001): Deadlock found"), refusal("40P01"))
		must(t, "RevokeToken that was refused three times", store.RevokeToken(ctx, "two", start))
		wantRevoked(t, store, "that token", "two", true)
	})
}

// The store does not know, and must not say that the token is good.
func TestLostAnswerOfRevoked(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		w, store, c := lossy(t, s)
		must(t, "RevokeToken", store.RevokeToken(t.Context(), "one", start))
		for _, cut := range []error{errReset, driver.ErrBadConn} {
			for _, id := range []string{"one", "another"} {
				// database/sql asks again after ErrBadConn, and prepares anew.
				w.breakOn("SELECT EXISTS", true, slices.Repeat([]error{cut}, 20)...)
				got, err := store.Revoked(t.Context(), id, c.Family)
				wantOutage(t, "Revoked whose answer was lost", err)
				if got {
					t.Error("Revoked whose answer was lost: got true with an error, want false")
				}
			}
		}
		w.breakOn("SELECT EXISTS", false, refusal("40001"), refusal("40001"), refusal("40001"))
		wantRevoked(t, store, "a token, refused three times,", "one", true)
		w.breakOn("signing_keys", true, errReset, errReset)
		keys, err := store.SigningKeys(t.Context())
		wantOutage(t, "SigningKeys whose answer was lost", err)
		if keys != nil {
			t.Errorf("SigningKeys whose answer was lost: got %v, want nothing", keys)
		}
	})
}

func signingKey(turn int64) *storage.SigningKey {
	return &storage.SigningKey{Turn: turn, ID: "kid-" + rand.Text(), AnnouncedAt: start, Sealed: []byte(rand.Text()), SealedWith: 1}
}

// wantSigningKeys compares the IDs of all keys.
func wantSigningKeys(t testing.TB, s storage.SigningKeys, want ...*storage.SigningKey) {
	t.Helper()
	keys, err := s.SigningKeys(t.Context())
	must(t, "SigningKeys", err)
	if len(keys) != len(want) {
		t.Errorf("SigningKeys: got %d keys, want %d", len(keys), len(want))
		return
	}
	for i, k := range keys {
		if k.Turn != want[i].Turn || k.ID != want[i].ID || string(k.Sealed) != string(want[i].Sealed) {
			t.Errorf("SigningKeys: got turn %d with the ID %s, want turn %d with %s", k.Turn, k.ID, want[i].Turn, want[i].ID)
		}
	}
}

// A call whose answer was lost may find its own key. A caller that gets
// ErrExists reads the list, and finds a whole key that all replicas have.
func TestLostAnswerOfCreateSigningKey(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		w, store, _ := lossy(t, s)
		ctx, first, second := t.Context(), signingKey(1), signingKey(2)
		w.breakOn("INSERT INTO", false, errReset)
		wantOutage(t, "CreateSigningKey that did not reach the database", store.CreateSigningKey(ctx, first))
		wantSigningKeys(t, store)
		w.breakOn("signing_keys", true, errReset, errReset) // the statement, and the read that follows
		wantOutage(t, "CreateSigningKey of which nothing can be found out", store.CreateSigningKey(ctx, first))
		wantSigningKeys(t, store, first)

		w.breakOn("INSERT INTO", true, errReset)
		if err := store.CreateSigningKey(ctx, second); err != nil {
			wantErr(t, "CreateSigningKey whose answer was lost", err, storage.ErrExists)
		}
		wantSigningKeys(t, store, first, second)
		w.breakOn("INSERT INTO", true, errReset)
		wantErr(t, "CreateSigningKey of another key for the turn", store.CreateSigningKey(ctx, signingKey(2)), storage.ErrExists)
		wantSigningKeys(t, store, first, second)

		w.breakOn("DELETE FROM", true, errReset)
		wantOutage(t, "DeleteSigningKey whose answer was lost", store.DeleteSigningKey(ctx, 1))
		must(t, "DeleteSigningKey, again", store.DeleteSigningKey(ctx, 1))
		wantSigningKeys(t, store, second)
	})
}

// The store refuses values that cannot be a record before it asks the database.
func TestRefusedTokensAndKeys(t *testing.T) {
	onTables(t, func(t *testing.T, _ sqlstore.Config, s *sqlstore.Store) {
		ctx := t.Context()
		far := start.AddDate(9000, 0, 0)
		bad := func(change func(k *storage.SigningKey)) error {
			k := signingKey(1)
			change(k)
			return s.CreateSigningKey(ctx, k)
		}
		_, err := s.Revoked(ctx, "jti", "family\x00")
		for what, err := range map[string]error{
			"RevokeToken at the zero time":    s.RevokeToken(ctx, "jti", time.Time{}),
			"RevokeToken in the year 11026":   s.RevokeToken(ctx, "jti", far),
			"Revoked of a family with NUL":    err,
			"a signing key without a turn":    bad(func(k *storage.SigningKey) { k.Turn = 0 }),
			"one with a negative turn":        bad(func(k *storage.SigningKey) { k.Turn = -1 }),
			"a signing key without an ID":     bad(func(k *storage.SigningKey) { k.ID = "" }),
			"one with an ID of 513 bytes":     bad(func(k *storage.SigningKey) { k.ID = string(make([]byte, 513)) }),
			"a signing key without a secret":  bad(func(k *storage.SigningKey) { k.Sealed = nil }),
			"one that was announced too late": bad(func(k *storage.SigningKey) { k.AnnouncedAt = far }),
		} {
			wantOutage(t, what, err)
		}
		if err := s.RevokeToken(ctx, "jti", time.Time{}); err == nil || !strings.Contains(err.Error(), "expiresAt") {
			t.Errorf("RevokeToken at the zero time: got error %v, want one that says what is wrong", err)
		}
		wantRevoked(t, s, "a token", "jti", false)
		wantSigningKeys(t, s)
	})
}
