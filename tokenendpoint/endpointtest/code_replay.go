package endpointtest

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

func g14(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	f.Spellings(func(as testbed.Spelling) {
		for _, p := range []*testbed.Party{f.C1, f.Pub} {
			code := f.Code(p)
			f.Send(as(f.Redeem(p, code))).Tokens()
			for range 3 {
				f.ChangesNothing(func() { f.Send(as(f.Redeem(p, code))).Refused("invalid_grant") })
			}
		}
	})
}

// g15 replays without a window, so that a store whose clock cannot be moved
// shows the consequences.
func g15(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.CodeReuseWindow(-1))
	f.Spellings(func(as testbed.Spelling) {
		for _, p := range []*testbed.Party{f.C1, f.Pub} {
			code := f.Code(p)
			first := f.Send(as(f.Redeem(p, code))).Tokens()
			second := f.Send(testbed.Refresh(p, first.RefreshToken)).Tokens()
			replayEnds(f, as(f.Redeem(p, code)), code)
			for _, token := range []string{first.RefreshToken, second.RefreshToken} {
				f.Send(as(testbed.Refresh(p, token))).Refused("invalid_grant")
			}
		}
		// The end of one family is not the end of another of the same user.
		other := f.RefreshToken(f.C1)
		code := f.Code(f.C1)
		f.Send(as(f.Redeem(f.C1, code))).Tokens()
		replayEnds(f, as(f.Redeem(f.C1, code)), code)
		f.Send(as(testbed.Refresh(f.C1, other))).Tokens()
	})
}

// replayEnds asserts that a replay is refused and ends the family of code.
func replayEnds(f *testbed.Fixture, r *testbed.Request, code string) {
	f.Helper()
	f.Send(r).Refused("invalid_grant")
	record := f.Stored(testbed.CodeDigest(code))
	if !record.Revoked {
		f.Errorf("the family of a replayed code is not revoked")
	}
	f.Outcome(tokenendpoint.Replayed)
	if e := f.LastEvent(); e.Family != record.Family {
		f.Errorf("the event names the family %q, want %q", e.Family, record.Family)
	}
}

func g15Timed(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	code := f.Code(f.C1)
	got := f.Send(f.Redeem(f.C1, code)).Tokens()
	time.Sleep(3 * time.Second)
	replayEnds(f, f.Redeem(f.C1, code), code)
	f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Refused("invalid_grant")
}

func g16(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.CodeReuseWindow(-1))
	right := func(code string) *testbed.Request { return f.Redeem(f.C1, code) }
	for name, wrong := range map[string]struct {
		change func(*testbed.Request) *testbed.Request
		check  func(*testbed.Reply)
	}{
		"wrong verifier": {func(r *testbed.Request) *testbed.Request {
			return r.With("code_verifier", testbed.Challenge(testbed.Verifier))
		}, testbed.WantCode("invalid_grant")},
		"verifier missing":        {func(r *testbed.Request) *testbed.Request { return r.Without("code_verifier") }, testbed.WantCode("invalid_grant")},
		"wrong redirect_uri":      {func(r *testbed.Request) *testbed.Request { return r.With("redirect_uri", "https://c1.test/") }, testbed.WantCode("invalid_grant")},
		"redirect_uri missing":    {func(r *testbed.Request) *testbed.Request { return r.Without("redirect_uri") }, testbed.WantCode("invalid_request")},
		"a resource not granted":  {func(r *testbed.Request) *testbed.Request { return r.With("resource", "https://elsewhere.test") }, testbed.WantCode("invalid_target")},
		"a resource that is none": {func(r *testbed.Request) *testbed.Request { return r.With("resource", "elsewhere") }, testbed.WantCode("invalid_target")},
		"as c2":                   {func(r *testbed.Request) *testbed.Request { return r.By(f.C2) }, testbed.WantCode("invalid_grant")},
		"as a public client":      {func(r *testbed.Request) *testbed.Request { return r.Unsigned().By(f.Pub) }, testbed.WantCode("invalid_grant")},
		"unauthenticated":         {func(r *testbed.Request) *testbed.Request { return r.Unsigned().With("client_id", f.C1.ID) }, (*testbed.Reply).Unauthorized},
		"with a wrong secret":     {func(r *testbed.Request) *testbed.Request { return r.Basic(f.C1.ID, "wrong-secret") }, (*testbed.Reply).Unauthorized},
		"with one letter wrong":   {func(r *testbed.Request) *testbed.Request { return r.Basic(f.C1.ID, f.C1.Secret+"x") }, (*testbed.Reply).Unauthorized},
	} {
		f.Sub(name, func() {
			f.Spellings(func(as testbed.Spelling) {
				code := f.Code(f.C1)
				got := f.Send(right(code)).Tokens()
				f.ChangesNothing(func() { wrong.check(f.Send(as(wrong.change(right(code))))) })
				f.Outcome(tokenendpoint.Refused)
				f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Tokens()
			})
		})
	}
}

