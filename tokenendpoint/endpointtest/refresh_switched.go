package endpointtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// timedSwitchedRules change a registration while refresh tokens live.
var timedSwitchedRules = []rule{
	{"I38_registered_as_not_rotating_since", i38},
	{"I38_registered_as_rotating_since", i38Reverse},
	{"I38_a_parent_of_the_rotating_days", i38Parent},
	{"I38_introspected_after_the_idle_end", i38Introspected},
}

// still registers p as not rotating from now on.
func still(f *testbed.Fixture, p *testbed.Party) {
	f.Edit(p, func(c *storage.Client) { c.RefreshNotRotated = true })
}

// i38 uses a token of the rotating days every day. The end of its family is the
// only one.
func i38(t *testing.T, open testbed.Opener) {
	for _, p := range []string{"confidential", "public"} {
		f := testbed.NewTimed(t, open)
		client := map[string]*testbed.Party{"confidential": f.C1, "public": f.Pub}[p]
		token := f.Works(client, f.RefreshToken(client))
		still(f, client)
		f.Store.Counted()
		for range 29 {
			time.Sleep(testbed.Day)
			if got := f.Works(client, token); got != token {
				t.Fatalf("%s: refresh_token is %q, want the same again", p, got)
			}
		}
		f.WroteNothing()
		time.Sleep(testbed.Day)
		f.Dead(client, token)
	}
}

// i38Reverse: nobody wrote how long the token lay unused while it did not
// rotate, so its first use by the new registration succeeds. From then on the
// idle end counts.
func i38Reverse(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	still(f, f.C1)
	token, unused := f.RefreshToken(f.C1), f.RefreshToken(f.C1)
	time.Sleep(15 * testbed.Day)
	f.Works(f.C1, token)
	f.Restore()
	next := f.Works(f.C1, token)
	if next == token {
		t.Error("the token is the same, want a successor")
	}
	time.Sleep(14 * testbed.Day)
	f.Dead(f.C1, next)
	f.Works(f.C1, unused)
}

// i38Parent: the endpoint judges a rotated token as one, even if the client's
// registration has changed since. In the grace window it gives its successor,
// though it may be past its own idle end; after the window it is a replay.
func i38Parent(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	token := f.RefreshToken(f.C1)
	time.Sleep(14*testbed.Day - 2*time.Second)
	next := f.Works(f.C1, token)
	still(f, f.C1)
	for range 2 {
		time.Sleep(4 * time.Second)
		if got := f.Works(f.C1, token); got != next {
			t.Errorf("the parent in the grace window gives %q, want its successor", got)
		}
		f.Outcome(tokenendpoint.Repeated)
	}
	time.Sleep(2 * time.Second)
	f.Dead(f.C1, token)
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(f.C1, next)
}

// i38Introspected: introspection answers as the token endpoint would.
func i38Introspected(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	token := f.RefreshToken(f.C1)
	end := fmt.Sprint(f.Record(token).FamilyExpiresAt.Unix())
	r := testbed.Introspect(f.C1, token).With("token_type_hint", "refresh_token")
	still(f, f.C1)
	time.Sleep(20 * testbed.Day)
	if got := f.Send(r).Active()["exp"]; fmt.Sprint(got) != end {
		t.Errorf("exp is %v, want the end of the family, %s", got, end)
	}
	f.Restore()
	f.Send(r).Inactive()
}
