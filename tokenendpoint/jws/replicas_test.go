package jws_test

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// FuzzReplicas lets replicas of a server live through days of rotation, with clocks
// that differ, loads that fail, requests that are late, pauses and restarts. It
// compares them with the knowledge of verifiers: every JWKS that may still be cached
// has the key of every token that is good.
func FuzzReplicas(f *testing.F) {
	for seed := range uint64(6) {
		f.Add(seed, byte(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, kind byte) {
		w := newWorld(t, seed)
		switch kind % 3 {
		case 0:
			w.stored()
		case 1:
			w.procedure()
		case 2:
			w.disorder()
		}
		for range 2000 {
			w.step()
		}
		if t.Failed() {
			t.Logf("seed %d, kind %d: %+v, after %s, %d tokens, %d key sets, %d keys have signed, %d outages, %d restarts",
				seed, kind%3, w.r, w.now.Sub(start), w.tokens, w.fetched, len(w.good), w.outages, w.restarts)
		}
		if w.tokens < 500 || w.fetched < 200 || len(w.good) < 3 {
			t.Errorf("%d tokens, %d key sets, %d keys that have signed: too few to show anything", w.tokens, w.fetched, len(w.good))
		}
	})
}

type world struct {
	*testing.T
	*rand.Rand
	now time.Time
	r   jws.Rotation

	replicas []*replica
	source   func(*replica) jws.KeySource
	change   func()        // by an operator
	every    time.Duration // on the average
	restart  bool          // whether a replica may be started at any time
	attended bool          // whether all replicas are used all the time, and the source never fails for long
	bad      time.Time     // until then loads fail

	good   map[string]time.Time // until when tokens of a key are good
	cached []cached

	tokens, fetched, outages, restarts int
}

type replica struct {
	set   *jws.KeySet
	clock time.Duration // ahead of the true time
	late  time.Duration // with the changes of an operator
	seen  int           // the version that it has
}

// cached is a key set as a verifier keeps it.
type cached struct {
	ids   string
	until time.Time
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{T: t, Rand: rand.New(rand.NewPCG(seed, 0)), now: start, good: map[string]time.Time{}}
	between := func(least, most time.Duration) time.Duration {
		return (least + time.Duration(w.Float64()*float64(most-least))).Round(time.Second)
	}
	w.r = jws.Rotation{TokenLifetime: between(time.Second, time.Hour), CacheLifetime: between(time.Second, 10*time.Minute),
		Delay: between(-time.Minute, 3*time.Minute), Logger: slog.New(slog.DiscardHandler)}
	w.replicas = []*replica{{clock: 5 * time.Second}, {clock: -5 * time.Second}, {clock: between(-5*time.Second, 5*time.Second)}}
	w.change = func() {}
	return w
}

func (w *world) delay() time.Duration { return max(w.r.Delay, 0) }

// step lets some time pass, and something happen.
func (w *world) step() {
	w.Helper()
	pause := time.Duration(w.ExpFloat64() * float64(w.r.Lead()/40))
	if w.IntN(200) == 0 { // a pause that keys do not outlast
		pause = time.Duration(w.Float64() * float64(3*w.r.Lead()))
	}
	if w.attended {
		pause = min(pause, w.r.CacheLifetime/4)
	}
	w.now = w.now.Add(pause)
	if w.every > 0 && w.Float64() < float64(pause)/float64(w.every) {
		w.change()
	}
	if w.IntN(300) == 0 {
		most := 1.5 * float64(w.r.Lead())
		if w.attended {
			most = float64(w.r.CacheLifetime) / 4
		}
		w.bad = w.now.Add(time.Duration(w.Float64() * most))
	}
	if w.attended {
		for _, p := range w.replicas {
			w.verify(p)
		}
	}
	p := w.replicas[w.IntN(len(w.replicas))]
	if p.set == nil || w.restart && w.IntN(100) == 0 {
		if !w.start(p) {
			return
		}
	}
	switch w.IntN(4) {
	case 0, 1:
		w.sign(p)
	case 2:
		w.fetch(p)
	case 3:
		w.verify(p)
	}
	if w.IntN(50) == 0 {
		w.forget()
	}
}

func (w *world) start(p *replica) bool {
	p.late = time.Duration(w.Float64() * float64(w.delay()))
	p.seen = 0
	source := w.source(p)
	set, err := jws.OpenKeySet(w.Context(), jws.KeySourceFunc(func(ctx context.Context, r jws.Rotation, at time.Time) ([]jws.Key, error) {
		if w.now.Before(w.bad) && w.IntN(4) > 0 {
			return nil, errOutage
		}
		return source.Keys(ctx, r, at)
	}), w.r, w.now.Add(p.clock))
	if err != nil {
		w.outages++
		p.set = nil
		return false
	}
	p.set = set
	w.restarts++
	return true
}

// sign makes a token, by a request that has taken a while until it is signed.
func (w *world) sign(p *replica) {
	w.Helper()
	at := w.now.Add(p.clock)
	if w.IntN(20) == 0 {
		at = at.Add(-time.Duration(w.Float64() * float64(2*time.Second)))
	}
	token, err := p.set.Sign(w.Context(), jws.TypeJWT, []byte("{}"), at)
	if err != nil {
		if !errors.Is(err, errOutage) {
			w.Fatalf("Sign = %v, want no other error than that of the source", err)
		}
		w.outages++
		return
	}
	w.tokens++
	_, header, _, _ := split(w, token)
	id := header["kid"].(string)
	for _, c := range w.cached {
		if c.until.After(w.now) && !strings.Contains(c.ids, " "+id+" ") {
			w.Fatalf("%s: a token is signed with %s, and a verifier has cached %q for %s more", w.now.Sub(start), id, c.ids, c.until.Sub(w.now))
		}
	}
	// The verifiers' clocks may be as wrong as that of the replica.
	if until := w.now.Add(w.r.TokenLifetime + 10*time.Second); until.After(w.good[id]) {
		w.good[id] = until
	}
}

// fetch hands a key set to a verifier.
func (w *world) fetch(p *replica) {
	w.Helper()
	recorder := httptest.NewRecorder()
	p.set.ServeAt(recorder, httptest.NewRequest("GET", "/", nil), w.now.Add(p.clock))
	if recorder.Code != 200 {
		w.outages++
		return
	}
	w.fetched++
	ids := " "
	for _, k := range parseJWKS(w, recorder.Body.Bytes()).Keys {
		ids += k["kid"].(string) + " "
	}
	for id, until := range w.good {
		if until.After(w.now) && !strings.Contains(ids, " "+id+" ") {
			w.Fatalf("%s: tokens of %s are good for %s more, and the JWKS has %q", w.now.Sub(start), id, until.Sub(w.now), ids)
		}
	}
	text := strings.TrimPrefix(recorder.Header().Get("Cache-Control"), "public, max-age=")
	age, err := strconv.Atoi(text)
	if err != nil || time.Duration(age)*time.Second > w.r.CacheLifetime {
		w.Fatalf("max-age = %s, want at most %s", text, w.r.CacheLifetime)
	}
	w.cached = append(w.cached, cached{ids, w.now.Add(time.Duration(age) * time.Second)})
}

// verify verifies as a resource server in the same process does.
func (w *world) verify(p *replica) {
	w.Helper()
	for id, until := range w.good {
		if !until.After(w.now) {
			continue
		}
		if _, err := p.set.PublicKey(w.Context(), id, w.now.Add(p.clock)); errors.Is(err, jws.ErrUnknownKey) {
			w.Fatalf("%s: tokens of %s are good for %s more, and PublicKey = %v", w.now.Sub(start), id, until.Sub(w.now), err)
		}
	}
}

func (w *world) forget() {
	var still []cached
	for _, c := range w.cached {
		if c.until.After(w.now) {
			still = append(still, c)
		}
	}
	w.cached = still
}

// stored has the replicas share their keys in a store.
func (w *world) stored() {
	store := new(shelf)
	period := max(time.Second, time.Duration(w.Float64()*3*float64(w.r.Lead())), (w.r.Lead()+w.r.Keep())/20)
	w.restart = true
	w.source = func(*replica) jws.KeySource {
		return must(jws.NewStoredKeys(jws.StoredKeysConfig{
			Store: store, KeyEncryptionKeys: []jws.KeyEncryptionKey{kek(1)}, Algorithm: jws.EdDSA, Period: period,
		}))
	}
}

// versioned lets each replica see the changes that an operator makes to a file after
// a while.
func (w *world) versioned(first string) (publish func(string)) {
	type version struct {
		keys string
		at   time.Time
	}
	versions := []version{{first, start.Add(-24 * time.Hour)}}
	w.every = w.r.Lead()
	w.source = func(p *replica) jws.KeySource {
		return jws.KeySourceFunc(func(context.Context, jws.Rotation, time.Time) ([]jws.Key, error) {
			for p.seen+1 < len(versions) && !w.now.Before(versions[p.seen+1].at.Add(p.late)) {
				p.seen++
			}
			return numberedKeys(versions[p.seen].keys), nil
		})
	}
	return func(keys string) { versions = append(versions, version{keys, w.now}) }
}

// numberedKeys reads "1- 2 3" as the public key 1 and the private keys 2 and 3.
func numberedKeys(text string) (keys []jws.Key) {
	for _, name := range strings.Fields(text) {
		id, public := strings.CutSuffix(name, "-")
		seed := make([]byte, ed25519.SeedSize)
		n, _ := strconv.ParseUint(id, 10, 64)
		binary.BigEndian.PutUint64(seed, n)
		signer := ed25519.NewKeyFromSeed(seed)
		key := jws.Key{Signer: signer, ID: id}
		if public {
			key = jws.Key{Public: signer.Public(), ID: id}
		}
		keys = append(keys, key)
	}
	return keys
}

// procedure changes keys as FileKeys describes it: replicas may be started at any
// time.
func (w *world) procedure() {
	type held struct {
		n      int
		public bool
		since  time.Time // when it came, or became public
	}
	keys := []held{{n: 1}}
	publish := w.versioned("1")
	w.restart = true
	next := 2
	w.change = func() {
		switch last := len(keys) - 1; {
		case keys[0].public && w.now.Sub(keys[0].since) >= w.r.Keep():
			keys = keys[1:]
		case last > 0 && !keys[0].public && w.now.Sub(keys[1].since) >= w.r.Lead():
			keys[0].public, keys[0].since = true, w.now
		case last < 3:
			keys = append(keys, held{n: next, since: w.now})
			next++
		default:
			return
		}
		text := ""
		for _, k := range keys {
			text += fmt.Sprint(" ", k.n)
			if k.public {
				text += "-"
			}
		}
		publish(text)
	}
}

// disorder changes keys in ways that no operator should: any list follows any other,
// as soon as that one has settled. It takes replicas that run on, and are not idle.
func (w *world) disorder() {
	w.attended = true
	w.r.CacheLifetime = max(w.r.CacheLifetime, 30*time.Second)
	publish := w.versioned("1")
	next := 2
	var settled time.Time
	w.change = func() {
		if w.now.Before(settled) {
			return
		}
		settled = w.now.Add(2 * w.r.Lead())
		var keys []string
		for range 1 + w.IntN(3) {
			n := max(1, next-w.IntN(4))
			if n == next {
				next++
			}
			if name := fmt.Sprint(n); !strings.Contains(" "+strings.Join(keys, " ")+" ", " "+name+" ") {
				keys = append(keys, name)
			}
		}
		publish(strings.Join(keys, " "))
	}
	for _, p := range w.replicas {
		w.start(p)
	}
}
