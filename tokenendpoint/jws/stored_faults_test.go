package jws_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// making is longer than a KeySet takes to make a key outside a bubble.
const making = time.Second

// The changes that an attacker with write access to the store, but without a
// key-encryption key, can make to a row.
func TestChangedRowsDoNotOpen(t *testing.T) {
	store := new(shelf)
	source := storedEvery(time.Hour, store, 1, 2)
	for _, at := range []time.Time{start, start.Add(2 * time.Hour)} {
		must(source.Keys(t.Context(), quiet, at))
	}
	other := new(shelf)
	must(stored(other, 1).Keys(t.Context(), quiet, start))
	genuine := []*storage.SigningKey{store.rows[0].Clone(), store.rows[1].Clone()}
	for _, tt := range []struct {
		name   string
		change func(rows []*storage.SigningKey)
		want   string
		starts bool // and a replica starts all the same
	}{
		{"another turn", func(r []*storage.SigningKey) { r[0].Turn, r[1].Turn = 7, 8 }, "turn 7, sealed with the key-encryption key 1: it does not open", false},
		{"another id", func(r []*storage.SigningKey) { r[0].ID = "x" }, "turn 1, sealed with the key-encryption key 1: it does not open", true},
		{"two rows swapped", func(r []*storage.SigningKey) {
			r[0].Sealed, r[1].Sealed, r[0].ID, r[1].ID = r[1].Sealed, r[0].Sealed, r[1].ID, r[0].ID
		}, "turn 1, sealed with the key-encryption key 1: it does not open", false},
		{"a later date", func(r []*storage.SigningKey) { r[1].AnnouncedAt = r[1].AnnouncedAt.Add(time.Microsecond) }, "turn 2, sealed with the key-encryption key 1: it does not open", true},
		{"an earlier date", func(r []*storage.SigningKey) { r[1].AnnouncedAt = r[1].AnnouncedAt.Add(-day) }, "turn 2, sealed", true},
		{"another version that is there", func(r []*storage.SigningKey) { r[0].SealedWith = 2 }, "turn 1, sealed with the key-encryption key 2: it does not open", false},
		{"a version that is not there", func(r []*storage.SigningKey) { r[1].SealedWith = 3 }, "turn 2, sealed with the key-encryption key 3: that key-encryption key is not there", false},
		{"the key of another server", func(r []*storage.SigningKey) { r[0].Sealed = other.rows[0].Sealed }, "turn 1, sealed with the key-encryption key 1: it does not open", true},
		{"a row of another server with the same keys", func(r []*storage.SigningKey) { *r[0] = *other.rows[0].Clone(); r[0].AnnouncedAt = start }, "does not open", true},
		{"another format", func(r []*storage.SigningKey) { r[0].Sealed[0] = 2 }, "turn 1, sealed with the key-encryption key 1: it is in a format that is not known", true},
		{"nothing", func(r []*storage.SigningKey) { r[0].Sealed = nil }, "turn 1, sealed with the key-encryption key 1: it is in a format", true},
		{"a format and nothing else", func(r []*storage.SigningKey) { r[0].Sealed = []byte{1} }, "does not open", true},
		{"a nonce and nothing else", func(r []*storage.SigningKey) { r[0].Sealed = r[0].Sealed[:13] }, "does not open", true},
		{"bytes at the end", func(r []*storage.SigningKey) { r[0].Sealed = append(r[0].Sealed, 0) }, "does not open", true},
		{"both rows", func(r []*storage.SigningKey) { r[0].Sealed[20] ^= 1; r[1].Sealed[20] ^= 1 }, "turn 2, sealed", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := start.Add(2 * time.Hour)
			for _, running := range []bool{false, true} {
				store.rows = []*storage.SigningKey{genuine[0].Clone(), genuine[1].Clone()}
				s := storedEvery(time.Hour, store, 1, 2)
				if running {
					must(s.Keys(t.Context(), quiet, at)) // so that the rows are known
				}
				tt.change(store.rows)
				same := func(i int) bool { return reflect.DeepEqual(store.rows[i], genuine[i]) }
				none, before := !same(0) && !same(1), store.turns()
				var log bytes.Buffer
				keys, err := s.Keys(t.Context(), jws.Rotation{Logger: slog.New(slog.NewTextHandler(&log, nil))}, at)
				text := log.String()
				switch refused := none || !running && !tt.starts; {
				case refused != (err != nil):
					t.Fatalf("running %t: Keys = %v, %v, want an error: %t", running, keys, err, refused)
				case refused:
					text = err.Error()
					if got := store.turns(); !slices.Equal(got, before) {
						t.Errorf("running %t: a replica that was refused has changed the turns from %v to %v", running, before, got)
					}
				}
				if !strings.Contains(text, tt.want) {
					t.Errorf("running %t: it says %s, want … %s", running, text, tt.want)
				}
				for _, k := range keys {
					if k.ID == genuine[0].ID && !same(0) || k.ID == genuine[1].ID && !same(1) {
						t.Errorf("running %t: the key of a row that was changed is there", running)
					}
				}
			}
		})
	}
	t.Run("any bit of what is sealed", func(t *testing.T) {
		for i := range genuine[0].Sealed {
			store.rows = []*storage.SigningKey{genuine[0].Clone(), genuine[1].Clone()}
			store.rows[0].Sealed[i] ^= 1 << (i % 8)
			keys := must(source.Keys(t.Context(), quiet, start.Add(2*time.Hour)))
			if len(keys) != 1 || keys[0].ID != genuine[1].ID {
				t.Errorf("byte %d: Keys = %v, want the other key alone", i, keys)
			}
		}
	})
	store.rows = genuine
	if keys, err := source.Keys(t.Context(), quiet, start.Add(2*time.Hour)); err != nil || len(keys) != 2 {
		t.Errorf("Keys of the genuine rows = %v, %v, want two", keys, err)
	}
}

