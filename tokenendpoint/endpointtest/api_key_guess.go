package endpointtest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// j13 counts the look-ups. The hashes are not for a client of the endpoint to
// count: there is one SHA-256 for each look-up, and none of the slow ones.
func j13(t *testing.T, open opener) {
	f := newFixture(t, open)
	optional := newFixture(t, beside(f), apiKeys(grants.APIKey{ClientIDOptional: true}))
	expired := f.apiKey(f.c1, func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(-time.Hour) })
	revoked := f.apiKey(f.c1, func(k *storage.APIKey) { k.RevokedAt = time.Now() })
	for name, key := range map[string]string{
		"good": f.apiKey(f.c1), "unknown": storage.NewSecret("ck_test_").Reveal(), "expired": expired, "revoked": revoked, "another client's": f.apiKey(f.c2),
	} {
		f.sub(name, func() {
			f.wantCalls(oneLook, func() { f.send(presentKey(f.c1, key)) })
			f.wantCalls(oneLook, func() { f.send(presentKey(f.c1, key).with("scope", "nonsense")) })
			optional.wantCalls(oneLook, func() { optional.send(presentKey(f.c1, key)) })
		})
	}
}

// guess makes n requests with what next gives and returns how many of them got
// which status.
func (f *fixture) guess(n int, next func() string, as spelling) map[int]int {
	f.Helper()
	statuses := map[int]int{}
	for range n {
		key := next()
		w := f.served(as(presentKey(f.c1, key)))
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

func j14(t *testing.T, open opener) {
	f := newFixture(t, open)
	good := f.apiKey(f.c1)
	f.store.counted()
	start := time.Now()
	statuses := f.guess(10_000, func() string { return "ck_test_" + rand.Text() + rand.Text()[:23] }, (*request).json)
	f.wantLimited(statuses, 10_000, time.Since(start))
	calls := f.store.counted()
	if calls[mAPIKey] != 0 || calls[mClient] > statuses[http.StatusBadRequest] {
		t.Errorf("calls of the store: got %v, want none for keys, and none at all once it is limited", calls)
	}
	f.outcome(tokenendpoint.Limited)

	// The limit is that client's, from that address. Nothing else suffers.
	if w := f.served(presentKey(f.c1, good)); w.Code != http.StatusTooManyRequests {
		t.Errorf("a good key of the limited client from the same address: got %d, want 429", w.Code)
	}
	f.send(presentKey(f.c1, good)).tokens() // from another address
	if w := f.served(presentKey(f.c2, f.apiKey(f.c2))); w.Code != http.StatusOK {
		t.Errorf("a good key of another client: got %d %s, want 200", w.Code, w.Body)
	}
	if w := f.served(refresh(f.c1, f.refreshToken(f.c1)).unsigned().with("client_id", f.c1.id)); w.Code != http.StatusUnauthorized {
		t.Errorf("a request that shows nothing to guess: got %d, want 401", w.Code)
	}
}

// wantLimited asserts that a flood ended in 429: three hundred go through, and
// one more each second.
func (f *fixture) wantLimited(statuses map[int]int, n int, took time.Duration) {
	f.Helper()
	most := 301 + int(took/time.Second)
	through, limited := statuses[http.StatusBadRequest], statuses[http.StatusTooManyRequests]
	if through < 300 || through > most || through+limited != n {
		f.Errorf("got the statuses %v, want 300 to %d of 400 and else 429", statuses, most)
	}
}

// j14WellFormed: who knows the checksum gets a look for each guess that the
// limit lets through.
func j14WellFormed(t *testing.T, open opener) {
	for name, o := range map[string]grants.APIKey{"client_id": {}, "no client_id": {ClientIDOptional: true}} {
		f := newFixture(t, open, apiKeys(o))
		f.sub(name, func() {
			as := func(r *request) *request { return r }
			if o.ClientIDOptional {
				as = func(r *request) *request { return r.without("client_id") }
			}
			f.store.counted()
			start := time.Now()
			statuses := f.guess(1000, func() string { return storage.NewSecret("ck_test_").Reveal() }, as)
			f.wantLimited(statuses, 1000, time.Since(start))
			if got, want := f.store.counted()[mAPIKey], statuses[http.StatusBadRequest]; got != want {
				f.Errorf("%d look-ups of keys, want %d: one for each guess that got through", got, want)
			}
		})
	}
}

func j14Timed(t *testing.T, open opener) {
	f := newTimed(t, open)
	good := f.apiKey(f.c1)
	for range 10_000 {
		f.served(presentKey(f.c1, "garbage"))
	}
	wait := func(d time.Duration, want int) {
		time.Sleep(d)
		if w := f.served(presentKey(f.c1, good)); w.Code != want {
			t.Errorf("%s later: got %d, want %d", d, w.Code, want)
		}
	}
	wait(0, http.StatusTooManyRequests)
	wait(999*time.Millisecond, http.StatusTooManyRequests)
	wait(time.Millisecond, http.StatusOK)
	wait(10*time.Minute, http.StatusOK)
	if n := f.guess(400, func() string { return "garbage" }, (*request).json)[http.StatusBadRequest]; n != 300 {
		t.Errorf("after ten minutes %d guesses went through, want 300 again", n)
	}
}

func j15(t *testing.T, open opener) {
	f := newFixture(t, open)
	key, other := f.apiKey(f.c1), f.apiKey(f.c1)
	for name, r := range map[string]*request{
		"two in the body":        presentKey(f.c1, key).and("api_key", other),
		"the same in the body":   presentKey(f.c1, key).and("api_key", key),
		"an empty one beside it": presentKey(f.c1, key).and("api_key", ""),
	} {
		f.sub(name, func() {
			for _, r := range both(r) {
				f.asksNothing(func() { f.send(r).refused("invalid_request") })
			}
		})
	}
	f.sub("two in headers", func() {
		for _, r := range both(twice(presentKey(f.c1, "").without("api_key"), key)) {
			f.asksNothing(func() { f.send(r).refused("invalid_request") })
		}
	})
}

// j15Beside follows ruling R7, which came after the row: a code beside a key is
// another grant's parameter and is ignored, and a client's secret that is shown
// is verified. A client assertion is a second mechanism beside the key (RFC 6749
// §2.3).
func j15Beside(t *testing.T, open opener) {
	f := newFixture(t, open)
	key := f.apiKey(f.c1)
	f.spellings(func(as spelling) {
		code, token := f.code(f.c1), f.refreshToken(f.c1)
		r := presentKey(f.c1, key).with("code", code, "redirect_uri", f.c1.redirectURI, "code_verifier", verifier, "refresh_token", token)
		f.changesNothing(func() { f.wantIdentity(f.send(as(r)).tokens(), f.c1, "owner") })
		f.send(as(f.redeem(f.c1, code))).tokens()
		f.send(as(refresh(f.c1, token))).tokens()

		f.send(as(presentKey(f.c1, key).with("client_assertion", "a.b.c"))).refused("invalid_request")
		f.send(as(presentKey(f.c1, key).asserted())).refused("invalid_request")
		f.send(as(presentKey(f.c1, key).asserted().by(f.c1))).refused("invalid_request")
		f.send(as(presentKey(f.c1, key).by(f.c1).with("client_secret", f.c1.secret))).refused("invalid_request")
	})
}

// j16: nothing is written for the use of a key. The event tells of it.
func j16(t *testing.T, open opener) {
	f := newFixture(t, open)
	old, fresh := f.apiKey(f.c1), f.apiKey(f.c1)
	f.store.set(func(s *spy) {
		s.before = outageOf(mSpend, mCreateCredential, mRevoke)
	})
	f.spellings(func(as spelling) {
		for _, key := range []string{old, fresh, old} {
			before := time.Now().Add(-time.Millisecond)
			f.send(as(presentKey(f.c1, key))).tokens()
			f.outcome(tokenendpoint.Issued)
			e := f.lastEvent()
			if e.APIKeyID != f.storedKey(key).ID || e.Time.Before(before) || e.ClientID != f.c1.id || e.Subject != "owner" {
				f.Errorf("the event is %+v, want the ID of the key, its client, its subject and the time", e)
			}
		}
	})
	oldID := f.storedKey(old).ID
	f.store.set(func(s *spy) {
		s.editAPIKey = func(k *storage.APIKey) {
			if k.ID == oldID {
				k.RevokedAt = time.Now()
			}
		}
	})
	f.send(presentKey(f.c1, old)).refused("invalid_grant")
	f.send(presentKey(f.c1, fresh)).tokens()
}
