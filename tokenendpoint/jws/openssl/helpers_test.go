package openssl_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"sync"
)

// The keys are made once: RSA keys take long.
var (
	key2048 = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	// One bit more than whole bytes: a signature has 257 bytes, and the message
	// that PSS encodes only 256.
	key2049 = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2049)) })
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
