package jws_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/go-jose/go-jose/v4"
)

// ids that JSON escapes, and some that it does not.
var keyIDs = []string{"k", "2026-08", `a"b`, `a\b`, "a/b", "<k>&'", "~ !#%", `\u0061`, "{}[]:,"}

// byGoJose signs with go-jose's own builder.
func byGoJose(t testing.TB, key jws.Key, typ string) string {
	t.Helper()
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: jose.JSONWebKey{Key: key.Signer, KeyID: key.ID}},
		new(jose.SignerOptions).WithType(jose.ContentType(typ)))
	if err != nil {
		t.Fatalf("jose.NewSigner = %v, want no error", err)
	}
	return must(must(signer.Sign([]byte(payload))).CompactSerialize())
}

func TestSignWritesWhatGoJoseWrites(t *testing.T) {
	for _, algorithm := range algorithms {
		for _, id := range keyIDs {
			for _, typ := range []string{jws.TypeAccessToken, jws.TypeJWT, "a<b>+jwt"} {
				key := signingKey(algorithm)
				key.ID = id
				want := byGoJose(t, key, typ)
				foreign := key
				foreign.Signer = remote{key.Signer}
				for where, k := range map[string]jws.Key{"in memory": key, "behind a signer": foreign} {
					got := sign(t, newKeySet(t, k), typ, payload)
					if algorithm == jws.RS256 || algorithm == jws.EdDSA {
						if got != want {
							t.Errorf("%s %q %q %s: Sign = %s, want %s", algorithm, id, typ, where, got, want)
						}
						continue
					}
					// These signatures differ each time.
					if g, w := got[:strings.LastIndexByte(got, '.')], want[:strings.LastIndexByte(want, '.')]; g != w {
						t.Errorf("%s %q %q %s: Sign signs %s, want %s", algorithm, id, typ, where, g, w)
					}
					verifyGoJose(t, got, algorithm, key.Signer.Public())
				}
				if _, _, err := jws.Verify(t.Context(), newKeySet(t, key), want, typ, start); err != nil {
					t.Errorf("%s %q %q: Verify of go-jose's token = %v, want no error", algorithm, id, typ, err)
				}
			}
		}
	}
}

// wire is a signer behind a wire that a test can cut.
type wire struct {
	crypto.Signer
	asked  atomic.Int32 // Sign
	shown  atomic.Int32 // Public
	at     atomic.Int32 // in Sign now
	most   atomic.Int32
	before func() error
}

func (w *wire) Public() crypto.PublicKey {
	w.shown.Add(1)
	return w.Signer.Public()
}

func (w *wire) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	w.asked.Add(1)
	now := w.at.Add(1)
	defer w.at.Add(-1)
	for {
		most := w.most.Load()
		if now <= most || w.most.CompareAndSwap(most, now) {
			break
		}
	}
	if w.before != nil {
		if err := w.before(); err != nil {
			return nil, err
		}
	}
	return w.Signer.Sign(random, digest, opts)
}

func signWithin(t *testing.T, s *jws.KeySet, d time.Duration) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return s.Sign(ctx, jws.TypeJWT, []byte(payload), start)
}

func TestSignerThatHangsIsWaitedForNoLongerThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := make(chan struct{})
		signer := &wire{Signer: edKey()}
		s := newKeySet(t, jws.Key{Signer: signer})
		if n := signer.asked.Load(); n != 0 {
			t.Errorf("NewKeySet asks a foreign signer to sign %d times, want never", n)
		}
		signer.before = func() error { <-back; return nil }
		began := time.Now()
		token, err := signWithin(t, s, 700*time.Millisecond)
		if took := time.Since(began); token != "" || !errors.Is(err, context.DeadlineExceeded) || took != 700*time.Millisecond ||
			!strings.HasPrefix(err.Error(), "jws: sign: the signer has not answered: ") {
			t.Errorf("Sign = %q, %v after %s, want the error of its context after 700ms", token, err, took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := s.Sign(ctx, jws.TypeJWT, []byte(payload), start); !errors.Is(err, context.Canceled) {
			t.Errorf("Sign = %v, want %v", err, context.Canceled)
		}
		close(back)
		synctest.Wait()
		if n := signer.at.Load(); n != 0 {
			t.Errorf("%d signatures are still under way", n)
		}
		if n := signer.shown.Load(); n != 1 {
			t.Errorf("Public was asked %d times, want once", n)
		}
	})
}

func TestSignerThatIsSlowButInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signer := &wire{Signer: edKey(), before: func() error { time.Sleep(time.Second); return nil }}
		token, err := signWithin(t, newKeySet(t, jws.Key{Signer: signer}), time.Second+1)
		if err != nil {
			t.Fatalf("Sign = %v, want no error", err)
		}
		verifyGoJose(t, token, jws.EdDSA, edKey().Public())
	})
}

