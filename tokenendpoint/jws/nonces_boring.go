//go:build goexperiment.boringcrypto

package jws

import "crypto/rand"

// nonces is the source of nonces for ECDSA keys in memory. BoringCrypto draws its
// own. To derive them, crypto/ecdsa would use Go's own, slower code instead of
// BoringCrypto.
var nonces = rand.Reader
