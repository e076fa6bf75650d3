package jws_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// quick is a Rotation whose durations are easy to tell apart.
var quick = jws.Rotation{TokenLifetime: 10 * time.Minute, CacheLifetime: time.Minute, Delay: 20 * time.Second, Logger: slog.New(slog.DiscardHandler)}

const (
	reload = 6 * time.Second
	lead   = time.Minute + 2*reload + 20*time.Second + 10*time.Second
	keep   = 10*time.Minute + 2*lead
)

// supply is a KeySource whose keys a test changes.
type supply struct {
	mu     sync.Mutex
	keys   []jws.Key
	calls  int
	before func(ctx context.Context) error
}

func (s *supply) Keys(ctx context.Context, _ jws.Rotation, _ time.Time) ([]jws.Key, error) {
	s.mu.Lock()
	s.calls++
	before := s.before
	s.mu.Unlock()
	if before != nil {
		if err := before(ctx); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys), nil
}

func (s *supply) set(keys ...jws.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
}

func (s *supply) called() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// secret is an undated key, named by its letter, and half its public half.
func secret(id string) jws.Key { return jws.Key{Signer: numbered(id[0]), ID: id} }
func half(id string) jws.Key   { return jws.Key{Public: numbered(id[0]).Public(), ID: id} }

func dated(id string, at time.Time) jws.Key {
	return jws.Key{Signer: numbered(id[0]), ID: id, AnnouncedAt: at}
}

// list reads "a b" as the private keys a and b, and "A" as the public key a.
func list(text string) (keys []jws.Key) {
	for _, id := range strings.Fields(text) {
		if lower := strings.ToLower(id); lower != id {
			keys = append(keys, half(lower))
			continue
		}
		keys = append(keys, secret(id))
	}
	return keys
}

func TestDurationsOfARotation(t *testing.T) {
	for _, tt := range []struct {
		name               string
		r                  jws.Rotation
		reload, lead, keep time.Duration
	}{
		{"zero", jws.Rotation{}, 30 * time.Second, 11*time.Minute + 10*time.Second, time.Hour + 22*time.Minute + 20*time.Second},
		{"no delay", jws.Rotation{Delay: -1}, 30 * time.Second, 6*time.Minute + 10*time.Second, time.Hour + 12*time.Minute + 20*time.Second},
		{"short", jws.Rotation{TokenLifetime: time.Second, CacheLifetime: time.Second, Delay: -time.Hour}, 100 * time.Millisecond, 11200 * time.Millisecond, 23400 * time.Millisecond},
		{"quick", quick, reload, lead, keep},
		{"long", jws.Rotation{TokenLifetime: 365 * day, CacheLifetime: day, Delay: day}, 30 * time.Second, 2*day + 70*time.Second, 369*day + 140*time.Second},
	} {
		if tt.r.Reload() != tt.reload || tt.r.Lead() != tt.lead || tt.r.Keep() != tt.keep {
			t.Errorf("%s: Reload, Lead, Keep = %s, %s, %s, want %s, %s, %s", tt.name, tt.r.Reload(), tt.r.Lead(), tt.r.Keep(), tt.reload, tt.lead, tt.keep)
		}
		if s := open(t, &supply{keys: list("a")}, tt.r, start); s.Rotation().Lead() != tt.lead || !s.Rotates() {
			t.Errorf("%s: the KeySet has Lead %s, and rotates: %t", tt.name, s.Rotation().Lead(), s.Rotates())
		}
	}
}

