package endpointtest

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/storagetest"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// graceRules are about clients that have a grace of their own (ruling R30).
var graceRules = []rule{
	{"I41_the_parent_gives_the_successor_after_hours", i41},
	{"I41_R30_repeats_at_once_beyond_the_bound_end_nothing", i41Race},
	{"I41_R37_a_grace_that_is_too_long_is_an_outage", i41Broken},
	{"I40_I41_a_use_in_the_future_is_one_of_long_ago", i41Future},
}

var timedGraceRules = []rule{
	{"I41_to_the_end_of_the_grace", i41End},
	{"I41_R30_repeats_are_counted_over_the_whole_grace", i41Repeats},
	{"I41_a_grace_that_was_given_and_taken_back", i41Changed},
	{"I41_three_processes_share_a_file_for_a_week", i41Week},
	{"I41_the_same_week_without_the_grace_logs_the_user_out", i41WeekWithout},
	{"I41_a_copied_file_is_noticed_at_the_first_use_that_differs", i41Thief},
}

// tool registers a public client, such as a command line tool, that has a grace of
// its own.
func tool(f *testbed.Fixture, grace time.Duration) *testbed.Party {
	f.Helper()
	return f.NewClient(&storage.Client{ID: "tool", AuthMethod: storage.AuthNone, RefreshGrace: grace,
		GrantTypes: f.Pub.Record.GrantTypes, Scope: f.Pub.Record.Scope, RedirectURIs: f.Pub.Record.RedirectURIs})
}

// i41: only the use of the successor ends the grace early. Other clients have the
// grace of the endpoint, here none.
func i41(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Strict)
	p := tool(f, storage.MaxRefreshGrace)
	chain := f.Chain(p, 20*time.Hour)
	for range 2 {
		if got := f.Works(p, chain[0]); got != chain[1] {
			t.Errorf("20 hours after the first use: got %q, want the successor", got)
		}
		f.Outcome(tokenendpoint.Repeated)
	}
	last := f.Works(p, chain[1])
	f.Dead(p, chain[0])
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(p, last)

	chain = f.Chain(p, 25*time.Hour)
	f.Dead(p, chain[0])
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(p, chain[1])
	chain = f.Chain(f.Pub, 20*time.Hour)
	f.Dead(f.Pub, chain[0])
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(f.Pub, chain[1])
}

func i41Race(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Patient, func(c *tokenendpoint.Config) { c.RefreshRetries = 10 })
	p := tool(f, storage.MaxRefreshGrace)
	token := f.RefreshToken(p)
	ok, next := oneSuccessor(f, crowdOf(f, testbed.Refresh(p, token)))
	if ok != 11 {
		t.Errorf("%d of %d refreshes at once are answered, want 11", ok, testbed.Racers)
	}
	f.Works(p, next)
}

func i41Future(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	p := tool(f, storage.MaxRefreshGrace)
	chain := f.Chain(p, -2*time.Minute)
	f.Dead(p, chain[0])
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(p, chain[1])
}

func i41End(t *testing.T, open testbed.Opener) {
	for _, grace := range []time.Duration{time.Second, storage.MaxRefreshGrace} {
		f := testbed.NewTimed(t, open)
		p := tool(f, grace)
		token := f.RefreshToken(p)
		next := f.Works(p, token)
		time.Sleep(grace - time.Microsecond)
		if got := f.Works(p, token); got != next {
			t.Errorf("registered with %s: got %q, want the successor", grace, got)
		}
		time.Sleep(time.Microsecond)
		f.Dead(p, token)
		f.Outcome(tokenendpoint.Replayed)
		f.Dead(p, next)
	}
}

// i41Broken: a grace without end would hide every theft. A registration that has one
// came into the store past its Check, and is an outage (ruling R37).
func i41Broken(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	p := tool(f, time.Minute)
	token := f.RefreshToken(p)
	for _, grace := range []time.Duration{storage.MaxRefreshGrace + 1, -1} {
		f.Edit(p, func(c *storage.Client) { c.RefreshGrace = grace })
		f.Send(testbed.Refresh(p, token)).Unavailable()
		if e := f.LastEvent(); e.Cause == nil || !strings.Contains(e.Cause.Error(), "RefreshGrace") {
			t.Errorf("the cause is %v, want that it names RefreshGrace", e.Cause)
		}
	}
	f.Restore()
	f.Works(p, token)
}

func i41Repeats(t *testing.T, open testbed.Opener) {
	const retries = 3
	f := testbed.NewTimed(t, open, func(c *tokenendpoint.Config) { c.RefreshRetries = retries })
	p := tool(f, storage.MaxRefreshGrace)
	token := f.RefreshToken(p)
	next := f.Works(p, token)
	for range retries {
		time.Sleep(5 * time.Hour)
		f.Works(p, token)
	}
	f.Dead(p, token)
	f.Outcome(tokenendpoint.Refused)
	f.Works(p, next)
}

