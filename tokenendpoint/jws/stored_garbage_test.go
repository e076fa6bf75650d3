package jws_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// A replica with a wrong key-encryption key is started at the instant at which a
// key is due.
func TestP20BrokenReplicaLeavesNothing(t *testing.T) {
	for name, broken := range map[string]jws.KeyEncryptionKey{
		"another version":              kek(2),
		"another key, the same number": kekOf(1, 2),
	} {
		t.Run(name, func(t *testing.T) {
			store := new(memory.Store)
			healthy := open(t, stored(store), quiet, start)
			due := start.Add(30*day + time.Second)
			first := healthy.SigningKey(start).ID()
			signsWith(t, "before", healthy, due.Add(-2*time.Second), first)
			for _, at := range []time.Time{due, due.Add(time.Hour), start.Add(1000 * day)} { // it is tried again and again
				source := must(jws.NewStoredKeys(jws.StoredKeysConfig{Store: store, KeyEncryptionKeys: []jws.KeyEncryptionKey{broken}}))
				for range 2 {
					if s, err := jws.OpenKeySet(t.Context(), source, quiet, at); err == nil || !strings.Contains(err.Error(), "turn 1") {
						t.Fatalf("the broken replica: OpenKeySet = %v, %v, want an error that names turn 1", s, err)
					}
				}
			}
			if rows := must(store.SigningKeys(t.Context())); len(rows) != 1 || rows[0].ID != first {
				t.Fatalf("a replica that did not start has left %d rows, want the first one", len(rows))
			}
			signsWith(t, "the healthy replica", healthy, due.Add(7*time.Minute), first)
			back := open(t, stored(store), quiet, due.Add(8*time.Minute))
			signsWith(t, "after the roll-back", back, due.Add(8*time.Minute), first)
			if a, b := healthy.SigningKey(due.Add(day)), must(store.SigningKeys(t.Context())); a == nil || len(b) != 2 {
				t.Errorf("the store has %d rows, want that the healthy replica goes on making keys", len(b))
			}
		})
	}
}

// An attacker may add rows to the store, but not change or delete any.
func TestP21GarbageAmongTheKeys(t *testing.T) {
	for _, tt := range []struct {
		name  string
		turns []int64
		date  time.Time
		with  int
	}{
		{"from 1970, the next turn", []int64{2}, time.Unix(0, 0), 1},
		{"from 1970, sealed with nothing that there is", []int64{2}, time.Unix(0, 0), 9},
		{"from 2100, the next turn", []int64{2}, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), 1},
		{"from 2100, sealed with nothing that there is", []int64{2}, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), 9},
		{"from today, the next turn", []int64{2}, start.Add(time.Minute), 1},
		{"from today, sealed with nothing that there is", []int64{2}, start.Add(time.Minute), 9},
		{"ten of them", []int64{2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, start.Add(time.Minute), 1},
		{"between the turns to come", []int64{3, 5}, time.Unix(0, 0), 1},
		{"the last turn that there is", []int64{math.MaxInt64 - 1, math.MaxInt64}, time.Unix(0, 0), 1},
		{"all of it", []int64{2, 4, math.MaxInt64}, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), 7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := new(memory.Store)
			var log bytes.Buffer
			r := jws.Rotation{Logger: slog.New(slog.NewTextHandler(&log, nil))}
			running := open(t, stored(store), r, start)
			for _, turn := range tt.turns {
				err := store.CreateSigningKey(t.Context(), &storage.SigningKey{
					Turn: turn, ID: fmt.Sprint("garbage-", turn), AnnouncedAt: tt.date, Sealed: []byte("\x01garbage"), SealedWith: tt.with,
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			var signers []string
			for at := start; at.Before(start.Add(100 * day)); at = at.Add(3 * time.Hour) {
				token, err := running.Sign(t.Context(), jws.TypeJWT, []byte("{}"), at)
				if err != nil {
					t.Fatalf("after %s: Sign = %v", at.Sub(start), err)
				}
				if at.Sub(start)%(6*day) == 0 {
					fresh := open(t, stored(store), quiet, at)
					if _, _, err := jws.Verify(t.Context(), fresh, token, jws.TypeJWT, at); err != nil {
						t.Fatalf("after %s: a replica that is started does not verify the token: %v", at.Sub(start), err)
					}
				}
				if id := running.SigningKey(at).ID(); !slices.Contains(signers, id) {
					signers = append(signers, id)
				}
			}
			if len(signers) != 4 {
				t.Errorf("%d keys have signed in 100 days, want 4: the rotation goes on", len(signers))
			}
			garbage := 0
			rows := must(store.SigningKeys(t.Context()))
			for _, row := range rows {
				if strings.HasPrefix(row.ID, "garbage-") {
					garbage++
				}
			}
			if garbage != len(tt.turns) || len(rows) != garbage+1 {
				t.Errorf("the store has %d rows, of which %d are garbage, want the garbage, %d, and one key", len(rows), garbage, len(tt.turns))
			}
			if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), fmt.Sprintf("turn %d,", tt.turns[0])) {
				t.Errorf("the log has %d errors, want one that names the turns: %s", n, &log)
			}
			// The recovery.
			for _, turn := range tt.turns {
				if err := store.DeleteSigningKey(t.Context(), turn); err != nil {
					t.Fatal(err)
				}
			}
			signsWith(t, "after the recovery", running, start.Add(100*day), signers[3])
			if !strings.Contains(log.String(), "all signing keys can be read again") {
				t.Errorf("the log does not tell of the recovery: %s", &log)
			}
		})
	}
}

