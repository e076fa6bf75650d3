package jws

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// schedule is what a KeySet knows at a time. It does not change.
type schedule struct {
	loaded time.Time
	turns  []turn // those that the source has no more, then those that it has
	// standIn signs as long as no turn has begun: the key that signed before, or
	// the first one of all.
	standIn *privateKey
	jwks    []byte
	etag    string
}

// turn is a key and its times.
type turn struct {
	*PublicKey
	private *privateKey // nil if the key only verifies
	// dated says that the source has dated the key, so that all replicas know
	// the same times of it. The times of others are those of this process.
	dated          bool
	signsFrom      time.Time
	withdrawn      bool      // the source has it no more
	publishedUntil time.Time // zero if no end is known
}

func (t *turn) published(at time.Time) bool {
	return t.publishedUntil.IsZero() || at.Before(t.publishedUntil)
}

// signs reports whether the key has its turn some time.
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

// next makes the schedule that follows s from the keys that there are now. At
// the start s is empty.
func (s *schedule) next(keys []Key, r Rotation, at time.Time) (*schedule, error) {
	turns, err := s.prepare(keys, r, at)
	if err != nil {
		return nil, err
	}
	first := slices.IndexFunc(turns, func(t turn) bool { return t.signs() })
	if first < 0 {
		return nil, errNoKeys
	}
	next := &schedule{loaded: at, standIn: turns[first].private}
	if at.Sub(s.loaded) < r.complete() {
		// Otherwise others may have agreed on keys that this one has missed: to
		// go on with one that they have forgotten would be worse than to begin
		// anew.
		next.standIn = s.signer(at)
	}
	next.turns = append(s.withdraw(turns, next.standIn, r, at), s.close(turns, r, at)...)
	next.turns = slices.DeleteFunc(next.turns, func(t turn) bool { return !t.published(at) })
	return next, next.publish()
}

// prepare returns the keys of a source with the times at which they begin.
func (s *schedule) prepare(keys []Key, r Rotation, at time.Time) ([]turn, error) {
	var taken ids
	var faults []error
	turns := make([]turn, 0, len(keys))
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
			if !before.withdrawn { // a process started meanwhile has not had it
				t.signsFrom = before.signsFrom
			}
		}
		turns = append(turns, t)
	}
	for _, old := range s.turns {
		// Verifiers who have cached the one would refuse what the other signs.
		same := func(t turn) bool { return t.ID() == old.ID() && !t.equal(old.PublicKey) }
		if old.published(at) && slices.ContainsFunc(turns, same) {
			faults = append(faults, fmt.Errorf("jws: the id %q is that of another key, which is still published", old.ID()))
		}
	}
	return turns, errors.Join(faults...)
}

// announced returns when a key that has not been there was published first. One
// that is said to have been published before s was loaded, is so now: it has come
// back, or its date is wrong.
func (s *schedule) announced(key Key, r Rotation, at time.Time) time.Time {
	if key.AnnouncedAt.IsZero() || key.AnnouncedAt.Add(r.delay()+clockSkew).Before(s.loaded) {
		return at
	}
	return key.AnnouncedAt
}

// withdraw returns the keys that are not among those of now. Their tokens may
// still be good, and other replicas may still sign with them.
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

// close gives the keys that the source has their ends. One that it has not dated
// has none as long as it is there: a process that has just been started may sign
// with it.
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
		// Up to now it may have been the one that signs, if the order is new.
		end := s.lastUse(r, at).Add(r.Keep())
		if !before.IsZero() && before.Before(end) {
			end = before
		}
		t.publishedUntil = later(t.publishedUntil, end)
	}
	return now
}

// lastUse is until when the keys of s may have been used by this process.
func (s *schedule) lastUse(r Rotation, at time.Time) time.Time {
	if limit := s.loaded.Add(r.complete()); limit.Before(at) {
		return limit
	}
	return at
}

// begin returns when the first of some keys begins to sign, or zero.
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
