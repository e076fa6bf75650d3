//go:build cgo && openssl

package openssl_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"fmt"
	"runtime"
	"runtime/pprof"
	"sync"
	"testing"
)

func TestCrowdSignsWithOneKey(t *testing.T) {
	key := key2048()
	signer := newSigner(t, key)
	var crowd sync.WaitGroup
	for i := range 64 {
		crowd.Go(func() {
			for j := range 8 {
				digest := sum(crypto.SHA256, fmt.Sprint(i, j))
				signature, err := signer.Sign(rand.Reader, digest, crypto.SHA256)
				if err != nil {
					t.Errorf("Sign = %v, want no error", err)
					return
				}
				if want := must(key.Sign(rand.Reader, digest, crypto.SHA256)); !bytes.Equal(signature, want) {
					t.Errorf("signature = %x, want that of crypto/rsa, %x", signature, want)
				}
				opts := pss(crypto.SHA256, 32)
				if signature, err = signer.Sign(rand.Reader, digest, opts); err != nil {
					t.Errorf("Sign by PSS = %v, want no error", err)
					return
				}
				verify(t, &key.PublicKey, digest, signature, opts)
			}
		})
	}
	crowd.Wait()
}

func TestCrowdDoesNotGetAThreadEach(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2)) // the bound is read by NewSigner
	signer, digest := newSigner(t, key2048()), sum(crypto.SHA256, "message")
	threads := pprof.Lookup("threadcreate")
	before := threads.Count()
	var crowd sync.WaitGroup
	for range 256 {
		crowd.Go(func() {
			for range 8 {
				if _, err := signer.Sign(rand.Reader, digest, crypto.SHA256); err != nil {
					t.Errorf("Sign = %v, want no error", err)
				}
			}
		})
	}
	crowd.Wait()
	if more := threads.Count() - before; more > 16 {
		t.Errorf("256 callers started %d threads, want a few", more)
	}
}
