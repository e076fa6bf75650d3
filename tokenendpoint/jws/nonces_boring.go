//go:build goexperiment.boringcrypto

package jws

import "crypto/rand"

// nonces is what an ECDSA key in memory draws its nonces from. BoringCrypto
// draws its own, and does not sign at all where they are to be derived: Go's own
// code would, which is slower.
var nonces = rand.Reader
