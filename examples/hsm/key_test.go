//go:build cgo

package main

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"

	"github.com/contit/oauth/tokenendpoint/jws"
)

var algorithms = []string{jws.ES256, jws.RS256, jws.PS256}

// SoftHSM has neither a limit on sessions nor a lock for PINs, and loses a token
// in two ways only. These are the errors of other HSMs.
func TestErrorsOfOtherHSMs(t *testing.T) {
	for _, test := range []struct {
		err           error
		lost, refused bool
	}{
		{err: nil},
		{err: errors.New("resource pool timed out")},
		{err: pkcs11.Error(pkcs11.CKR_SESSION_COUNT)},
		{err: pkcs11.Error(pkcs11.CKR_SESSION_HANDLE_INVALID), lost: true},
		{err: pkcs11.Error(pkcs11.CKR_SESSION_CLOSED), lost: true},
		{err: pkcs11.Error(pkcs11.CKR_USER_NOT_LOGGED_IN), lost: true},
		{err: pkcs11.Error(pkcs11.CKR_DEVICE_ERROR), lost: true},
		{err: pkcs11.Error(pkcs11.CKR_DEVICE_REMOVED), lost: true},
		{err: pkcs11.Error(pkcs11.CKR_TOKEN_NOT_PRESENT), lost: true},
		{err: fmt.Errorf("sign: %w", pkcs11.Error(pkcs11.CKR_GENERAL_ERROR)), lost: true},
		{err: fmt.Errorf("%w: %w", errNotOpen, pkcs11.Error(pkcs11.CKR_SESSION_COUNT)), lost: true},
		{err: fmt.Errorf("log in: %w", pkcs11.Error(pkcs11.CKR_PIN_INCORRECT)), lost: true, refused: true},
		{err: pkcs11.Error(pkcs11.CKR_PIN_LOCKED), lost: true, refused: true},
		{err: pkcs11.Error(pkcs11.CKR_PIN_EXPIRED), lost: true, refused: true},
	} {
		if lost, refused := isLost(test.err), isPINRefused(test.err); lost != test.lost || refused != test.refused {
			t.Errorf("isLost, isPINRefused(%v) = %t, %t, want %t, %t", test.err, lost, refused, test.lost, test.refused)
		}
	}
}

// signHere has the key sign without an endpoint.
func signHere(k *key) error {
	digest := sha256.Sum256([]byte("a token"))
	_, err := k.Sign(rand.Reader, digest[:], crypto.SHA256)
	return err
}

// longAgo moves the last attempt to open the token into the past.
func (s *served) longAgo() {
	s.key.mu.Lock()
	defer s.key.mu.Unlock()
	s.key.opened = time.Time{}
}

func (s *served) current() *token {
	s.key.mu.RLock()
	defer s.key.mu.RUnlock()
	return s.key.token
}

// loseSessions ends all sessions of this process with the token, and the login
// with them, as the restart of an HSM does.
func loseSessions(t testing.TB, h *softHSM) {
	t.Helper()
	h.inside(t, func(s *session) {
		if err := s.CloseAllSessions(s.slot); err != nil {
			t.Fatal(err)
		}
	})
}

// crowd makes 32 token requests at once.
func (s *served) crowd(t testing.TB) []answer {
	answers := make([]answer, 32)
	var crowd sync.WaitGroup
	for i := range answers {
		crowd.Go(func() { answers[i] = s.clientCredentials(t) })
	}
	crowd.Wait()
	return answers
}

// More requests sign than there are sessions, and each gets its token.
func TestCrowd(t *testing.T) {
	h := newSoftHSM(t)
	for _, algorithm := range algorithms {
		t.Run(algorithm, func(t *testing.T) {
			s := serve(t, h.with(algorithm))
			seen := map[string]bool{}
			for _, a := range s.crowd(t) {
				s.checkIssued(t, a, algorithm)
				seen[a.Access] = true
			}
			if len(seen) != 32 {
				t.Errorf("%d tokens differ, want 32", len(seen))
			}
		})
	}
}

// A pool without a free session is an outage that passes, and no reason to open
// the token again.
func TestAllSessionsInUse(t *testing.T) {
	h := newSoftHSM(t)
	c := h.config
	c.sessions, c.wait = 2, 50*time.Millisecond
	s := serve(t, c)
	opened := s.current()
	aes, err := opened.context.GenerateSecretKey([]byte("busy"), 128, crypto11.CipherAES)
	if err != nil {
		t.Fatal(err)
	}
	var busy []crypto11.BlockModeCloser
	afterwards := s.checkNothingUsed(t, func() {
		for range c.sessions { // each holds its session until it is closed
			b, err := aes.NewCBCEncrypterCloser(make([]byte, 16))
			if err != nil {
				t.Fatal(err)
			}
			busy = append(busy, b)
		}
		s.longAgo()
	})
	for _, b := range busy {
		b.Close()
	}
	afterwards()
	if s.current() != opened {
		t.Error("the token was opened again, want it left alone")
	}
}

