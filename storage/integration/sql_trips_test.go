package integration_test

import (
	"testing"
	"time"

	"github.com/contit/oauth/storage"
)

// wantTrips runs the store calls of a request, and compares the number of trips
// to the database, without trips that prepare statements on new connections.
func wantTrips(t *testing.T, w *wire, what string, want int, f func() error) {
	t.Helper()
	w.taken()
	if err := f(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	trips := w.taken()
	if len(trips) != want {
		t.Errorf("%s: got %d round trips, want %d: %q", what, len(trips), want, trips)
	}
}

func TestRoundTrips(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		w, db := s.wired(t)
		db.SetMaxOpenConns(1)
		store, ctx := s.newStore(t, db), t.Context()
		c := sample("alice")
		client := &storage.Client{ID: "client", Secrets: []storage.ClientSecret{{ID: "1"}, {ID: "2"}}}
		if err := store.PutClient(ctx, client); err != nil {
			t.Fatal(err)
		}

		wantTrips(t, w, "a client with its secrets", 1, func() error { _, err := store.Client(ctx, "client"); return err })
		wantTrips(t, w, "to issue a code", 1, func() error { return store.CreateCredential(ctx, c) })
		wantTrips(t, w, "to redeem a code or rotate a refresh token", 2, func() error {
			wantTrips(t, w, "to revoke an access token", 1, func() error { return store.RevokeToken(ctx, "jti", time.Now()) })
			wantTrips(t, w, "to ask for a token and its family", 1, func() error { _, err := store.Revoked(ctx, "another", c.Family); return err })
			wantTrips(t, w, "to read the signing keys", 1, func() error { _, err := store.SigningKeys(ctx); return err })
			wantTrips(t, w, "to add a signing key", 1, func() error {
				return store.CreateSigningKey(ctx, &storage.SigningKey{Turn: 1, ID: "kid", Sealed: []byte("sealed")})
			})
			found, err := store.Credential(ctx, c.Digest)
			if err != nil {
				return err
			}
			return store.Spend(ctx, found, following(found), time.Now())
		})
		wantTrips(t, w, "to repeat a refresh", 2, func() error {
			found, err := store.Credential(ctx, c.Digest)
			if err != nil {
				return err
			}
			return store.Spend(ctx, found, nil, time.Now())
		})
		wantTrips(t, w, "to end a family", 1, func() error { return store.Revoke(ctx, c.Family) })
		wantTrips(t, w, "to end all families of a subject", 1, func() error { return store.RevokeFamilies(ctx, "alice") })
		found, err := store.Credential(ctx, c.Digest)
		if err != nil || !found.Revoked {
			t.Fatalf("Credential: got %+v and error %v, want it revoked", found, err)
		}
	})
}
