//go:build !goexperiment.boringcrypto

package jws

import "io"

// nonces is what an ECDSA key in memory draws its nonces from. Without a source
// crypto/ecdsa derives them (RFC 6979): faster, and no weak random number can
// give the key away.
var nonces io.Reader
