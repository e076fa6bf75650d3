package jws

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/document"
)

// schedule is the knowledge of a KeySet at a time. It does not change.
type schedule struct {
	loaded time.Time
	turns  []turn // first the withdrawn keys, then the keys of the source
	// standIn signs as long as no turn has begun: the key that signed before, or the
	// first one of all.
	standIn *privateKey
	// unopened are the ids of keys that are there and that this process cannot open.
	unopened []string
	// faults are the faults of the keys that were left out.
	faults []error
	jwks   document.Document
}

// turn is a key and its times.
//
//	announced        signsFrom         signsFrom of the next turn      publishedUntil
//	    │                │                          │                         │
//	    ├───── Lead ─────┼──── signer returns it ───┼───────── Keep ──────────┤
//	    └────────────────┴────── it is in the JWKS ─┴─────────────────────────┘
//
// A key that its source leaves out is withdrawn: its Keep begins at once, or when the
// next turn begins if it is the one that signs.
type turn struct {
	*PublicKey
	private *privateKey // nil if the key only verifies
	// dated says that the source has dated the key. Then all replicas know the same
	// times of it. The times of an undated key belong to this process.
	dated          bool
	signsFrom      time.Time
	withdrawn      bool      // the source has it no more
	publishedUntil time.Time // zero if no end is known
}

func (t *turn) published(at time.Time) bool {
	return t.publishedUntil.IsZero() || at.Before(t.publishedUntil)
}

// signs reports whether the key ever has a turn.
func (t *turn) signs() bool { return t.private != nil && !t.withdrawn }

// signer returns the last key that has begun to sign.
func (s *schedule) signer(at time.Time) *privateKey {
	for i := len(s.turns) - 1; i >= 0; i-- {
		if t := &s.turns[i]; t.signs() && !at.Before(t.signsFrom) {
			return t.private
		}
	}
	return s.standIn
}

func (s *schedule) find(k *PublicKey) *turn {
	i := slices.IndexFunc(s.turns, func(t turn) bool { return t.equal(k) })
	if i < 0 {
		return nil
	}
	return &s.turns[i]
}

var errNoKeys = errors.New("jws: the KeySource has no key that can sign")

// next makes the schedule that follows s from the present keys. At the start s is
// empty, and a key with a fault is an error. Later it is left out, as long as another
// key can sign.
func (s *schedule) next(keys []Key, r Rotation, at time.Time) (*schedule, error) {
	turns, faults := s.prepare(keys, r, at)
	first := slices.IndexFunc(turns, func(t turn) bool { return t.signs() })
	switch {
	case len(faults) > 0 && (s.turns == nil || first < 0):
		return nil, errors.Join(faults...)
	case first < 0:
		return nil, errNoKeys
	}
	next := &schedule{loaded: at, standIn: turns[first].private, faults: faults}
	if at.Sub(s.loaded) < r.complete() {
		// Otherwise the other replicas may have agreed on keys that this one has
		// missed. To go on with a key that they have forgotten would be worse than to
		// begin anew.
		next.standIn = s.signer(at)
	}
	next.turns = append(s.withdraw(turns, next.standIn, r, at), s.close(turns, r, at)...)
	next.turns = slices.DeleteFunc(next.turns, func(t turn) bool { return !t.published(at) })
	return next, next.publish()
}

// prepare returns the keys of a source with the times at which they begin, and the
// faults of those that it leaves out.
func (s *schedule) prepare(keys []Key, r Rotation, at time.Time) (turns []turn, faults []error) {
	var taken ids
	turns = make([]turn, 0, len(keys))
	for i, key := range keys {
		name := fmt.Sprintf("key %d", i)
		t, err := taken.addKey(name, key, s)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		t.dated = !key.AnnouncedAt.IsZero()
		t.signsFrom = s.announced(key, r, at).Add(r.Lead())
		if before := s.find(t.PublicKey); before != nil {
			t.publishedUntil = before.publishedUntil
			if !before.withdrawn { // a process started meanwhile does not know it
				t.signsFrom = before.signsFrom
			}
		}
		turns = append(turns, t)
	}
	for _, old := range s.turns {
		// A verifier that has cached one of them would refuse the tokens of the
		// other.
		same := func(t turn) bool { return t.ID() == old.ID() && !t.equal(old.PublicKey) }
		n := len(turns)
		if old.published(at) {
			turns = slices.DeleteFunc(turns, same)
		}
		if len(turns) < n {
			faults = append(faults, fmt.Errorf("jws: the id %q belongs to another key, which is still published", old.ID()))
		}
	}
	return turns, faults
}

// announced returns when a new key was first published. If its date lies before the
// loading of s, which did not have the key, the key counts as published now: it has
// come back, or its date is wrong.
func (s *schedule) announced(key Key, r Rotation, at time.Time) time.Time {
	if key.AnnouncedAt.IsZero() || key.AnnouncedAt.Add(r.delay()+clockSkew).Before(s.loaded) {
		return at
	}
	return key.AnnouncedAt
}

// withdraw returns the keys that are missing from now. Their tokens may still be
// good, and other replicas may still sign with them.
func (s *schedule) withdraw(now []turn, standIn *privateKey, r Rotation, at time.Time) []turn {
	var withdrawn []turn
	for _, t := range s.turns {
		if slices.ContainsFunc(now, func(u turn) bool { return u.equal(t.PublicKey) }) {
			continue
		}
		last := at
		if t.private == standIn {
			last = later(at, begin(now)) // until then it stands in
		} else if t.dated {
			last = s.lastUse(r, at)
		}
		if end := last.Add(r.Keep()); t.publishedUntil.IsZero() || end.Before(t.publishedUntil) || t.private == standIn {
			t.publishedUntil = end
		}
		t.withdrawn = true
		withdrawn = append(withdrawn, t)
	}
	return withdrawn
}

// close sets the ends of the keys that the source has. An undated key has no end as
// long as it is there: a process that has just been started may sign with it.
func (s *schedule) close(now []turn, r Rotation, at time.Time) []turn {
	for i := range now {
		t := &now[i]
		before := t.publishedUntil
		t.publishedUntil = time.Time{}
		successor := begin(now[i+1:])
		if !t.dated || t.private == nil || successor.IsZero() {
			continue
		}
		t.publishedUntil = successor.Add(r.Keep())
		if s.find(t.PublicKey) == nil {
			continue
		}
		// If the order is new, this key may have been the one that signed up to now.
		end := s.lastUse(r, at).Add(r.Keep())
		if !before.IsZero() && before.Before(end) {
			end = before
		}
		t.publishedUntil = later(t.publishedUntil, end)
	}
	return now
}

// lastUse returns until when this process may have used the keys of s.
func (s *schedule) lastUse(r Rotation, at time.Time) time.Time {
	if limit := s.loaded.Add(r.complete()); limit.Before(at) {
		return limit
	}
	return at
}

// begin returns when the first of these keys begins to sign, or zero.
func begin(turns []turn) time.Time {
	var first time.Time
	for i := range turns {
		if t := &turns[i]; t.signs() && (first.IsZero() || t.signsFrom.Before(first)) {
			first = t.signsFrom
		}
	}
	return first
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
