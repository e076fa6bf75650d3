//go:build cgo

package main

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"
)

// reopenPause is the least time between two attempts to open the token.
const reopenPause = time.Second

var (
	errClosed   = errors.New("the key is closed")
	errNotOpen  = errors.New("the token is not open")
	errOtherKey = errors.New("the token was opened again, and has another key by this label")
)

// key is a key pair in a token of an HSM, as a crypto.Signer. It is safe for
// concurrent use.
//
// A token loses its sessions, and with them the login, when an HSM restarts or
// the network to it breaks. crypto11 goes on using them, so every signature
// would fail until the process ends. key opens the token again.
type key struct {
	config keyConfig
	public interface {
		Equal(crypto.PublicKey) bool
	}

	mu     sync.RWMutex // held for reading while the token signs
	token  *token       // nil after an attempt to open it failed
	opened time.Time    // when the last attempt began
	fault  error        // why there is no token
	over   error        // why there is no use in another attempt
}

// token is a token that was opened, and the key in it.
type token struct {
	context *crypto11.Context
	signer  crypto11.Signer
}

// openKey opens the token and finds the key in it, or makes it if the
// configuration says so. It lets the key sign once: a key that cannot sign fails at
// the start, and not at the first request.
func openKey(c keyConfig) (signer, error) {
	t, err := openToken(c)
	if err != nil {
		return nil, fmt.Errorf("open the token %s: %w", c.token, err)
	}
	c.create = false // one that is gone later is not replaced unseen
	k := &key{config: c, token: t, opened: time.Now()}
	k.public = t.signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	return k, nil
}

// Public returns the *ecdsa.PublicKey or *rsa.PublicKey. It does not ask the HSM.
func (k *key) Public() crypto.PublicKey { return k.public }

// Sign has the token sign. If the token has lost its sessions, Sign opens it
// again and tries once more: nothing depends on a signature that was not made.
func (k *key) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, used, err := k.sign(random, digest, opts)
	if !isLost(err) {
		return signature, err
	}
	if err := k.reopen(used, err); err != nil {
		return nil, err
	}
	signature, _, err = k.sign(random, digest, opts)
	return signature, err
}

func (k *key) sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, *token, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.token == nil {
		return nil, nil, fmt.Errorf("%w: %w", errNotOpen, k.fault)
	}
	signature, err := k.token.signer.Sign(random, digest, opts)
	return signature, k.token, err
}

// isLost reports whether the token may sign again if it is opened again. If all
// sessions are in use, that is no reason: the sessions in the pool are good, and a
// process that closes them may not get them back.
func isLost(err error) bool {
	if errors.Is(err, errNotOpen) {
		return true
	}
	code, ok := errors.AsType[pkcs11.Error](err)
	return ok && code != pkcs11.CKR_SESSION_COUNT
}

// reopen replaces the token that was used and failed with cause. The first caller
// does it for all.
func (k *key) reopen(used *token, cause error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.over != nil:
		return k.over
	case k.token != used:
		return nil
	case time.Since(k.opened) < reopenPause:
		return cause
	}
	k.opened = time.Now()
	if used != nil {
		k.token = nil
		used.context.Close() // first: some libraries find the HSM again only if they are loaded anew
	}
	t, err := openToken(k.config)
	if err == nil && !k.public.Equal(t.signer.Public()) {
		t.context.Close()
		err = errOtherKey // the published keys would not verify its signatures
	}
	if err != nil {
		k.fault = err
		if isPINRefused(err) {
			k.over = err
		}
		return fmt.Errorf("%w: %w", errNotOpen, err)
	}
	k.token, k.fault = t, nil
	slog.Warn("the token was opened again", "cause", cause)
	return nil
}

// isPINRefused reports whether the PIN is of no use. It must not be tried
// again: after a few wrong ones an HSM locks the token, or erases it.
func isPINRefused(err error) bool {
	code, _ := errors.AsType[pkcs11.Error](err)
	switch code {
	case pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LOCKED:
		return true
	}
	return false
}

// Close waits for signatures under way and closes the token. There are no
// signatures after it.
func (k *key) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.over = errClosed
	if k.token == nil {
		return nil
	}
	err := k.token.context.Close()
	k.token, k.fault = nil, errClosed
	return err
}
