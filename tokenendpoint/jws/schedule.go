package jws

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// schedule is what a KeySet knows at a time. It does not change.
type schedule struct {
	keys   []turn       // in the order in which they sign
	others []*PublicKey // published, and never sign
	jwks   []byte
	etag   string
}

// turn is a signing key and its times.
type turn struct {
	*privateKey
	signsFrom      time.Time // the first key signs before it, too
	publishedUntil time.Time // zero: while nothing follows it
}

func (t *turn) published(at time.Time) bool {
	return t.publishedUntil.IsZero() || at.Before(t.publishedUntil)
}

// signer returns the last key that has begun to sign, or else the first.
func (s *schedule) signer(at time.Time) *privateKey {
	for i := len(s.keys) - 1; i > 0; i-- {
		if !at.Before(s.keys[i].signsFrom) {
			return s.keys[i].privateKey
		}
	}
	return s.keys[0].privateKey
}

var errNoKeys = errors.New("jws: the KeySource has no keys")

// next makes the schedule that follows s, which is nil at the start, from the
// keys that there are now.
func (s *schedule) next(keys []Key, r Rotation, at time.Time) (*schedule, error) {
	if len(keys) == 0 {
		return nil, errNoKeys
	}
	var before []turn
	if s != nil {
		before = s.keys
	}
	now, err := prepare(keys, before, r.Lead(), at)
	if err != nil {
		return nil, err
	}
	next := &schedule{keys: timed(ordered(before, now, at), r.Keep(), at)}
	return next, next.publish()
}

// prepare returns the keys of a source with the times at which they sign. One
// without a time that is there at the start has always been there; one that
// turns up later has been announced now.
func prepare(keys []Key, before []turn, lead time.Duration, at time.Time) ([]turn, error) {
	var taken ids
	var faults []error
	turns := make([]turn, 0, len(keys))
	for i, key := range keys {
		k, err := taken.addKey(fmt.Sprintf("key %d", i), key, before)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		t := turn{privateKey: k, signsFrom: at}
		if !key.AnnouncedAt.IsZero() {
			t.signsFrom = key.AnnouncedAt.Add(lead)
		} else if before != nil {
			t.signsFrom = at.Add(lead)
		}
		turns = append(turns, t)
	}
	return turns, errors.Join(faults...)
}

// ordered puts before the keys of now those that the source no longer has, and
// whose tokens may still be good: all that have signed.
func ordered(before, now []turn, at time.Time) []turn {
	var withdrawn []turn
	last := -1 // the place of the last of them
	for i, t := range before {
		if signed := i == 0 || !at.Before(t.signsFrom); signed && find(now, t) < 0 {
			withdrawn, last = append(withdrawn, t), i
		}
	}
	for i := range now {
		switch place := find(before, now[i]); {
		case place < 0:
		case place < last: // its turn was over, and comes again
			now[i].signsFrom = at
		default:
			now[i].signsFrom = before[place].signsFrom
		}
	}
	return append(withdrawn, now...)
}

func find(turns []turn, t turn) int {
	return slices.IndexFunc(turns, func(u turn) bool { return u.privateKey == t.privateKey })
}

// timed gives each key but the last its end, and leaves out what is past it. A
// key never begins before the one it follows.
func timed(turns []turn, keep time.Duration, at time.Time) []turn {
	for i := 1; i < len(turns); i++ {
		if turns[i].signsFrom.Before(turns[i-1].signsFrom) {
			turns[i].signsFrom = turns[i-1].signsFrom
		}
		turns[i-1].publishedUntil = turns[i].signsFrom.Add(keep)
	}
	turns[len(turns)-1].publishedUntil = time.Time{} // nothing follows it
	return slices.DeleteFunc(turns, func(t turn) bool { return !t.published(at) })
}
