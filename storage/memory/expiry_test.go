package memory_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

var start = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// credential returns one whose family ends at an instant.
func credential(text, family string, ends time.Time) *storage.Credential {
	return &storage.Credential{
		Digest: digest(text), Kind: storage.KindRefreshToken, Family: family, ClientID: "c",
		IssuedAt: start, ExpiresAt: start.Add(time.Minute), FamilyExpiresAt: ends,
	}
}

func deleteExpired(t *testing.T, s *memory.Store, before time.Time, limit, want int) {
	t.Helper()
	if got, err := s.DeleteExpired(t.Context(), before, limit); err != nil || got != want {
		t.Errorf("DeleteExpired before %v with limit %d: got %d and error %v, want %d", before, limit, got, err, want)
	}
}

func create(t *testing.T, s *memory.Store, all ...*storage.Credential) {
	t.Helper()
	for _, c := range all {
		wantErr(t, "CreateCredential", s.CreateCredential(t.Context(), c), nil)
	}
}

func wantEmpty(t *testing.T, s *memory.Store) {
	t.Helper()
	if c, f, n, e := s.Sizes(); c+f+n+e != 0 {
		t.Errorf("what the store holds: got %d credentials, %d families, %d tokens and %d expiries, want none", c, f, n, e)
	}
}

func TestDeleteExpiredIsExact(t *testing.T) {
	var s memory.Store
	ends := start.Add(time.Hour)
	late := credential("late", "f", ends)
	late.ExpiresAt = ends.Add(time.Hour) // it outlives its family; the later of the two counts
	create(t, &s, credential("one", "f", ends), late)
	deleteExpired(t, &s, ends, 0, 0)
	deleteExpired(t, &s, ends.Add(1), 0, 1)
	deleteExpired(t, &s, late.ExpiresAt, 0, 0)
	deleteExpired(t, &s, late.ExpiresAt.Add(1), 0, 1)
	wantEmpty(t, &s)
}

func TestDeleteExpiredCountsToLimit(t *testing.T) {
	var s memory.Store
	for i := range 10 {
		create(t, &s, credential(fmt.Sprint(i), fmt.Sprint("f", i), start.Add(time.Duration(i)*time.Hour)))
	}
	after := start.Add(7 * time.Hour)
	deleteExpired(t, &s, after, 3, 3)
	for i := range 10 {
		_, err := s.Credential(t.Context(), digest(fmt.Sprint(i)))
		if got, want := errors.Is(err, storage.ErrNotFound), i < 3; got != want {
			t.Errorf("credential %d: got deleted %t, want %t: the earliest go first", i, got, want)
		}
	}
	deleteExpired(t, &s, after, 3, 3)
	deleteExpired(t, &s, after, 3, 1)
	deleteExpired(t, &s, after, 3, 0)
	deleteExpired(t, &s, start.AddDate(1, 0, 0), -1, 3)
	wantEmpty(t, &s)
}

// A revoked family is remembered for as long as any credential of it was meant
// to live, and no longer.
func TestTombstoneOutlivesCredentials(t *testing.T) {
	var s memory.Store
	long, short := start.Add(48*time.Hour), start.Add(time.Hour)
	c := credential("one", "f", long)
	create(t, &s, c)
	old := c.Clone()
	old.FamilyExpiresAt = short
	wantErr(t, "Spend", s.Spend(t.Context(), old, nil, start), nil)
	wantErr(t, "Revoke", s.Revoke(t.Context(), "f"), nil)
	deleteExpired(t, &s, short.Add(1), 0, 1)

	create(t, &s, credential("two", "f", short))
	if got, err := s.Credential(t.Context(), digest("two")); err != nil || !got.Revoked {
		t.Errorf("what was added to a revoked family without credentials: got %+v and error %v, want it revoked", got, err)
	}
	deleteExpired(t, &s, short.Add(1), 0, 1)
	deleteExpired(t, &s, long, 0, 0)
	deleteExpired(t, &s, long.Add(1), 0, 1)
	wantEmpty(t, &s)
}

