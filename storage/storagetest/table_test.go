package storagetest_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

// table is a store as one is written in a hurry: rows that are read, judged and
// written back. With its lock it is right, and slow. With a fault it is one of
// the broken stores.
type table struct {
	*memory.Store // clients and API keys
	fault         fault

	step    sync.Mutex // held for all of a method, unless the fault is a gap
	mu      sync.Mutex // held for one access, as in a database
	rows    map[storage.Digest]*storage.Credential
	revoked map[string]bool
	tokens  map[string]time.Time
	good    map[string]bool // tokens that were not revoked when they were asked for
	waiting []func()        // writes that nobody sees yet
}

func newTable(f fault) *table {
	return &table{
		Store: new(memory.Store), fault: f,
		rows: make(map[storage.Digest]*storage.Credential), revoked: make(map[string]bool),
		tokens: make(map[string]time.Time), good: make(map[string]bool),
	}
}

// begin starts a change that should be one step, and returns the function that
// ends it.
func (s *table) begin() func() {
	switch s.fault {
	case getThenSet, revokesRowByRow, marksThenAdds, deletesWhatItSaw:
		return func() {}
	}
	s.step.Lock()
	return s.step.Unlock
}

// pause is the time that a database takes to answer. It is real, since a crowd
// that waits for nothing would hardly ever meet in the gap.
func (s *table) pause() {
	switch s.fault {
	case getThenSet, revokesRowByRow, marksThenAdds, deletesWhatItSaw:
		time.Sleep(100 * time.Microsecond)
	}
}

// ended returns the store's error for an ended context.
func (s *table) ended(ctx context.Context) error {
	switch {
	case s.fault == ignoresContext:
		return nil
	case s.fault == everyErrorIsNotFound && ctx.Err() != nil:
		return storage.ErrNotFound
	}
	return ctx.Err()
}

func (s *table) load(d storage.Digest) (*storage.Credential, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.rows[d]
	if !ok {
		return nil, false
	}
	if s.fault == sharesRecords {
		c.Revoked = s.isRevoked(c)
		return c, true
	}
	c = c.Clone()
	c.Revoked = s.isRevoked(c)
	s.spoilOut(c)
	return c, true
}

func (s *table) isRevoked(c *storage.Credential) bool {
	if s.fault == revokesRowByRow || s.fault == revokesWhatIsThere {
		return c.Revoked
	}
	if s.fault == revokesUnspent && c.Spent() {
		return false
	}
	return s.revoked[s.familyKey(c.Family)]
}

func (s *table) save(c *storage.Credential) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != sharesRecords {
		c = c.Clone()
	}
	s.spoilIn(c)
	s.rows[c.Digest] = c
}

// CreateCredential implements storage.Credentials.
func (s *table) CreateCredential(ctx context.Context, c *storage.Credential) error {
	defer s.begin()()
	if err := s.ended(ctx); err != nil {
		return err
	}
	if _, taken := s.load(c.Digest); taken && s.fault != overwrites {
		return storage.ErrExists
	}
	s.pause()
	s.save(c)
	return nil
}

// Credential implements storage.Credentials.
func (s *table) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	defer s.begin()()
	if err := s.ended(ctx); err != nil {
		return nil, err
	}
	c, ok := s.load(d)
	switch {
	case ok && s.fault == hidesExpired && c.ExpiresAt.Before(time.Now()):
		return nil, storage.ErrNotFound
	case ok:
		return c, nil
	case s.fault == notFoundIsOutage:
		return nil, errors.New("no rows in result set")
	case s.fault == alwaysFinds && len(s.rows) > 0:
		for _, c := range s.rows {
			return c.Clone(), nil
		}
	}
	return nil, storage.ErrNotFound
}

// Spend implements storage.Credentials.
func (s *table) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	defer s.begin()()
	if err := s.ended(ctx); err != nil {
		return err
	}
	c, ok := s.load(old.Digest)
	switch {
	case !ok && s.fault == overwrites:
		c = old.Clone()
	case !ok:
		return storage.ErrNotFound
	case c.Revoked && s.fault != spendsRevoked:
		return storage.ErrSpent
	}
	if old.Uses != 0 {
		return s.repeat(c, old, next)
	}
	if err := s.spendable(c, next); err != nil {
		return err
	}
	s.pause()
	s.use(c, old, at)
	if s.fault == forgetsSpent {
		s.forget(c.Digest)
	}
	s.pause()
	if err := ctx.Err(); err != nil && s.fault == marksThenAdds {
		return err
	}
	if next != nil {
		s.save(next)
	}
	return nil
}

// spendable is the question that a first use rests on.
func (s *table) spendable(c, next *storage.Credential) error {
	if c.Spent() && s.fault != lastSpendWins {
		return storage.ErrSpent
	}
	if s.fault == refusesExpired && c.ExpiresAt.Before(time.Now()) {
		return storage.ErrSpent
	}
	if next == nil {
		return nil
	}
	if _, taken := s.load(next.Digest); taken && s.fault != overwrites {
		if s.fault == spendsBeforeItLooks {
			s.use(c, c, c.IssuedAt)
		}
		return storage.ErrExists
	}
	return nil
}

func (s *table) use(c, old *storage.Credential, at time.Time) {
	if s.fault == spendNeedsNext && old.Salt == nil {
		return
	}
	c.Uses, c.SpentAt, c.Salt = 1, at, old.Salt
	if s.fault != keepsFamilyExpiry {
		c.FamilyExpiresAt = old.FamilyExpiresAt
	}
	s.save(c)
}

func (s *table) repeat(c, old, next *storage.Credential) error {
	most := c.MaxUses
	if s.fault == countsFromZero {
		most++
	}
	switch {
	case !c.Spent() && s.fault != repeatsUnspent, c.Uses >= most:
		return storage.ErrSpent
	case next != nil && s.fault == addsAgain:
		s.save(next)
	case next != nil:
		return storage.ErrSpent
	}
	s.pause()
	c.Uses++
	if s.fault == writesOldBack {
		c.Uses, c.Salt = old.Uses+1, old.Salt
	}
	s.save(c)
	return nil
}

func (s *table) forget(d storage.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rows, d)
}
