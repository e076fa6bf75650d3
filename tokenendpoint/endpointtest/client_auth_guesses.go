package endpointtest

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// guessRules are about who tries secrets. Where the very number counts, time
// must stand still: those rules are in timedClientAuthRules.
var guessRules = []rule{
	{"D31_a_thousand_wrong_secrets", thousandWrong},
	{"D31_a_host's_own_Limiter", ownLimiter},
	{"D32_forwarding_headers_mean_nothing", forwardingHeaders},
}

// unknownTakesAsLong counts the slow hashes by the memory that each takes, and
// compares the time generously: a hash that is left out makes a factor of a
// hundred. The shortest time of each is the one that other load changes least.
func unknownTakesAsLong(t *testing.T, open opener) {
	f := newFixture(t, open)
	p, post, off := f.slowClient(storage.Client{}), f.slowClient(storage.Client{AuthMethod: storage.ClientSecretPost}), f.slowClient(storage.Client{Disabled: true})
	f.send(clientCredentials(p)).tokens() // what known clients cost is learned from them
	names := []string{"a wrong secret", "an unknown client", "a disabled client", "another method"}
	requests := []*request{
		clientCredentials(p.showing(wrongSecret)), clientCredentials(p.named("ghost")), clientCredentials(off), clientCredentials(post),
	}
	shortest := make([]time.Duration, len(requests))
	f.store.counted()
	for round := range 5 {
		for i, r := range requests {
			start, before := time.Now(), allocated()
			f.send(r).unauthorized()
			took, hashes := time.Since(start), float64(allocated()-before)/slowHashMemory
			if hashes < 0.9 || hashes > 1.9 {
				t.Errorf("%s computed %.1f slow hashes, want 1", names[i], hashes)
			}
			if round == 0 || took < shortest[i] {
				shortest[i] = took
			}
			f.asked(map[string]int{mClient: 1})
		}
	}
	for i, took := range shortest {
		if took < shortest[0]/4 || took > shortest[0]*4 {
			t.Errorf("%s took %v, a wrong secret %v", names[i], took, shortest[0])
		}
	}
}

// slowHashMemory is what clientauth.Hash says that it takes.
const slowHashMemory = 19 << 20

// slowClient registers a client whose secret needs a slow hash.
func (f *fixture) slowClient(c storage.Client) *party {
	f.Helper()
	c.ID, c.GrantTypes, c.Scope = "slow", everyGrant(), []string{"read"}
	return f.newClient(&c, "chosen by people")
}

func thousandWrong(t *testing.T, open opener) {
	f := newFixture(t, open)
	wrong, start, refused := both(clientCredentials(f.c1.showing(wrongSecret))), time.Now(), 0
	for i := range 1000 {
		got := f.send(wrong[i%2])
		if i < atOnce || got.status == http.StatusUnauthorized {
			got.unauthorized()
			refused++
			continue
		}
		got.limited()
	}
	if most := atOnce + 2 + int(time.Since(start)/time.Second); refused > most {
		t.Errorf("%d of 1000 wrong secrets were tried, want at most %d", refused, most)
	}
	f.send(clientCredentials(f.c2)).tokens()
	f.send(refresh(f.pub, f.refreshToken(f.pub))).tokens()
}

// guessesCounted: 300 at once, and then one each second.
func guessesCounted(t *testing.T, open opener) {
	f := newTimed(t, open)
	right, wrong := clientCredentials(f.c1), clientCredentials(f.c1.showing(wrongSecret))
	for i := range atOnce {
		f.send(wrong).unauthorized()
		if i%100 == 0 {
			f.send(right).tokens() // it does not wipe the slate
		}
	}
	f.store.counted()
	for _, r := range both(wrong) {
		f.send(r).limited()
	}
	f.send(right).limited() // pinned: right or wrong is not looked at
	f.send(form("grant_type", "client_credentials").post(f.c1)).limited()
	f.send(presentKey(f.c1, "guessed")).limited()
	f.asked(nil)
	f.send(clientCredentials(f.c2)).tokens()
	f.send(clientCredentials(f.c2.showing(wrongSecret))).unauthorized()
	if e := f.lastEvent(); e.Outcome != tokenendpoint.Refused {
		t.Errorf("the outcome is %s, want %s", e.Outcome, tokenendpoint.Refused)
	}
	f.send(wrong).limited()
	if e := f.lastEvent(); e.Outcome != tokenendpoint.Limited || e.ClientID != f.c1.id {
		t.Errorf("the event is of %s %s, want %s %s", e.Outcome, e.ClientID, tokenendpoint.Limited, f.c1.id)
	}
	time.Sleep(time.Second)
	f.send(right).tokens()
	f.send(wrong).unauthorized()
	f.send(wrong).limited()
	time.Sleep(10 * time.Second)
	for range 10 {
		f.send(wrong).unauthorized()
	}
	f.send(wrong).limited()
	time.Sleep(atOnce * time.Second)
	for range atOnce {
		f.send(wrong).unauthorized()
	}
	f.send(wrong).limited()
}

// unknownLimitedAlike: the count must not tell who is known either.
func unknownLimitedAlike(t *testing.T, open opener) {
	f := newTimed(t, open)
	for _, p := range []*party{f.c1.showing(wrongSecret), f.c1.named("ghost"), f.off, f.cc.showing(wrongSecret)} {
		for range atOnce {
			f.send(form("grant_type", "client_credentials").post(p)).unauthorized()
		}
		f.send(form("grant_type", "client_credentials").post(p)).limited()
	}
}

