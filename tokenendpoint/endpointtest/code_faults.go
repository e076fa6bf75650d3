package endpointtest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// g20: an outage is no verdict, and half a redemption does not exist.
func g20(t *testing.T, open opener) {
	f, l := newLedger(t, open)
	rows := 0
	for _, method := range []string{mClient, mCredential, mSpend} {
		for _, after := range []bool{false, true} {
			x := fault{method, after}
			f.sub(x.String(), func() {
				f.spellings(func(as spelling) {
					rows += f.redeemThrough(x, l, as, rows)
				})
			})
		}
	}
}

// redeemThrough redeems a code while the store fails at x, and again after it
// has healed. It returns how many refresh tokens there are more than before.
func (f *fixture) redeemThrough(x fault, l *ledger, as spelling, rows int) int {
	f.Helper()
	code := f.code(f.c1)
	f.breakStore(x)
	f.send(as(f.redeem(f.c1, code))).unavailable()
	f.outcome(tokenendpoint.Failed)
	f.store.heal()
	committed := x == fault{mSpend, true}
	record, more := f.stored(codeDigest(code)), l.refreshTokens(f.Context())-rows
	if record.Spent() != committed || more != map[bool]int{true: 1}[committed] || record.Revoked {
		f.Errorf("spent is %t, revoked %t, and there are %d refresh tokens more; want spent %t, not revoked, and one token for a spent code",
			record.Spent(), record.Revoked, more, committed)
	}
	if committed { // its answer is lost: the client starts over
		f.send(as(f.redeem(f.c1, code))).refused("invalid_grant")
	} else {
		f.send(as(f.redeem(f.c1, code))).tokens()
	}
	if more = l.refreshTokens(f.Context()) - rows; more != 1 {
		f.Errorf("in the end there are %d refresh tokens of one code, want 1", more)
	}
	return more
}

// g20SecondLook: somebody else redeems the code between the look and the
// write, and the second look fails.
func g20SecondLook(t *testing.T, open opener) {
	f := newFixture(t, open)
	code := f.code(f.c1)
	var won string
	f.store.set(func(s *spy) {
		s.before = func(_ context.Context, method string) error {
			switch {
			case method == mSpend:
				won = f.spendAt(time.Now(), code)
			case method == mCredential && won != "":
				return errOutage
			}
			return nil
		}
	})
	f.send(f.redeem(f.c1, code)).unavailable()
	f.store.heal()
	f.changesNothing(func() { f.send(f.redeem(f.c1, code)).refused("invalid_grant") })
	f.send(refresh(f.c1, won)).tokens()
}

// g20Revoke: the verdict about a replay is given once the family has ended.
func g20Revoke(t *testing.T, open opener) {
	f := newFixture(t, open, codeReuseWindow(-1))
	for _, after := range []bool{false, true} {
		x := fault{mRevoke, after}
		f.sub(x.String(), func() {
			code := f.code(f.c1)
			got := f.send(f.redeem(f.c1, code)).tokens()
			f.breakStore(x)
			f.send(f.redeem(f.c1, code)).unavailable()
			f.outcome(tokenendpoint.Failed)
			f.store.heal()
			f.send(f.redeem(f.c1, code)).refused("invalid_grant")
			if !f.stored(codeDigest(code)).Revoked {
				f.Error("the family is not revoked")
			}
			f.send(refresh(f.c1, got.refreshToken)).refused("invalid_grant")
		})
	}
}

// g21: the host's hook has the last word, and what it says uses nothing up.
func g21(t *testing.T, open opener) {
	var verdict atomic.Pointer[error]
	f := newFixture(t, open, withGrant(grants.TypeAuthorizationCode, grants.AuthorizationCode{
		Hook: func(_ context.Context, r *grants.Request, a *grants.Authorization) error {
			if a.Subject != "u1" || r.Client.ID == "" {
				return errors.New("the hook was not told who and for whom")
			}
			if err := verdict.Load(); err != nil {
				return *err
			}
			return nil
		},
	}))
	say := func(err error) { verdict.Store(&err) }
	f.spellings(func(as spelling) {
		code := f.code(f.c1)
		locked := grants.InvalidGrant.Because(errors.New("the user is locked"))
		say(locked)
		var refusal *reply
		f.changesNothing(func() { refusal = f.send(as(f.redeem(f.c1, code))) })
		refusal.refused("invalid_grant")
		unknown := f.send(as(f.redeem(f.c1, storage.NewSecret(grants.CodePrefix).Reveal())))
		f.wantAlike(map[string]*reply{"locked user": refusal, "unknown code": unknown})
		say(errOutage)
		f.changesNothing(func() { f.send(as(f.redeem(f.c1, code))).unavailable() })
		say(nil)
		f.send(as(f.redeem(f.c1, code))).tokens()
	})
	f.sub("consent withdrawn", func() {
		code := f.code(f.c1)
		if err := f.store.Store.Revoke(f.Context(), f.stored(codeDigest(code)).Family); err != nil {
			f.Fatal(err)
		}
		f.send(f.redeem(f.c1, code)).refused("invalid_grant")
	})
}

func g22(t *testing.T, open opener) {
	f := newFixture(t, open)
	since := func(edit func(*storage.Client)) { f.store.set(func(s *spy) { s.editClient = edit }) }
	for name, change := range map[string]struct {
		edit  func(*storage.Client)
		check func(*reply)
	}{
		"disabled":      {func(c *storage.Client) { c.Disabled = true }, (*reply).unauthorized},
		"secret gone":   {func(c *storage.Client) { c.Secrets = nil }, (*reply).unauthorized},
		"grant removed": {func(c *storage.Client) { c.GrantTypes = []string{grants.TypeRefreshToken} }, wantCode("unauthorized_client")},
		"no grants":     {func(c *storage.Client) { c.GrantTypes = nil }, wantCode("unauthorized_client")},
	} {
		f.sub(name, func() {
			f.spellings(func(as spelling) {
				code := f.code(f.c1)
				since(change.edit)
				f.wantCalls(map[string]int{mClient: 1}, func() { change.check(f.send(as(f.redeem(f.c1, code)))) })
				since(nil)
				f.send(as(f.redeem(f.c1, code))).tokens()
			})
		})
	}
}
