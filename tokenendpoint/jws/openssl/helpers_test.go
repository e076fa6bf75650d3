package openssl_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha512" // for crypto.Hash.New
	"sync"
	"testing"
)

// The keys are made once: RSA keys take long.
var (
	key2048 = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	// One bit more than whole bytes: a signature has 257 bytes, and the message
	// that PSS encodes only 256.
	key2049 = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2049)) })
	key3072 = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 3072)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func sum(hash crypto.Hash, message string) []byte {
	h := hash.New()
	h.Write([]byte(message))
	return h.Sum(nil)
}

func pss(hash crypto.Hash, salt int) *rsa.PSSOptions {
	return &rsa.PSSOptions{Hash: hash, SaltLength: salt}
}

// verify holds a signature against crypto/rsa.
func verify(t testing.TB, public *rsa.PublicKey, digest, signature []byte, opts crypto.SignerOpts) {
	t.Helper()
	var err error
	if pss, ok := opts.(*rsa.PSSOptions); ok {
		err = rsa.VerifyPSS(public, pss.Hash, digest, signature, pss)
	} else {
		err = rsa.VerifyPKCS1v15(public, opts.HashFunc(), digest, signature)
	}
	if err != nil {
		t.Errorf("crypto/rsa on the signature with %+v: %v, want no error", opts, err)
	}
}
