package clientauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

const (
	maxLive = 16 // secrets of a client: each is tried, so each costs
	maxWait = 100 * time.Millisecond
)

// try is one secret of a client, ready to be compared.
type try struct {
	secret storage.ClientSecret
	hash   hash
	mark   mark // of slow hashes: what the memory knows them by
}

// verify compares what was shown with every secret of the trial. It does not
// stop at the first that matches: the time must not tell which one that was.
// The fast ones come first, so that a client whose new secret is a drawn one
// does not pay for the slow one that it is about to replace.
func (s *Secrets) verify(ctx context.Context, t trial, c Credentials) (bool, error) {
	switch {
	case c.Secret.Empty():
		return false, nil // whatever is stored, even a hash of ""
	case len(t.secrets) > maxLive:
		return false, errManySecret
	}
	var buf [2]try // a client has one secret, or two while they are rotated
	fast, slow, fault := s.parse(t, c.ID, buf[:0])
	matched := false
	for _, f := range fast {
		ok, _ := s.compare(f.hash, c.Secret)
		matched = matched || ok
	}
	if len(slow) > 0 && (t.fresh || !matched) {
		ok, err := s.verifySlow(ctx, t, slow, c)
		if errors.Is(err, errBusy) {
			return false, err
		}
		matched, fault = matched || ok, errors.Join(fault, err)
	}
	if matched {
		return true, nil // a broken hash beside it must not lock the client out
	}
	return false, fault
}

// parse reads the hashes of a trial, and appends the fast ones to fast. The
// error is about those that cannot be read, which are left out.
func (s *Secrets) parse(t trial, id string, fast []try) (_, slow []try, fault error) {
	for _, secret := range t.secrets {
		h, err := parseHash(secret.Hash)
		switch {
		case err != nil:
			fault = errors.Join(fault, recordFault(id, secret.ID, err))
		case h.cost.slow():
			slow = append(slow, try{secret: secret, hash: h})
		default:
			fast = append(fast, try{secret: secret, hash: h})
		}
	}
	if t.known && fault == nil {
		s.decoys.learn(fast, slow)
	}
	return fast, slow, fault
}

// recordFault says which record is broken. It goes to the log only.
func recordFault(clientID, secretID string, err error) error {
	return fmt.Errorf("clientauth: secret %q of client %q: %w", secretID, clientID, err)
}

// verifySlow asks the memory before it hashes, and calls Upgrade when it is
// done and has made room for the next request.
func (s *Secrets) verifySlow(ctx context.Context, t trial, slow []try, c Credentials) (bool, error) {
	shown := c.Secret.Reveal()
	for i := range slow {
		slow[i].mark = markOf(&s.key, c.ID, slow[i].secret.Hash, shown)
	}
	if s.remembers(slow, c.Time) && !t.fresh {
		return true, nil
	}
	matched, upgrades, err := s.hashSlow(ctx, t, slow, c)
	for _, u := range upgrades {
		s.Upgrade(ctx, u)
	}
	return matched, err
}

func (s *Secrets) hashSlow(ctx context.Context, t trial, slow []try, c Credentials) (matched bool, upgrades []Rehash, fault error) {
	leave, err := s.together.enter(ctx, slow[0].mark)
	if err != nil {
		return false, nil, grants.TemporarilyUnavailable.Because(fmt.Errorf("%w: %w", errBusy, err))
	}
	defer leave()
	// Of many requests that came with the same secret, one has hashed while
	// the others waited.
	if s.remembers(slow, c.Time) && !t.fresh {
		return true, nil, nil
	}
	if err := s.acquire(ctx); err != nil {
		return false, nil, err
	}
	defer func() { <-s.slots }()
	for _, try := range slow {
		if err := ctx.Err(); err != nil {
			return matched, upgrades, fmt.Errorf("clientauth: %w", err) // nobody waits
		}
		ok, err := s.compare(try.hash, c.Secret)
		if err != nil {
			fault = errors.Join(fault, recordFault(c.ID, try.secret.ID, err))
		}
		if !ok {
			continue
		}
		matched = true
		if t.fresh {
			continue // it will be refused: nothing to remember or to improve
		}
		s.verified.add(try.mark, c.Time)
		if s.Upgrade == nil || !try.hash.cost.weak() {
			continue
		}
		if better, err := Hash(c.Secret); err == nil {
			upgrades = append(upgrades, Rehash{ClientID: c.ID, SecretID: try.secret.ID, Old: try.secret.Hash, New: better})
			s.verified.add(markOf(&s.key, c.ID, better, c.Secret.Reveal()), c.Time)
		}
	}
	return matched, upgrades, fault
}

// acquire takes a slot for slow hashes.
func (s *Secrets) acquire(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
		return nil
	default:
	}
	patience := time.NewTimer(maxWait)
	defer patience.Stop()
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-patience.C:
		return grants.TemporarilyUnavailable.Because(errBusy)
	case <-ctx.Done():
		return grants.TemporarilyUnavailable.Because(fmt.Errorf("%w: %w", errBusy, ctx.Err()))
	}
}

func (s *Secrets) remembers(slow []try, at time.Time) bool {
	found := false
	for _, try := range slow {
		found = s.verified.has(try.mark, at) || found
	}
	return found
}

// compare is the one place where hashes are computed for a request. What is too
// long to match is not hashed, for decoys neither.
func (s *Secrets) compare(h hash, secret storage.Secret) (bool, error) {
	if h.cost.slow() && len(secret.Reveal()) > h.cost.longest() {
		return false, nil
	}
	if s.observe != nil {
		s.observe(h.cost)
	}
	return h.matches(secret)
}
