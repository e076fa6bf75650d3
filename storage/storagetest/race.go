package storagetest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/contit/oauth/storage"
)

// raceRules set callers against each other. They look for a gap between a
// question and the change that rests on its answer.
var raceRules = []rule[storage.Credentials]{
	{"one of fifty who spend a credential at once succeeds, and only its successor exists", docSpend, raceSpend},
	{"fifty repeated uses at once are counted exactly", docSpend, raceRepeat},
	{"one of fifty who create a digest at once succeeds", docCreate, raceCreate},
	{"one of fifty who add the same successor at once succeeds", docSpend, raceSameSuccessor},
	{"nothing survives a Revoke, not even what a concurrent Spend was adding", docRevoke, raceRevoke},
	{"nothing survives a Revoke, not even what was created at that moment", docRevoke, raceRevokeCreate},
	{"a Spend that is cancelled under way does all or nothing", docSpend, raceCancel},
}

const racers = 50

func raceSpend(t *tester, s storage.Credentials) {
	for range 20 {
		c := newCredential()
		found := t.created(s, c)
		var olds, nexts [racers]*storage.Credential
		for i := range racers {
			olds[i], nexts[i] = spending(found), successor(c)
		}
		at := now()
		errs := make([]error, racers)
		crowd(racers, func(i int) { errs[i] = s.Spend(t.ctx, olds[i], nexts[i], at.Add(time.Duration(i)*time.Second)) })

		winner := t.oneWinner("Spend", errs, storage.ErrSpent)
		for i, next := range nexts {
			if i == winner {
				t.wantStored(s, "the winner's successor", next)
				continue
			}
			t.wantAbsent(s, "a loser's successor", next.Digest)
		}
		c.Uses, c.SpentAt, c.Salt = 1, at.Add(time.Duration(winner)*time.Second), olds[winner].Salt
		t.wantStored(s, "what fifty tried to spend", c)
	}
}

// oneWinner returns the index of the only nil among errs. All others must be
// the verdict of a loser.
func (t *tester) oneWinner(what string, errs []error, loser error) int {
	t.Helper()
	var winners []int
	for i, err := range errs {
		if err == nil {
			winners = append(winners, i)
			continue
		}
		t.wantErr(what+" of a loser", err, loser)
	}
	if len(winners) != 1 {
		t.Fatalf("%s: %d of %d callers succeeded, want 1", what, len(winners), len(errs))
	}
	return winners[0]
}

func raceRepeat(t *tester, s storage.Credentials) {
	for _, maxUses := range []int{2, 10, racers + 10} {
		want := t.repeating(s, maxUses)
		errs := make([]error, racers)
		crowd(racers, func(i int) { errs[i] = s.Spend(t.ctx, want, nil, want.SpentAt.Add(time.Second)) })

		succeeded := 0
		for _, err := range errs {
			if err == nil {
				succeeded++
				continue
			}
			t.wantErr("a repeated use too many", err, storage.ErrSpent)
		}
		if most := min(maxUses-1, racers); succeeded != most {
			t.Errorf("repeated uses with a MaxUses of %d: %d of %d succeeded, want %d", maxUses, succeeded, racers, most)
		}
		want.Uses = min(maxUses, racers+1)
		t.wantStored(s, "what fifty repeated", want)
	}
}

func raceCreate(t *tester, s storage.Credentials) {
	for range 10 {
		var all [racers]*storage.Credential
		d := newDigest()
		for i := range all {
			all[i] = newCredential()
			all[i].Digest = d
		}
		errs := make([]error, racers)
		crowd(racers, func(i int) { errs[i] = s.CreateCredential(t.ctx, all[i]) })
		t.wantStored(s, "what fifty created", all[t.oneWinner("CreateCredential", errs, storage.ErrExists)])
	}
}

func raceSameSuccessor(t *tester, s storage.Credentials) {
	for range 10 {
		var olds, nexts [racers]*storage.Credential
		d := newDigest()
		for i := range racers {
			c := newCredential()
			olds[i], nexts[i] = spending(t.created(s, c)), successor(c)
			nexts[i].Digest = d
		}
		at := now()
		errs := make([]error, racers)
		crowd(racers, func(i int) { errs[i] = s.Spend(t.ctx, olds[i], nexts[i], at) })
		winner := t.oneWinner("Spend", errs, storage.ErrExists)
		t.wantStored(s, "the winner's successor", nexts[winner])
		for i, old := range olds {
			if got := t.find(s, old.Digest); got.Spent() != (i == winner) {
				t.Errorf("the credential to spend: got spent %t, want %t", got.Spent(), i == winner)
			}
		}
	}
}