// One key under two versions is no reason to read a row under the wrong one.
func TestVersionIsBound(t *testing.T) {
	store := new(shelf)
	source := must(jws.NewStoredKeys(jws.StoredKeysConfig{Store: store, KeyEncryptionKeys: []jws.KeyEncryptionKey{kekOf(1, 1), kekOf(2, 1)}}))
	must(source.Keys(t.Context(), quiet, start))
	store.rows[0].SealedWith = 2
	if keys, err := source.Keys(t.Context(), quiet, start); err == nil || !strings.Contains(err.Error(), "does not open") {
		t.Errorf("Keys = %v, %v, want an error", keys, err)
	}
}

func TestSealedKeysDiffer(t *testing.T) {
	a, b := new(shelf), new(shelf)
	must(stored(a).Keys(t.Context(), quiet, start))
	must(stored(b).Keys(t.Context(), quiet, start))
	if bytes.Equal(a.rows[0].Sealed[:13], b.rows[0].Sealed[:13]) {
		t.Error("two keys are sealed with one nonce")
	}
}

// The roll-out of a key-encryption key, as StoredKeys describes it.
func TestChangeOfTheKeyEncryptionKey(t *testing.T) {
	store := new(shelf)
	at := start
	keys := func(want string, versions ...int) {
		t.Helper()
		source := storedEvery(day, store, versions...)
		if _, err := source.Keys(t.Context(), quiet, at); err != nil {
			t.Errorf("Keys with %v = %v, want no error", versions, err)
		}
		var got []string
		for _, r := range store.rows {
			got = append(got, fmt.Sprint(r.SealedWith))
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("with %v the keys are sealed with %s, want %s", versions, g, want)
		}
	}
	keys("1", 1)
	keys("1", 1, 2)
	keys("1", 2, 1)
	at = at.Add(day + making)
	keys("1 2", 2, 1)
	keys("1 2", 1, 2)
	at = at.Add(quiet.Lead() + quiet.Keep() + storeTime + making)
	keys("2", 2, 1)
	keys("2", 2)
	if _, err := stored(store, 1).Keys(t.Context(), quiet, at); err == nil || !strings.Contains(err.Error(), "turn 2, sealed with the key-encryption key 2: that key-encryption key is not there") {
		t.Errorf("Keys without the new key = %v, want an error that names turn 2 and key 2", err)
	}
}

