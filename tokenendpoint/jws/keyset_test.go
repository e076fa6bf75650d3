package jws_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws"
)

func TestDefaults(t *testing.T) {
	for want, signer := range map[string]crypto.Signer{
		jws.RS256: rsaKey(), jws.ES256: ecKey(), jws.EdDSA: edKey(),
	} {
		if got := newKeySet(t, jws.Key{Signer: signer}).SigningKey(start).Algorithm(); got != want {
			t.Errorf("algorithm of %T = %s, want %s", signer, got, want)
		}
	}
}

// withBits returns an RSA key of that size; only its size is looked at.
func withBits(n uint) *rsa.PublicKey {
	modulus := new(big.Int).Lsh(big.NewInt(1), n-1)
	return &rsa.PublicKey{N: modulus.SetBit(modulus, 0, 1), E: 65537}
}

type refusal struct {
	name    string
	signing jws.Key
	others  []jws.Key
	want    []string // each part of the error
}

func (tt refusal) run(t *testing.T) {
	t.Helper()
	got, err := jws.NewKeySet(tt.signing, tt.others...)
	if err == nil || got != nil {
		t.Fatalf("NewKeySet = %v, %v, want an error", got, err)
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(tt.want) {
		t.Errorf("NewKeySet reports %d faults, want %d: %v", len(lines), len(tt.want), err)
	}
	for i, want := range tt.want {
		if i < len(lines) && (!strings.Contains(lines[i], want) || !strings.HasPrefix(lines[i], "jws: ")) {
			t.Errorf("fault %d = %q, want jws: … %q", i, lines[i], want)
		}
	}
}

func TestNewKeySetRefuses(t *testing.T) {
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	//lint:ignore SA1019 the alternative refuses to make such a key
	offCurve := &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)}
	ec, ed := ecKey().Public(), edKey().Public()
	for _, tt := range []refusal{
		{name: "no signer", want: []string{"signer is nil"}},
		{name: "a nil *rsa.PrivateKey", signing: jws.Key{Signer: (*rsa.PrivateKey)(nil)}, want: []string{"signer is nil"}},
		{name: "a nil *ecdsa.PrivateKey", signing: jws.Key{Signer: (*ecdsa.PrivateKey)(nil)}, want: []string{"signer is nil"}},
		{name: "an empty *rsa.PrivateKey", signing: jws.Key{Signer: &rsa.PrivateKey{}}, want: []string{"nil or incomplete"}},
		{name: "an empty *ecdsa.PrivateKey", signing: jws.Key{Signer: &ecdsa.PrivateKey{}}, want: []string{"malformed"}},
		{name: "an ed25519.PrivateKey cut short", signing: jws.Key{Signer: edKey()[:32]}, want: []string{"malformed"}},
		{name: "a signer without a public key", signing: jws.Key{Signer: scripted{}}, want: []string{"nil or incomplete"}},
		{name: "a signer that shows a private key", signing: jws.Key{Signer: scripted{public: edKey()}}, want: []string{"not a public key"}},
		{name: "P-384", signing: jws.Key{Signer: p384}, want: []string{"not P-256"}},
		{name: "ES256 for P-384", signing: jws.Key{Signer: p384, Algorithm: jws.ES256}, want: []string{"not P-256"}},
		{name: "a point that is not on the curve", signing: jws.Key{Signer: edKey()}, others: []jws.Key{{Public: offCurve}}, want: []string{"not a point"}},
		{name: "P-256 without coordinates", signing: jws.Key{Signer: edKey()}, others: []jws.Key{{Public: &ecdsa.PublicKey{Curve: elliptic.P256()}}}, want: []string{"nil or incomplete"}},
		{name: "a nil *ecdsa.PublicKey", signing: jws.Key{Signer: edKey()}, others: []jws.Key{{Public: (*ecdsa.PublicKey)(nil)}}, want: []string{"nil or incomplete"}},
		{name: "a nil *rsa.PublicKey", signing: jws.Key{Signer: edKey()}, others: []jws.Key{{Public: (*rsa.PublicKey)(nil)}}, want: []string{"nil or incomplete"}},
		{name: "an empty ed25519.PublicKey", signing: jws.Key{Signer: ecKey()}, others: []jws.Key{{Public: ed25519.PublicKey{}}}, want: []string{"nil or incomplete"}},
		{name: "an even RSA exponent", signing: jws.Key{Signer: edKey()}, others: []jws.Key{{Public: &rsa.PublicKey{N: withBits(2048).N, E: 4}}}, want: []string{"exponent"}},
		{name: "the RSA exponent 1", signing: jws.Key{Signer: edKey()}, others: []jws.Key{{Public: &rsa.PublicKey{N: withBits(2048).N, E: 1}}}, want: []string{"exponent"}},
		{name: "RS256 for P-256", signing: jws.Key{Signer: ecKey(), Algorithm: jws.RS256}, want: []string{"does not fit"}},
		{name: "ES256 for Ed25519", signing: jws.Key{Signer: edKey(), Algorithm: jws.ES256}, want: []string{"does not fit"}},
		{name: "EdDSA for RSA", signing: jws.Key{Signer: rsaKey(), Algorithm: jws.EdDSA}, want: []string{"does not fit"}},
		{name: "an algorithm in the wrong case", signing: jws.Key{Signer: ecKey(), Algorithm: "es256"}, want: []string{`"es256" is none of`}},
		{name: "a kid with a control character", signing: jws.Key{Signer: ecKey(), ID: "k\n"}, want: []string{"printable"}},
		{name: "a kid with DEL", signing: jws.Key{Signer: ecKey(), ID: "k\x7f"}, want: []string{"printable"}},
		{name: "a kid outside ASCII", signing: jws.Key{Signer: ecKey(), ID: "schlüssel"}, want: []string{"printable"}},
		{name: "a second signer", signing: jws.Key{Signer: ecKey()}, others: []jws.Key{{Signer: edKey()}}, want: []string{"verification key 0: it has a Signer"}},
		{name: "one kid for two keys", signing: jws.Key{Signer: ecKey(), ID: "k"}, others: []jws.Key{{Public: ed, ID: "k"}}, want: []string{`verification key 0: the id "k" also belongs to the signing key`}},
		{name: "the signing key published twice", signing: jws.Key{Signer: ecKey()}, others: []jws.Key{{Public: ec}}, want: []string{"also belongs to the signing key"}},
		{name: "one verification key twice", signing: jws.Key{Signer: ecKey()}, others: []jws.Key{{Public: ed}, {Public: ed}}, want: []string{"also belongs to the verification key 0"}},
		{name: "every fault at once", signing: jws.Key{Signer: ecKey(), Algorithm: jws.PS256, ID: "\t"},
			others: []jws.Key{{}, {Public: withBits(1024), Algorithm: "HS512", ID: "x"}, {Public: ed, ID: "x"}},
			want: []string{"signing key: the id is not printable", "signing key: the algorithm PS256 does not fit",
				"verification key 0: the public key is nil", `verification key 1: the algorithm "HS512"`, "verification key 1: the RSA key has 1024 bits",
				`verification key 2: the id "x"`}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestHalvesOfTwoKeysAreRefused(t *testing.T) {
	ec := *ecKey()
	ec.PublicKey = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).PublicKey
	_, otherEd, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ed := append(edKey()[:32:32], otherEd[32:]...)
	r := &rsa.PrivateKey{PublicKey: must(rsa.GenerateKey(rand.Reader, 2048)).PublicKey, D: rsaKey().D, Primes: rsaKey().Primes}
	for name, signer := range map[string]crypto.Signer{
		"RSA": r, "P-256": &ec, "Ed25519": ed, "RSA without its private part": &rsa.PrivateKey{PublicKey: rsaKey().PublicKey},
	} {
		t.Run(name, refusal{signing: jws.Key{Signer: signer}, want: []string{"does not sign for its public key"}}.run)
	}
}

func TestRSAKeyPutTogetherByHandSigns(t *testing.T) {
	k := rsaKey()
	byHand := &rsa.PrivateKey{PublicKey: k.PublicKey, D: k.D, Primes: k.Primes}
	token := sign(t, newKeySet(t, jws.Key{Signer: byHand}), jws.TypeJWT, payload)
	verifyGoJose(t, token, jws.RS256, k.Public())
	if byHand.Precomputed.Dp != nil {
		t.Error("NewKeySet wrote into the caller's key")
	}
}

func TestEd25519KeyIsCopied(t *testing.T) {
	key := append(ed25519.PrivateKey(nil), edKey()...)
	s := newKeySet(t, jws.Key{Signer: key})
	clear(key) // a caller that wipes its copy
	verifyGoJose(t, sign(t, s, jws.TypeJWT, payload), jws.EdDSA, edKey().Public())
}

func TestKeyDoesNotPrint(t *testing.T) {
	type config struct{ Key jws.Key }
	for _, algorithm := range algorithms {
		c := config{signingKey(algorithm)}
		var secrets []string
		switch key := c.Key.Signer.(type) {
		case ed25519.PrivateKey:
			secrets = []string{strings.Trim(fmt.Sprint(key[:8]), "[]"), fmt.Sprintf("%x", key[:8])}
		case *ecdsa.PrivateKey:
			d := new(big.Int).SetBytes(must(key.Bytes()))
			secrets = []string{d.String(), d.Text(16)}
		case *rsa.PrivateKey:
			secrets = []string{key.D.String(), key.D.Text(16)}
		}
		s := newKeySet(t, c.Key)
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("start", "key", c.Key, "config", c, "set", s)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "key", c.Key, "config", c, "set", s)
		printed := []string{string(must(json.Marshal(c))), log.String()}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			for _, v := range []any{c, c.Key, &c.Key, s, *s} {
				printed = append(printed, fmt.Sprintf(verb, v))
			}
		}
		for _, got := range printed {
			for _, secret := range secrets {
				if strings.Contains(strings.ToLower(got), secret) {
					t.Errorf("%s: %q has the private key in it", algorithm, got)
				}
			}
		}
	}
	want := `jws.Key{Algorithm: "ES256", ID: "k"}`
	if got := fmt.Sprint(jws.Key{Signer: ecKey(), Algorithm: jws.ES256, ID: "k"}); got != want {
		t.Errorf("a key prints as %s, want %s", got, want)
	}
}
