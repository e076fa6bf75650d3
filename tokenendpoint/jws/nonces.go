//go:build !goexperiment.boringcrypto

package jws

import "io"

// nonces is the source of nonces for ECDSA keys in memory. Without a source
// crypto/ecdsa derives them (RFC 6979): this is faster, and no weak random number can
// give the key away.
var nonces io.Reader
