package tokenendpoint_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// limitRules are about the count itself: its cost, and the party that it belongs
// to.
var limitRules = []rule{
	{"Q10_a_limiter_may_answer_anything", limiterAnswers},
}

var timedLimitRules = []rule{
	{"D31_others_do_not_reset_a_count", othersResetNothing},
	{"D31_a_host's_own_grant_can_be_guessed_at", ownGrantGuesses},
	{"D32_an_address_without_a_port", portless},
	{"D32_an_address_that_the_host_cannot_tell", unknownAddress},
	{"J14_guesses_without_client_id_have_a_count_of_their_own", namelessGuesses},
}

// othersResetNothing: an attacker cannot make the endpoint forget a count by
// filling the table with clients that do not exist. The table has a fixed size:
// one or two of them may share the place of the one that is limited.
func othersResetNothing(t *testing.T) {
	f := testbed.NewTimed(t, openMemory, testbed.Quiet, testbed.FromHeader)
	wrong := testbed.Posted(f.C1.Showing(testbed.WrongSecret))
	for range testbed.AtOnce {
		f.Send(wrong).Unauthorized()
	}
	f.Send(wrong).Limited()
	statuses := map[int]int{}
	for i := range 40_000 {
		statuses[f.Served(testbed.Posted(f.C1.Named(rand.Text())).From(fmt.Sprintf("198.51.%d.%d", i%100, i/100%100))).Code]++
	}
	if refused, others := statuses[http.StatusUnauthorized], 40_000; refused < others-10 {
		t.Errorf("other clients got the statuses %v, want 401 for nearly all of %d", statuses, others)
	}
	f.Send(wrong).Limited()
	f.Send(testbed.ClientCredentials(f.C2)).Tokens()
}

// nothingKept sends refused requests whose bodies are as long as they may be.
// Neither the count of this process nor the arguments of a host's own Limiter
// may keep such a body in memory, not even through a part of its text. The least
// of several measurements counts: goroutines of earlier tests need memory too.
func nothingKept(t *testing.T) {
	const most = 32 << 20 // the bodies are three times as long
	for name, o := range map[string]testbed.Option{"the count of this process": testbed.Quiet, "a host's own Limiter": testbed.WithLimiter(new(testbed.Limiter))} {
		f := testbed.New(t, openMemory, o, testbed.Unlimited, testbed.Quiet, testbed.WithOwnGrants)
		p := f.NewWideClient()
		grown := int64(most)
		for attempt := 0; attempt < 3 && grown >= most; attempt++ {
			before := testbed.Heap()
			longRefusals(f, p, 2000)
			grown = testbed.Heap() - before
		}
		if grown >= most {
			t.Errorf("%s: the heap grew by %d KiB in 2000 refused requests, want less than %d", name, grown>>10, most>>10)
		}
		runtime.KeepAlive(f)
	}
}

// longRefusals sends n requests with wrong secrets, keys and vouchers, half of
// them in the name of clients that do not exist.
func longRefusals(f *testbed.Fixture, p *testbed.Party, n int) {
	f.Helper()
	filler := strings.Repeat("x", 60<<10)
	for i := range n {
		q := p
		if i%2 == 0 {
			q = p.Named(rand.Text())
		}
		r := []*testbed.Request{
			testbed.Posted(q.Showing(rand.Text())),
			testbed.PresentKey(q, rand.Text()),
			testbed.Form("grant_type", testbed.TypeVoucher, "voucher", rand.Text()).Post(q),
		}[i%3].With("filler", filler)
		if i%4 == 1 {
			r = r.JSON()
		}
		if w := f.Served(r); w.Code < 400 || w.Code >= 500 {
			f.Fatalf("got %d %s, want a refusal", w.Code, w.Body)
		}
	}
}

// ownGrantGuesses: a host's own grant may take a code that people type. Only the
// endpoint's own codes and refresh tokens are known to be long.
func ownGrantGuesses(t *testing.T) {
	denied := grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) { return nil, grants.AccessDenied })
	f := testbed.NewTimed(t, openMemory, testbed.WithOwnGrants, testbed.WithGrant("denied", denied))
	p := f.NewWideClient(func(c *storage.Client) { c.GrantTypes = append(c.GrantTypes, "denied") })
	voucher := f.Mint(p, testbed.KindVoucher, "vo_")
	try := func(p *testbed.Party, voucher string) *testbed.Request {
		return testbed.Form("grant_type", testbed.TypeVoucher, "voucher", voucher).By(p)
	}
	for range testbed.AtOnce + 1 { // neither is a guess
		f.Send(testbed.Form("grant_type", "denied").By(p)).Refused("access_denied")
		f.Send(testbed.Form("grant_type", testbed.TypeDevice, "scope", "root").By(p)).Refused("invalid_scope")
	}
	for i := range testbed.AtOnce {
		f.Send(testbed.Both(try(p, rand.Text()))[i%2]).Refused("invalid_grant")
	}
	f.ChangesNothing(func() {
		f.Send(try(p, rand.Text())).Limited()
		f.Send(try(p, voucher)).Limited() // pinned: right or wrong is not looked at
	})
	other := f.NewWideClient()
	f.Send(try(other, f.Mint(other, testbed.KindVoucher, "vo_"))).Tokens()
	time.Sleep(time.Second)
	f.Send(try(p, voucher)).Tokens()
}

