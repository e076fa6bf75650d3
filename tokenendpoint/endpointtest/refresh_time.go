package endpointtest

import (
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

var timedRefreshRules = []rule{
	{"I19_the_grace_window_begins_with_the_write", i19SlowWinner},
	{"I08_expired_at_the_end_of_the_family", timedI08},
	{"I09_expired_because_it_lay_unused", timedI09},
	{"I10_rotation_does_not_move_the_end", timedI10},
	{"I11_expired_within_the_grace_window", timedI11},
	{"I19_the_old_token_dies_with_the_grace_window", timedI19},
	{"I20_a_replay_is_one_for_as_long_as_the_family_lives", timedI20},
	{"I23_without_grace_not_even_in_the_same_instant", i23},
	{"I25_a_hundred_repeats_by_default", timedI25},
	{"I26_repeats_do_not_extend_the_window", timedI26},
	{"I35_without_rotation_only_the_end_counts", timedI35},
}

// timedI08 sets the idle bound aside. The end is exclusive.
func timedI08(t *testing.T, open opener) {
	f := newTimed(t, open, func(c *tokenendpoint.Config) {
		c.RefreshTokenLifetime, c.RefreshTokenIdle = 30*day, 60*day
	})
	early, late := f.refreshToken(f.c1), f.refreshToken(f.c1)
	time.Sleep(30*day - time.Microsecond)
	f.works(f.c1, early)
	time.Sleep(time.Microsecond)
	f.dead(f.c1, late)
	short := f.newClient(&storage.Client{ID: "short", RefreshTokenLifetime: time.Hour,
		GrantTypes: f.c1.record.GrantTypes, Scope: f.c1.record.Scope, RedirectURIs: f.c1.record.RedirectURIs})
	token := f.refreshToken(short)
	time.Sleep(time.Hour)
	f.dead(short, token)
}

// timedI09: fourteen days by default. Each use begins them anew.
func timedI09(t *testing.T, open opener) {
	f := newTimed(t, open)
	used, unused := f.refreshToken(f.c1), f.refreshToken(f.c1)
	time.Sleep(14*day - time.Microsecond)
	used = f.works(f.c1, used)
	time.Sleep(time.Microsecond)
	f.dead(f.c1, unused)
	f.outcome(tokenendpoint.Refused)
	time.Sleep(14*day - 2*time.Microsecond)
	f.works(f.c1, used)
	short := f.newClient(&storage.Client{ID: "short", RefreshTokenIdle: time.Hour,
		GrantTypes: f.c1.record.GrantTypes, Scope: f.c1.record.Scope, RedirectURIs: f.c1.record.RedirectURIs})
	token := f.refreshToken(short)
	time.Sleep(time.Hour)
	f.dead(short, token)
}

func timedI10(t *testing.T, open opener) {
	f := newTimed(t, open)
	token := f.refreshToken(f.c1)
	end := f.record(token).FamilyExpiresAt
	for range 29 {
		time.Sleep(day)
		token = f.works(f.c1, token)
		if got := f.record(token).FamilyExpiresAt; !got.Equal(end) {
			t.Fatalf("the family ends at %s, want %s as before", got, end)
		}
	}
	time.Sleep(day - time.Microsecond)
	token = f.works(f.c1, token)
	if got := f.record(token).ExpiresAt; got.After(end) {
		t.Errorf("the last token expires at %s, want not after %s", got, end)
	}
	time.Sleep(time.Microsecond)
	f.dead(f.c1, token)
}

// timedI11 uses a token two seconds before it expires, and again after it has.
// That is late and no theft: its successor lives.
func timedI11(t *testing.T, open opener) {
	f := newTimed(t, open)
	token := f.refreshToken(f.c1)
	time.Sleep(14*day - 2*time.Second)
	next := f.works(f.c1, token)
	time.Sleep(time.Second)
	f.works(f.c1, token)
	time.Sleep(time.Second)
	f.store.counted()
	f.dead(f.c1, token)
	f.wroteNothing()
	f.works(f.c1, next)
}

func timedI19(t *testing.T, open opener) {
	for configured, grace := range map[time.Duration]time.Duration{0: 10 * time.Second, time.Second: time.Second, time.Minute: time.Minute} {
		f := newTimed(t, open, func(c *tokenendpoint.Config) { c.RefreshGrace = configured })
		token := f.refreshToken(f.c1)
		next := f.works(f.c1, token)
		time.Sleep(grace - time.Microsecond)
		f.works(f.c1, token)
		time.Sleep(time.Microsecond)
		f.dead(f.c1, token)
		f.outcome(tokenendpoint.Replayed)
		f.dead(f.c1, next)
	}
}

// timedI20 replays a token that has expired by itself: it is a sign of theft as
// long as there is something to protect, and none after that.
func timedI20(t *testing.T, open opener) {
	f := newTimed(t, open)
	for _, replayed := range []bool{true, false} {
		first := f.refreshToken(f.c1)
		token := first
		for range 2 {
			time.Sleep(10 * day)
			token = f.works(f.c1, token)
		}
		if !replayed {
			time.Sleep(10 * day)
			f.store.counted()
			f.dead(f.c1, first, token)
			f.wroteNothing()
			continue
		}
		f.dead(f.c1, first)
		f.outcome(tokenendpoint.Replayed)
		f.dead(f.c1, token)
	}
}

// timedI25: no time passes.
func timedI25(t *testing.T, open opener) {
	f := newTimed(t, open)
	token := f.refreshToken(f.c1)
	for range 101 {
		f.works(f.c1, token)
	}
	f.dead(f.c1, token)
	f.outcome(tokenendpoint.Replayed)
}

// timedI26 retries for five minutes. What was refused once stays refused.
func timedI26(t *testing.T, open opener) {
	for _, every := range []time.Duration{time.Second, 3 * time.Second, 9 * time.Second} {
		f := newTimed(t, open)
		token := f.refreshToken(f.c1)
		next := f.works(f.c1, token)
		for waited := every; waited < 5*time.Minute; waited += every {
			time.Sleep(every)
			if waited < 10*time.Second {
				f.works(f.c1, token)
				continue
			}
			f.dead(f.c1, token)
		}
		f.dead(f.c1, next)
	}
}

// timedI35: nothing is written, so nobody knows how long it lay unused.
func timedI35(t *testing.T, open opener) {
	f := newTimed(t, open)
	p := f.newClient(&storage.Client{ID: "still", RefreshNotRotated: true,
		GrantTypes: f.c1.record.GrantTypes, Scope: f.c1.record.Scope, RedirectURIs: f.c1.record.RedirectURIs})
	token := f.refreshToken(p)
	time.Sleep(20 * day)
	f.works(p, token)
	time.Sleep(10*day - time.Microsecond)
	f.works(p, token)
	time.Sleep(time.Microsecond)
	f.dead(p, token)
}

// i19SlowWinner: the answer that is repeated was on its way only after the
// write, so the window begins there.
func i19SlowWinner(t *testing.T, open opener) {
	f := newTimed(t, open, patient, withGrant(grants.TypeRefreshToken, grants.RefreshToken{Hook: slowly()}))
	token := f.refreshToken(f.c1)
	next := f.works(f.c1, token)
	time.Sleep(10*time.Second - time.Millisecond)
	if again := f.works(f.c1, token); again != next {
		t.Errorf("refresh_token is %q, want the successor %q again", again, next)
	}
	time.Sleep(time.Millisecond)
	f.send(refresh(f.c1, token)).refused("invalid_grant")
	f.outcome(tokenendpoint.Replayed)
	f.dead(f.c1, next)
}
