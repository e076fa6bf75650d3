package clientauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/contit/oauth/storage"
)

const (
	maxLive = 16          // secrets of a client: each is tried, and each has its cost
	maxWait = time.Second // for a slot: half the default time limit of a request
)

// try is one secret of a client, ready to be compared.
type try struct {
	secret      storage.ClientSecret
	hash        hash
	shown       storage.Secret // is compared with it
	fingerprint fingerprint    // the name of a slow hash in the memory
}

// match is the result of comparing the shown secret with a hash.
type match int

const (
	none      match = iota
	undecoded       // Request.Undecoded matches, which is a refusal unless the client is registered for it
	right
)

// verify compares the shown secret with every secret of the trial. It does not stop
// at the first match: its time must not tell which secret matched. The fast hashes
// come first, so that a client whose new secret has a fast hash does not pay for the
// slow hash of the old one.
func (s *Secrets) verify(ctx context.Context, t *trial, c Request) (match, error) {
	switch {
	case c.Secret.Empty() && (!t.raw || c.Undecoded.Empty()):
		return none, nil // even if a hash of "" is stored
	case len(t.secrets) > maxLive:
		return none, errManySecret
	}
	var buf [2]try // a client has one secret, or two while they are rotated
	fast, slow, fault := s.parse(t, c.ID, buf[:0])
	found, weak := none, -1
	for i, f := range fast {
		m, _ := s.compareBoth(f.hash, c) // it cannot fail: parse has read the hash
		fast[i].shown = c.Secret
		if m == undecoded && t.raw {
			m, fast[i].shown = right, c.Undecoded
		}
		if m == right && f.hash.cost.weak() {
			weak = i
		}
		found, t.compared = max(found, m), true
	}
	slow, c = t.shown(slow, c)
	if len(slow) > 0 && (t.fullCost || found != right) {
		m, err := s.verifySlow(ctx, t, slow, c)
		if errors.Is(err, ErrBusy) {
			return none, t.outage(err)
		}
		found, fault = max(found, m), errors.Join(fault, err)
	}
	if found == right {
		if weak >= 0 && !t.fullCost {
			s.upgradeFast(ctx, fast[weak], c)
		}
		return right, nil // a broken hash beside it must not lock the client out
	}
	return found, t.outage(fault)
}

// shown gives each slow hash the secret that is compared with it. For a client that does not encode
// its Basic credentials that is the secret in both readings, and then nothing is left
// that only the log would learn from: c loses Undecoded. A text that is too long for a
// hash is not compared with it.
func (t *trial) shown(slow []try, c Request) ([]try, Request) {
	for i := range slow {
		slow[i].shown = c.Secret
	}
	t.readings = 1
	if t.raw && !c.Undecoded.Empty() {
		for _, s := range slow {
			s.shown = c.Undecoded
			slow = append(slow, s)
		}
		if !c.Secret.Empty() {
			t.readings = 2
		}
		c.Undecoded = storage.Secret{}
	}
	slow = slices.DeleteFunc(slow, func(s try) bool {
		n := len(s.shown.Reveal())
		return n == 0 || n > s.hash.cost.longest()
	})
	return slow, c
}

// outage adds to the cause of an outage that the secret was compared and is not right:
// a guess that was compared must count, even beside an outage.
func (t *trial) outage(cause error) error {
	if cause == nil || !t.compared {
		return cause
	}
	wrong := errWrong
	if t.refusal != nil {
		wrong = t.refusal
	}
	if errors.Is(cause, ErrBusy) {
		return busy(fmt.Errorf("%w: %w", wrong, cause))
	}
	return fmt.Errorf("%w: %w", wrong, cause)
}

// read parses a hash, or leaves it to OtherHash.
func (s *Secrets) read(text string) (hash, error) {
	h, err := parseHash(text)
	if err != nil && errors.Is(err, errUnknownHash) && s.OtherHash != nil {
		return parseOther(text)
	}
	return h, err
}

// parse reads the hashes of a trial, and appends the fast ones to fast. The error
// names those that cannot be read, which are left out.
func (s *Secrets) parse(t *trial, id string, fast []try) (_, slow []try, fault error) {
	for _, secret := range t.secrets {
		h, err := s.read(secret.Hash)
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
		t.profile = s.decoys.learn(fast, slow, t.raw)
	}
	return fast, slow, fault
}

// recordFault names the broken record. The error goes to the log only.
func recordFault(clientID, secretID string, err error) error {
	return fmt.Errorf("%w: secret %q of client %q: %w", ErrBrokenRecord, secretID, clientID, err)
}

// verifySlow asks the memory before it hashes. It calls Upgrade after it has left its
// slot to the next request.
func (s *Secrets) verifySlow(ctx context.Context, t *trial, slow []try, c Request) (match, error) {
	for i := range slow {
		slow[i].fingerprint = fingerprintOf(&s.key, c.ID, slow[i].secret.Hash, slow[i].shown.Reveal())
	}
	if s.recall(slow, c.Time) == remembered && !t.fullCost {
		return right, nil
	}
	found, upgrades, err := s.hashInTurn(ctx, t, slow, c)
	for _, u := range upgrades {
		s.Upgrade(ctx, u)
	}
	return found, err
}