// g17 replays a code that was redeemed, and has expired, long ago.
func g17(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	f.Spellings(func(as testbed.Spelling) {
		issued := time.Now().Add(-time.Hour)
		code := f.CodeAt(issued, f.C1)
		token := spendAt(f, issued.Add(time.Second), code)
		replayEnds(f, as(f.Redeem(f.C1, code)), code)
		f.Send(as(testbed.Refresh(f.C1, token))).Refused("invalid_grant")
	})
}

// spendAt redeems a code at another time, as the endpoint would have, and
// returns the refresh token.
func spendAt(f *testbed.Fixture, at time.Time, code string) string {
	f.Helper()
	at = at.UTC().Truncate(time.Microsecond)
	old := f.Stored(testbed.CodeDigest(code))
	secret := storage.NewSecret(grants.RefreshTokenPrefix)
	next := &storage.Credential{
		Digest:    secret.Digest(storage.KindRefreshToken),
		Kind:      storage.KindRefreshToken,
		Family:    old.Family,
		Issuer:    old.Issuer,
		ClientID:  old.ClientID,
		Subject:   old.Subject,
		Scope:     old.Scope,
		IssuedAt:  at,
		ExpiresAt: at.Add(14 * 24 * time.Hour),
		MaxUses:   101,
	}
	next.FamilyExpiresAt = at.Add(30 * 24 * time.Hour)
	old.FamilyExpiresAt = next.FamilyExpiresAt
	if err := f.Store.Store.Spend(f.Context(), old, next, at); err != nil {
		f.Fatalf("spending a code: %v", err)
	}
	return f.Secret(secret.Reveal())
}

func g17Timed(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	for _, wait := range []time.Duration{11 * time.Minute, 13 * 24 * time.Hour} {
		code := f.Code(f.C1)
		got := f.Send(f.Redeem(f.C1, code)).Tokens()
		time.Sleep(wait)
		replayEnds(f, f.Redeem(f.C1, code), code)
		f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Refused("invalid_grant")
	}

	// A grant that is kept alive is kept under watch.
	code := f.Code(f.C1)
	token := f.Send(f.Redeem(f.C1, code)).Tokens().RefreshToken
	for range 2 {
		time.Sleep(12 * 24 * time.Hour)
		token = f.Send(testbed.Refresh(f.C1, token)).Tokens().RefreshToken
	}
	replayEnds(f, f.Redeem(f.C1, code), code)
	f.Send(testbed.Refresh(f.C1, token)).Refused("invalid_grant")

	// Past the end of the grant there is nothing to revoke, and still no token.
	code = f.Code(f.C1)
	f.Send(f.Redeem(f.C1, code)).Tokens()
	time.Sleep(31 * 24 * time.Hour)
	f.ChangesNothing(func() { f.Send(f.Redeem(f.C1, code)).Refused("invalid_grant") })
}

// g17AccessToken: a client that gets no refresh token still has an access
// token, and the replay of its code is an alarm for as long.
func g17AccessToken(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	p := f.NewClient(&storage.Client{
		ID:           uuid.NewString(),
		GrantTypes:   []string{grants.TypeAuthorizationCode},
		Scope:        []string{"read", "write"},
		RedirectURIs: []string{"https://c.test/cb"},
	})
	code := f.Code(p)
	if got := f.Send(f.Redeem(p, code)).Tokens(); got.RefreshToken != "" || got.ExpiresIn != 3600 {
		t.Errorf("got refresh token %q and expires_in %d, want none and 3600", got.RefreshToken, got.ExpiresIn)
	}
	time.Sleep(59 * time.Minute)
	replayEnds(f, f.Redeem(p, code), code)
}
