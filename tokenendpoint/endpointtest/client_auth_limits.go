package endpointtest

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// limitRules are about the count itself: what it costs, and whose it is.
var limitRules = []rule{
	{"D31_nothing_of_a_refused_request_is_kept", nothingKept},
	{"Q10_a_limiter_may_answer_anything", limiterAnswers},
}

var timedLimitRules = []rule{
	{"D31_others_do_not_reset_a_count", othersResetNothing},
	{"D31_a_host's_own_grant_can_be_guessed_at", ownGrantGuesses},
	{"D32_an_address_without_a_port", portless},
	{"D32_an_address_that_the_host_cannot_tell", unknownAddress},
	{"J14_guesses_without_client_id_have_a_count_of_their_own", namelessGuesses},
}

// othersResetNothing: who guesses cannot have the count forgotten by filling it
// with clients that do not exist. The table has a fixed size: one or two of
// them may share the place of the one that is limited.
func othersResetNothing(t *testing.T, open opener) {
	f := newTimed(t, open, quiet)
	wrong := posted(f.c1.showing(wrongSecret))
	for range atOnce {
		f.send(wrong).unauthorized()
	}
	f.send(wrong).limited()
	statuses := map[int]int{}
	for range 40_000 {
		statuses[f.served(posted(f.c1.named(rand.Text()))).Code]++
	}
	if refused, others := statuses[http.StatusUnauthorized], 40_000; refused < others-10 {
		t.Errorf("other clients got the statuses %v, want 401 for nearly all of %d", statuses, others)
	}
	f.send(wrong).limited()
	f.send(clientCredentials(f.c2)).tokens()
}

// nothingKept sends refused requests whose bodies are as long as they may be.
// Neither the count of this process nor what a host's own Limiter is told may
// hold on to them, by a part of the text as little as by the whole. The least
// of several measurements counts: other tests of the process need memory too.
func nothingKept(t *testing.T, open opener) {
	const most = 32 << 20 // the bodies are three times as long
	for name, o := range map[string]option{"the count of this process": quiet, "a host's own Limiter": withLimiter(new(limiter))} {
		f := newFixture(t, open, o, quiet, withOwnGrants)
		p := f.newWideClient()
		grown := int64(most)
		for attempt := 0; attempt < 3 && grown >= most; attempt++ {
			before := heap()
			f.longRefusals(p, 2000)
			grown = heap() - before
		}
		if grown >= most {
			t.Errorf("%s: the heap grew by %d KiB in 2000 refused requests, want less than %d", name, grown>>10, most>>10)
		}
		runtime.KeepAlive(f)
	}
}

// longRefusals sends n requests with wrong secrets, keys and vouchers, half of
// them in the name of clients that do not exist.
func (f *fixture) longRefusals(p *party, n int) {
	f.Helper()
	filler := strings.Repeat("x", 60<<10)
	for i := range n {
		q := p
		if i%2 == 0 {
			q = p.named(rand.Text())
		}
		r := []*request{
			posted(q.showing(rand.Text())),
			presentKey(q, rand.Text()),
			form("grant_type", typeVoucher, "voucher", rand.Text()).post(q),
		}[i%3].with("filler", filler)
		if i%4 == 1 {
			r = r.json()
		}
		if w := f.served(r); w.Code < 400 || w.Code >= 500 {
			f.Fatalf("got %d %s, want a refusal", w.Code, w.Body)
		}
	}
}

// ownGrantGuesses: what a host's own grant takes may be a code that people
// type. Only the endpoint's own codes and refresh tokens are known to be long.
func ownGrantGuesses(t *testing.T, open opener) {
	denied := grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) { return nil, grants.AccessDenied })
	f := newTimed(t, open, withOwnGrants, withGrant("denied", denied))
	p := f.newWideClient(func(c *storage.Client) { c.GrantTypes = append(c.GrantTypes, "denied") })
	voucher := f.mint(p, kindVoucher, "vo_")
	try := func(p *party, voucher string) *request {
		return form("grant_type", typeVoucher, "voucher", voucher).by(p)
	}
	for range atOnce + 1 { // neither is a guess
		f.send(form("grant_type", "denied").by(p)).refused("access_denied")
		f.send(form("grant_type", typeDevice, "scope", "root").by(p)).refused("invalid_scope")
	}
	for i := range atOnce {
		f.send(both(try(p, rand.Text()))[i%2]).refused("invalid_grant")
	}
	f.changesNothing(func() {
		f.send(try(p, rand.Text())).limited()
		f.send(try(p, voucher)).limited() // pinned: right or wrong is not looked at
	})
	other := f.newWideClient()
	f.send(try(other, f.mint(other, kindVoucher, "vo_"))).tokens()
	time.Sleep(time.Second)
	f.send(try(p, voucher)).tokens()
}