// The decision about a start, P20 and P21 (R38) together. A row that others may
// sign with stops it: they would sign with a key that the new replica neither
// publishes nor verifies with. A row that no replica can have made does not.
func TestRowsThatDoNotOpenAtAStart(t *testing.T) {
	type made struct { // by a replica that goes on running
		at   time.Duration // by its clock
		with []int         // the versions that it has
	}
	type inserted struct { // by an attacker
		turn int64
		date time.Duration
		with int
	}
	type begun struct { // is started
		with    int
		at      time.Duration
		refused bool
	}
	const (
		due       = 30 * day
		tolerance = storeTime + 10*time.Second
	)
	signs := storeTime + quiet.Lead() + 10*time.Second // after it was made, by all clocks
	alone, changed := []made{{0, []int{1}}}, []made{{0, []int{1}}, {due, []int{2, 1}}}
	for _, tt := range []struct {
		name     string
		made     []made
		inserted []inserted
		begun    []begun
	}{
		{"one key, which opens", alone, nil, []begun{{1, time.Second, false}, {1, due, false}}},
		{"one key, which does not open", alone, nil, []begun{{2, time.Second, true}, {2, due, true}, {2, 1000 * day, true}}},
		{"before the first key that opens, which does not sign yet: it signs", changed, nil,
			[]begun{{2, due, true}, {2, due + time.Minute, true}, {2, due + signs - 1, true}}},
		{"before the first key that opens, which signs: its time is over", changed, nil, []begun{{2, due + signs, false}, {2, due + day, false}}},
		{"before one that does not sign yet, and all replicas are restarted at once without the old version", changed, nil,
			[]begun{{2, due + time.Minute, true}, {1, due + time.Minute, true}}},
		{"before the first turn that there is", alone, []inserted{{0, -time.Hour, 9}, {-1, -time.Hour, 9}}, []begun{{1, time.Second, false}}},
		{"before a key that does not sign yet, with as late a date as clocks allow", append(alone, made{due, []int{1}}),
			[]inserted{{2, due + storeTime + tolerance, 9}}, []begun{{1, due + time.Minute, true}}},
		{"before a key that does not sign yet, with a later date", append(alone, made{due, []int{1}}),
			[]inserted{{2, due + storeTime + tolerance + time.Microsecond, 9}}, []begun{{1, due + time.Minute, false}}},
		{"after the key that signs: it is the next one, and then signs", changed, nil, []begun{{1, due, true}, {1, due + signs, true}, {1, due + day, true}}},
		{"between the key that signs and one that does not yet", append(changed, made{due, []int{1}}), nil,
			[]begun{{1, due, true}, {1, due + signs - 1, true}, {1, due + signs, false}}},
		{"between them, and the clock of the replica that made it was ahead", []made{alone[0], {due + 9*time.Second, []int{2, 1}}, {due, []int{1}}}, nil,
			[]begun{{1, due + time.Minute, true}, {1, due + signs, false}}},
		{"before and after the one key that opens, by a replica that could not open that", append(changed, made{due, []int{1}}), nil,
			[]begun{{2, due + signs - 1, true}, {2, due + signs, false}}},
		{"after the first key of all, which does not sign yet", alone, []inserted{{2, time.Minute, 9}}, []begun{{1, 2 * time.Minute, false}}},
		{"after the key that signs, and none was due", alone, []inserted{{2, 3 * day, 9}},
			[]begun{{1, 3 * day, false}, {1, 3*day + time.Hour, false}, {1, due, false}, {1, 100 * day, false}}},
		{"of just before the earliest date of the next key", alone, []inserted{{2, storeTime + due - tolerance - time.Microsecond, 9}}, []begun{{1, due, false}}},
		{"of the earliest date of the next key", alone, []inserted{{2, storeTime + due - tolerance, 9}}, []begun{{1, due, true}, {1, 100 * day, true}}},
		{"of as far ahead as a clock may be", alone, []inserted{{2, due + day + tolerance, 9}}, []begun{{1, due + day, true}}},
		{"of further ahead than any clock may be", alone, []inserted{{2, due + day + tolerance + time.Microsecond, 9}}, []begun{{1, due + day, false}}},
		{"when a key is due, until the next one signs", append(alone, made{due + time.Minute, []int{1}}), []inserted{{2, due, 9}, {4, due + time.Minute, 9}},
			[]begun{{1, due + time.Minute, true}, {1, due + time.Minute + signs - 1, true}, {1, due + time.Minute + signs, false}}},
		{"a later turn with an earlier date", alone, []inserted{{2, -time.Hour, 9}}, []begun{{1, due, false}}},
		{"of the version of one that opens", alone, []inserted{{2, due, 1}}, []begun{{1, due, false}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, running := new(shelf), map[string]*jws.StoredKeys{}
				run := func(m made) {
					name := fmt.Sprint(m.with)
					if running[name] == nil {
						running[name] = stored(store, m.with...)
					}
					must(running[name].Keys(t.Context(), quiet, start.Add(m.at)))
				}
				run(tt.made[0])
				for _, i := range tt.inserted {
					row := &storage.SigningKey{Turn: i.turn, ID: fmt.Sprint("x", i.turn), AnnouncedAt: start.Add(i.date), Sealed: []byte{1, 2}, SealedWith: i.with}
					if err := store.CreateSigningKey(t.Context(), row); err != nil {
						t.Fatal(err)
					}
				}
				for _, m := range tt.made[1:] {
					run(m)
				}
				before := store.turns()
				if len(before) != len(tt.made)+len(tt.inserted) {
					t.Fatalf("turns = %v, want one for each that was made or inserted", before)
				}
				for _, b := range tt.begun {
					copied := &shelf{rows: slices.Clone(store.rows)}
					fresh := stored(copied, b.with)
					for range 2 { // a start that is tried again is a start
						_, err := fresh.Keys(t.Context(), quiet, start.Add(b.at))
						if refused := err != nil; refused != b.refused {
							t.Fatalf("with %d, after %s: Keys = %v, want an error: %t", b.with, b.at, err, b.refused)
						}
						if b.refused && (!slices.Equal(copied.turns(), before) || !strings.Contains(err.Error(), "DeleteSigningKey")) {
							t.Errorf("with %d, after %s: turns = %v after %v, want %v and an error that names the remedy", b.with, b.at, copied.turns(), err, before)
						}
					}
				}
				for name, source := range running {
					source.MoveTo(&shelf{rows: slices.Clone(store.rows)})
					if keys, err := source.Keys(t.Context(), quiet, start.Add(due+day)); err != nil || len(keys) == 0 {
						t.Errorf("the replica that runs with %s has %v, %v, want that it goes on", name, keys, err)
					}
				}
			})
		})
	}
}

