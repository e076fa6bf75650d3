package assertion_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint/assertion"
)

func verified(t testing.TB, key signer, issuer, jti string) *assertion.Claims {
	t.Helper()
	c := client(t, key)
	c.Issuer, c.Subject = issuer, issuer
	claims, err := newVerifier(t, c).Verify(t.Context(), key.sign(t, good(map[string]any{"iss": issuer, "sub": issuer, "jti": jti})), now)
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// Of 50 uses of one assertion at once, one succeeds; later ones fail.
func TestE19(t *testing.T) {
	key := newSigner(t, "k1")
	for round := range 20 {
		store := new(memory.Store)
		var won, lost atomic.Int64
		var all sync.WaitGroup
		for range 50 {
			mark := verified(t, key, "c1", "j1").Mark(server, "c1", now)
			all.Go(func() {
				switch err := store.CreateCredential(t.Context(), mark); {
				case err == nil:
					won.Add(1)
				case errors.Is(err, storage.ErrExists):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || lost.Load() != 49 {
			t.Fatalf("round %d: %d won and %d lost, want 1 and 49", round, won.Load(), lost.Load())
		}
	}
}

// A mark is the same for every encoding of an assertion, and another for another
// jti, client, issuer or server.
func TestE18(t *testing.T) {
	key := newSigner(t, "k1")
	mark := verified(t, key, "c1", "j1").Mark(server, "c1", now)
	again := verified(t, key, "c1", "j1").Mark(server, "c1", now.Add(time.Second))
	if mark.Digest != again.Digest {
		t.Error("one jti has two marks")
	}
	for name, other := range map[string]*storage.Credential{
		"another jti":        verified(t, key, "c1", "j2").Mark(server, "c1", now),
		"E20_another client": verified(t, key, "c2", "j1").Mark(server, "c2", now),
		"parts shifted":      verified(t, key, "c", "1j1").Mark(server, "c1", now),
		"another server":     verified(t, key, "c1", "j1").Mark("https://other.test", "c1", now),
	} {
		if other.Digest == mark.Digest {
			t.Errorf("%s: the mark is the same", name)
		}
	}
	if mark.Subject == "c1" || !strings.HasPrefix(mark.Subject, "assertion:") {
		t.Errorf("the mark has the subject %q, which a user could have", mark.Subject)
	}
}

// A mark lives until nobody can use the assertion any more, and no longer than the
// configuration says, however late the assertion's exp is.
func TestE21(t *testing.T) {
	key := newSigner(t, "k1")
	exp := now.Add(4 * time.Minute)
	v := newVerifier(t, client(t, key))
	text := key.sign(t, good(map[string]any{"exp": exp.Unix()}))
	claims, err := v.Verify(t.Context(), text, now)
	if err != nil {
		t.Fatal(err)
	}
	mark := claims.Mark(server, "c1", now)
	if _, err := v.Verify(t.Context(), text, mark.ExpiresAt.Add(-time.Nanosecond)); err != nil {
		t.Errorf("the assertion is dead before its mark: %v", err)
	}
	if _, err := v.Verify(t.Context(), text, mark.ExpiresAt); !errors.Is(err, assertion.ErrInvalid) {
		t.Errorf("the assertion outlives its mark: %v", err)
	}
	if most := now.Add(5*time.Minute + assertion.Leeway); mark.FamilyExpiresAt.After(most) || mark.ExpiresAt.After(most) {
		t.Errorf("the mark is kept until %v, want %v at most", mark.FamilyExpiresAt, most)
	}
}
