package tokenendpoint_test

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var hostKeyRules = []rule{
	{"J01_J04_J05_J13_a_key_that_the_host_has_handed_out", hostKeys},
	{"J14_guesses_at_keys_of_the_host_are_limited", hostKeyGuesses},
}

const patLength = len("shop_pat_") + 26

// patDigest is that of a host whose table has the SHA-256 of its keys.
func patDigest(key storage.Secret) (d storage.Digest, ok bool) {
	text := key.Reveal()
	if strings.HasPrefix(text, "zero_pat_") {
		return d, true // as a mistaken function would
	}
	return sha256.Sum256([]byte(text)), strings.HasPrefix(text, "shop_pat_") && len(text) == patLength
}

// patOf puts a key of the host's into the store.
func patOf(f *testbed.Fixture, p *testbed.Party, changes ...func(*storage.APIKey)) string {
	f.Helper()
	text := f.Secret("shop_pat_" + rand.Text())
	k := storage.APIKey{ID: "pat-" + text[9:], ClientID: p.ID, Subject: "owner", Scope: []string{"read", "write"}, CreatedAt: time.Now()}
	for _, change := range changes {
		change(&k)
	}
	k.Digest, _ = patDigest(storage.PresentedSecret(text))
	if err := f.Store.PutAPIKey(f.Context(), &k); err != nil {
		f.Fatalf("PutAPIKey: %v", err)
	}
	return text
}

func hostKeys(t *testing.T) {
	for name, optional := range map[string]bool{"client_id": false, "no client_id": true} {
		grant := grants.APIKey{Digest: patDigest, Refresh: true, ClientIDOptional: optional}
		f := testbed.New(t, openMemory, testbed.APIKeys(grant))
		present := func(key string) *testbed.Request {
			r := testbed.PresentKey(f.C1, key)
			if optional {
				r = r.Without("client_id")
			}
			return r
		}
		f.Sub(name, func() {
			key := patOf(f, f.C1)
			got := f.Send(present(key)).Tokens()
			f.WantIdentity(got, f.C1, "owner")
			f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Tokens() // by the digest that the first one kept

			want := f.Send(present("shop_pat_" + rand.Text()))
			want.Refused("invalid_grant")
			for name, key := range map[string]string{
				"revoked": patOf(f, f.C1, func(k *storage.APIKey) { k.RevokedAt = time.Now() }),
				"expired": patOf(f, f.C1, func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(-time.Hour) }),
			} {
				f.Sub(name, func() {
					f.WantCalls(testbed.OneLook, func() { f.Send(present(key)).SameAs(want, "what an unknown key gets") })
				})
			}
			f.Send(present(key[:patLength-1]+"0")).SameAs(want, "what an unknown key gets")
			for name, key := range map[string]string{
				"too long for the host": key + "x", "of another prefix": "ck_test_" + key, "too long for all": strings.Repeat("k", 300),
				"with the zero digest": "zero_pat_", "of NewAPIKey, whose digest the host does not return": f.APIKey(f.C1),
			} {
				f.Sub(name, func() {
					f.Store.Counted()
					f.Send(present(key)).SameAs(want, "what an unknown key gets")
					if n := f.Store.Counted()[testbed.CallAPIKey]; n != 0 {
						t.Errorf("the store was asked %d times for a text that is no key, want none", n)
					}
				})
			}
		})
	}
}

// hostKeyGuesses: a key of the host's has no checksum, so each guess that the limit lets
// through costs a look-up.
func hostKeyGuesses(t *testing.T) {
	grant := grants.APIKey{Digest: patDigest, ClientIDOptional: true}
	for name, g := range map[string]grants.Grant{"a value": grant, "a pointer": &grant} {
		f := testbed.New(t, openMemory, testbed.WithGrant(grants.TypeAPIKey, g))
		f.Sub(name, func() {
			f.Store.Counted()
			start := time.Now()
			statuses := guess(f, 1000, func() string { return "shop_pat_" + rand.Text() }, (*testbed.Request).JSON)
			wantLimited(f, statuses, 1000, time.Since(start))
			if n := f.Store.Counted()[testbed.CallAPIKey]; n != statuses[http.StatusBadRequest] {
				t.Errorf("the store was asked %d times, want once for each guess that went through, %d", n, statuses[http.StatusBadRequest])
			}
		})
	}
}