// A token that is away is an outage too. The program finds the token again when it is
// back.
func TestTokenAway(t *testing.T) {
	h := newSoftHSM(t)
	s := serve(t, h.config)
	var back func()
	afterwards := s.checkNothingUsed(t, func() {
		back = h.away(t)
		s.longAgo()
	})
	checkUnavailable(t, s.clientCredentials(t))
	if kid := s.endpoint.key(t).KeyID; kid == "" {
		t.Error("no kid is published while the token is away, want the same")
	}
	back()
	s.longAgo()
	afterwards()
}

// Lost sessions cost no client anything: the token is opened again, once.
func TestSessionsLost(t *testing.T) {
	h := newSoftHSM(t)
	for _, algorithm := range algorithms {
		t.Run(algorithm, func(t *testing.T) {
			s := serve(t, h.with(algorithm))
			before := s.current()
			for range 3 {
				loseSessions(t, h)
				s.longAgo()
				for _, a := range s.crowd(t) {
					s.checkIssued(t, a, algorithm)
				}
				if after := s.current(); after == before || after == nil {
					t.Errorf("token = %p, was %p, want another", after, before)
				}
				before = s.current()
			}
		})
	}
}

// An HSM that fails is not asked to log in by every request.
func TestTokenIsOpenedAtMostOnceASecond(t *testing.T) {
	h := newSoftHSM(t)
	s := serve(t, h.config)
	s.longAgo()
	loseSessions(t, h)
	s.checkIssued(t, s.clientCredentials(t), jws.ES256)
	before := s.current()
	s.key.mu.Lock()
	s.key.opened = time.Now().Add(time.Hour) // no matter how slow the test is
	s.key.mu.Unlock()
	loseSessions(t, h)
	checkUnavailable(t, s.clientCredentials(t))
	if s.current() != before {
		t.Error("the token was opened again at once, want a pause")
	}
	s.longAgo()
	s.checkIssued(t, s.clientCredentials(t), jws.ES256)
}

// Many signatures fail at once when sessions are lost. The token that the first
// of them opened is not closed again by the others.
func TestTokenIsOpenedOnceForAll(t *testing.T) {
	h := newSoftHSM(t)
	s := serve(t, h.config)
	lost := s.current()
	loseSessions(t, h)
	var opened *token
	for i := range 3 {
		s.longAgo()
		if err := s.key.reopen(lost, errNotOpen); err != nil {
			t.Fatalf("reopen = %v, want no error", err)
		}
		switch now := s.current(); {
		case i == 0 && now == lost:
			t.Fatal("the token that was lost is still in use, want another")
		case i > 0 && now != opened:
			t.Error("the second caller that failed opened the token again, want it to use the token that the first one opened")
		}
		opened = s.current()
	}
	s.checkIssued(t, s.clientCredentials(t), jws.ES256)
}

// An HSM locks or erases a token after a few wrong PINs. The program does not show a
// refused PIN again, not even when the PIN has become right.
func TestRefusedPINIsNotRepeated(t *testing.T) {
	h := newSoftHSM(t)
	s := serve(t, h.config)
	afterwards := s.checkNothingUsed(t, func() {
		h.setPIN(t, "11223344")
		loseSessions(t, h)
		s.longAgo()
	})
	if err := signHere(s.key); !errors.Is(err, pkcs11.Error(pkcs11.CKR_PIN_INCORRECT)) {
		t.Errorf("Sign = %v, want that the PIN is incorrect", err)
	}
	h.setPIN(t, userPIN)
	s.longAgo()
	checkUnavailable(t, s.clientCredentials(t))

	// A new process may show the PIN: the operator has changed or checked it.
	s.key.mu.Lock()
	s.key.over = nil
	s.key.mu.Unlock()
	afterwards()
}

// The published keys are those of the start. Every verifier would refuse a
// signature of another key.
func TestKeyIsNotReplacedUnseen(t *testing.T) {
	destroy := func(t testing.TB, s *session) {
		t.Helper()
		for _, class := range []uint{pkcs11.CKO_PRIVATE_KEY, pkcs11.CKO_PUBLIC_KEY} {
			for _, o := range s.objects(t, class) {
				if err := s.DestroyObject(s.handle, o); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for name, test := range map[string]struct {
		replace bool
		want    error
	}{
		"by one that was made since":             {replace: true, want: errOtherKey},
		"by one that -create makes at the start": {want: errNoKey},
	} {
		t.Run(name, func(t *testing.T) {
			h := newSoftHSM(t)
			s := serve(t, h.config)
			h.inside(t, func(s *session) {
				destroy(t, s)
				if test.replace {
					s.generate(t, h.config.label)
				}
			})
			loseSessions(t, h)
			s.longAgo()
			if err := signHere(s.key); !errors.Is(err, test.want) {
				t.Errorf("Sign = %v, want %v", err, test.want)
			}
			checkUnavailable(t, s.clientCredentials(t))
		})
	}
}

func TestClosedKeyStaysClosed(t *testing.T) {
	h := newSoftHSM(t)
	s := serve(t, h.config)
	s.checkNothingUsed(t, func() {
		if err := s.key.Close(); err != nil {
			t.Fatal(err)
		}
		s.longAgo()
	})
	if err := signHere(s.key); !errors.Is(err, errClosed) {
		t.Errorf("Sign = %v, want %v", err, errClosed)
	}
	if s.current() != nil {
		t.Error("the token is open, want it closed")
	}
}