// hashInTurn waits until the slow hashes of the trial may be computed.
func (s *Secrets) hashInTurn(ctx context.Context, t *trial, slow []try, c Request) (found match, upgrades []Rehash, err error) {
	leave, err := s.inFlight.enter(ctx, shownFrom{slow[0].fingerprint, c.Network})
	if err != nil {
		return none, nil, busy(err)
	}
	defer leave()
	// If many requests came with the same secret, one has hashed while the others
	// waited.
	known := s.recall(slow, c.Time)
	if known == remembered && !t.fullCost {
		return right, nil, nil
	}
	patience := time.NewTimer(maxWait)
	defer patience.Stop()
	lane := proven
	if known == unfamiliar {
		lane = unproven
		leave, err := s.turns.enter(ctx, party{c.ID, c.Network}, patience.C)
		if err != nil {
			return none, nil, err
		}
		defer leave()
	}
	if t.known {
		if err := s.slots.take(ctx, lane, party{c.ID, c.Network}, patience.C); err != nil {
			return none, nil, err
		}
		defer s.slots.give()
		if !t.fullCost && s.recall(slow, c.Time) == remembered {
			return right, nil, nil // verified meanwhile for another network
		}
		return s.hashSlow(ctx, t, slow, c)
	}
	// A decoy is hashed only to take time. If the hash would cost other clients their
	// turn, the request waits for that time instead.
	if c.Crowded || !s.slots.takeIdle() {
		t.profile.pretend(ctx, s.rounds(c)*t.readings)
		return none, nil, nil
	}
	defer s.slots.giveIdle()
	return s.hashSlow(ctx, t, slow, c)
}

func (s *Secrets) hashSlow(ctx context.Context, t *trial, slow []try, c Request) (found match, upgrades []Rehash, fault error) {
	start := time.Now() // it measures how long the hashes take; c.Time is the clock
	if err := ctx.Err(); err != nil {
		return none, nil, fmt.Errorf("clientauth: %w", err) // the client has gone
	}
	// From here all of them are compared. Otherwise an attacker that hangs up in
	// between would have a part of its guess checked for free.
	for _, try := range slow {
		ok, err := s.compare(try.hash, try.shown)
		if err != nil {
			fault = errors.Join(fault, recordFault(c.ID, try.secret.ID, err))
			continue
		}
		t.compared = true
		if !ok {
			continue
		}
		found = right
		if t.fullCost {
			continue // the request is refused all the same: remember and improve nothing
		}
		s.verified.add(try.fingerprint, c.Time)
		if s.Upgrade == nil || !try.hash.cost.weak() {
			continue
		}
		if better, ok := s.better(try, c); ok {
			upgrades = append(upgrades, better)
		}
	}
	if len(upgrades) == 0 {
		t.profile.took(len(slow), t.readings, time.Since(start))
	}
	if (t.fullCost || found != right) && s.rounds(c) > 1 {
		for _, try := range slow {
			if ok, _ := s.compare(try.hash, c.Undecoded); ok { // fault has its error already
				found = max(found, undecoded)
			}
		}
	}
	return found, upgrades, fault
}

// better makes a better hash of a secret that was just verified, and remembers it.
func (s *Secrets) better(t try, c Request) (Rehash, bool) {
	hash, err := Hash(t.shown)
	if err != nil {
		return Rehash{}, false // it is longer than a slow hash takes
	}
	s.verified.add(fingerprintOf(&s.key, c.ID, hash, t.shown.Reveal()), c.Time)
	return Rehash{ClientID: c.ID, SecretID: t.secret.ID, Old: t.secret.Hash, New: hash}, true
}

// upgradeFast calls Upgrade for a secret that was verified against a fast hash. The
// better hash is slow, so it takes a slot that no client wants. If there is none, a
// later request makes it. The memory tells that a request has.
func (s *Secrets) upgradeFast(ctx context.Context, t try, c Request) {
	if s.Upgrade == nil {
		return
	}
	t.fingerprint = fingerprintOf(&s.key, c.ID, t.secret.Hash, t.shown.Reveal())
	if s.verified.recall(t.fingerprint, c.Time) == remembered || !s.slots.takeIdle() {
		return
	}
	rehash, ok := func() (Rehash, bool) {
		defer s.slots.giveIdle()
		s.verified.add(t.fingerprint, c.Time)
		return s.better(t, c)
	}()
	if ok {
		s.Upgrade(ctx, rehash)
	}
}

// rounds is how often the slow hashes of a wrong secret are computed: a second time
// for Request.Undecoded, unless a request waits for a slot or a turn. Only the log
// gains from the second round.
func (s *Secrets) rounds(c Request) int {
	if c.Undecoded.Empty() || s.slots.wanted() || s.turns.wanted() {
		return 1
	}
	return 2
}

// recall returns the best that the memory knows of these secrets.
func (s *Secrets) recall(slow []try, at time.Time) familiarity {
	known := unfamiliar
	for _, try := range slow {
		known = max(known, s.verified.recall(try.fingerprint, at))
	}
	return known
}

// compareBoth compares both readings of the shown secret: decoded, and as it stood in
// the header.
func (s *Secrets) compareBoth(h hash, c Request) (found match, err error) {
	ok, err := s.compare(h, c.Secret)
	if ok {
		found = right
	}
	if !c.Undecoded.Empty() {
		if ok, _ := s.compare(h, c.Undecoded); ok {
			found = max(found, undecoded)
		}
	}
	return found, err
}

// compare is the only place where hashes are computed for a request. A secret that is
// too long to match, or empty, is not hashed, nor for decoys.
func (s *Secrets) compare(h hash, secret storage.Secret) (bool, error) {
	if secret.Empty() || h.cost.slow() && len(secret.Reveal()) > h.cost.longest() {
		return false, nil
	}
	if s.observe != nil {
		s.observe(h.cost)
	}
	if h.cost.other() {
		return s.OtherHash(h.text, secret)
	}
	return h.matches(secret)
}
