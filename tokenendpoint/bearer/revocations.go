package bearer

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/nils"
)

// CachedRevocations remembers for a stated time that a token is not revoked, so that
// not every request waits for a store. A host that revokes in this process calls
// [CachedRevocations.Forget] afterwards, and the revocation works at once. A
// revocation by another replica works here after the stated time at most.
//
// It is safe for concurrent use. Only [CacheRevocations] makes a working one.
type CachedRevocations struct {
	store     Revocations
	staleness time.Duration
	epoch     atomic.Uint64
	answers   *table[question, answer]
}

var _ Revocations = (*CachedRevocations)(nil)

// question identifies a token to the store.
type question struct{ id, family string }

// answer is the answer of the store.
type answer struct {
	revoked bool
	epoch   uint64    // before the question
	asked   time.Time // before the question, too
}

const (
	// rememberedAnswers is how many answers are remembered: three mebibytes of UUIDs.
	rememberedAnswers = 1 << 14
	// maxQuestion bounds the identifiers of a token whose answer is remembered, in
	// bytes.
	maxQuestion = 256
)

// CacheRevocations returns a [Revocations] that asks a store, and asks again when the
// answer is as old as staleness: over zero, and at most a minute. An error is never
// remembered. The answer that a token is revoked is remembered as long as there is
// room: a revoked token does not become good again.
func CacheRevocations(store Revocations, staleness time.Duration) (*CachedRevocations, error) {
	var faults faults
	if nils.Is(store) {
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
		answers:   newTable[question, answer](rememberedAnswers),
	}, nil
}

// Revoked implements [Revocations].
func (c *CachedRevocations) Revoked(ctx context.Context, id, family string) (bool, error) {
	s := question{id, family}
	// Both are read before the question. The answer may be older than a revocation if
	// it was on its way when Forget was called, or took long. time.Now is read here
	// since it only measures a duration, and this clock cannot be set back.
	epoch, now := c.epoch.Load(), time.Now()
	if a, ok := c.answers.get(s); ok && (a.revoked || a.epoch == epoch && now.Sub(a.asked) < c.staleness) {
		return a.revoked, nil
	}
	revoked, err := c.store.Revoked(ctx, id, family)
	if err != nil {
		return false, err
	}
	if len(id)+len(family) <= maxQuestion {
		c.answers.put(s, answer{revoked, epoch, now})
	}
	return revoked, nil
}

// Forget makes c ask its store again about every token that was not revoked. Call it
// after a revocation has returned, even with an error: the store may have revoked all
// the same.
func (c *CachedRevocations) Forget() { c.epoch.Add(1) }
