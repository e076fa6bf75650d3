//go:build !goexperiment.boringcrypto

package jws_test

import (
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws"
)

func TestKeyInMemorySignsECDSADeterministically(t *testing.T) {
	s := newKeySet(t, signingKey(jws.ES256))
	first, second := sign(t, s, jws.TypeJWT, payload), sign(t, s, jws.TypeJWT, payload)
	if first != second {
		t.Errorf("two signatures of one payload: %s and %s, want one (RFC 6979)", first, second)
	}
}
