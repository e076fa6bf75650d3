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
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// g20: an outage is no verdict, and half a redemption does not exist.
func g20(t *testing.T, open testbed.Opener) {
	f, l := testbed.NewLedger(t, open)
	rows := 0
	for _, method := range []string{testbed.CallClient, testbed.CallCredential, testbed.CallSpend} {
		for _, after := range []bool{false, true} {
			x := testbed.Fault{Method: method, After: after}
			f.Sub(x.String(), func() {
				f.Spellings(func(as testbed.Spelling) {
					rows += redeemThrough(f, x, l, as, rows)
				})
			})
		}
	}
}

// redeemThrough redeems a code while the store fails at x, and again after it
// has healed. It returns how many refresh tokens there are more than before.
func redeemThrough(f *testbed.Fixture, x testbed.Fault, l *testbed.Ledger, as testbed.Spelling, rows int) int {
	f.Helper()
	code := f.Code(f.C1)
	f.BreakStore(x)
	f.Send(as(f.Redeem(f.C1, code))).Unavailable()
	f.Outcome(tokenendpoint.Failed)
	f.Store.Heal()
	committed := x == testbed.Fault{Method: testbed.CallSpend, After: true}
	record, more := f.Stored(testbed.CodeDigest(code)), l.RefreshTokens(f.Context())-rows
	if record.Spent() != committed || more != map[bool]int{true: 1}[committed] || record.Revoked {
		f.Errorf("spent is %t, revoked %t, and there are %d refresh tokens more; want spent %t, not revoked, and one token for a spent code",
			record.Spent(), record.Revoked, more, committed)
	}
	if committed { // its answer is lost: the client starts over
		f.Send(as(f.Redeem(f.C1, code))).Refused("invalid_grant")
	} else {
		f.Send(as(f.Redeem(f.C1, code))).Tokens()
	}
	if more = l.RefreshTokens(f.Context()) - rows; more != 1 {
		f.Errorf("in the end there are %d refresh tokens of one code, want 1", more)
	}
	return more
}

// g20SecondLook: somebody else redeems the code between the look and the
// write, and the second look fails.
func g20SecondLook(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	code := f.Code(f.C1)
	var won string
	f.Store.Set(func(s *testbed.Spy) {
		s.Before = func(_ context.Context, method string) error {
			switch {
			case method == testbed.CallSpend:
				won = spendAt(f, time.Now(), code)
			case method == testbed.CallCredential && won != "":
				return testbed.ErrOutage
			}
			return nil
		}
	})
	f.Send(f.Redeem(f.C1, code)).Unavailable()
	f.Store.Heal()
	f.ChangesNothing(func() { f.Send(f.Redeem(f.C1, code)).Refused("invalid_grant") })
	f.Send(testbed.Refresh(f.C1, won)).Tokens()
}

// g20Revoke: the verdict about a replay is given once the family has ended.
func g20Revoke(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.CodeReuseWindow(-1))
	for _, after := range []bool{false, true} {
		x := testbed.Fault{Method: testbed.CallRevoke, After: after}
		f.Sub(x.String(), func() {
			code := f.Code(f.C1)
			got := f.Send(f.Redeem(f.C1, code)).Tokens()
			f.BreakStore(x)
			f.Send(f.Redeem(f.C1, code)).Unavailable()
			f.Outcome(tokenendpoint.Failed)
			f.Store.Heal()
			f.Send(f.Redeem(f.C1, code)).Refused("invalid_grant")
			if !f.Stored(testbed.CodeDigest(code)).Revoked {
				f.Error("the family is not revoked")
			}
			f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Refused("invalid_grant")
		})
	}
}

// g21: the host's hook has the last word, and its refusal uses nothing up.
func g21(t *testing.T, open testbed.Opener) {
	var verdict atomic.Pointer[error]
	f := testbed.New(t, open, testbed.WithGrant(grants.TypeAuthorizationCode, grants.AuthorizationCode{
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
	f.Spellings(func(as testbed.Spelling) {
		code := f.Code(f.C1)
		locked := grants.InvalidGrant.Because(errors.New("the user is locked"))
		say(locked)
		var refusal *testbed.Reply
		f.ChangesNothing(func() { refusal = f.Send(as(f.Redeem(f.C1, code))) })
		refusal.Refused("invalid_grant")
		unknown := f.Send(as(f.Redeem(f.C1, storage.NewSecret(grants.CodePrefix).Reveal())))
		f.WantAlike(map[string]*testbed.Reply{"locked user": refusal, "unknown code": unknown})
		say(testbed.ErrOutage)
		f.ChangesNothing(func() { f.Send(as(f.Redeem(f.C1, code))).Unavailable() })
		say(nil)
		f.Send(as(f.Redeem(f.C1, code))).Tokens()
	})
	f.Sub("consent withdrawn", func() {
		code := f.Code(f.C1)
		if err := f.Store.Store.Revoke(f.Context(), f.Stored(testbed.CodeDigest(code)).Family); err != nil {
			f.Fatal(err)
		}
		f.Send(f.Redeem(f.C1, code)).Refused("invalid_grant")
	})
}

func g22(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	since := func(edit func(*storage.Client)) { f.Store.Set(func(s *testbed.Spy) { s.EditClient = edit }) }
	for name, change := range map[string]struct {
		edit  func(*storage.Client)
		check func(*testbed.Reply)
	}{
		"disabled":      {func(c *storage.Client) { c.Disabled = true }, (*testbed.Reply).Unauthorized},
		"secret gone":   {func(c *storage.Client) { c.Secrets = nil }, (*testbed.Reply).Unauthorized},
		"grant removed": {func(c *storage.Client) { c.GrantTypes = []string{grants.TypeRefreshToken} }, testbed.WantCode("unauthorized_client")},
		"no grants":     {func(c *storage.Client) { c.GrantTypes = nil }, testbed.WantCode("unauthorized_client")},
	} {
		f.Sub(name, func() {
			f.Spellings(func(as testbed.Spelling) {
				code := f.Code(f.C1)
				since(change.edit)
				f.WantCalls(map[string]int{testbed.CallClient: 1}, func() { change.check(f.Send(as(f.Redeem(f.C1, code)))) })
				since(nil)
				f.Send(as(f.Redeem(f.C1, code))).Tokens()
			})
		})
	}
}
