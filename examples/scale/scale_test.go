package main

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/examples/internal/blocks"
	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

func TestGuide(t *testing.T) { blocks.Guide(t, "scale", nil) }

func newSimulated(t *testing.T) *simulation {
	t.Helper()
	s, err := newSimulation(t.Context(), 4, 200)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// database returns the number of the database that a user's family lives in.
func (s *simulation) database(t *testing.T, token string) int {
	t.Helper()
	d := storage.PresentedSecret(token).Digest(storage.KindRefreshToken)
	c, err := s.spread.Credential(t.Context(), d)
	if err != nil {
		t.Fatalf("the family of a token: %v", err)
	}
	return slices.Index(s.spread, s.spread.of(c.Family))
}

// A lost database is an outage for its own families, and nothing for the others.
func TestOneDatabaseIsLost(t *testing.T) {
	s := newSimulated(t)
	const lost = 2
	var in [4]int
	for _, token := range s.tokens {
		in[s.database(t, token)]++
	}
	for i, n := range in {
		if n < 20 {
			t.Errorf("database %d has %d of 200 families", i, n)
		}
	}
	s.databases[lost].down.Store(true)
	if got, want := s.refreshAll(), (outcomes{ok: 200 - in[lost], unavailable: in[lost]}); got != want {
		t.Errorf("while database %d is down: got %+v, want %+v", lost, got, want)
	}
	unknown := storage.NewSecret("rt_").Reveal()
	if status, _ := s.post(url.Values{"grant_type": {grants.TypeRefreshToken}, "refresh_token": {unknown}}); status != http.StatusServiceUnavailable {
		t.Errorf("a token that no database knows, while one is down: got status %d, want 503", status)
	}
	s.databases[lost].down.Store(false)
	s.databases[lost].mute.Store(true)
	if got, want := s.refreshAll(), (outcomes{ok: 200 - in[lost], unavailable: in[lost]}); got != want {
		t.Errorf("while the answers of database %d are lost: got %+v, want %+v", lost, got, want)
	}
	s.databases[lost].mute.Store(false)
	if got, want := s.refreshAll(), (outcomes{ok: 200}); got != want {
		t.Errorf("when it is up again: got %+v, want %+v", got, want)
	}
	if status, _ := s.post(url.Values{"grant_type": {grants.TypeRefreshToken}, "refresh_token": {unknown}}); status != http.StatusBadRequest {
		t.Errorf("a token that no database knows: got status %d, want 400", status)
	}
}

// A database that hangs is an outage for its own families, when their requests have waited
// for Config.Timeout. The others wait for nothing.
func TestOneDatabaseHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSimulated(t)
		in := 0
		for _, token := range s.tokens {
			if s.database(t, token) == 0 {
				in++
			}
		}
		s.databases[0].hangs.Store(true)
		start := time.Now()
		if got, want := s.refreshAll(), (outcomes{ok: 200 - in, unavailable: in}); got != want {
			t.Errorf("while database 0 hangs: got %+v, want %+v", got, want)
		}
		if waited := time.Since(start); waited != 2*time.Second { // Config.Timeout
			t.Errorf("the users waited for %v, want 2s", waited)
		}
		s.databases[0].hangs.Store(false)
		if got, want := s.refreshAll(), (outcomes{ok: 200}); got != want {
			t.Errorf("when it is up again: got %+v, want %+v", got, want)
		}
	})
}

// While databases come and go, racers spend: each credential once at most, and no outage
// is taken for a verdict.
func TestRaceWhileDatabasesComeAndGo(t *testing.T) {
	s := newSimulated(t)
	ctx := t.Context()
	for round := range 100 {
		now := time.Now().UTC().Truncate(time.Microsecond)
		_, c, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
			Issuer: issuer, Client: s.client, Subject: "user:1", RedirectURI: callback, Scope: s.client.Scope,
		}, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.spread.CreateCredential(ctx, c); err != nil {
			t.Fatal(err)
		}
		errs := make([]error, 50)
		var racers sync.WaitGroup
		for i := range errs {
			racers.Go(func() {
				s.databases[i%4].down.Store(i%3 == 0)
				s.databases[i%4].mute.Store(i%5 == 0)
				errs[i] = s.spread.Spend(ctx, c, nil, now)
			})
		}
		racers.Wait()
		done := 0 // spends, whether their answers came or not
		for _, one := range s.databases {
			one.down.Store(false)
			one.mute.Store(false)
			done += int(one.unheard.Swap(0))
		}
		for _, err := range errs {
			switch {
			case err == nil:
				done++
			case !errors.Is(err, storage.ErrSpent) && !errors.Is(err, errDown):
				t.Errorf("round %d: got error %v, want ErrSpent or an outage", round, err)
			}
		}
		if done == 0 { // all met an outage, so it is still unspent
			if err := s.spread.Spend(ctx, c, nil, now); err != nil {
				t.Errorf("round %d: after fifty outages: got error %v, want none", round, err)
			}
		} else if err := s.spread.Spend(ctx, c, nil, now); done > 1 || !errors.Is(err, storage.ErrSpent) {
			t.Errorf("round %d: got %d spends, and then error %v, want one and ErrSpent", round, done, err)
		}
	}
}

// The database of a revocation is lost: the answer is an outage, and never "not revoked".
func TestRevocationsWhileADatabaseIsLost(t *testing.T) {
	one := new(fallible)
	spread, ctx := Spread{one}, t.Context()
	one.mute.Store(true)
	if err := spread.RevokeToken(ctx, "token", time.Now().Add(time.Hour)); !errors.Is(err, errDown) {
		t.Errorf("RevokeToken whose answer is lost: got error %v, want an outage", err)
	}
	one.down.Store(true)
	if yes, err := spread.Revoked(ctx, "token", "family"); yes || !errors.Is(err, errDown) {
		t.Errorf("Revoked while the database is down: got %t and error %v, want an outage", yes, err)
	}
	if err := spread.RevokeToken(ctx, "other", time.Now().Add(time.Hour)); !errors.Is(err, errDown) {
		t.Errorf("RevokeToken while the database is down: got error %v, want an outage", err)
	}
	one.down.Store(false)
	if yes, err := spread.Revoked(ctx, "token", "family"); !yes || err != nil {
		t.Errorf("Revoked of a token whose revocation got no answer: got %t and error %v, want true", yes, err)
	}
}

// A token is revoked in the database of its identifier, and a family in its own.
func TestSpreadRevocations(t *testing.T) {
	spread := Spread{new(memory.Store), new(memory.Store), new(memory.Store)}
	ctx := t.Context()
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		if err := spread.RevokeToken(ctx, "token-"+id, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := spread.Revoke(ctx, "family-"+id); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			token, family string
			want          bool
		}{{"token-" + id, "", true}, {"token-" + id, "other", true}, {"other", "family-" + id, true}, {"other", "other", false}, {"other", "", false}} {
			if got, err := spread.Revoked(ctx, tt.token, tt.family); got != tt.want || err != nil {
				t.Errorf("Revoked(%q, %q): got %t and error %v, want %t", tt.token, tt.family, got, err, tt.want)
			}
		}
	}
}
