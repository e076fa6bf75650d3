package endpointtest

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

func g14(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.spellings(func(as spelling) {
		for _, p := range []*party{f.c1, f.pub} {
			code := f.code(p)
			f.send(as(f.redeem(p, code))).tokens()
			for range 3 {
				f.changesNothing(func() { f.send(as(f.redeem(p, code))).refused("invalid_grant") })
			}
		}
	})
}

// g15 replays without a window, so that a store whose clock cannot be moved
// shows the consequences.
func g15(t *testing.T, open opener) {
	f := newFixture(t, open, codeReuseWindow(-1))
	f.spellings(func(as spelling) {
		for _, p := range []*party{f.c1, f.pub} {
			code := f.code(p)
			first := f.send(as(f.redeem(p, code))).tokens()
			second := f.send(refresh(p, first.refreshToken)).tokens()
			f.replayEnds(as(f.redeem(p, code)), code)
			for _, token := range []string{first.refreshToken, second.refreshToken} {
				f.send(as(refresh(p, token))).refused("invalid_grant")
			}
		}
		// The end of one family is not the end of another of the same user.
		other := f.refreshToken(f.c1)
		code := f.code(f.c1)
		f.send(as(f.redeem(f.c1, code))).tokens()
		f.replayEnds(as(f.redeem(f.c1, code)), code)
		f.send(as(refresh(f.c1, other))).tokens()
	})
}

// replayEnds asserts that a replay is refused and ends the family of code.
func (f *fixture) replayEnds(r *request, code string) {
	f.Helper()
	f.send(r).refused("invalid_grant")
	record := f.stored(codeDigest(code))
	if !record.Revoked {
		f.Errorf("the family of a replayed code is not revoked")
	}
	f.outcome(tokenendpoint.Replayed)
	if e := f.lastEvent(); e.Family != record.Family {
		f.Errorf("the event names the family %q, want %q", e.Family, record.Family)
	}
}

func g15Timed(t *testing.T, open opener) {
	f := newTimed(t, open)
	code := f.code(f.c1)
	got := f.send(f.redeem(f.c1, code)).tokens()
	time.Sleep(3 * time.Second)
	f.replayEnds(f.redeem(f.c1, code), code)
	f.send(refresh(f.c1, got.refreshToken)).refused("invalid_grant")
}

func g16(t *testing.T, open opener) {
	f := newFixture(t, open, codeReuseWindow(-1))
	right := func(code string) *request { return f.redeem(f.c1, code) }
	for name, wrong := range map[string]struct {
		change func(*request) *request
		check  func(*reply)
	}{
		"wrong verifier":          {func(r *request) *request { return r.with("code_verifier", challenge(verifier)) }, wantCode("invalid_grant")},
		"verifier missing":        {func(r *request) *request { return r.without("code_verifier") }, wantCode("invalid_grant")},
		"wrong redirect_uri":      {func(r *request) *request { return r.with("redirect_uri", "https://c1.test/") }, wantCode("invalid_grant")},
		"redirect_uri missing":    {func(r *request) *request { return r.without("redirect_uri") }, wantCode("invalid_request")},
		"a resource not granted":  {func(r *request) *request { return r.with("resource", "https://elsewhere.test") }, wantCode("invalid_target")},
		"a resource that is none": {func(r *request) *request { return r.with("resource", "elsewhere") }, wantCode("invalid_target")},
		"as c2":                   {func(r *request) *request { return r.by(f.c2) }, wantCode("invalid_grant")},
		"as a public client":      {func(r *request) *request { return r.unsigned().by(f.pub) }, wantCode("invalid_grant")},
		"unauthenticated":         {func(r *request) *request { return r.unsigned().with("client_id", f.c1.id) }, (*reply).unauthorized},
		"with a wrong secret":     {func(r *request) *request { return r.basic(f.c1.id, "wrong-secret") }, (*reply).unauthorized},
		"with one letter wrong":   {func(r *request) *request { return r.basic(f.c1.id, f.c1.secret+"x") }, (*reply).unauthorized},
	} {
		f.sub(name, func() {
			f.spellings(func(as spelling) {
				code := f.code(f.c1)
				got := f.send(right(code)).tokens()
				f.changesNothing(func() { wrong.check(f.send(as(wrong.change(right(code))))) })
				f.outcome(tokenendpoint.Refused)
				f.send(refresh(f.c1, got.refreshToken)).tokens()
			})
		})
	}
}

