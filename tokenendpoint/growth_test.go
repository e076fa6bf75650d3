package tokenendpoint_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// timedGrowthRules are about how fast the holder of one credential can fill the
// store.
var timedGrowthRules = []rule{
	{"I42_refreshing_without_end_is_bounded", endlessRefresh},
	{"I42_who_refreshes_as_one_should_meets_no_bound", honestRefresh},
	{"I42_repeats_and_clients_that_keep_their_token_add_nothing", repeatsAddNothing},
	{"I42_families_without_end_are_bounded", endlessFamilies},
}

// growthAtOnce is how many records a family may grow by at once.
const growthAtOnce = 100

// rotations refreshes n times at most, each token once, and returns how often the
// store was written to, and the last token.
func rotations(f *testbed.Fixture, p *testbed.Party, token string, n int) (written int, last string) {
	f.Helper()
	f.Store.Counted()
	for range n {
		got := f.Send(testbed.Refresh(p, token))
		if got.Status == http.StatusTooManyRequests {
			got.Limited()
			break
		}
		token = got.Tokens().RefreshToken
	}
	return f.Store.Counted()[testbed.CallSpend], token
}

func endlessRefresh(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	for _, p := range []*testbed.Party{f.C1, f.Pub} {
		written, token := rotations(f, p, f.RefreshToken(p), 10*growthAtOnce)
		if written != growthAtOnce {
			t.Errorf("%d records were written at once, want %d", written, growthAtOnce)
		}
		if e := f.LastEvent(); e.Outcome != tokenendpoint.Limited || e.Family == "" || e.Cause == nil || !strings.Contains(e.Cause.Error(), "refreshed too often") {
			t.Errorf("the event is %s of the family %q because %v", e.Outcome, e.Family, e.Cause)
		}
		f.ChangesNothing(func() { f.Send(testbed.Refresh(p, token)).Limited() })
		f.Send(testbed.Refresh(p, f.RefreshToken(p))).Tokens() // another family
		for range 3 {
			time.Sleep(10 * time.Second)
			written, token = rotations(f, p, token, 10)
			// The first token has lain for as long as the count takes, so that it is not
			// counted; one more is due.
			if written < 1 || written > 2 {
				t.Errorf("ten seconds later %d records were written, want one or two", written)
			}
		}
		time.Sleep(growthAtOnce * 10 * time.Second)
		if written, _ = rotations(f, p, token, 10*growthAtOnce); written < growthAtOnce || written > growthAtOnce+1 {
			t.Errorf("a quarter of an hour later %d records were written, want %d", written, growthAtOnce)
		}
	}
}

func honestRefresh(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	token := f.RefreshToken(f.C1)
	for range 7 * 24 {
		token = f.Send(testbed.Refresh(f.C1, token)).Tokens().RefreshToken
		time.Sleep(time.Hour)
	}
	for range 3 * growthAtOnce { // an eager one
		token = f.Send(testbed.Refresh(f.C1, token)).Tokens().RefreshToken
		time.Sleep(10 * time.Second)
	}
	for range growthAtOnce { // ten tabs that start
		token = f.Send(testbed.Refresh(f.C1, token)).Tokens().RefreshToken
	}
}

// repeatsAddNothing: the bound is on records, and not on requests.
func repeatsAddNothing(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	parent := f.RefreshToken(f.C1)
	token := f.Send(testbed.Refresh(f.C1, parent)).Tokens().RefreshToken
	for range growthAtOnce {
		if got := f.Send(testbed.Refresh(f.C1, parent)).Tokens().RefreshToken; got != token {
			t.Fatalf("a repeat got another successor")
		}
	}
	if written, _ := rotations(f, f.C1, token, growthAtOnce-1); written != growthAtOnce-1 {
		t.Errorf("after %d repeats %d records were written, want %d", growthAtOnce, written, growthAtOnce-1)
	}
	kept := f.NewWideClient(func(c *storage.Client) { c.RefreshNotRotated = true })
	token = f.Mint(kept, storage.KindRefreshToken, grants.RefreshTokenPrefix)
	f.ChangesNothing(func() {
		for range 3 * growthAtOnce {
			f.Send(testbed.Refresh(kept, token)).Tokens()
		}
	})
}

// endlessFamilies: a secret or an API key is not used up by the family that
// begins with it. Beyond the bound the client gets no refresh token, and comes
// again with its secret or key.
func endlessFamilies(t *testing.T) {
	const most = 1000
	f := testbed.NewTimed(t, openMemory, testbed.WithRefreshEverywhere)
	key, other := f.APIKey(f.C1), f.APIKey(f.C1, func(k *storage.APIKey) { k.Subject = "other" })
	for name, r := range map[string]*testbed.Request{"client_credentials": testbed.ClientCredentials(f.C2), "api_key": testbed.PresentKey(f.C1, key)} {
		f.Store.Counted()
		refreshable := 0
		for range most + 50 {
			if f.Send(r).Tokens().RefreshToken != "" {
				refreshable++
			}
		}
		if written := f.Store.Counted()[testbed.CallCreateCredential]; written != most || refreshable != most {
			t.Errorf("%s: %d records were written, and %d refresh tokens given, want %d", name, written, refreshable, most)
		}
		if e := f.LastEvent(); e.Outcome != tokenendpoint.Issued || e.Family != "" || e.Cause == nil {
			t.Errorf("%s: the event is %s of the family %q because %v, want a cause and no family", name, e.Outcome, e.Family, e.Cause)
		}
		time.Sleep(time.Second)
		if f.Send(r).Tokens().RefreshToken == "" || f.Send(r).Tokens().RefreshToken != "" {
			t.Errorf("%s: a second later, want one more refresh token", name)
		}
	}
	if f.Send(testbed.PresentKey(f.C1, other)).Tokens().RefreshToken == "" {
		t.Errorf("another subject has no refresh token")
	}
	// A failed request has begun no family.
	time.Sleep(most * time.Second)
	f.Store.FailWith(testbed.CallCreateCredential, testbed.ErrOutage)
	for range most {
		f.Send(testbed.ClientCredentials(f.C2)).Unavailable()
	}
	f.Store.Heal()
	if f.Send(testbed.ClientCredentials(f.C2)).Tokens().RefreshToken == "" {
		t.Errorf("families that could not be written were counted")
	}
}
