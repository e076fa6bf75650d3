package tokenendpoint_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var apiKeyGuessRules = []rule{
	{"J13_one_look_whatever_the_key", j13},
	{"J14_guesses_that_cannot_be_keys_cost_no_look", j14},
	{"J14_guesses_that_could_be_keys_are_limited", j14WellFormed},
	{"J15_two_keys_at_once", j15},
	{"J15_key_beside_another_credential", j15Beside},
	{"J16_keys_overlap_and_their_use_is_in_the_event", j16},
}

var timedAPIKeyGuessRules = []rule{
	{"J14_guesses_are_forgiven_in_time", j14Timed},
}

// j13 counts the look-ups. The hashes are not for a client of the endpoint to
// count: there is one SHA-256 for each look-up, and none of the slow ones.
func j13(t *testing.T) {
	f := testbed.New(t, openMemory)
	optional := testbed.New(t, testbed.Beside(f), testbed.APIKeys(grants.APIKey{ClientIDOptional: true}))
	expired := f.APIKey(f.C1, func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(-time.Hour) })
	revoked := f.APIKey(f.C1, func(k *storage.APIKey) { k.RevokedAt = time.Now() })
	for name, key := range map[string]string{
		"good": f.APIKey(f.C1), "unknown": storage.NewSecret("ck_test_").Reveal(), "expired": expired, "revoked": revoked, "another client's": f.APIKey(f.C2),
	} {
		f.Sub(name, func() {
			f.WantCalls(testbed.OneLook, func() { f.Send(testbed.PresentKey(f.C1, key)) })
			f.WantCalls(testbed.OneLook, func() { f.Send(testbed.PresentKey(f.C1, key).With("scope", "nonsense")) })
			optional.WantCalls(testbed.OneLook, func() { optional.Send(testbed.PresentKey(f.C1, key)) })
		})
	}
}