func TestEachLoadTakesOneCallAndNoCryptography(t *testing.T) {
	store := new(shelf)
	source := stored(store)
	first := must(source.Keys(t.Context(), quiet, start))
	store.took()
	again := must(source.Keys(t.Context(), quiet, start.Add(time.Hour)))
	if got, want := store.took(), []string{"list"}; !slices.Equal(got, want) {
		t.Errorf("another load takes %q, want %q", got, want)
	}
	fresh := must(stored(store).Keys(t.Context(), quiet, start.Add(time.Hour)))
	again2 := must(source.Keys(t.Context(), quiet, start.Add(2*time.Hour)))
	if again[0].Signer != again2[0].Signer || first[0].ID != again[0].ID {
		t.Error("a row that has not changed was opened again")
	}
	if fresh[0].Signer == again[0].Signer {
		t.Error("two sources have one pointer: the comparison above shows nothing")
	}
}

func TestFailuresOfTheStore(t *testing.T) {
	for _, tt := range []struct {
		name   string
		faults func(*shelf)
		rows   int   // before
		want   error // nil: none
		turns  []int64
	}{
		{"the list fails", func(s *shelf) { s.list = fails }, 1, errOutage, []int64{1}},
		{"the first key cannot be stored", func(s *shelf) { s.create = fails }, 0, errOutage, nil},
		{"another key cannot be stored", func(s *shelf) { s.create = fails }, 1, nil, []int64{1}},
		{"the answer to the first key is lost", func(s *shelf) { s.created = func() error { return errOutage } }, 0, errOutage, []int64{1}},
		{"the answer to another key is lost", func(s *shelf) { s.created = func() error { return errOutage } }, 1, nil, []int64{1, 2}},
		{"a store that denies its first key", func(s *shelf) { s.create = func(context.Context) error { return storage.ErrExists } }, 0, errors.ErrUnsupported, nil},
		{"a key cannot be deleted", func(s *shelf) { s.delete = fails }, 3, nil, []int64{1, 2, 3, 4}},
		{"a key can be deleted", func(s *shelf) {}, 3, nil, []int64{3, 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := new(shelf)
			at := start
			source := stored(store)
			for range tt.rows {
				must(source.Keys(t.Context(), jws.Rotation{TokenLifetime: 365 * day}, at))
				at = at.Add(30*day + making)
			}
			tt.faults(store)
			keys, err := source.Keys(t.Context(), quiet, at)
			switch {
			case (err == nil) != (tt.want == nil), tt.want == errOutage && !errors.Is(err, errOutage):
				t.Errorf("Keys = %v, %v, want %v", keys, err, tt.want)
			case err != nil && !strings.HasPrefix(err.Error(), "jws: stored keys: "):
				t.Errorf("Keys = %v, want jws: stored keys: …", err)
			case err == nil && len(keys) == 0:
				t.Error("Keys = nothing, want those that are there")
			}
			if got := store.turns(); !slices.Equal(got, tt.turns) {
				t.Errorf("turns = %v, want %v", got, tt.turns)
			}
		})
	}
}

func TestKeyThatCannotBeStoredIsTriedAgain(t *testing.T) {
	store := new(shelf)
	var log bytes.Buffer
	r := jws.Rotation{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	source := stored(store)
	must(source.Keys(t.Context(), r, start))
	store.create = fails
	at := start.Add(30*day + making)
	store.took()
	for _, tt := range []struct {
		after time.Duration
		want  []string
	}{
		{0, []string{"list", "create"}},
		{time.Minute - 1, []string{"list"}},
		{time.Minute, []string{"list", "create"}},
	} {
		must(source.Keys(t.Context(), r, at.Add(tt.after)))
		if got := store.took(); !slices.Equal(got, tt.want) {
			t.Errorf("%s after the failure: %q, want %q", tt.after, got, tt.want)
		}
	}
	if n := strings.Count(log.String(), "no new signing key can be stored"); n != 2 || !strings.Contains(log.String(), errOutage.Error()) {
		t.Errorf("the log has it %d times, want 2: %s", n, &log)
	}
}

func TestKeyThatCannotBeDeletedIsLoggedOnce(t *testing.T) {
	store := new(shelf)
	var log bytes.Buffer
	r := jws.Rotation{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	source := stored(store)
	must(source.Keys(t.Context(), r, start))
	must(source.Keys(t.Context(), r, start.Add(30*day+making)))
	store.delete = fails
	for range 3 {
		if keys := must(source.Keys(t.Context(), r, start.Add(40*day))); len(keys) != 1 {
			t.Errorf("Keys = %v, want the one whose time is not over", keys)
		}
	}
	if n := strings.Count(log.String(), "cannot be deleted"); n != 1 || !strings.Contains(log.String(), "turn=1") {
		t.Errorf("the log has it %d times, want once, with the turn: %s", n, &log)
	}
}

// The KeySet stores a new key even if making it has used up the time of the load, or
// if the caller has gone.
func TestKeyIsStoredWhenTheCallerHasGone(t *testing.T) {
	for _, crowded := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			store := new(shelf)
			ctx, cancel := context.WithCancel(t.Context())
			store.create = func(ctx context.Context) error {
				cancel()
				if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > storeTime {
					t.Error("the store is waited for without end")
				}
				if crowded {
					store.create = nil
					must(stored(store).Keys(t.Context(), quiet, start))
				}
				return nil
			}
			keys, err := stored(store).Keys(ctx, quiet, start)
			if err != nil || len(keys) != 1 || len(store.rows) != 1 {
				t.Errorf("Keys = %v, %v, want the one key", keys, err)
			}
		})
	}
}

func TestSlowStoreDatesAKeyLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(shelf)
		store.list = func(context.Context) error {
			time.Sleep(700 * time.Millisecond)
			return nil
		}
		must(stored(store).Keys(t.Context(), quiet, start))
		if got, want := store.rows[0].AnnouncedAt, start.Add(700*time.Millisecond+storeTime); !got.Equal(want) {
			t.Errorf("the key is announced at %s, want %s", got, want)
		}
	})
}

func TestStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(shelf)
		source := stored(store)
		must(source.Keys(t.Context(), quiet, start))
		store.create = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		began := time.Now()
		keys, err := source.Keys(t.Context(), quiet, start.Add(30*day))
		if took := time.Since(began); err != nil || len(keys) != 1 || took != storeTime {
			t.Errorf("Keys = %v, %v after %s, want the key that is there after %s", keys, err, took, storeTime)
		}
	})
}

// A clock that goes backwards makes no key, and harms none.
func TestClockThatGoesBackwards(t *testing.T) {
	store := new(shelf)
	source := storedEvery(time.Hour, store)
	s := open(t, source, quiet, start)
	first := store.ids()[0]
	signsWith(t, "at the start", s, start, first)
	for _, back := range []time.Duration{time.Second, time.Minute, time.Hour, 100 * day} {
		signsWith(t, back.String()+" back", s, start.Add(-back), first)
		if got := store.turns(); len(got) != 1 {
			t.Errorf("%s back: turns = %v, want one", back, got)
		}
	}
	signsWith(t, "forward again", s, start.Add(time.Minute), first)
	signsWith(t, "after Period", s, start.Add(time.Hour+making), first)
	if got := store.turns(); len(got) != 2 {
		t.Errorf("after Period: turns = %v, want two", got)
	}
}

func TestPeriodShorterThanLead(t *testing.T) {
	store := new(shelf)
	const period = 4 * time.Minute
	source := storedEvery(period, store)
	s := open(t, source, quiet, start)
	lead, keep := quiet.Lead(), quiet.Keep()
	if lead < 2*period {
		t.Fatalf("Lead is %s, so that no two keys are announced at once", lead)
	}
	for at := start; at.Before(start.Add(3 * time.Hour)); at = at.Add(13 * time.Second) {
		token, err := s.Sign(t.Context(), jws.TypeJWT, []byte(payload), at)
		if err != nil {
			t.Fatalf("Sign = %v, want no error", err)
		}
		_, header, _, _ := split(t, token)
		want := store.rows[0].ID
		for _, r := range store.rows {
			if !at.Before(r.AnnouncedAt.Add(lead)) {
				want = r.ID
			}
		}
		if header["kid"] != want {
			t.Fatalf("%s: signs with %v, want %s", at.Sub(start), header["kid"], want)
		}
	}
	if most := int((lead+keep)/period) + 2; len(store.rows) > most || len(store.rows) < most-5 {
		t.Errorf("the store has %d keys, want about %d", len(store.rows), most)
	}
	if store.rows[0].Turn == 1 {
		t.Error("no key was deleted")
	}
}