func TestTombstoneOfEmptyFamilyIsKeptForADay(t *testing.T) {
	var s memory.Store
	wantErr(t, "Revoke", s.Revoke(t.Context(), "f"), nil)
	deleteExpired(t, &s, start, 0, 0)
	deleteExpired(t, &s, start.Add(24*time.Hour), 0, 0)
	create(t, &s, credential("one", "f", start.Add(72*time.Hour)))
	deleteExpired(t, &s, start.Add(48*time.Hour), 0, 0)
	if got, err := s.Credential(t.Context(), digest("one")); err != nil || !got.Revoked {
		t.Errorf("what was added to a family that was revoked first: got %+v and error %v, want it revoked", got, err)
	}
	deleteExpired(t, &s, start.Add(73*time.Hour), 0, 2)

	wantErr(t, "Revoke", s.Revoke(t.Context(), "g"), nil)
	deleteExpired(t, &s, start, 0, 0)
	deleteExpired(t, &s, start.Add(24*time.Hour+1), 0, 1)
	wantEmpty(t, &s)
}

// A credential without any instants is over at once. Its family's tombstone is
// kept as one that never had a credential.
func TestTombstoneOfTimelessCredential(t *testing.T) {
	var s memory.Store
	wantErr(t, "Revoke", s.Revoke(t.Context(), "another"), nil)
	wantErr(t, "Revoke", s.Revoke(t.Context(), "f"), nil)
	create(t, &s, &storage.Credential{Digest: digest("timeless"), Family: "f"})
	deleteExpired(t, &s, start, 0, 1)
	create(t, &s, credential("one", "f", start.Add(time.Hour)))
	if got, err := s.Credential(t.Context(), digest("one")); err != nil || !got.Revoked {
		t.Errorf("what was added to a revoked family: got %+v and error %v, want it revoked", got, err)
	}
	deleteExpired(t, &s, start.Add(25*time.Hour), 0, 3)
	wantEmpty(t, &s)
}

func TestNothingStaysForEver(t *testing.T) {
	var s memory.Store
	for i := range 100 {
		family := fmt.Sprint("f", i%10)
		c := credential(fmt.Sprint(i), family, start.Add(time.Hour))
		create(t, &s, c)
		old := c.Clone()
		old.FamilyExpiresAt = start.Add(time.Duration(i) * time.Hour)
		next := credential(fmt.Sprint(i, "'"), family, old.FamilyExpiresAt)
		wantErr(t, "Spend", s.Spend(t.Context(), old, next, start), nil)
		if i%3 == 0 {
			wantErr(t, "Revoke", s.Revoke(t.Context(), family), nil)
			// The store refuses the rest of the family at once and from then
			// on.
			wantErr(t, "Spend", s.Spend(t.Context(), next, nil, start), storage.ErrSpent)
			break
		}
	}
	for hours := range 200 {
		if _, err := s.DeleteExpired(t.Context(), start.Add(time.Duration(hours)*time.Hour), 7); err != nil {
			t.Fatalf("DeleteExpired: got error %v, want none", err)
		}
	}
	wantEmpty(t, &s)
}

// A chain of refreshes that runs while its family is revoked and while all that
// is over is deleted must end: a tombstone that is forgotten in between would
// let it go on.
func TestDeletionNeverRevives(t *testing.T) {
	for round := range 50 {
		var s memory.Store
		family := fmt.Sprint("f", round)
		var tip *storage.Credential
		var err error
		var wg sync.WaitGroup
		wg.Go(func() { tip, err = refreshUntilRefused(t.Context(), &s, family) })
		wg.Go(func() { wantErr(t, "Revoke", s.Revoke(t.Context(), family), nil) })
		wg.Go(func() {
			for range 100 {
				if _, err := s.DeleteExpired(t.Context(), start, 1); err != nil {
					t.Errorf("DeleteExpired: got error %v, want none", err)
				}
			}
		})
		wg.Wait()
		wantErr(t, "the Spend that ended the chain", err, storage.ErrSpent)
		if got, err := s.Credential(t.Context(), tip.Digest); err != nil || !got.Revoked {
			t.Fatalf("the end of the chain: got %+v and error %v, want it revoked", got, err)
		}
	}
}

// refreshUntilRefused spends one credential after the other. A spent credential
// has expired at once, and may be deleted; the last one has not.
func refreshUntilRefused(ctx context.Context, s *memory.Store, family string) (*storage.Credential, error) {
	past, future := start.Add(-time.Hour), start.Add(time.Hour)
	tip := credential(family+"/0", family, future)
	if err := s.CreateCredential(ctx, tip); err != nil {
		return tip, err
	}
	for i := 1; ; i++ {
		old := tip.Clone()
		old.FamilyExpiresAt = past
		next := credential(fmt.Sprint(family, "/", i), family, future)
		next.ExpiresAt = past
		if err := s.Spend(ctx, old, next, past); err != nil {
			return tip, err
		}
		tip = next
	}
}
