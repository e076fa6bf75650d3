package jws_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// TestSPEC has the rows of the specification that this package fulfils by
// itself, by their ids.
func TestSPEC(t *testing.T) {
	t.Run("K01_typ_alg_and_a_kid_that_the_JWKS_has", specHeader)
	t.Run("K02_the_issuer_is_exactly_the_configured_string", specIssuer)
	specAccessToken(t)
	specRefusedKeys(t)
	t.Run("P12_the_JWKS_has_public_members_only", specPublicOnly)
}

func specHeader(t *testing.T) {
	for _, algorithm := range algorithms {
		s := newKeySet(t, signingKey(algorithm))
		_, header, _, _ := split(t, sign(t, s, jws.TypeAccessToken, payload))
		key := parseJWKS(t, s.JWKS()).Keys[0]
		if header["typ"] != "at+jwt" || header["alg"] != algorithm || header["kid"] != key["kid"] || key["alg"] != algorithm {
			t.Errorf("header = %v, want typ at+jwt, alg %s and the kid of %v", header, algorithm, key)
		}
	}
}

func specIssuer(t *testing.T) {
	for _, issuer := range []string{"https://as.test", "https://as.test/", "HTTPS://AS.test/a?b=c&d=%2F<>"} {
		a := with(func(a *jws.AccessToken) { a.Issuer = issuer })
		var got struct{ Iss string }
		if err := json.Unmarshal(must(a.AppendJSON(nil)), &got); err != nil || got.Iss != issuer {
			t.Errorf("iss = %q, %v, want %q", got.Iss, err, issuer)
		}
	}
}

func specRefusedKeys(t *testing.T) {
	weak := must(rsa.GenerateKey(rand.Reader, 1024))
	for _, tt := range []refusal{
		{name: "K09_rsa_below_2048_is_refused", signing: jws.Key{Signer: weak}, want: []string{"1024 bits, fewer than 2048"}},
		{name: "K09_rsa_of_2047_bits_is_refused", signing: jws.Key{Signer: scripted{public: withBits(2047)}}, want: []string{"2047 bits"}},
		{name: "K09_rsa_below_2048_is_refused_for_PS256", signing: jws.Key{Signer: remote{weak}, Algorithm: jws.PS256}, want: []string{"1024 bits"}},
		{name: "K09_rsa_above_8192_is_refused", signing: jws.Key{Signer: scripted{public: withBits(8193)}}, want: []string{"8193 bits, more than 8192"}},
		{name: "K09_rsa_below_2048_is_not_published", signing: jws.Key{Signer: edKey()},
			others: []jws.Key{{Public: weak.Public()}}, want: []string{"verification key 0: the RSA key has 1024 bits"}},
		{name: "K09_none_is_refused", signing: jws.Key{Signer: ecKey(), Algorithm: "none"}, want: []string{`"none" is none of`}},
		{name: "K09_HS256_is_refused", signing: jws.Key{Signer: rsaKey(), Algorithm: "HS256"}, want: []string{`"HS256" is none of`}},
		{name: "K09_HS256_is_not_published", signing: jws.Key{Signer: rsaKey()},
			others: []jws.Key{{Public: edKey().Public(), Algorithm: "HS256"}}, want: []string{`"HS256" is none of`}},
		{name: "K09_a_symmetric_key_is_not_published", signing: jws.Key{Signer: rsaKey()},
			others: []jws.Key{{Public: make([]byte, 32)}}, want: []string{"type []uint8 is not a public key"}},
		{name: "P12_a_private_RSA_key_is_not_published", signing: jws.Key{Signer: edKey()},
			others: []jws.Key{{Public: rsaKey()}}, want: []string{"type *rsa.PrivateKey is not a public key"}},
		{name: "P12_a_private_P-256_key_is_not_published", signing: jws.Key{Signer: edKey()},
			others: []jws.Key{{Public: ecKey()}}, want: []string{"type *ecdsa.PrivateKey is not a public key"}},
		{name: "P12_a_private_Ed25519_key_is_not_published", signing: jws.Key{Signer: ecKey()},
			others: []jws.Key{{Public: edKey()}}, want: []string{"type ed25519.PrivateKey is not a public key"}},
	} {
		t.Run(tt.name, tt.run)
	}
	for _, bits := range []uint{2048, 8192} {
		t.Run(fmt.Sprintf("K09_rsa_of_%d_bits_is_accepted", bits), func(t *testing.T) {
			newKeySet(t, jws.Key{Signer: scripted{public: withBits(bits)}})
		})
	}
}

func specPublicOnly(t *testing.T) {
	for _, algorithm := range algorithms {
		s := newKeySet(t, signingKey(algorithm))
		for _, key := range parseJWKS(t, s.JWKS()).Keys {
			for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k", "oth"} {
				if value, found := key[private]; found {
					t.Errorf("%s: the JWKS has %q: %v", algorithm, private, value)
				}
			}
		}
	}
}
