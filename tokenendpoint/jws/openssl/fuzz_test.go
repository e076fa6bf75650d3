//go:build cgo && openssl

package openssl_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws/openssl"
)

// FuzzSign compares Sign with crypto/rsa: both return an error, or Sign returns the
// same signature, or one that crypto/rsa verifies.
func FuzzSign(f *testing.F) {
	f.Add(uint(crypto.SHA256), false, 0, make([]byte, 32))
	f.Add(uint(crypto.SHA384), true, rsa.PSSSaltLengthEqualsHash, make([]byte, 48))
	f.Add(uint(crypto.SHA512), true, rsa.PSSSaltLengthAuto, make([]byte, 64))
	f.Add(uint(crypto.SHA256), true, 222, make([]byte, 32))
	f.Add(uint(crypto.SHA256), true, 223, make([]byte, 32))
	f.Add(uint(crypto.SHA1), false, 0, make([]byte, 20))
	f.Add(uint(0), true, -2, []byte{})
	key, signer := key2049(), newSigner(f, key2049())
	f.Fuzz(func(t *testing.T, number uint, isPSS bool, salt int, digest []byte) {
		hash := crypto.Hash(number)
		opts := crypto.SignerOpts(hash)
		if isPSS {
			opts = pss(hash, salt)
		}
		got, err := signer.Sign(rand.Reader, digest, opts)
		if !slices.Contains(hashes, hash) {
			if err == nil {
				t.Fatalf("Sign with the hash %d = %x, want an error", number, got)
			}
			return
		}
		want, wantErr := key.Sign(rand.Reader, digest, opts)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("Sign of %d bytes with %+v: %v, want as crypto/rsa: %v", len(digest), opts, err, wantErr)
		}
		switch {
		case err != nil:
			if got != nil || !strings.HasPrefix(err.Error(), "openssl: sign: ") {
				t.Errorf("Sign = %x, %v, want an error that begins with openssl: sign:", got, err)
			}
		case isPSS:
			verify(t, &key.PublicKey, digest, got, opts)
		case !bytes.Equal(got, want):
			t.Errorf("signature = %x, want that of crypto/rsa, %x", got, want)
		}
	})
}

// FuzzNewSigner spoils one number of a good key. There is an error, or a signer
// that signs for the key it shows.
func FuzzNewSigner(f *testing.F) {
	for field := range uint8(8) {
		f.Add(field, []byte{}, false)
		f.Add(field, []byte{1}, true)
		f.Add(field, []byte{1, 0, 1}, false)
	}
	f.Add(uint8(1), []byte{1, 0, 1}, false)
	f.Add(uint8(2), key2048().D.Bytes(), true)
	digest := sha256.Sum256(nil)
	f.Fuzz(func(t *testing.T, field uint8, number []byte, negative bool) {
		if len(number) > 1024 {
			t.Skip("the work grows with the cube of it")
		}
		key := *key2048()
		key.Primes = slices.Clone(key.Primes)
		n := new(big.Int).SetBytes(number)
		if negative {
			n.Neg(n)
		}
		switch field % 8 {
		case 0:
			key.N = n
		case 1:
			key.E = int(n.Int64())
		case 2:
			key.D = n
		case 3:
			key.Primes[0] = n
		case 4:
			key.Primes[1] = n
		case 5:
			key.Precomputed.Dp = n
		case 6:
			key.Precomputed.Dq = n
		case 7:
			key.Precomputed.Qinv = n
		}
		signer, err := openssl.NewSigner(&key)
		if err != nil {
			if signer != nil || !strings.HasPrefix(err.Error(), "openssl: ") {
				t.Errorf("NewSigner = %v, %v, want an error that begins with openssl:", signer, err)
			}
			return
		}
		verify(t, signer.Public().(*rsa.PublicKey), digest[:], sign(t, signer, digest[:], crypto.SHA256), crypto.SHA256)
		if !key.PublicKey.Equal(signer.Public()) {
			t.Error("Public is not the public key of the key")
		}
	})
}
