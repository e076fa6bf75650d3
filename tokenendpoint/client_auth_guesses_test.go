package tokenendpoint_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// guessRules are about attackers who guess secrets. Where a rule counts exactly,
// time must stand still: such rules are in timedClientAuthRules.
var guessRules = []rule{
	{"D31_a_thousand_wrong_secrets", thousandWrong},
	{"D31_a_host's_own_Limiter", ownLimiter},
	{"D32_forwarding_headers_mean_nothing", forwardingHeaders},
}

// unknownTakesAsLong counts the slow hashes by the memory that each takes, and
// compares the time generously: without the hash, a request is a hundred times
// faster. The test takes the shortest time of each, since other load changes it
// least.
func unknownTakesAsLong(t *testing.T) {
	f := testbed.New(t, openMemory)
	p, post, off := slowClient(f, storage.Client{}), slowClient(f, storage.Client{AuthMethod: storage.ClientSecretPost}), slowClient(f, storage.Client{Disabled: true})
	f.Send(testbed.ClientCredentials(p)).Tokens() // the endpoint learns the cost of known clients from these
	names := []string{"a wrong secret", "an unknown client", "a disabled client", "another method"}
	requests := []*testbed.Request{
		testbed.ClientCredentials(p.Showing(testbed.WrongSecret)), testbed.ClientCredentials(p.Named("ghost")), testbed.ClientCredentials(off), testbed.ClientCredentials(post),
	}
	shortest := make([]time.Duration, len(requests))
	f.Store.Counted()
	for round := range 5 {
		for i, r := range requests {
			start, before := time.Now(), testbed.Allocated()
			f.Send(r).Unauthorized()
			took, hashes := time.Since(start), float64(testbed.Allocated()-before)/slowHashMemory
			if hashes < 0.9 || hashes > 1.9 {
				t.Errorf("%s computed %.1f slow hashes, want 1", names[i], hashes)
			}
			if round == 0 || took < shortest[i] {
				shortest[i] = took
			}
			f.Asked(map[string]int{testbed.CallClient: 1})
		}
	}
	for i, took := range shortest {
		if took < shortest[0]/4 || took > shortest[0]*4 {
			t.Errorf("%s took %v, a wrong secret %v", names[i], took, shortest[0])
		}
	}
}

// encodedTakesAsLong: the endpoint also compares a secret that Basic has to
// encode with the text as it was sent, for known and unknown clients alike.
func encodedTakesAsLong(t *testing.T) {
	f := testbed.New(t, openMemory)
	p, off := slowClient(f, storage.Client{}), slowClient(f, storage.Client{Disabled: true})
	f.Send(testbed.ClientCredentials(p)).Tokens()
	for name, p := range map[string]*testbed.Party{"wrong": p, "unknown": p.Named("ghost"), "disabled": off} {
		before := testbed.Allocated()
		f.Send(testbed.ClientCredentials(p.Showing("chosen, by people"))).Unauthorized()
		if hashes := float64(testbed.Allocated()-before) / slowHashMemory; hashes < 1.9 || hashes > 2.9 {
			t.Errorf("%s: computed %.1f slow hashes, want 2", name, hashes)
		}
	}
}

// slowHashMemory is the memory that one hash takes, as clientauth.Hash documents
// it.
const slowHashMemory = 19 << 20

// slowClient registers a client whose secret needs a slow hash.
func slowClient(f *testbed.Fixture, c storage.Client) *testbed.Party {
	f.Helper()
	c.ID, c.GrantTypes, c.Scope = "slow", testbed.EveryGrant(), []string{"read"}
	return f.NewClient(&c, "chosen-by-people")
}

func thousandWrong(t *testing.T) {
	f := testbed.New(t, openMemory)
	wrong, start, refused := testbed.Both(testbed.ClientCredentials(f.C1.Showing(testbed.WrongSecret))), time.Now(), 0
	for i := range 1000 {
		got := f.Send(wrong[i%2])
		if i < testbed.AtOnce || got.Status == http.StatusUnauthorized {
			got.Unauthorized()
			refused++
			continue
		}
		got.Limited()
	}
	if most := testbed.AtOnce + 2 + int(time.Since(start)/time.Second); refused > most {
		t.Errorf("%d of 1000 wrong secrets were tried, want at most %d", refused, most)
	}
	f.Send(testbed.ClientCredentials(f.C2)).Tokens()
	f.Send(testbed.Refresh(f.Pub, f.RefreshToken(f.Pub))).Tokens()
}

