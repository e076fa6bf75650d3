package integration_test

import (
	"cmp"
	"context"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// skewed makes a replica whose clock is right behave as one whose clock is
// ahead: it adds the skew to every instant that the replica writes, and
// subtracts it from every instant that it reads. A clock that is ahead by s
// writes t+s where another would write t, and compares its t+s with a stored
// instant x; to write t+s and to compare t with x-s comes to the same. So the
// records are those that such a replica would have written, and every decision
// about a record is the one that it would have made. This does not cover the
// instants that no store sees, iat and exp of access tokens.
type skewed struct {
	storage.Storage
	ahead time.Duration
}

func shift(d time.Duration, instants ...*time.Time) {
	for _, t := range instants {
		if !t.IsZero() {
			*t = t.Add(d)
		}
	}
}

func shiftCredential(c *storage.Credential, d time.Duration) *storage.Credential {
	if c == nil {
		return nil
	}
	c = c.Clone()
	shift(d, &c.IssuedAt, &c.ExpiresAt, &c.FamilyExpiresAt, &c.SpentAt)
	return c
}

func (s *skewed) Client(ctx context.Context, id string) (*storage.Client, error) {
	c, err := s.Storage.Client(ctx, id)
	if err != nil {
		return nil, err
	}
	for i := range c.Secrets {
		shift(-s.ahead, &c.Secrets[i].NotBefore, &c.Secrets[i].ExpiresAt)
	}
	return c, nil
}

func (s *skewed) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	k, err := s.Storage.APIKey(ctx, d)
	if err != nil {
		return nil, err
	}
	shift(-s.ahead, &k.CreatedAt, &k.ExpiresAt, &k.RevokedAt)
	return k, nil
}

func (s *skewed) CreateCredential(ctx context.Context, c *storage.Credential) error {
	return s.Storage.CreateCredential(ctx, shiftCredential(c, s.ahead))
}

func (s *skewed) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	c, err := s.Storage.Credential(ctx, d)
	return shiftCredential(c, -s.ahead), err
}

func (s *skewed) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	return s.Storage.Spend(ctx, shiftCredential(old, s.ahead), shiftCredential(next, s.ahead), at.Add(s.ahead))
}

// skewedAt starts a replica for each skew.
func (b *faultBed) skewedAt(c tuning, skews ...time.Duration) []string {
	b.Helper()
	var at []string
	for _, skew := range skews {
		at = append(at, b.newChild(c, skew).url)
	}
	return at
}

// Replicas whose clocks are up to five seconds off race with each other and
// with one whose clock is right (fault 11).
//
// A replica judges by its own clock how long ago a credential was used. So the
// windows must be wider than the clocks are apart: CodeReuseWindow, or one that
// loses a race for a code on a replica that is ahead is taken for a replay and
// ends the family, and RefreshGrace, or a refresh that is repeated there does.
// Users are then logged out for no reason, but nothing is spent twice. The other
// way around, a replica that is behind takes a replay for a repetition for as
// much longer as it is behind.
func TestFaultSkew(t *testing.T) {
	t.Parallel()
	s := on(t, sqlstore.Postgres)
	for _, tt := range []struct {
		name  string
		skew  time.Duration
		wide  tuning
		spare bool // whether the losers of races must leave the family alone
	}{
		{"5s, within wide windows", 5 * time.Second, tuning{}, true},
		{"half a second, within the default windows", 500 * time.Millisecond, tuning{Grace: 10 * time.Second, CodeWindow: 2 * time.Second}, true},
		{"5s, beyond narrow windows", 5 * time.Second, tuning{Grace: 2 * time.Second, CodeWindow: 2 * time.Second}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newFaultBed(t, s)
			at := b.skewedAt(tt.wide, -tt.skew, 0, tt.skew)
			ended, late := 0, 0
			forFaults(t, 0, func() {
				for range 6 {
					b.n.faults.Add(1) // here each race counts as a fault
					switch end, took := b.skewedRace(at); {
					// On a busy machine, a loser may come when the window is closed by
					// the clock that is ahead, and rightly ends the family.
					case end && tt.spare && took > cmp.Or(tt.wide.CodeWindow, time.Minute)-2*tt.skew:
						late++
					case end:
						ended++
					}
				}
			})
			b.n.report(t)
			b.wantOneLeaf()
			t.Logf("%d families ended, and %d in races that took too long", ended, late)
			if tt.spare && ended > 0 {
				t.Errorf("%d families were ended by who lost a race, want none", ended)
			}
			if !tt.spare && ended == 0 {
				t.Error("no family was ended: the comment of this test is out of date")
			}
		})
	}
}

// skewedRace is a race for a code and one for the refresh token that it gave. It
// reports whether they ended the family, and how long the race for the code took.
func (b *faultBed) skewedRace(at []string) (ended bool, took time.Duration) {
	b.Helper()
	code, won, token := b.newCode(), 0, ""
	began := time.Now()
	for _, r := range race(12, at, func(at string) *reply { return b.redeem(at, code) }) {
		if r.ok() {
			won, token = won+1, r.body.Refresh
		}
	}
	took = time.Since(began)
	if won != 1 {
		b.n.double(b, "a code, %d times, want once", won)
		return false, took
	}
	next := ""
	for _, r := range race(12, at, func(at string) *reply { return b.refresh(at, token) }) {
		switch {
		case !r.ok():
			ended = true
		case next != "" && r.body.Refresh != next:
			b.n.double(b, "a refresh token, with two successors")
		default:
			next = r.body.Refresh
		}
	}
	for _, url := range at {
		if b.redeem(url, code).ok() {
			b.n.double(b, "a code, by a replica that came late")
		}
	}
	return ended, took
}

// A code expires at each replica as much earlier or later as its clock is off.
// A used or revoked credential stays so, however far a clock is set back.
func TestFaultSkewedExpiry(t *testing.T) {
	t.Parallel()
	b := newFaultBed(t, on(t, sqlstore.Postgres))
	skews := []time.Duration{-time.Minute, 0, time.Minute, -time.Hour} // half a minute is enough for a busy machine
	at := b.skewedAt(tuning{}, skews...)
	for _, left := range []time.Duration{-61 * time.Minute, -90 * time.Second, -30 * time.Second, 30 * time.Second, 90 * time.Second} {
		for i, skew := range skews {
			code, _ := b.code(time.Now().Add(left))
			b.n.faults.Add(1)
			if got, want := b.redeem(at[i], code).ok(), left > skew; got != want {
				b.n.mistake(t, "a code that expires in %v, at a clock that is %v ahead: redeemed %v, want %v", left, skew, got, want)
			}
			for j := range skews {
				if left > skew && b.redeem(at[j], code).ok() {
					b.n.double(t, "a code, by a replica that is %v ahead after one that is %v ahead", skews[j], skew)
				}
			}
		}
	}
	code, record := b.code(time.Now().Add(time.Hour))
	token := b.redeem(at[1], code).body.Refresh
	if err := b.store.Revoke(t.Context(), record.Family); err != nil {
		t.Fatal(err)
	}
	for i, url := range at {
		if r := b.refresh(url, token); !r.refused() {
			b.n.mistake(t, "a revoked refresh token at a clock that is %v ahead: got status %d, want a refusal", skews[i], r.status)
		}
	}
	b.n.report(t)
}