func TestOpenKeySetRefuses(t *testing.T) {
	one := &supply{keys: list("a")}
	for _, tt := range []struct {
		name   string
		source jws.KeySource
		r      jws.Rotation
		want   []string
	}{
		{"no source", nil, jws.Rotation{}, []string{"jws: the KeySource is nil"}},
		{"a short TokenLifetime", one, jws.Rotation{TokenLifetime: time.Second - 1}, []string{"jws: Rotation.TokenLifetime is not between"}},
		{"a long TokenLifetime", one, jws.Rotation{TokenLifetime: 365*day + 1}, []string{"jws: Rotation.TokenLifetime is not between"}},
		{"every fault at once", one, jws.Rotation{TokenLifetime: -1, CacheLifetime: day + 1, Delay: day + 1},
			[]string{"jws: Rotation.TokenLifetime", "jws: Rotation.CacheLifetime", "jws: Rotation.Delay is over a day"}},
		{"a short CacheLifetime", one, jws.Rotation{CacheLifetime: time.Second - 1}, []string{"jws: Rotation.CacheLifetime is not between"}},
		{"no keys", &supply{}, jws.Rotation{}, []string{"jws: the KeySource has no key that can sign"}},
		{"public keys alone", &supply{keys: list("A B")}, jws.Rotation{}, []string{"jws: the KeySource has no key that can sign"}},
		{"one id twice", &supply{keys: list("a a")}, jws.Rotation{}, []string{`jws: key 1: the id "a" also belongs to the key 0`}},
		{"a public and a private half of one id", &supply{keys: list("A a")}, jws.Rotation{}, []string{`jws: key 1: the id "a" also belongs to the key 0`}},
		{"both halves in one key", &supply{keys: []jws.Key{{Signer: edKey(), Public: edKey().Public()}}}, jws.Rotation{}, []string{"jws: key 0: both Signer and Public are set"}},
		{"halves of two keys", &supply{keys: []jws.Key{secret("a"), {Signer: append(numbered(1)[:32:32], numbered(2)[32:]...)}}}, jws.Rotation{},
			[]string{"jws: key 1: the private key does not sign for its public key"}},
		{"neither half", &supply{keys: []jws.Key{{}}}, jws.Rotation{}, []string{"jws: key 0: the signer is nil"}},
		{"faults of several keys", &supply{keys: []jws.Key{{Signer: edKey(), Algorithm: "none"}, {Signer: ecKey()}, {Public: withBits(1024)}}}, jws.Rotation{},
			[]string{`jws: key 0: the algorithm "none"`, "jws: key 2: the RSA key has 1024 bits"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := jws.OpenKeySet(t.Context(), tt.source, tt.r, start)
			if err == nil || s != nil {
				t.Fatalf("OpenKeySet = %v, %v, want an error", s, err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Errorf("OpenKeySet = %v, want %d faults", err, len(tt.want))
			}
			for i, want := range tt.want {
				if i < len(lines) && !strings.HasPrefix(lines[i], want) {
					t.Errorf("fault %d = %q, want %s …", i, lines[i], want)
				}
			}
		})
	}
	if _, err := jws.NewKeySet(half("a")); err == nil || !strings.Contains(err.Error(), "signer is nil") {
		t.Errorf("NewKeySet of a public key = %v, want an error", err)
	}
}

func TestIDOfAPublishedKeyIsNotGivenToAnother(t *testing.T) {
	source := &supply{keys: []jws.Key{{Signer: numbered(1), ID: "k"}}}
	s := open(t, source, quick, start)
	source.set(jws.Key{Signer: numbered(2), ID: "k"})
	at := start.Add(time.Minute)
	signsWith(t, "the key that was there", s, at, "k")
	verifyGoJose(t, must(s.Sign(t.Context(), jws.TypeJWT, []byte(payload), at)), jws.EdDSA, numbered(1).Public())
	_, err := s.Sign(t.Context(), jws.TypeJWT, []byte(payload), at.Add(time.Hour))
	if err == nil || !strings.Contains(err.Error(), `the id "k" belongs to another key, which is still published`) {
		t.Errorf("Sign = %v, want an error that names the id", err)
	}
}

// A source that runs may show a key that is unusable: the others serve.
func TestKeyOfNoUseAmongOthers(t *testing.T) {
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	for name, bad := range map[string]jws.Key{
		"of another curve":            {Signer: p384},
		"with an id that is taken":    {Signer: numbered(7), ID: "a"},
		"with an id of one withdrawn": {Signer: numbered(7), ID: "gone"},
		"nothing at all":              {},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			r := quick
			r.Logger = slog.New(slog.NewTextHandler(&log, nil))
			source := &supply{keys: append(list("a"), jws.Key{Public: numbered(9).Public(), ID: "gone"})}
			s := open(t, source, r, start)
			source.set(append(list("a"), bad)...)
			at := start
			for range 20 {
				at = at.Add(r.Lead() / 4)
				signsWith(t, "the key that is good", s, at, "a")
			}
			if n := strings.Count(log.String(), "level=ERROR"); n < 1 || !strings.Contains(log.String(), "signing keys are unusable") {
				t.Errorf("the log has %d errors, want one: %s", n, &log)
			}
			if _, err := jws.OpenKeySet(t.Context(), &supply{keys: append(list("a"), jws.Key{Signer: p384})}, r, at); err == nil {
				t.Error("a process has started with a key that is unusable")
			}
		})
	}
}

func TestIDOfAKeyThatIsGoneIsFree(t *testing.T) {
	old := start.Add(-day)
	source := &supply{keys: []jws.Key{{Signer: numbered(1), ID: "k", AnnouncedAt: old}, dated("b", start)}}
	s := open(t, source, quick, start)
	at := start.Add(lead + keep)
	publishes(t, "before", s, at.Add(-reload), "k", "b")
	source.set(dated("b", start), jws.Key{Signer: numbered(2), ID: "k", AnnouncedAt: at})
	publishes(t, "after", s, at, "b", "k")
	signsWith(t, "after Lead", s, at.Add(lead), "k")
}

func TestKeyIsTheSamePointer(t *testing.T) {
	source := &supply{keys: list("a b")}
	s := open(t, source, quick, start)
	want := must(s.PublicKey(t.Context(), "a", start))
	for i, text := range []string{"a b", "b", "a b c", "A b"} { // each with new signers
		source.set(list(text)...)
		at := start.Add(time.Duration(i+1) * time.Minute)
		if got := must(s.PublicKey(t.Context(), "a", at)); got != want {
			t.Errorf("PublicKey with %s is another pointer", text)
		}
	}
}

// The last token of a key is good on every replica until it expires, and so is
// the key.
func TestP13LastTokenOfAKeyIsGoodUntilItExpires(t *testing.T) {
	a, b := dated("a", start.Add(-day)), dated("b", start)
	source := &supply{keys: []jws.Key{a, b}}
	sets := []*jws.KeySet{open(t, source, quick, start), open(t, source, quick, start.Add(time.Second))}
	last := start.Add(lead - 1)
	token := must(sets[0].Sign(t.Context(), jws.TypeJWT, []byte(payload), last))
	for _, at := range []time.Duration{0, time.Minute, quick.TokenLifetime - 1, quick.TokenLifetime, keep - 1} {
		for i, s := range sets {
			if _, key, err := jws.Verify(t.Context(), s, token, jws.TypeJWT, last.Add(at)); err != nil || key.ID() != "a" {
				t.Errorf("replica %d, %s after the signature: Verify = %v, %v, want the key a", i, at, key, err)
			}
		}
	}
	for i, s := range sets {
		if _, _, err := jws.Verify(t.Context(), s, token, jws.TypeJWT, last.Add(keep+1)); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("replica %d after Keep: Verify = %v, want ErrInvalid", i, err)
		}
	}
}
