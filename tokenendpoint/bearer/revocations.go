package bearer

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// CachedRevocations remembers for a stated time that a token is not revoked, so
// that not every request waits for a store. Whoever revokes in this process
// calls [CachedRevocations.Forget] after it; then it holds at once. What
// another replica revokes holds here after the stated time at most.
//
// It is safe for concurrent use. Only [CacheRevocations] makes one that works.
type CachedRevocations struct {
	store     Revocations
	staleness time.Duration
	epoch     atomic.Uint64
	answers   *table[subject, answer]
}

var _ Revocations = (*CachedRevocations)(nil)

// subject is what a store is asked about.
type subject struct{ id, family string }

// answer is what it said.
type answer struct {
	revoked bool
	epoch   uint64    // before the question
	asked   time.Time // before the question, too
}

const (
	// rememberedAnswers is how many answers are remembered: three mebibytes of
	// UUIDs.
	rememberedAnswers = 1 << 14
	// maxSubject bounds the identifiers of a token whose answer is remembered,
	// in bytes.
	maxSubject = 256
)

// CacheRevocations returns a [Revocations] that asks a store, and again when
// what it said is as old as staleness: over zero, and at most a minute. An error
// is never remembered. That a token is revoked is remembered as long as there is
// room: it does not become good again.
func CacheRevocations(store Revocations, staleness time.Duration) (*CachedRevocations, error) {
	var faults faults
	if isNil(store) {
		faults.add("CacheRevocations: the store is nil")
	}
	if staleness <= 0 || staleness > time.Minute {
		faults.add("CacheRevocations: the staleness is not over zero and at most a minute")
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &CachedRevocations{
		store:     store,
		staleness: staleness,
		answers:   newTable[subject, answer](rememberedAnswers),
	}, nil
}

// Revoked is that of [Revocations].
func (c *CachedRevocations) Revoked(ctx context.Context, id, family string) (bool, error) {
	s := subject{id, family}
	// Both before the question: an answer that was on its way when Forget was
	// called, or for long, may be of the time before a revocation. The clock is
	// asked here since it must not be one that can be set back.
	epoch, now := c.epoch.Load(), time.Now()
	if a, ok := c.answers.get(s); ok && (a.revoked || a.epoch == epoch && now.Sub(a.asked) < c.staleness) {
		return a.revoked, nil
	}
	revoked, err := c.store.Revoked(ctx, id, family)
	if err != nil {
		return false, err
	}
	if len(id)+len(family) <= maxSubject {
		c.answers.put(s, answer{revoked, epoch, now})
	}
	return revoked, nil
}

// Forget makes c ask its store again about every token that was not revoked.
// Call it after a revocation has returned, with an error too, which may have
// come after the fact.
func (c *CachedRevocations) Forget() { c.epoch.Add(1) }