// raceRevoke lets eight members of a family be spent while it is revoked: in
// even rounds from the start, in odd ones once the first Spend is through.
func raceRevoke(t *tester, s storage.Credentials) {
	const members = 8
	for round := range racers {
		var olds, nexts [members]*storage.Credential
		first := newCredential()
		for i := range members {
			olds[i] = spending(t.created(s, successor(first)))
			nexts[i] = successor(first)
		}
		errs := make([]error, members+1)
		through := make(chan struct{})
		var once atomic.Bool
		crowd(members+1, func(i int) {
			if i < members {
				errs[i] = s.Spend(t.ctx, olds[i], nexts[i], now())
				if !once.Swap(true) {
					close(through)
				}
				return
			}
			if round%2 == 1 {
				<-through
			}
			errs[i] = s.Revoke(t.ctx, first.Family)
		})
		t.wantErr("Revoke", errs[members], nil)
		for i := range members {
			t.wantDead(s, errs[i], olds[i], nexts[i])
		}
	}
}

// wantDead looks at one Spend that raced with a Revoke, after both are over.
func (t *tester) wantDead(s storage.Credentials, spendErr error, old, next *storage.Credential) {
	t.Helper()
	if got := t.find(s, old.Digest); !got.Revoked || got.Spent() != (spendErr == nil) {
		t.Errorf("a member of a revoked family, whose Spend returned %v: got revoked %t and spent %t", spendErr, got.Revoked, got.Spent())
	}
	if spendErr != nil {
		t.wantErr("Spend that Revoke overtook", spendErr, storage.ErrSpent)
		t.wantAbsent(s, "its successor", next.Digest)
		return
	}
	got := t.find(s, next.Digest)
	if !got.Revoked {
		t.Errorf("a successor that was added while its family was revoked: got unrevoked, want revoked")
	}
	t.wantErr("Spend of that successor", s.Spend(t.ctx, spending(got), nil, now()), storage.ErrSpent)
}

func raceRevokeCreate(t *tester, s storage.Credentials) {
	for range racers {
		const members = 8
		first := newCredential()
		t.create(s, first)
		var created [members]*storage.Credential
		for i := range created {
			created[i] = successor(first)
		}
		errs := make([]error, members+1)
		crowd(members+1, func(i int) {
			if i < members {
				errs[i] = s.CreateCredential(t.ctx, created[i])
				return
			}
			errs[i] = s.Revoke(t.ctx, first.Family)
		})
		for _, err := range errs {
			t.wantErr("CreateCredential or Revoke", err, nil)
		}
		for _, c := range created {
			c.Revoked = true
			t.wantStored(s, "what was created while its family was revoked", c)
		}
	}
}

// raceCancel ends the context at later and later moments of a Spend. With every
// result of Spend, old must be spent if and only if next is there.
func raceCancel(t *tester, s storage.Credentials) {
	moment := 5 * time.Microsecond
	for range 60 {
		c := newCredential()
		old, next := spending(t.created(s, c)), successor(c)
		ctx, cancel := context.WithTimeout(t.ctx, moment)
		err := s.Spend(ctx, old, next, now())
		cancel()
		if len(verdicts(err)) > 0 {
			t.Errorf("Spend that was cancelled under way: got %v, which is a verdict", err)
		}
		spent, added := t.spentAndAdded(s, c, next)
		if spent != added || (err == nil && !spent) {
			t.Errorf("Spend that was cancelled under way and returned %v: old is spent: %t, next is there: %t", err, spent, added)
		}
		moment += moment / 6
	}
}

// spentAndAdded looks twice if it has to: a server may go on with a statement
// that its client has given up, and complete it between the two reads. It does
// so once.
func (t *tester) spentAndAdded(s storage.Credentials, old, next *storage.Credential) (spent, added bool) {
	t.Helper()
	for range 2 {
		_, err := s.Credential(t.ctx, next.Digest)
		added = !errors.Is(err, storage.ErrNotFound)
		spent = t.find(s, old.Digest).Spent()
		if spent == added {
			break
		}
	}
	return spent, added
}
