//go:build cgo && openssl

package openssl_test

import (
	"crypto"
	"math/big"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws/openssl"
	"github.com/contit/oauth/tokenendpoint/jws/openssl/internal/probe"
)

// collect frees all unreachable memory. Cleanups run later than the collector, and in
// no order, so it goes on until nothing has been freed for a while.
func collect() {
	for still := 0; still < 3; still++ {
		before := probe.Live()
		cleanUp()
		if probe.Live() != before {
			still = 0
		}
	}
}

// cleanUp returns when a cleanup has been run.
func cleanUp() {
	done := make(chan struct{})
	runtime.AddCleanup(new(struct{ _ [32]byte }), func(done chan struct{}) { close(done) }, done)
	for {
		runtime.GC()
		select {
		case <-done:
			return
		default:
			runtime.Gosched()
		}
	}
}

// onOneThread makes the test use one of OpenSSL's error queues and one of its
// random generators, and has them allocated before anything is counted.
func onOneThread(t *testing.T) *openssl.Signer {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	signer, digest := newSigner(t, key2048()), sum(crypto.SHA256, "message")
	for range 40 { // beyond the 32 uses of a blinding factor
		sign(t, signer, digest, crypto.SHA256)
		sign(t, signer, digest, pss(crypto.SHA256, 32))
	}
	if probe.Live() <= 0 {
		t.Fatal("the probe is not in the place of OpenSSL's allocator")
	}
	return signer
}

func TestSignatureLeavesNothing(t *testing.T) {
	signer, digest := onOneThread(t), sum(crypto.SHA256, "message")
	collect()
	before := probe.Live()
	for range 100 {
		sign(t, signer, digest, crypto.SHA256)
		sign(t, signer, digest, pss(crypto.SHA256, 32))
		if err := signer.SignUnchecked(digest, 250, make([]byte, 256)); err == nil {
			t.Fatal("a salt that does not fit is signed with")
		}
	}
	if more := probe.Live() - before; more != 0 {
		t.Errorf("300 signatures left %d blocks, want 0", more)
	}
}

func TestForgottenKeysAreFreed(t *testing.T) {
	onOneThread(t)
	collect()
	before := probe.Live()
	const keys = 50
	for range keys {
		newSigner(t, key2048())
	}
	collect()
	// A block per thread that frees is OpenSSL's; one per key would be ours.
	if more := probe.Live() - before; more >= keys {
		t.Errorf("%d forgotten keys left %d blocks, want fewer than one each", keys, more)
	}
}

// OpenSSL has begun to sign, and the last reference to the signer is gone.
func TestKeyIsNotFreedUnderASignature(t *testing.T) {
	onOneThread(t)
	collect()
	digest, signature := sum(crypto.SHA256, "message"), make([]byte, 256)
	signer := newSigner(t, key2048())
	before := probe.Live()
	probe.Hold()
	defer probe.Release()
	done := make(chan error)
	go func(signer *openssl.Signer) {
		// Sign has a use for the signer after OpenSSL's part; this has none.
		done <- signer.SignUnchecked(digest, 0, signature)
	}(signer)
	for !probe.Holding() {
		runtime.Gosched()
	}
	collect()
	if freed := before - probe.Live(); freed > 0 {
		t.Fatalf("%d blocks are freed while OpenSSL signs, want 0", freed)
	}
	probe.Release()
	if err := <-done; err != nil {
		t.Errorf("sign = %v, want no error", err)
	}
	verify(t, &key2048().PublicKey, digest, signature, crypto.SHA256)
}

func TestFreedMemoryHasNoPartOfTheKey(t *testing.T) {
	onOneThread(t)
	key := key2048()
	var patterns [][32]byte
	for _, n := range []*big.Int{key.D, key.Primes[0], key.Primes[1], key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv} {
		b := n.FillBytes(make([]byte, 256))
		patterns = append(patterns, [32]byte(b[256-72:])) // as in a file, from within
		slices.Reverse(b)
		patterns = append(patterns, [32]byte(b[8:])) // as words of this machine
	}
	collect() // no key of another test is freed under the new patterns
	probe.Watch(patterns...)
	defer probe.Watch()
	for range 20 {
		signer, digest := newSigner(t, key), sum(crypto.SHA256, "message")
		sign(t, signer, digest, crypto.SHA256)
		sign(t, signer, digest, pss(crypto.SHA256, 32))
	}
	collect()
	if spills := probe.Spills(); spills != 0 {
		t.Errorf("%d blocks were freed with a part of the key in them, want 0", spills)
	}
}

