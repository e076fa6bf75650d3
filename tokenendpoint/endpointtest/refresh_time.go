package endpointtest

import (
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
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
func timedI08(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open, func(c *tokenendpoint.Config) {
		c.RefreshTokenLifetime, c.RefreshTokenIdle = 30*testbed.Day, 60*testbed.Day
	})
	early, late := f.RefreshToken(f.C1), f.RefreshToken(f.C1)
	time.Sleep(30*testbed.Day - time.Microsecond)
	f.Works(f.C1, early)
	time.Sleep(time.Microsecond)
	f.Dead(f.C1, late)
	short := f.NewClient(&storage.Client{ID: "short", RefreshTokenLifetime: time.Hour,
		GrantTypes: f.C1.Record.GrantTypes, Scope: f.C1.Record.Scope, RedirectURIs: f.C1.Record.RedirectURIs})
	token := f.RefreshToken(short)
	time.Sleep(time.Hour)
	f.Dead(short, token)
}

// timedI09: fourteen days by default. Each use begins them anew.
func timedI09(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	used, unused := f.RefreshToken(f.C1), f.RefreshToken(f.C1)
	time.Sleep(14*testbed.Day - time.Microsecond)
	used = f.Works(f.C1, used)
	time.Sleep(time.Microsecond)
	f.Dead(f.C1, unused)
	f.Outcome(tokenendpoint.Refused)
	time.Sleep(14*testbed.Day - 2*time.Microsecond)
	f.Works(f.C1, used)
	short := f.NewClient(&storage.Client{ID: "short", RefreshTokenIdle: time.Hour,
		GrantTypes: f.C1.Record.GrantTypes, Scope: f.C1.Record.Scope, RedirectURIs: f.C1.Record.RedirectURIs})
	token := f.RefreshToken(short)
	time.Sleep(time.Hour)
	f.Dead(short, token)
}

func timedI10(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	token := f.RefreshToken(f.C1)
	end := f.Record(token).FamilyExpiresAt
	for range 29 {
		time.Sleep(testbed.Day)
		token = f.Works(f.C1, token)
		if got := f.Record(token).FamilyExpiresAt; !got.Equal(end) {
			t.Fatalf("the family ends at %s, want %s as before", got, end)
		}
	}
	time.Sleep(testbed.Day - time.Microsecond)
	token = f.Works(f.C1, token)
	if got := f.Record(token).ExpiresAt; got.After(end) {
		t.Errorf("the last token expires at %s, want not after %s", got, end)
	}
	time.Sleep(time.Microsecond)
	f.Dead(f.C1, token)
}

// timedI11 uses a token two seconds before it expires, and again after it has.
// That is late and no theft: its successor lives.
func timedI11(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	token := f.RefreshToken(f.C1)
	time.Sleep(14*testbed.Day - 2*time.Second)
	next := f.Works(f.C1, token)
	time.Sleep(time.Second)
	f.Works(f.C1, token)
	time.Sleep(time.Second)
	f.Store.Counted()
	f.Dead(f.C1, token)
	f.WroteNothing()
	f.Works(f.C1, next)
}

func timedI19(t *testing.T, open testbed.Opener) {
	for configured, grace := range map[time.Duration]time.Duration{0: 10 * time.Second, time.Second: time.Second, time.Minute: time.Minute} {
		f := testbed.NewTimed(t, open, func(c *tokenendpoint.Config) { c.RefreshGrace = configured })
		token := f.RefreshToken(f.C1)
		next := f.Works(f.C1, token)
		time.Sleep(grace - time.Microsecond)
		f.Works(f.C1, token)
		time.Sleep(time.Microsecond)
		f.Dead(f.C1, token)
		f.Outcome(tokenendpoint.Replayed)
		f.Dead(f.C1, next)
	}
}

// timedI20 replays a token that has expired by itself: it is a sign of theft as
// long as there is something to protect, and none after that.
func timedI20(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	for _, replayed := range []bool{true, false} {
		first := f.RefreshToken(f.C1)
		token := first
		for range 2 {
			time.Sleep(10 * testbed.Day)
			token = f.Works(f.C1, token)
		}
		if !replayed {
			time.Sleep(10 * testbed.Day)
			f.Store.Counted()
			f.Dead(f.C1, first, token)
			f.WroteNothing()
			continue
		}
		f.Dead(f.C1, first)
		f.Outcome(tokenendpoint.Replayed)
		f.Dead(f.C1, token)
	}
}

// timedI25: no time passes. The family lives, until the window is over.
func timedI25(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	token, next := f.RefreshToken(f.C1), ""
	for range 101 {
		next = f.Works(f.C1, token)
	}
	f.Dead(f.C1, token)
	f.Outcome(tokenendpoint.Refused)
	time.Sleep(10 * time.Second)
	f.Dead(f.C1, token)
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(f.C1, next)
}

// timedI26 retries for five minutes. A retry that was refused once stays
// refused.
func timedI26(t *testing.T, open testbed.Opener) {
	for _, every := range []time.Duration{time.Second, 3 * time.Second, 9 * time.Second} {
		f := testbed.NewTimed(t, open)
		token := f.RefreshToken(f.C1)
		next := f.Works(f.C1, token)
		for waited := every; waited < 5*time.Minute; waited += every {
			time.Sleep(every)
			if waited < 10*time.Second {
				f.Works(f.C1, token)
				continue
			}
			f.Dead(f.C1, token)
		}
		f.Dead(f.C1, next)
	}
}

// timedI35: nothing is written, so nobody knows how long it lay unused.
func timedI35(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	p := f.NewClient(&storage.Client{ID: "still", RefreshNotRotated: true,
		GrantTypes: f.C1.Record.GrantTypes, Scope: f.C1.Record.Scope, RedirectURIs: f.C1.Record.RedirectURIs})
	token := f.RefreshToken(p)
	time.Sleep(20 * testbed.Day)
	f.Works(p, token)
	time.Sleep(10*testbed.Day - time.Microsecond)
	f.Works(p, token)
	time.Sleep(time.Microsecond)
	f.Dead(p, token)
}

// i19SlowWinner: the answer that is repeated was on its way only after the
// write, so the window begins there.
func i19SlowWinner(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open, testbed.Patient, testbed.WithGrant(grants.TypeRefreshToken, grants.RefreshToken{Hook: testbed.Slowly()}))
	token := f.RefreshToken(f.C1)
	next := f.Works(f.C1, token)
	time.Sleep(10*time.Second - time.Millisecond)
	if again := f.Works(f.C1, token); again != next {
		t.Errorf("refresh_token is %q, want the successor %q again", again, next)
	}
	time.Sleep(time.Millisecond)
	f.Send(testbed.Refresh(f.C1, token)).Refused("invalid_grant")
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(f.C1, next)
}