// fromPeer asks the handler as if the connection came from an address, which
// middleware may have written.
func fromPeer(f *testbed.Fixture, r *testbed.Request, address string) int {
	hr := testbed.DirectRequest(r, strings.NewReader(r.Text()))
	hr.RemoteAddr = address
	return f.Direct(hr).Status
}

// portless: the RealIP of some routers puts an address alone where net/http has
// one with a port.
func portless(t *testing.T) {
	for _, tt := range []struct{ guesser, same, other string }{
		{"192.0.2.7", "192.0.2.7:4711", "192.0.2.8"},
		{"192.0.2.7:1", "192.0.2.7", "192.0.2.8:1"},
		{"2001:db8:1:2::7", "[2001:db8:1:2:ffff::1]:443", "2001:db8:1:3::7"},
		{"::ffff:192.0.2.7", "192.0.2.7", "192.0.2.6"},
	} {
		f := testbed.NewTimed(t, openMemory)
		wantCountOf(f, tt.guesser, tt.same, tt.other)
	}
}

// wantCountOf asserts that failures from one address limit callers from the same
// network, and nobody else.
func wantCountOf(f *testbed.Fixture, guesser, same, other string) {
	f.Helper()
	right, wrong := testbed.ClientCredentials(f.C1), testbed.ClientCredentials(f.C1.Showing(testbed.WrongSecret))
	for range testbed.AtOnce {
		if got := fromPeer(f, wrong, guesser); got != http.StatusUnauthorized {
			f.Fatalf("a wrong secret from %q: got %d, want 401", guesser, got)
		}
	}
	for address, want := range map[string]int{guesser: http.StatusTooManyRequests, same: http.StatusTooManyRequests, other: http.StatusOK} {
		if got := fromPeer(f, right, address); got != want {
			f.Errorf("after the failures from %q, a request from %q: got %d, want %d", guesser, address, got, want)
		}
	}
}

// unknownAddress: without the header that a host's RemoteAddr reads, RemoteAddr
// has no answer. Then the endpoint counts by the connection. Otherwise all
// callers without the header would share one count, and one of them could lock
// the client out for all.
func unknownAddress(t *testing.T) {
	f := testbed.NewTimed(t, openMemory, testbed.FromHeader)
	wantCountOf(f, "192.0.2.7:1", "192.0.2.7:2", "192.0.2.8:1")
}

// namelessGuesses: a revoked key names its client as well as a good one. If its
// failures were the client's, a finder of the key could lock the client out; if all
// keys without a client had one count, the other keys of the network, too.
func namelessGuesses(t *testing.T) {
	f := testbed.NewTimed(t, openMemory, testbed.APIKeys(grants.APIKey{ClientIDOptional: true}))
	good := f.APIKey(f.C1)
	revoked := f.APIKey(f.C1, func(k *storage.APIKey) { k.RevokedAt = time.Now() })
	nameless := func(key string) *testbed.Request { return testbed.PresentKey(f.C1, key).Without("client_id") }
	for i := range testbed.AtOnce {
		f.Send(testbed.Both(nameless(revoked))[i%2]).Refused("invalid_grant")
	}
	f.Store.Counted()
	f.Send(nameless(revoked)).Limited()
	f.Asked(nil)
	f.Send(nameless(good)).Tokens()
	f.Send(testbed.PresentKey(f.C1, good)).Tokens()
	f.Send(testbed.ClientCredentials(f.C1)).Tokens()
	f.Send(testbed.PresentKey(f.C1, revoked)).Limited() // as every failure from a crowded network is
	time.Sleep(time.Second)
	f.Send(nameless(good)).Tokens()
}

// limiterAnswers: with a Retry-After of nothing, clients come back at once; one
// of weeks is a lock-out. A wait below zero is no wait.
func limiterAnswers(t *testing.T) {
	l := new(testbed.Limiter)
	f := testbed.New(t, openMemory, testbed.WithLimiter(l))
	for wait, want := range map[time.Duration]string{
		1: "1", time.Second: "1", time.Second + 1: "2", time.Hour: "3600", time.Hour + 1: "3600", 1<<63 - 1: "3600",
	} {
		l.Answer(wait, nil)
		got := f.Send(testbed.ClientCredentials(f.C1))
		got.Limited()
		if after := got.Header.Get("Retry-After"); after != want {
			t.Errorf("after a wait of %v Retry-After is %q, want %s", wait, after, want)
		}
	}
	for _, wait := range []time.Duration{0, -1, -1 << 63} {
		l.Answer(wait, nil)
		f.Send(testbed.ClientCredentials(f.C1)).Tokens()
	}
	l.Answer(-1<<63, errors.New("limiter down"))
	f.Send(testbed.ClientCredentials(f.C1)).Tokens()
}