func TestSignerIsAskedForSixtyFourSignaturesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := make(chan struct{})
		signer := &wire{Signer: edKey(), before: func() error { <-back; return nil }}
		s := newKeySet(t, jws.Key{Signer: signer})
		var crowd sync.WaitGroup
		var busy, unanswered atomic.Int32
		for range 100 {
			crowd.Go(func() {
				_, err := signWithin(t, s, time.Second)
				switch {
				case !errors.Is(err, context.DeadlineExceeded):
					t.Errorf("Sign = %v, want %v", err, context.DeadlineExceeded)
				case strings.HasPrefix(err.Error(), "jws: sign: the signer is busy: "):
					busy.Add(1)
				default:
					unanswered.Add(1)
				}
			})
		}
		crowd.Wait()
		if busy.Load() != 36 || unanswered.Load() != 64 || signer.at.Load() != 64 {
			t.Errorf("%d callers found the signer busy, %d got no answer, %d signatures are under way, want 36, 64 and 64", busy.Load(), unanswered.Load(), signer.at.Load())
		}
		other := newKeySet(t, jws.Key{Signer: remote{ecKey()}})
		if _, err := signWithin(t, other, time.Second); err != nil {
			t.Errorf("another signer: Sign = %v, want no error", err)
		}
		close(back) // the abandoned ones give their slots back
		for range 100 {
			crowd.Go(func() {
				if _, err := signWithin(t, s, time.Second); err != nil {
					t.Errorf("Sign when the signer is back = %v, want no error", err)
				}
			})
		}
		crowd.Wait()
		if n := signer.most.Load(); n != 64 {
			t.Errorf("the signer was asked for %d signatures at once, want 64", n)
		}
	})
}

// Nor more when the keys are loaded again.
func TestLoadingAgainDoesNotForgetWhatASignerOwes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := make(chan struct{})
		signer := &wire{Signer: edKey(), before: func() error { <-back; return nil }}
		s := open(t, &supply{keys: []jws.Key{{Signer: signer}}}, quick, start)
		for i := range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			var crowd sync.WaitGroup
			for range 50 {
				crowd.Go(func() { s.Sign(ctx, jws.TypeJWT, []byte(payload), start.Add(time.Duration(i)*time.Minute)) })
			}
			crowd.Wait()
			cancel()
		}
		if n := signer.at.Load(); n != 64 {
			t.Errorf("%d signatures are under way, want 64", n)
		}
		close(back)
	})
}

// A crowd that is larger than the bound gets through if the signer answers.
func TestCallersWaitForTheirPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signer := &wire{Signer: edKey(), before: func() error { time.Sleep(100 * time.Millisecond); return nil }}
		s := newKeySet(t, jws.Key{Signer: signer})
		began := time.Now()
		var crowd sync.WaitGroup
		for range 3 * 64 {
			crowd.Go(func() {
				if _, err := signWithin(t, s, time.Second); err != nil {
					t.Errorf("Sign = %v, want no error", err)
				}
			})
		}
		crowd.Wait()
		if took := time.Since(began); took != 300*time.Millisecond {
			t.Errorf("192 signatures of 100ms took %s, want 300ms", took)
		}
	})
}

func TestSignerThatPanicsDoesSoInItsCaller(t *testing.T) {
	signer := &wire{Signer: edKey(), before: func() error { panic("hsm: session is nil") }}
	s := newKeySet(t, jws.Key{Signer: signer})
	for range 100 { // more than there are places
		func() {
			defer func() {
				got := fmt.Sprint(recover())
				if !strings.HasPrefix(got, "hsm: session is nil\n") || !strings.Contains(got, "patient_test.go") {
					t.Fatalf("Sign panics with %q, want that of the signer, and where", got)
				}
			}()
			s.Sign(t.Context(), jws.TypeJWT, []byte(payload), start)
			t.Error("Sign has returned")
		}()
	}
}

// An abandoned signer reads its digest undisturbed, while the
// caller goes on with its own memory; the race detector looks on.
func TestDigestIsTheSignersOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []byte
		read := readsLate{Signer: edKey(), back: make(chan struct{}), into: &got}
		s := newKeySet(t, jws.Key{Signer: read})
		want, _, _ := strings.Cut(byGoJose(t, jws.Key{Signer: edKey(), Algorithm: jws.EdDSA, ID: s.SigningKey(start).ID()}, jws.TypeJWT), ".")
		body := []byte(payload)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Sign(ctx, jws.TypeJWT, body, start); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Sign = %v, want %v", err, context.DeadlineExceeded)
		}
		clear(body)
		close(read.back)
		synctest.Wait()
		if !strings.HasPrefix(string(got), want+".") || string(decode(t, string(got)[len(want)+1:])) != payload {
			t.Errorf("the signer has read %q, want header and payload", got)
		}
	})
}

type readsLate struct {
	crypto.Signer
	back chan struct{}
	into *[]byte
}

func (r readsLate) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	<-r.back
	*r.into = append([]byte(nil), digest...)
	return nil, errors.New("too late")
}
