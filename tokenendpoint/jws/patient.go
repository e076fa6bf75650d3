package jws

import (
	"bytes"
	"context"
	"fmt"
	"runtime/debug"
)

// maxWaiting bounds the signatures that one foreign signer is asked for at once. A
// KMS that hangs then holds this many goroutines, and not one for each request that
// has given up.
const maxWaiting = 64

// patient adds a context to a signer that takes none. It is for signers behind a
// network, which can hang: a request must not hang with them. If the signature fails,
// nothing has been used up yet.
//
// This is the only place of the library that starts a goroutine. There is no other
// way to stop waiting for a crypto.Signer. An abandoned goroutine ends when the
// signer returns, and there are never more than maxWaiting.
func patient(sign func(digest []byte) ([]byte, error)) func(context.Context, []byte) ([]byte, error) {
	type result struct {
		signature []byte
		err       error
		panicked  any // with its stack
	}
	slots := make(chan struct{}, maxWaiting)
	return func(ctx context.Context, digest []byte) ([]byte, error) {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil, fmt.Errorf("the signer is busy: %w", ctx.Err())
		}
		digest = bytes.Clone(digest) // an abandoned signer still reads it
		done := make(chan result, 1)
		go func() {
			var r result
			defer func() {
				if p := recover(); p != nil { // here it would end the process
					r.panicked = fmt.Sprintf("%v\n%s", p, debug.Stack())
				}
				<-slots
				done <- r
			}()
			r.signature, r.err = sign(digest)
		}()
		select {
		case r := <-done:
			if r.panicked != nil {
				panic(r.panicked) // as it would without the goroutine
			}
			return r.signature, r.err
		case <-ctx.Done():
			return nil, fmt.Errorf("the signer has not answered: %w", ctx.Err())
		}
	}
}