// fromPeer asks the handler as if the connection came from an address, which
// middleware may have written.
func (f *fixture) fromPeer(r *request, address string) int {
	hr := directRequest(r, strings.NewReader(r.text()))
	hr.RemoteAddr = address
	return f.direct(hr).status
}

// portless: the RealIP of some routers puts an address alone where net/http has
// one with a port.
func portless(t *testing.T, open opener) {
	for _, tt := range []struct{ guesser, same, other string }{
		{"192.0.2.7", "192.0.2.7:4711", "192.0.2.8"},
		{"192.0.2.7:1", "192.0.2.7", "192.0.2.8:1"},
		{"2001:db8:1:2::7", "[2001:db8:1:2:ffff::1]:443", "2001:db8:1:3::7"},
		{"::ffff:192.0.2.7", "192.0.2.7", "192.0.2.6"},
	} {
		f := newTimed(t, open)
		f.wantCountOf(tt.guesser, tt.same, tt.other)
	}
}

// wantCountOf asserts that failures from one address limit who comes from the
// same network, and nobody else.
func (f *fixture) wantCountOf(guesser, same, other string) {
	f.Helper()
	right, wrong := clientCredentials(f.c1), clientCredentials(f.c1.showing(wrongSecret))
	for range atOnce {
		if got := f.fromPeer(wrong, guesser); got != http.StatusUnauthorized {
			f.Fatalf("a wrong secret from %q: got %d, want 401", guesser, got)
		}
	}
	for address, want := range map[string]int{guesser: http.StatusTooManyRequests, same: http.StatusTooManyRequests, other: http.StatusOK} {
		if got := f.fromPeer(right, address); got != want {
			f.Errorf("after the failures from %q, a request from %q: got %d, want %d", guesser, address, got, want)
		}
	}
}

// unknownAddress: without the header that a host's RemoteAddr reads, it has no
// answer. Then the connection counts; else all who come without share one
// count, and one of them locks the client out for all.
func unknownAddress(t *testing.T, open opener) {
	f := newTimed(t, open, fromHeader)
	f.wantCountOf("192.0.2.7:1", "192.0.2.7:2", "192.0.2.8:1")
}

// namelessGuesses: a revoked key names its client as well as a good one. If its
// failures were the client's, who found the key could lock the client out.
func namelessGuesses(t *testing.T, open opener) {
	f := newTimed(t, open, apiKeys(grants.APIKey{ClientIDOptional: true}))
	good := f.apiKey(f.c1)
	revoked := f.apiKey(f.c1, func(k *storage.APIKey) { k.RevokedAt = time.Now() })
	nameless := func(key string) *request { return presentKey(f.c1, key).without("client_id") }
	for i := range atOnce {
		f.send(both(nameless(revoked))[i%2]).refused("invalid_grant")
	}
	f.store.counted()
	f.send(nameless(revoked)).limited()
	f.send(nameless(good)).limited() // pinned: who names no client shares this count
	f.asked(nil)
	f.send(presentKey(f.c1, good)).tokens()
	f.send(clientCredentials(f.c1)).tokens()
	f.send(presentKey(f.c1, revoked)).refused("invalid_grant")
	time.Sleep(time.Second)
	f.send(nameless(good)).tokens()
}

// limiterAnswers: a Retry-After of nothing makes clients come back at once, and
// one of weeks is a lock-out. A wait below zero is none.
func limiterAnswers(t *testing.T, open opener) {
	l := new(limiter)
	f := newFixture(t, open, withLimiter(l))
	for wait, want := range map[time.Duration]string{
		1: "1", time.Second: "1", time.Second + 1: "2", time.Hour: "3600", time.Hour + 1: "3600", 1<<63 - 1: "3600",
	} {
		l.answer(wait, nil)
		got := f.send(clientCredentials(f.c1))
		got.limited()
		if after := got.header.Get("Retry-After"); after != want {
			t.Errorf("after a wait of %v Retry-After is %q, want %s", wait, after, want)
		}
	}
	for _, wait := range []time.Duration{0, -1, -1 << 63} {
		l.answer(wait, nil)
		f.send(clientCredentials(f.c1)).tokens()
	}
	l.answer(-1<<63, errors.New("limiter down"))
	f.send(clientCredentials(f.c1)).tokens()
}