func TestErrorsOfOpenSSL(t *testing.T) {
	signer, digest := onOneThread(t), make([]byte, 32)
	signature := make([]byte, 256)
	for _, tt := range []struct {
		name string
		fail func() error
		want string
	}{
		{"a salt that does not fit", func() error { return signer.SignUnchecked(digest, 250, signature) }, "error:"},
		{"a hash that is not known", func() error { return signer.SignUnchecked(digest[:20], 0, signature) }, "internal error"},
		{"room for half a signature", func() error { return signer.SignUnchecked(digest, 0, signature[:128]) }, "error:"},
		{"room for more than a signature", func() error { return signer.SignUnchecked(digest, 0, make([]byte, 512)) }, "internal error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// t.Run has its own goroutine, so its own thread.
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			probe.Raise()
			err := tt.fail()
			if err == nil || !strings.Contains(strings.ToLower(err.Error()), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "asn1") {
				t.Errorf("error = %v, want none of those that others left", err)
			}
			if probe.Pending() {
				t.Error("an error is left in the queue")
			}
		})
	}
	probe.Raise()
	sign(t, signer, digest, crypto.SHA256)
	if probe.Pending() {
		t.Error("after a signature an error of somebody else is left in the queue")
	}
}

// However early memory runs out, there is an error or a signature that is right.
func TestEveryAllocationMayFail(t *testing.T) {
	signer, key, digest := onOneThread(t), key2048(), sum(crypto.SHA256, "message")
	defer probe.FailAfter(-1)
	for _, tt := range []struct {
		name string
		try  func() (signature []byte, err error)
		opts crypto.SignerOpts
		want string
	}{
		{"Sign", func() ([]byte, error) { return signer.Sign(nil, digest, crypto.SHA256) }, crypto.SHA256, "openssl: sign: "},
		{"Sign by PSS", func() ([]byte, error) { return signer.Sign(nil, digest, pss(crypto.SHA256, 32)) }, pss(crypto.SHA256, 32), "openssl: sign: "},
		{"NewSigner", func() ([]byte, error) {
			made, err := openssl.NewSigner(key)
			if err != nil {
				return nil, err
			}
			return made.Sign(nil, digest, crypto.SHA256)
		}, crypto.SHA256, "openssl: import the private key: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var faults []string
			for i := range 200 {
				probe.FailAfter(i)
				signature, err := tt.try()
				probe.FailAfter(-1)
				if err == nil {
					verify(t, &key.PublicKey, digest, signature, tt.opts)
					continue
				}
				faults = append(faults, err.Error())
				if !strings.HasPrefix(err.Error(), "openssl: ") || strings.Count(err.Error(), "openssl: ") > 1 {
					t.Errorf("error = %q, want openssl: once, in front", err)
				}
				if probe.Pending() {
					t.Errorf("after %q an error is left in the queue", err)
				}
			}
			if len(faults) < 20 || !strings.HasPrefix(faults[0], tt.want) {
				t.Errorf("%d of 200 allocations that fail are noticed, the first as %q, want more than 20 and %q", len(faults), faults, tt.want)
			}
		})
	}
}

// OpenSSL renews a blinding factor at its 33rd use. If that fails it signs on with a
// wrong one, without an error.
func TestSpoiledBlindingFactor(t *testing.T) {
	onOneThread(t)
	defer probe.FailAfter(-1)
	key, digest, spoiled := key2048(), sum(crypto.SHA256, "message"), 0
	for i := range 70 {
		signer := newSigner(t, key) // the first use
		for range 31 {
			sign(t, signer, digest, crypto.SHA256)
		}
		probe.FailAfter(i)
		signature, err := signer.Sign(nil, digest, crypto.SHA256)
		probe.FailAfter(-1)
		if err == nil {
			verify(t, &key.PublicKey, digest, signature, crypto.SHA256)
		}
		failed := 0
		for range 32 {
			signature, err = signer.Sign(nil, digest, crypto.SHA256)
			if err != nil {
				failed++
				continue
			}
			verify(t, &key.PublicKey, digest, signature, crypto.SHA256)
		}
		if failed > 0 {
			spoiled++
		}
		if err != nil {
			t.Errorf("the 32nd signature after failed allocation %d: %v, want no error", i, err)
		}
	}
	t.Logf("%d of 70 allocations that failed spoiled a blinding factor", spoiled)
}