// Nothing is written as long as no row opens, not even by a replica that runs.
func TestNoRowOpens(t *testing.T) {
	store := new(shelf)
	source := stored(store)
	must(source.Keys(t.Context(), quiet, start))
	store.rows[0].Sealed = []byte("garbage")
	store.took()
	for _, s := range []*jws.StoredKeys{source, stored(store)} {
		if keys, err := s.Keys(t.Context(), quiet, start.Add(100*day)); err == nil {
			t.Errorf("Keys = %v, want an error", keys)
		}
	}
	if got := store.took(); !slices.Equal(got, []string{"list", "list"}) {
		t.Errorf("it takes %q, want nothing but two lists", got)
	}
}

func TestReplicaWithoutTheKeyEncryptionKeyGoesOn(t *testing.T) {
	store := new(shelf)
	s := open(t, stored(store, 1), quiet, start)
	ahead := stored(store, 2, 1)
	at := start.Add(30*day + making)
	signsWith(t, "before", s, at.Add(-storeTime-making-1), store.ids()[0])
	must(ahead.Keys(t.Context(), quiet, at))
	signsWith(t, "after", s, at.Add(time.Minute), store.ids()[0])
	if got := store.turns(); !slices.Equal(got, []int64{1, 2, 3}) {
		t.Fatalf("turns = %v, want another one that it can open", got)
	}
	if _, err := jws.OpenKeySet(t.Context(), stored(store, 1), quiet, at.Add(time.Minute)); err == nil {
		t.Error("another one without it has started, before the key that does not open has a successor that signs")
	}
	later := at.Add(2 * quiet.Lead())
	signsWith(t, "when the new keys may sign", s, later, store.ids()[2])
	for _, versions := range [][]int{{2, 1}, {1}} {
		signsWith(t, fmt.Sprint("one that is started with ", versions), open(t, stored(store, versions...), quiet, later), later, store.ids()[2])
	}
	if k, err := s.PublicKey(t.Context(), store.ids()[1], later); err == nil || errors.Is(err, jws.ErrUnknownKey) {
		t.Errorf("PublicKey of the key that does not open = %v, %v, want an outage: its tokens may be good", k, err)
	}
}
