package storagetest

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/contit/oauth/storage"
)

var signingKeyRaceRules = []rule[storage.SigningKeys]{
	{"one of fifty who create a key for one turn at once succeeds, and only its key is listed", docCreateSigningKey, raceTurn},
	{"one of fifty who create a key with one ID at once succeeds", docCreateSigningKey, raceSigningKeyID},
	{"a list that is read while keys come and go is in order and has whole keys", docSigningKeys, raceList},
	{"a CreateSigningKey that is cancelled under way and succeeds has created the key", docCreateSigningKey, raceCancelSigningKey},
}

func byTurn(a, b *storage.SigningKey) int { return cmp.Compare(a.Turn, b.Turn) }

// raceTurn also has each racer read the list, as replicas do to learn which key
// has the turn.
func raceTurn(t *tester, s storage.SigningKeys) {
	turn := newTurn()
	var want []*storage.SigningKey
	for round := range int64(8) {
		var all, seen [racers]*storage.SigningKey
		for i := range all {
			all[i] = newSigningKey(turn + round)
		}
		t.deleteLater(s, turn+round)
		errs, readErrs := make([]error, racers), make([]error, racers)
		crowd(racers, func(i int) {
			errs[i] = s.CreateSigningKey(t.ctx, all[i])
			var keys []*storage.SigningKey
			keys, readErrs[i] = s.SigningKeys(t.ctx)
			if at := slices.IndexFunc(keys, func(k *storage.SigningKey) bool { return k.Turn == turn+round }); at >= 0 {
				seen[i] = keys[at]
			}
		})
		winner := t.oneWinner("CreateSigningKey", errs, storage.ErrExists)
		for i, k := range seen {
			if k == nil {
				t.Fatalf("SigningKeys, after CreateSigningKey had returned %v: got error %v and no key for the turn, want the winner's", errs[i], readErrs[i])
			}
			t.wantSame("the key that a racer found for the turn", k, all[winner])
		}
		want = append(want, all[winner])
		t.wantListed(s, "the winners' keys", want...)
	}
}

func raceSigningKeyID(t *tester, s storage.SigningKeys) {
	for range 4 {
		turn := newTurn()
		var all [racers]*storage.SigningKey
		for i := range all {
			all[i] = newSigningKey(turn + int64(i))
			all[i].ID = all[0].ID
			t.deleteLater(s, all[i].Turn)
		}
		errs := make([]error, racers)
		crowd(racers, func(i int) { errs[i] = s.CreateSigningKey(t.ctx, all[i]) })
		winner := t.oneWinner("CreateSigningKey", errs, storage.ErrExists)
		for i, k := range all {
			if i != winner {
				t.wantUnlisted(s, "a loser's key", k.Turn)
			}
		}
		t.wantListed(s, "the winner's key", all[winner])
	}
}

// raceList lets some create and delete keys of their own, and others read.
func raceList(t *tester, s storage.SigningKeys) {
	const writers = 8
	turn := newTurn()
	var all [writers]*storage.SigningKey
	for i := range all {
		all[i] = newSigningKey(turn + int64(i))
		t.deleteLater(s, all[i].Turn)
	}
	var writing atomic.Int64
	writing.Store(writers)
	crowd(2*writers, func(i int) {
		if i >= writers {
			for writing.Load() > 0 && t.ctx.Err() == nil {
				t.wantWhole(s, all[:])
			}
			return
		}
		defer writing.Add(-1)
		for range 20 {
			t.wantErr("CreateSigningKey", s.CreateSigningKey(t.ctx, all[i]), nil)
			t.wantErr("DeleteSigningKey", s.DeleteSigningKey(t.ctx, all[i].Turn), nil)
		}
	})
	for _, k := range all {
		t.wantUnlisted(s, "what was deleted last", k.Turn)
	}
}

// wantWhole reports a list that is out of order, or has a key that is not as it
// was created. It runs beside others, and so ends nothing.
func (t *tester) wantWhole(s storage.SigningKeys, created []*storage.SigningKey) {
	t.Helper()
	keys, err := s.SigningKeys(t.ctx)
	if err != nil || !slices.IsSortedFunc(keys, byTurn) {
		t.Errorf("SigningKeys: got %d keys in disorder, or error %v", len(keys), err)
		return
	}
	for _, k := range keys {
		for _, want := range created {
			if k.Turn == want.Turn {
				t.wantSame("a key that was listed while it came and went", k, want)
			}
		}
	}
}

// raceCancelSigningKey ends the context at later and later moments. The key is
// there whole or not at all, and it is if CreateSigningKey says so.
func raceCancelSigningKey(t *tester, s storage.SigningKeys) {
	for moment := time.Duration(0); moment < 50*time.Millisecond; moment += moment/6 + 5*time.Microsecond {
		k := newSigningKey(newTurn())
		t.deleteLater(s, k.Turn)
		ctx, cancel := context.WithTimeout(t.ctx, moment)
		err := s.CreateSigningKey(ctx, k)
		cancel()
		if len(verdicts(err)) > 0 {
			t.Errorf("CreateSigningKey that was cancelled under way: got %v, which is a verdict", err)
		}
		got := t.listed(s, k.Turn)
		if err == nil && len(got) != 1 {
			t.Errorf("SigningKeys, after a CreateSigningKey that returned nil: got %d of its keys, want 1", len(got))
		}
		if len(got) > 0 {
			t.wantSame("a key whose creation was cancelled under way", got[0], k)
		}
	}
}