// guessesCounted: 300 at once, and then one each second.
func guessesCounted(t *testing.T) {
	f := testbed.NewTimed(t, openMemory, testbed.FromHeader)
	right, wrong := testbed.ClientCredentials(f.C1), testbed.ClientCredentials(f.C1.Showing(testbed.WrongSecret))
	for i := range testbed.AtOnce {
		f.Send(wrong).Unauthorized()
		if i%100 == 0 {
			f.Send(right).Tokens() // it does not wipe the slate
		}
	}
	f.Store.Counted()
	for _, r := range testbed.Both(wrong) {
		f.Send(r).Limited()
	}
	f.Send(right).Limited() // pinned: right or wrong is not looked at
	f.Send(testbed.Form("grant_type", "client_credentials").Post(f.C1)).Limited()
	f.Send(testbed.PresentKey(f.C1, "guessed")).Limited()
	f.Asked(nil)
	f.Send(testbed.ClientCredentials(f.C2)).Tokens()
	f.Send(testbed.ClientCredentials(f.C2.Showing(testbed.WrongSecret)).From("192.0.2.8")).Unauthorized()
	if e := f.LastEvent(); e.Outcome != tokenendpoint.Refused {
		t.Errorf("the outcome is %s, want %s", e.Outcome, tokenendpoint.Refused)
	}
	f.Send(wrong).Limited()
	if e := f.LastEvent(); e.Outcome != tokenendpoint.Limited || e.ClientID != f.C1.ID {
		t.Errorf("the event is of %s %s, want %s %s", e.Outcome, e.ClientID, tokenendpoint.Limited, f.C1.ID)
	}
	time.Sleep(time.Second)
	f.Send(right).Tokens()
	f.Send(wrong).Unauthorized()
	f.Send(wrong).Limited()
	time.Sleep(10 * time.Second)
	for range 10 {
		f.Send(wrong).Unauthorized()
	}
	f.Send(wrong).Limited()
	time.Sleep(testbed.AtOnce * time.Second)
	for range testbed.AtOnce {
		f.Send(wrong).Unauthorized()
	}
	f.Send(wrong).Limited()
}

// unknownLimitedAlike: the count must not show which clients are known.
func unknownLimitedAlike(t *testing.T) {
	f := testbed.NewTimed(t, openMemory, testbed.FromHeader)
	for i, p := range []*testbed.Party{f.C1.Showing(testbed.WrongSecret), f.C1.Named("ghost"), f.Off, f.CC.Showing(testbed.WrongSecret)} {
		r := testbed.Form("grant_type", "client_credentials").Post(p).From(fmt.Sprintf("192.0.2.%d", i))
		for range testbed.AtOnce {
			f.Send(r).Unauthorized()
		}
		f.Send(r).Limited()
	}
}

// onlyGuessesCount: a request costs nothing if it shows no secret, or one that
// nobody can guess; a wrong API key is a guess.
func onlyGuessesCount(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	code, token := f.Code(f.C1), f.RefreshToken(f.C1)
	for range testbed.AtOnce + 1 {
		f.Send(f.Redeem(f.C1, code).With("code_verifier", testbed.Verifier+"x")).Refused("invalid_grant")
		f.Send(testbed.Refresh(f.C1, token[:len(token)-1])).Refused("invalid_grant")
		f.Send(testbed.Refresh(f.C1.Showing(""), token)).Unauthorized()
		f.Send(testbed.ClientCredentials(f.C1).With("scope", "root")).Refused("invalid_scope")
	}
	f.Send(f.Redeem(f.C1, code)).Tokens()
	f.Send(testbed.Refresh(f.C1, token)).Tokens()
	f.Store.FailWith(testbed.CallClient, errors.New("db down"))
	for range testbed.AtOnce + 1 {
		f.Send(testbed.ClientCredentials(f.C2.Showing(testbed.WrongSecret))).Unavailable()
	}
	f.Store.Heal()
	f.Send(testbed.ClientCredentials(f.C2)).Tokens()

	key := f.APIKey(f.C2)
	for i := range testbed.AtOnce {
		f.Send(testbed.PresentKey(f.C2, storage.NewSecret("ck_test_").Reveal())).Refused("invalid_grant")
		if i == 0 {
			f.Send(testbed.PresentKey(f.C2, key)).Tokens()
		}
	}
	f.Send(testbed.PresentKey(f.C2, key)).Limited()
	f.Send(testbed.PresentKey(f.C1, f.APIKey(f.C1))).Tokens()
}

