package endpointtest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/storagetest"
	"github.com/contit/oauth/tokenendpoint"
)

// A spelling makes a request a form or JSON.
type spelling func(*request) *request

// spellings runs test as two subtests, for forms and for JSON. A bubble allows
// no subtests: do not use it in a timed rule.
func (f *fixture) spellings(test func(as spelling)) {
	f.Helper()
	f.sub("form", func() { test(func(r *request) *request { return r }) })
	f.sub("JSON", func() { test((*request).json) })
}

// frozen is r with its body as text. Nothing of it is noted as a secret again,
// which matters when it is sent a thousand times.
func (r *request) frozen() *request {
	c := r.clone()
	c.body, c.params = r.text(), nil
	return c
}

// changesNothing asserts that while do runs the endpoint calls no method of the
// store that writes.
func (f *fixture) changesNothing(do func()) {
	f.Helper()
	f.store.counted()
	do()
	f.wroteNothing()
}

// wantCalls asserts which calls of the store are made while do runs.
func (f *fixture) wantCalls(want map[string]int, do func()) {
	f.Helper()
	f.store.counted()
	do()
	f.asked(want)
}

// asksNothing asserts that while do runs the store is not called at all.
func (f *fixture) asksNothing(do func()) {
	f.Helper()
	f.wantCalls(map[string]int{}, do)
}

// wantAlike asserts that responses cannot be told apart.
func (f *fixture) wantAlike(replies map[string]*reply) {
	f.Helper()
	names := slices.Sorted(maps.Keys(replies))
	for _, name := range names[min(1, len(names)):] {
		r := *replies[name]
		r.t = f.T // that of its own subtest is over
		r.sameAs(replies[names[0]], name+" and "+names[0])
	}
}

// plant stores a code whose record is changed by edit first, into one that
// grants.NewAuthorizationCode would not make.
func (f *fixture) plant(p *party, edit func(*storage.Credential)) string {
	f.Helper()
	code, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
		Client:              p.record,
		Subject:             "u1",
		RedirectURI:         p.redirectURI,
		Scope:               []string{"read", "write"},
		CodeChallenge:       challenge(verifier),
		CodeChallengeMethod: storage.PKCES256,
	}, time.Now())
	if err != nil {
		f.Fatalf("making a code: %v", err)
	}
	edit(record)
	if err := f.store.CreateCredential(f.Context(), record); err != nil {
		f.Fatalf("storing a code: %v", err)
	}
	return f.secret(code.Reveal())
}

// codeDigest is the key of a code in the store.
func codeDigest(code string) storage.Digest {
	return storage.PresentedSecret(code).Digest(storage.KindAuthorizationCode)
}

// stored reads a credential past the spy.
func (f *fixture) stored(d storage.Digest) *storage.Credential {
	f.Helper()
	c, err := f.store.Store.Credential(f.Context(), d)
	if err != nil {
		f.Fatalf("reading a credential: %v", err)
	}
	return c
}

// storedKey reads an API key past the spy.
func (f *fixture) storedKey(key string) *storage.APIKey {
	f.Helper()
	k, err := f.store.Store.APIKey(f.Context(), storage.PresentedSecret(key).Digest(storage.KindAPIKey))
	if err != nil {
		f.Fatalf("reading an API key: %v", err)
	}
	return k
}

// outcomes counts how all requests so far were reported.
func (f *fixture) outcomes() map[tokenendpoint.Outcome]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := make(map[tokenendpoint.Outcome]int)
	for _, e := range f.events {
		n[e.Outcome]++
	}
	return n
}

const checksumLength = 6

// withChecksum replaces the last six characters of a secret by the checksum
// that the others have, so that it is the store that must refuse it.
func withChecksum(text string) string { return checksummed(text[:len(text)-checksumLength]) }

// flipped returns text with each of its characters changed in turn, in several
// ways, into another printable one.
func flipped(text string) []string {
	var all []string
	for i := range len(text) {
		for _, bit := range []byte{1, 2, 4, 8, 0x20} {
			if c := text[i] ^ bit; 0x20 < c && c < 0x7f {
				all = append(all, text[:i]+string(c)+text[i+1:])
			}
		}
	}
	return all
}

// codeReuseWindow is Config.CodeReuseWindow.
func codeReuseWindow(d time.Duration) option {
	return func(c *tokenendpoint.Config) { c.CodeReuseWindow = d }
}

// beside opens the store of another fixture, as a second process does.
func beside(f *fixture) Open {
	return func(testing.TB) storagetest.Store { return f.store.Store }
}

// ledger is a store that notes the refresh tokens that it was given.
type ledger struct {
	storagetest.Store

	mu    sync.Mutex
	given []storage.Digest
}

func (l *ledger) note(c *storage.Credential) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c != nil && c.Kind == storage.KindRefreshToken {
		l.given = append(l.given, c.Digest)
	}
}

func (l *ledger) CreateCredential(ctx context.Context, c *storage.Credential) error {
	l.note(c)
	return l.Store.CreateCredential(ctx, c)
}

func (l *ledger) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	l.note(next)
	return l.Store.Spend(ctx, old, next, at)
}

// refreshTokens counts those that it was given and has.
func (l *ledger) refreshTokens(ctx context.Context) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, d := range l.given {
		if _, err := l.Store.Credential(ctx, d); err == nil {
			n++
		}
	}
	return n
}

// newLedger serves an endpoint over a ledger.
func newLedger(t *testing.T, open Open, options ...option) (*fixture, *ledger) {
	t.Helper()
	l := &ledger{}
	f := newFixture(t, func(t testing.TB) storagetest.Store {
		l.Store = open(t)
		return l
	}, options...)
	return f, l
}