// i41Changed: the endpoint judges by the registration as it is now.
func i41Changed(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	p := tool(f, 0)
	token := f.RefreshToken(p)
	next := f.Works(p, token)
	time.Sleep(time.Hour)
	f.Edit(p, func(c *storage.Client) { c.RefreshGrace = 2 * time.Hour })
	f.Works(p, token)
	f.Restore()
	f.Dead(p, token)
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(p, next)
}

// i41Week: the user stays logged in, and the family has one token that can be used
// next, the one that every process gets.
func i41Week(t *testing.T, open testbed.Opener) {
	for seed := range uint64(4) {
		week := newSharedFile(t, open, storage.MaxRefreshGrace)
		for !week.over() {
			if !week.turn(rand.New(rand.NewPCG(seed, uint64(week.turns)))) {
				t.Fatalf("the user was logged out in turn %d of week %d", week.turns, seed)
			}
		}
		if week.turns < 30 || week.lost < 10 {
			t.Errorf("week %d had %d turns and %d lost writes, too few to show anything", seed, week.turns, week.lost)
		}
	}
}

// i41WeekWithout shows that the week is one that the grace of the endpoint does not
// survive.
func i41WeekWithout(t *testing.T, open testbed.Opener) {
	week := newSharedFile(t, open, 0)
	for week.turn(rand.New(rand.NewPCG(0, uint64(week.turns)))) {
		if week.over() {
			t.Fatal("nobody was logged out, so the week shows nothing about the grace")
		}
	}
	if week.Outcomes()[tokenendpoint.Replayed] != 1 {
		t.Errorf("the outcomes are %v, want one replay", week.Outcomes())
	}
}

// sharedFile is the token file of a tool that runs in three processes.
type sharedFile struct {
	*testbed.Fixture
	ledger      *testbed.Ledger
	tool        *testbed.Party
	token       string // the content of the file
	end         time.Time
	turns, lost int
	lostInARow  int
}

func newSharedFile(t *testing.T, open testbed.Opener, grace time.Duration) *sharedFile {
	l := new(testbed.Ledger)
	f := testbed.NewTimed(t, func(t testing.TB) storagetest.Store {
		l.Store = open(t)
		return l
	})
	p := tool(f, grace)
	return &sharedFile{Fixture: f, ledger: l, tool: p, token: f.RefreshToken(p), end: time.Now().Add(7 * testbed.Day)}
}

func (s *sharedFile) over() bool { return !time.Now().Before(s.end) }

// turn lets some hours pass, and one, two or three of the processes refresh with
// what they read in the file. They come at the same time or a few seconds apart. A
// process may be stopped before it has written its answer to the file, up to three
// turns in a row. It reports whether every process got a token.
func (s *sharedFile) turn(r *rand.Rand) bool {
	s.Helper()
	time.Sleep(time.Minute + time.Duration(r.Int64N(int64(6*time.Hour))))
	s.turns++
	read, processes := s.token, 1+r.IntN(3)
	var replies []*testbed.Reply
	if r.IntN(2) == 0 {
		replies = crowdOfMany(s.Fixture, processes, testbed.Refresh(s.tool, read))
	} else {
		for range processes {
			replies = append(replies, s.Send(testbed.Refresh(s.tool, read)))
			time.Sleep(time.Duration(r.Int64N(int64(5 * time.Second))))
		}
	}
	next := ""
	for _, reply := range replies {
		if reply.Status != http.StatusOK {
			return false
		}
		if got := reply.Tokens().RefreshToken; next != "" && got != next {
			s.Errorf("turn %d: refresh_token is %q and %q, want one successor", s.turns, next, got)
		} else {
			next = got
		}
	}
	if live := s.ledger.Unspent(s.Context()); len(live) != 1 || !live[0].Digest.Equal(s.Record(next).Digest) {
		s.Errorf("turn %d: the family has %d tokens to use next, want the one that was given", s.turns, len(live))
	}
	if s.lostInARow < 3 && r.IntN(2) == 0 {
		s.lost, s.lostInARow = s.lost+1, s.lostInARow+1
		return true
	}
	s.token, s.lostInARow = next, 0
	return true
}

// i41Thief: while the thief and the tool present the same token, each gets the same
// successor, and nobody can tell them apart. As soon as one of them has gone on by a
// use, the other ends the family for both. It does not matter which is which.
func i41Thief(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	p := tool(f, storage.MaxRefreshGrace)
	copied := f.Works(p, f.RefreshToken(p))
	next := f.Works(p, copied)
	time.Sleep(20 * time.Hour)
	if got := f.Works(p, copied); got != next {
		t.Errorf("the copy gives %q, want the successor %q", got, next)
	}
	f.Outcome(tokenendpoint.Repeated)
	ahead := f.Works(p, next)
	time.Sleep(time.Hour)
	if got := f.Works(p, next); got != ahead {
		t.Errorf("the other gets %q, want the same successor %q", got, ahead)
	}
	ahead = f.Works(p, ahead)
	f.Dead(p, next)
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(p, ahead)
	f.Outcome(tokenendpoint.Refused)
	if c := f.Record(ahead); !c.Revoked {
		t.Errorf("the family of the copy is %+v, want it revoked", c)
	}
}
