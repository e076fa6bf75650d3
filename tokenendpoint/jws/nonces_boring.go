//go:build goexperiment.boringcrypto

package jws

import "crypto/rand"

// nonces is what an ECDSA key in memory draws its nonces from. BoringCrypto
// draws its own. Where they are to be derived it is not asked at all, but Go's own
// code, which is slower.
var nonces = rand.Reader
