package clientauth

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/contit/oauth/grants"
)

// slots bound the processors and the memory that slow hashes take: each hash is
// computed in a slot. A slot that becomes free goes to the first lane in which a
// request waits:
//
//	proven    this very secret was verified before; nobody can guess it
//	unproven  a client that exists showed a secret that was not verified yet
//
// Within a lane, a request that shares the client or the network with the one served
// last lets the others go first. So neither one network nor guesses at one client,
// from however many networks, fill a lane for others.
//
// Decoys have no lane, nor has a better hash for a secret that is right already. They
// take a slot only while no client has one, and never more than half of the slots.
type slots struct {
	mu                 sync.Mutex
	free, taken        int // taken by clients
	decoys, mostDecoys int
	waiting            [2][]waiter // by lane, in the order in which they are served
}

// party is a client in a network: its requests wait for each other.
type party struct {
	id      string
	network netip.Prefix
}

// waiter is a party, and the channel that is closed with the hand-over of a slot.
type waiter struct {
	party
	turn chan struct{}
}

type lane int

const (
	proven lane = iota
	unproven
)

func (s *slots) open(n int) { s.free, s.mostDecoys = n, max(1, n/2) }

// take waits for a slot until patience or ctx ends.
func (s *slots) take(ctx context.Context, l lane, who party, patience <-chan time.Time) error {
	turn := s.join(l, who)
	if turn == nil {
		return nil
	}
	err := await(ctx, turn, patience)
	if err != nil && !s.quit(l, turn) {
		return nil // another request gave it a slot in the same moment
	}
	return err
}

// join takes a free slot and returns nil, or else queues up and returns a channel
// that is closed when the request gets a slot.
func (s *slots) join(l lane, who party) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free > 0 {
		s.free--
		s.taken++
		return nil
	}
	turn := make(chan struct{})
	s.waiting[l] = append(s.waiting[l], waiter{who, turn})
	return turn
}

// quit leaves the queue, and reports whether turn was still in it.
func (s *slots) quit(l lane, turn chan struct{}) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.waiting[l], func(w waiter) bool { return w.turn == turn })
	if i < 0 {
		return false
	}
	s.waiting[l] = slices.Delete(s.waiting[l], i, i+1)
	return true
}

// give hands a client's slot to the next request.
func (s *slots) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	s.handOver()
}

func (s *slots) handOver() {
	for l, queue := range s.waiting {
		if len(queue) > 0 {
			served := queue[0]
			close(served.turn)
			s.waiting[l] = slices.Delete(queue, 0, 1)
			slices.SortStableFunc(s.waiting[l], func(a, b waiter) int {
				return a.shares(served.party) - b.shares(served.party)
			})
			s.taken++
			return
		}
	}
	s.free++
}

// shares returns 1 if both parties have the same client or the same network, else 0.
func (who party) shares(other party) int {
	if who.id == other.id || who.network == other.network {
		return 1
	}
	return 0
}

// takeIdle takes a slot for a decoy or a better hash, if one may have it.
func (s *slots) takeIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken > 0 || s.decoys == s.mostDecoys {
		return false
	}
	s.free--
	s.decoys++
	return true
}

func (s *slots) giveIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decoys--
	s.handOver()
}

// wanted reports whether a request waits for a slot.
func (s *slots) wanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting[proven])+len(s.waiting[unproven]) > 0
}

// maxTurns is how many requests with one client_id from one network and with
// different secrets may wait for each other. A client has one secret, or a few.
const maxTurns = 4

// turns let one request of a party at a time come to the slots. So an attacker that
// guesses one client's secret does not keep the other clients out, and one in another
// network does not keep the client out. An identifier that no client has is treated
// alike, so that a crowd of requests cannot tell whether a client exists. The zero
// value is ready.
type turns struct {
	mu      sync.Mutex
	of      map[party]*turn
	waiting int // for a turn
}

type turn struct {
	taken chan struct{} // holds one element while a request has the turn
	here  int           // the requests that have it or wait for it
}

// enter waits for the turn of a party until patience or ctx ends. A caller that got
// the turn calls leave when done.
func (t *turns) enter(ctx context.Context, who party, patience <-chan time.Time) (leave func(), err error) {
	own, full := t.join(who)
	if full {
		return nil, busy(nil)
	}
	leave = func() { <-own.taken; t.quit(who, own) }
	select {
	case own.taken <- struct{}{}:
		return leave, nil
	default:
	}
	t.wait(1)
	defer t.wait(-1)
	select {
	case own.taken <- struct{}{}:
		return leave, nil
	case <-patience:
		err = busy(nil)
	case <-ctx.Done():
		err = busy(ctx.Err())
	}
	t.quit(who, own)
	return nil, err
}

func (t *turns) join(who party) (own *turn, full bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own, ok := t.of[who]
	if !ok {
		if t.of == nil {
			t.of = make(map[party]*turn)
		}
		own = &turn{taken: make(chan struct{}, 1)}
		t.of[who] = own
	}
	if own.here > maxTurns {
		return nil, true
	}
	own.here++
	return own, false
}

func (t *turns) quit(who party, own *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own.here--; own.here == 0 {
		delete(t.of, who)
	}
}

// wait adds n to the requests that wait.
func (t *turns) wait(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting += n
}

// wanted reports whether a request waits for a turn.
func (t *turns) wanted() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiting > 0
}

func await(ctx context.Context, turn <-chan struct{}, patience <-chan time.Time) error {
	select {
	case <-turn:
		return nil
	case <-patience:
		return busy(nil)
	case <-ctx.Done():
		return busy(ctx.Err())
	}
}

// busy is the error for a request that has waited in vain.
func busy(cause error) error {
	if cause == nil {
		return grants.TemporarilyUnavailable.Because(ErrBusy)
	}
	return grants.TemporarilyUnavailable.Because(fmt.Errorf("%w: %w", ErrBusy, cause))
}