func countByNetwork(t *testing.T) {
	f := testbed.NewTimed(t, openMemory, testbed.FromHeader)
	right, wrong := testbed.ClientCredentials(f.C1), testbed.ClientCredentials(f.C1.Showing(testbed.WrongSecret))
	for i := range testbed.AtOnce { // all of one /64
		f.Send(wrong.From(fmt.Sprintf("2001:db8:1:2:%x:%x:0:%x", i, i*7, i*13))).Unauthorized()
		f.Send(wrong.From([]string{"192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207"}[i%3])).Unauthorized()
		f.Send(wrong.From(fmt.Sprintf("fe80::%x%%eth%d", i, i%2))).Unauthorized()
	}
	for _, r := range []*testbed.Request{right, wrong} {
		f.Send(r.From("2001:db8:1:2::")).Limited()
		f.Send(r.From("2001:db8:1:2:ffff:ffff:ffff:ffff")).Limited()
		f.Send(r.From("192.0.2.7")).Limited()
		f.Send(r.From("::ffff:192.0.2.7")).Limited()
		f.Send(r.From("fe80::1%eth7")).Limited()
	}
	for _, address := range []string{"2001:db8:1:3::1", "2001:db8:1:1:ffff:ffff:ffff:ffff", "192.0.2.6", "::192.0.2.7", "2001:db8::1", ""} {
		f.Send(right.From(address)).Tokens()
	}
}

// forwardingHeaders: any client can write these headers, so they neither split
// the count nor point it at somebody else.
func forwardingHeaders(t *testing.T) {
	f := testbed.New(t, openMemory)
	wrong, start, refused := testbed.ClientCredentials(f.C1.Showing(testbed.WrongSecret)), time.Now(), 0
	for i := range testbed.AtOnce + 200 {
		address := fmt.Sprintf("203.0.%d.%d", i/200, i%200)
		got := f.Send(wrong.Set("X-Forwarded-For", address).Set("X-Real-IP", address).Set("Forwarded", "for="+address).
			Set("True-Client-IP", address).Set("CF-Connecting-IP", address))
		if got.Status == http.StatusUnauthorized {
			refused++
			continue
		}
		got.Limited()
	}
	if most := testbed.AtOnce + 2 + int(time.Since(start)/time.Second); refused < testbed.AtOnce || refused > most {
		t.Errorf("%d wrong secrets were tried, want %d to %d", refused, testbed.AtOnce, most)
	}
}

func ownLimiter(t *testing.T) {
	l := new(testbed.Limiter)
	f := testbed.New(t, openMemory, testbed.WithLimiter(l), testbed.FromHeader)
	right := testbed.ClientCredentials(f.C1).From("2001:db8:1:2:3:4:5:6")
	wrong := testbed.ClientCredentials(f.C1.Showing(testbed.WrongSecret)).From("2001:db8:1:2:3:4:5:6")
	want := netip.MustParsePrefix("2001:db8:1:2::/64")

	f.Send(right).Tokens()
	reserved, refunded := l.Told()
	if len(reserved) != 1 || len(refunded) != 1 {
		t.Errorf("the limiter was told of %v and %v, want one attempt that was given back", reserved, refunded)
	}
	f.Send(wrong).Unauthorized()
	failed, refunded := l.Told()
	if len(failed) != 1 || len(refunded) != 0 {
		t.Fatalf("the limiter was told of %v and %v, want one attempt that was not given back", failed, refunded)
	}
	for _, a := range append(reserved, failed...) {
		if a.ClientID != reserved[0].ClientID || a.ClientID == "" || strings.Contains(a.ClientID, f.C1.ID) || a.Network != want || time.Since(a.Time).Abs() > time.Minute {
			t.Errorf("the attempt is %v, want of %s from %s, now", a, f.C1.ID, want)
		}
	}
	l.Answer(90*time.Second+1, nil)
	f.Store.Counted()
	got := f.Send(right)
	got.Limited()
	if _, refunded := l.Told(); len(refunded) > 0 {
		t.Errorf("%v was given back, which had not been taken", refunded)
	}
	if after := got.Header.Get("Retry-After"); after != "91" {
		t.Errorf("Retry-After is %s, want 91: the limiter's, rounded up", after)
	}
	f.Asked(nil)
	l.Answer(0, nil)
	for range 2 * testbed.AtOnce { // of which some may be forgotten by now
		f.Send(wrong)
	}
	f.Send(right).Tokens() // its word counts, not that of this process
	l.Answer(0, errors.New("limiter down"))
	f.Send(right).Limited() // by the count of this process
	f.Send(testbed.ClientCredentials(f.C2)).Tokens()
	f.Send(testbed.ClientCredentials(f.C2.Showing(testbed.WrongSecret))).Unauthorized()
}
