package openssl_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"log"

	"github.com/contit/oauth/tokenendpoint/jws/openssl"
)

// This server signs with OpenSSL if it was built with OpenSSL, and otherwise with
// crypto/rsa. The tokens are the same. A server that needs the speed does not start
// without OpenSSL: it treats every error alike.
func ExampleNewSigner() {
	key, err := rsa.GenerateKey(rand.Reader, 2048) // in production: from a file
	if err != nil {
		log.Fatal(err)
	}
	var signer crypto.Signer // for the Signer of a jws.Key
	signer, err = openssl.NewSigner(key)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		signer = key
	case err != nil:
		log.Fatal(err)
	}

	digest := sha256.Sum256([]byte("message"))
	signature, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature))
	// Output: <nil>
}