// onlyGuessesCount: what cannot be guessed at, or shows nothing, is free; a
// wrong API key is a guess.
func onlyGuessesCount(t *testing.T, open opener) {
	f := newTimed(t, open)
	code, token := f.code(f.c1), f.refreshToken(f.c1)
	for range atOnce + 1 {
		f.send(f.redeem(f.c1, code).with("code_verifier", verifier+"x")).refused("invalid_grant")
		f.send(refresh(f.c1, token[:len(token)-1])).refused("invalid_grant")
		f.send(refresh(f.c1.showing(""), token)).unauthorized()
		f.send(clientCredentials(f.c1).with("scope", "root")).refused("invalid_scope")
	}
	f.send(f.redeem(f.c1, code)).tokens()
	f.send(refresh(f.c1, token)).tokens()
	f.store.failWith(mClient, errors.New("db down"))
	for range atOnce + 1 {
		f.send(clientCredentials(f.c2.showing(wrongSecret))).unavailable()
	}
	f.store.heal()
	f.send(clientCredentials(f.c2)).tokens()

	key := f.apiKey(f.c2)
	for i := range atOnce {
		f.send(presentKey(f.c2, storage.NewSecret("ck_test_").Reveal())).refused("invalid_grant")
		if i == 0 {
			f.send(presentKey(f.c2, key)).tokens()
		}
	}
	f.send(presentKey(f.c2, key)).limited()
	f.send(presentKey(f.c1, f.apiKey(f.c1))).tokens()
}

func countByNetwork(t *testing.T, open opener) {
	f := newTimed(t, open, fromHeader)
	right, wrong := clientCredentials(f.c1), clientCredentials(f.c1.showing(wrongSecret))
	for i := range atOnce { // all of one /64
		f.send(wrong.from(fmt.Sprintf("2001:db8:1:2:%x:%x:0:%x", i, i*7, i*13))).unauthorized()
		f.send(wrong.from([]string{"192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207"}[i%3])).unauthorized()
		f.send(wrong.from(fmt.Sprintf("fe80::%x%%eth%d", i, i%2))).unauthorized()
	}
	for _, r := range []*request{right, wrong} {
		f.send(r.from("2001:db8:1:2::")).limited()
		f.send(r.from("2001:db8:1:2:ffff:ffff:ffff:ffff")).limited()
		f.send(r.from("192.0.2.7")).limited()
		f.send(r.from("::ffff:192.0.2.7")).limited()
		f.send(r.from("fe80::1%eth7")).limited()
	}
	for _, address := range []string{"2001:db8:1:3::1", "2001:db8:1:1:ffff:ffff:ffff:ffff", "192.0.2.6", "::192.0.2.7", "2001:db8::1", ""} {
		f.send(right.from(address)).tokens()
	}
}

// forwardingHeaders say who sends one what they like: neither do they split
// the count nor do they point it at somebody else.
func forwardingHeaders(t *testing.T, open opener) {
	f := newFixture(t, open)
	wrong, start, refused := clientCredentials(f.c1.showing(wrongSecret)), time.Now(), 0
	for i := range atOnce + 200 {
		address := fmt.Sprintf("203.0.%d.%d", i/200, i%200)
		got := f.send(wrong.set("X-Forwarded-For", address).set("X-Real-IP", address).set("Forwarded", "for="+address).
			set("True-Client-IP", address).set("CF-Connecting-IP", address))
		if got.status == http.StatusUnauthorized {
			refused++
			continue
		}
		got.limited()
	}
	if most := atOnce + 2 + int(time.Since(start)/time.Second); refused < atOnce || refused > most {
		t.Errorf("%d wrong secrets were tried, want %d to %d", refused, atOnce, most)
	}
}

func ownLimiter(t *testing.T, open opener) {
	l := new(limiter)
	f := newFixture(t, open, withLimiter(l), fromHeader)
	right := clientCredentials(f.c1).from("2001:db8:1:2:3:4:5:6")
	wrong := clientCredentials(f.c1.showing(wrongSecret)).from("2001:db8:1:2:3:4:5:6")
	want := netip.MustParsePrefix("2001:db8:1:2::/64")

	f.send(right).tokens()
	if waited, failed := l.told(); len(waited) != 1 || len(failed) != 0 {
		t.Errorf("the limiter was told of %v and %v, want one attempt and no failure", waited, failed)
	}
	f.send(wrong).unauthorized()
	waited, failed := l.told()
	if len(waited) != 1 || len(failed) != 1 {
		t.Fatalf("the limiter was told of %v and %v, want one attempt and one failure", waited, failed)
	}
	for _, a := range append(waited, failed...) {
		if a.ClientID != f.c1.id || a.Network != want || time.Since(a.Time).Abs() > time.Minute {
			t.Errorf("the attempt is %v, want of %s from %s, now", a, f.c1.id, want)
		}
	}
	l.answer(90*time.Second+1, nil)
	f.store.counted()
	got := f.send(right)
	got.limited()
	if after := got.header.Get("Retry-After"); after != "91" {
		t.Errorf("Retry-After is %s, want 91: the limiter's, rounded up", after)
	}
	f.asked(nil)
	l.answer(0, nil)
	for range atOnce + 1 { // its word counts, not that of this process
		f.send(wrong).unauthorized()
	}
	f.send(right).tokens()
	l.answer(0, errors.New("limiter down"))
	got = f.send(wrong)
	for i := 0; i < atOnce && got.status == http.StatusUnauthorized; i++ {
		got = f.send(wrong) // some of the first failures may be forgotten by now
	}
	got.limited() // by the count of this process
	f.send(clientCredentials(f.c2)).tokens()
	f.send(clientCredentials(f.c2.showing(wrongSecret))).unauthorized()
}
