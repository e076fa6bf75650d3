package jws

import (
	"bytes"
	"context"
	"fmt"
	"runtime/debug"
)

// maxWaiting bounds the signatures that one foreign signer is asked for at
// once. A KMS that hangs then holds that many goroutines and not one for every
// request that has given up on it.
const maxWaiting = 64

// patient makes a signer that takes no context answer to one. It is for signers
// behind a wire, which can hang: a request must not hang with them, and nothing
// has been used up when its signature fails.
//
// It is the one place of the library that starts a goroutine. There is no other
// way to stop waiting for a crypto.Signer. What it leaves behind ends when the
// signer returns, and cannot be more than maxWaiting.
func patient(sign func(digest []byte) ([]byte, error)) func(context.Context, []byte) ([]byte, error) {
	type result struct {
		signature []byte
		err       error
		panicked  any // with its stack
	}
	places := make(chan struct{}, maxWaiting)
	return func(ctx context.Context, digest []byte) ([]byte, error) {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return nil, fmt.Errorf("the signer is busy: %w", ctx.Err())
		}
		digest = bytes.Clone(digest) // a signer that is no longer waited for still reads it
		done := make(chan result, 1)
		go func() {
			var r result
			defer func() {
				if p := recover(); p != nil { // here it would end the process
					r.panicked = fmt.Sprintf("%v\n%s", p, debug.Stack())
				}
				<-places
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