// g17 replays a code that was redeemed, and has expired, long ago.
func g17(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.spellings(func(as spelling) {
		issued := time.Now().Add(-time.Hour)
		code := f.codeAt(issued, f.c1)
		token := f.spendAt(issued.Add(time.Second), code)
		f.replayEnds(as(f.redeem(f.c1, code)), code)
		f.send(as(refresh(f.c1, token))).refused("invalid_grant")
	})
}

// spendAt redeems a code at another time, as the endpoint would have, and
// returns the refresh token.
func (f *fixture) spendAt(at time.Time, code string) string {
	f.Helper()
	at = at.UTC().Truncate(time.Microsecond)
	old := f.stored(codeDigest(code))
	secret := storage.NewSecret(grants.RefreshTokenPrefix)
	next := &storage.Credential{
		Digest:    secret.Digest(storage.KindRefreshToken),
		Kind:      storage.KindRefreshToken,
		Family:    old.Family,
		ClientID:  old.ClientID,
		Subject:   old.Subject,
		Scope:     old.Scope,
		IssuedAt:  at,
		ExpiresAt: at.Add(14 * 24 * time.Hour),
		MaxUses:   101,
	}
	next.FamilyExpiresAt = at.Add(30 * 24 * time.Hour)
	old.FamilyExpiresAt = next.FamilyExpiresAt
	if err := f.store.Store.Spend(f.Context(), old, next, at); err != nil {
		f.Fatalf("spending a code: %v", err)
	}
	return f.secret(secret.Reveal())
}

func g17Timed(t *testing.T, open opener) {
	f := newTimed(t, open)
	for _, wait := range []time.Duration{11 * time.Minute, 13 * 24 * time.Hour} {
		code := f.code(f.c1)
		got := f.send(f.redeem(f.c1, code)).tokens()
		time.Sleep(wait)
		f.replayEnds(f.redeem(f.c1, code), code)
		f.send(refresh(f.c1, got.refreshToken)).refused("invalid_grant")
	}

	// A grant that is kept alive is kept under watch.
	code := f.code(f.c1)
	token := f.send(f.redeem(f.c1, code)).tokens().refreshToken
	for range 2 {
		time.Sleep(12 * 24 * time.Hour)
		token = f.send(refresh(f.c1, token)).tokens().refreshToken
	}
	f.replayEnds(f.redeem(f.c1, code), code)
	f.send(refresh(f.c1, token)).refused("invalid_grant")

	// Past the end of the grant there is nothing to revoke, and still no token.
	code = f.code(f.c1)
	f.send(f.redeem(f.c1, code)).tokens()
	time.Sleep(31 * 24 * time.Hour)
	f.changesNothing(func() { f.send(f.redeem(f.c1, code)).refused("invalid_grant") })
}

// g17AccessToken: a client that gets no refresh token still has an access
// token, and the replay of its code is an alarm for as long.
func g17AccessToken(t *testing.T, open opener) {
	f := newTimed(t, open)
	p := f.newClient(&storage.Client{
		ID:           uuid.NewString(),
		GrantTypes:   []string{grants.TypeAuthorizationCode},
		Scope:        []string{"read", "write"},
		RedirectURIs: []string{"https://c.test/cb"},
	})
	code := f.code(p)
	if got := f.send(f.redeem(p, code)).tokens(); got.refreshToken != "" || got.expiresIn != 3600 {
		t.Errorf("got refresh token %q and expires_in %d, want none and 3600", got.refreshToken, got.expiresIn)
	}
	time.Sleep(59 * time.Minute)
	f.replayEnds(f.redeem(p, code), code)
}