// guess makes n requests, each from a call of next, and counts them by status.
func guess(f *testbed.Fixture, n int, next func() string, as testbed.Spelling) map[int]int {
	f.Helper()
	statuses := map[int]int{}
	for range n {
		key := next()
		w := f.Served(as(testbed.PresentKey(f.C1, key)))
		statuses[w.Code]++
		if w.Code != http.StatusTooManyRequests {
			continue
		}
		var body struct{ Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Error != "temporarily_unavailable" {
			f.Fatalf("the body of a 429 is %s, want temporarily_unavailable", w.Body)
		}
		if after := w.Header().Get("Retry-After"); after == "" || after == "0" {
			f.Fatalf("Retry-After is %q, want some seconds", after)
		}
	}
	return statuses
}

func j14(t *testing.T) {
	f := testbed.New(t, openMemory)
	good := f.APIKey(f.C1)
	f.Store.Counted()
	start := time.Now()
	statuses := guess(f, 10_000, func() string { return "ck_test_" + rand.Text() + rand.Text()[:23] }, (*testbed.Request).JSON)
	wantLimited(f, statuses, 10_000, time.Since(start))
	calls := f.Store.Counted()
	if calls[testbed.CallAPIKey] != 0 || calls[testbed.CallClient] > statuses[http.StatusBadRequest] {
		t.Errorf("calls of the store: got %v, want none for keys, and none at all once it is limited", calls)
	}
	f.Outcome(tokenendpoint.Limited)

	// The limit holds for that client from that address, and for nothing else.
	if w := f.Served(testbed.PresentKey(f.C1, good)); w.Code != http.StatusTooManyRequests {
		t.Errorf("a good key of the limited client from the same address: got %d, want 429", w.Code)
	}
	f.Send(testbed.PresentKey(f.C1, good)).Tokens() // from another address
	if w := f.Served(testbed.PresentKey(f.C2, f.APIKey(f.C2))); w.Code != http.StatusOK {
		t.Errorf("a good key of another client: got %d %s, want 200", w.Code, w.Body)
	}
	if w := f.Served(testbed.Refresh(f.C1, f.RefreshToken(f.C1)).Unsigned().With("client_id", f.C1.ID)); w.Code != http.StatusUnauthorized {
		t.Errorf("a request that shows nothing to guess: got %d, want 401", w.Code)
	}
}

// wantLimited asserts that a flood ended in 429: three hundred go through, and
// one more each second.
func wantLimited(f *testbed.Fixture, statuses map[int]int, n int, took time.Duration) {
	f.Helper()
	most := 301 + int(took/time.Second)
	through, limited := statuses[http.StatusBadRequest], statuses[http.StatusTooManyRequests]
	if through < 300 || through > most || through+limited != n {
		f.Errorf("got the statuses %v, want 300 to %d of 400 and else 429", statuses, most)
	}
}

// j14WellFormed: an attacker who knows the checksum costs one look-up for each
// guess that the limit of the client lets through. Keys without a client share
// no count, or a stranger's guesses would keep the other keys out: there the
// limit of the network bounds the look-ups.
func j14WellFormed(t *testing.T) {
	drawn := func() string { return storage.NewSecret("ck_test_").Reveal() }
	f := testbed.New(t, openMemory)
	f.Sub("client_id", func() {
		f.Store.Counted()
		start := time.Now()
		statuses := guess(f, 1000, drawn, func(r *testbed.Request) *testbed.Request { return r })
		wantLimited(f, statuses, 1000, time.Since(start))
		if got, want := f.Store.Counted()[testbed.CallAPIKey], statuses[http.StatusBadRequest]; got != want {
			f.Errorf("%d look-ups of keys, want %d: one for each guess that got through", got, want)
		}
	})
	f = testbed.New(t, openMemory, testbed.APIKeys(grants.APIKey{ClientIDOptional: true}))
	f.Sub("no client_id", func() {
		const n, most, eachSecond = 5000, 3000, 10
		f.Store.Counted()
		start := time.Now()
		statuses := guess(f, n, drawn, func(r *testbed.Request) *testbed.Request { return r.Without("client_id") })
		took := time.Since(start)
		wantLimited(f, statuses, n, took)
		if got, bound := f.Store.Counted()[testbed.CallAPIKey], most+eachSecond*(1+int(took/time.Second)); got < most || got > bound {
			f.Errorf("%d look-ups of keys, want %d to %d", got, most, bound)
		}
	})
}

func j14Timed(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	good := f.APIKey(f.C1)
	for range 10_000 {
		f.Served(testbed.PresentKey(f.C1, "garbage"))
	}
	wait := func(d time.Duration, want int) {
		time.Sleep(d)
		if w := f.Served(testbed.PresentKey(f.C1, good)); w.Code != want {
			t.Errorf("%s later: got %d, want %d", d, w.Code, want)
		}
	}
	wait(0, http.StatusTooManyRequests)
	wait(999*time.Millisecond, http.StatusTooManyRequests)
	wait(time.Millisecond, http.StatusOK)
	wait(10*time.Minute, http.StatusOK)
	if n := guess(f, 400, func() string { return "garbage" }, (*testbed.Request).JSON)[http.StatusBadRequest]; n != 300 {
		t.Errorf("after ten minutes %d guesses went through, want 300 again", n)
	}
}

func j15(t *testing.T) {
	f := testbed.New(t, openMemory)
	key, other := f.APIKey(f.C1), f.APIKey(f.C1)
	for name, r := range map[string]*testbed.Request{
		"two in the body":        testbed.PresentKey(f.C1, key).And("api_key", other),
		"the same in the body":   testbed.PresentKey(f.C1, key).And("api_key", key),
		"an empty one beside it": testbed.PresentKey(f.C1, key).And("api_key", ""),
	} {
		f.Sub(name, func() {
			for _, r := range testbed.Both(r) {
				f.AsksNothing(func() { f.Send(r).Refused("invalid_request") })
			}
		})
	}
	f.Sub("two in headers", func() {
		for _, r := range testbed.Both(twice(testbed.PresentKey(f.C1, "").Without("api_key"), key)) {
			f.AsksNothing(func() { f.Send(r).Refused("invalid_request") })
		}
	})
}

// j15Beside follows ruling R7, which came after the row: a code beside a key is
// another grant's parameter and is ignored, and a client's secret that is shown
// is verified. A client assertion is a second mechanism beside the key (RFC 6749
// §2.3).
func j15Beside(t *testing.T) {
	f := testbed.New(t, openMemory)
	key := f.APIKey(f.C1)
	f.Spellings(func(as testbed.Spelling) {
		code, token := f.Code(f.C1), f.RefreshToken(f.C1)
		r := testbed.PresentKey(f.C1, key).With("code", code, "redirect_uri", f.C1.RedirectURI, "code_verifier", testbed.Verifier, "refresh_token", token)
		f.ChangesNothing(func() { f.WantIdentity(f.Send(as(r)).Tokens(), f.C1, "owner") })
		f.Send(as(f.Redeem(f.C1, code))).Tokens()
		f.Send(as(testbed.Refresh(f.C1, token))).Tokens()

		f.Send(as(testbed.PresentKey(f.C1, key).With("client_assertion", "a.b.c"))).Refused("invalid_request")
		f.Send(as(testbed.PresentKey(f.C1, key).Asserted())).Refused("invalid_request")
		f.Send(as(testbed.PresentKey(f.C1, key).Asserted().By(f.C1))).Refused("invalid_request")
		f.Send(as(testbed.PresentKey(f.C1, key).By(f.C1).With("client_secret", f.C1.Secret))).Refused("invalid_request")
	})
}

// j16: nothing is written for the use of a key. The event tells of it.
func j16(t *testing.T) {
	f := testbed.New(t, openMemory)
	old, fresh := f.APIKey(f.C1), f.APIKey(f.C1)
	f.Store.Set(func(s *testbed.Spy) {
		s.Before = testbed.OutageOf(testbed.CallSpend, testbed.CallCreateCredential, testbed.CallRevoke)
	})
	f.Spellings(func(as testbed.Spelling) {
		for _, key := range []string{old, fresh, old} {
			before := time.Now().Add(-time.Millisecond)
			f.Send(as(testbed.PresentKey(f.C1, key))).Tokens()
			f.Outcome(tokenendpoint.Issued)
			e := f.LastEvent()
			if e.APIKeyID != f.StoredKey(key).ID || e.Time.Before(before) || e.ClientID != f.C1.ID || e.Subject != "owner" {
				f.Errorf("the event is %+v, want the ID of the key, its client, its subject and the time", e)
			}
		}
	})
	oldID := f.StoredKey(old).ID
	f.Store.Set(func(s *testbed.Spy) {
		s.EditAPIKey = func(k *storage.APIKey) {
			if k.ID == oldID {
				k.RevokedAt = time.Now()
			}
		}
	})
	f.Send(testbed.PresentKey(f.C1, old)).Refused("invalid_grant")
	f.Send(testbed.PresentKey(f.C1, fresh)).Tokens()
}
