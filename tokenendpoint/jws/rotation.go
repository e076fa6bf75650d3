package jws

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/nils"
)

// KeySource gives a rotating [KeySet] its signing keys. [FileKeys] and [StoredKeys]
// are ready sources. A host that keeps its signing keys elsewhere, such as in a KMS,
// writes its own. A KeySet calls Keys from one goroutine at a time.
type KeySource interface {
	// Keys returns all signing keys in the order in which they sign, the oldest first. A
	// KeySet calls it at the start, and again when the set is used and its keys are
	// [Rotation.Reload] old. ctx then ends in a second, and Keys must heed it. A key
	// that comes again with the same id and public key is the same key. No other key
	// may get an id as long as the first key with it is published.
	//
	// The last key that has been published for [Rotation.Lead] signs. While there is
	// none, the previous signing key goes on, or the first key begins. So a new key
	// stands behind the others.
	//
	// A key that is left out is still published for [Rotation.Keep]. If it is the one
	// that signs, it signs until another one does. Then twice [Rotation.Lead] must
	// pass before the keys change again, unless all of them are dated: replicas find
	// the changes at different times.
	//
	// The Rotation is the one of the KeySet, with its defaults.
	Keys(ctx context.Context, r Rotation, at time.Time) ([]Key, error)
}

// KeySourceFunc is a function that is a [KeySource].
type KeySourceFunc func(ctx context.Context, r Rotation, at time.Time) ([]Key, error)

// Keys calls f.
func (f KeySourceFunc) Keys(ctx context.Context, r Rotation, at time.Time) ([]Key, error) {
	return f(ctx, r, at)
}

// Rotation holds the durations from which all times of a signing key follow. They
// must be the same on all replicas.
type Rotation struct {
	// TokenLifetime is the longest life of a token. A signing key is published that
	// long, and a little longer, after it has ceased to sign, see [Rotation.Keep]. No
	// access token of a token endpoint lives longer. If zero, one hour; at least one
	// second, at most a year.
	TokenLifetime time.Duration
	// CacheLifetime is how long verifiers may cache the JWKS, which names it as
	// max-age. A signing key begins to sign when it has been published that long and
	// a little longer, see [Rotation.Lead]. If zero, five minutes; at least one
	// second, at most a day.
	CacheLifetime time.Duration
	// Delay is the longest time between the first and the last process that sees a
	// change in the source: a mounted secret takes its time to reach every node, and
	// a database may have replicas. If zero, as long as CacheLifetime; if negative,
	// none; at most a day.
	Delay time.Duration
	// Logger is told when signing keys cannot be loaded, and when they can again. If nil,
	// slog.Default().
	Logger *slog.Logger
}

// clockSkew is the greatest difference between the clocks of replicas.
const clockSkew = 10 * time.Second

// Reload is the age at which a KeySet loads its keys again: a tenth of CacheLifetime,
// and 30 seconds at most.
func (r Rotation) Reload() time.Duration {
	return min(r.withDefaults().CacheLifetime/10, 30*time.Second)
}

// Lead is how long a signing key is published before it signs: CacheLifetime, twice
// Reload, Delay, and ten seconds in which the clocks of replicas may differ.
func (r Rotation) Lead() time.Duration { return r.complete() + r.delay() + clockSkew }

// Keep is how long a signing key is published after its successor has begun to sign,
// or after its source has left it out: TokenLifetime and twice Lead. A replica may
// learn of a successor one Lead late, and then wait another Lead for it.
func (r Rotation) Keep() time.Duration { return r.withDefaults().TokenLifetime + 2*r.Lead() }

// complete is how long after loading the loaded keys are certain to include every key
// that signs: any replica publishes a newer key for longer before it signs.
func (r Rotation) complete() time.Duration { return r.withDefaults().CacheLifetime + 2*r.Reload() }

func (r Rotation) delay() time.Duration { return max(r.withDefaults().Delay, 0) }

func (r Rotation) withDefaults() Rotation {
	if r.TokenLifetime == 0 {
		r.TokenLifetime = time.Hour
	}
	if r.CacheLifetime == 0 {
		r.CacheLifetime = 5 * time.Minute
	}
	if r.Delay == 0 {
		r.Delay = r.CacheLifetime
	}
	if r.Logger == nil {
		r.Logger = slog.Default()
	}
	return r
}

func (r Rotation) check() error {
	var faults []error
	if r.TokenLifetime < time.Second || r.TokenLifetime > 365*24*time.Hour {
		faults = append(faults, errors.New("jws: Rotation.TokenLifetime is not between 1s and a year"))
	}
	if r.CacheLifetime < time.Second || r.CacheLifetime > 24*time.Hour {
		faults = append(faults, errors.New("jws: Rotation.CacheLifetime is not between 1s and a day"))
	}
	if r.Delay > 24*time.Hour {
		faults = append(faults, errors.New("jws: Rotation.Delay is over a day"))
	}
	return errors.Join(faults...)
}

// OpenKeySet returns a KeySet whose signing keys take turns. It loads them once, so
// that a key which [NewKeySet] would refuse is found at the start. A later load
// leaves out a key with a fault, and logs it, as long as another key can sign. If a
// load fails, the set goes on with its keys for CacheLifetime and twice
// [Rotation.Reload] after they were loaded: for so long it is certain that no other
// replica signs with a key unknown to it. After that it neither signs nor verifies
// until its source answers. A set that has been idle for that long begins as at the
// start, except that the keys it knows need not wait again.
//
// It starts no goroutine. When the keys are due, one caller that uses the set loads
// them, while the others go on with the old ones. That takes this caller a second at
// most. After a failure the next attempt is five seconds away, or Reload if that is
// less.
func OpenKeySet(ctx context.Context, source KeySource, r Rotation, at time.Time) (*KeySet, error) {
	r = r.withDefaults()
	if err := r.check(); err != nil {
		return nil, err
	}
	if nils.Is(source) {
		return nil, errors.New("jws: the KeySource is nil")
	}
	var said complaint // one caller loads at a time
	s := &KeySet{rotation: r, schedule: newLive(r, func(ctx context.Context, before *schedule, at time.Time) (*schedule, error) {
		keys, err := source.Keys(ctx, r, at)
		if err != nil {
			return nil, fmt.Errorf("jws: load keys: %w", err)
		}
		if before == nil {
			before = new(schedule)
		}
		next, err := before.next(keys, r, at)
		if err != nil {
			return nil, err
		}
		if partial, ok := source.(interface{ unopened() []string }); ok {
			next.unopened = partial.unopened()
		}
		said.say(ctx, r.Logger, "signing keys are unusable, the others serve", next.faults...)
		return next, nil
	})}
	if _, err := s.schedule.get(ctx, at); err != nil {
		return nil, err
	}
	return s, nil
}
