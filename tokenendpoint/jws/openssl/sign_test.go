//go:build cgo && openssl

package openssl_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha512" // for crypto.Hash.New
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws/openssl"
)

var key3072 = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 3072)) })

func newSigner(t testing.TB, key *rsa.PrivateKey) *openssl.Signer {
	t.Helper()
	signer, err := openssl.NewSigner(key)
	if err != nil {
		t.Fatalf("NewSigner = %v, want no error", err)
	}
	return signer
}

func sign(t testing.TB, signer crypto.Signer, digest []byte, opts crypto.SignerOpts) []byte {
	t.Helper()
	signature, err := signer.Sign(rand.Reader, digest, opts)
	if err != nil {
		t.Fatalf("Sign with %+v = %v, want no error", opts, err)
	}
	return signature
}

func pss(hash crypto.Hash, salt int) *rsa.PSSOptions {
	return &rsa.PSSOptions{Hash: hash, SaltLength: salt}
}

// verify checks a signature with crypto/rsa.
func verify(t testing.TB, public *rsa.PublicKey, digest, signature []byte, opts crypto.SignerOpts) {
	t.Helper()
	var err error
	if pss, ok := opts.(*rsa.PSSOptions); ok {
		err = rsa.VerifyPSS(public, pss.Hash, digest, signature, pss)
	} else {
		err = rsa.VerifyPKCS1v15(public, opts.HashFunc(), digest, signature)
	}
	if err != nil {
		t.Errorf("crypto/rsa on the signature with %+v: %v, want no error", opts, err)
	}
}

var hashes = []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}

func TestSignaturesAreThoseOfTheStandardLibrary(t *testing.T) {
	for _, key := range []*rsa.PrivateKey{key2048(), key2049(), key3072()} {
		signer := newSigner(t, key)
		for _, hash := range hashes {
			t.Run(fmt.Sprintf("%d bits, %v", key.N.BitLen(), hash), func(t *testing.T) {
				for i := range 20 { // a number with leading zeros comes up now and then
					digest := sum(hash, fmt.Sprint(i))
					got, want := sign(t, signer, digest, hash), sign(t, key, digest, hash)
					if !bytes.Equal(got, want) {
						t.Fatalf("PKCS #1 v1.5 signature = %x, want that of crypto/rsa, %x", got, want)
					}
				}
			})
		}
	}
}

func TestSignaturesByPSS(t *testing.T) {
	for _, key := range []*rsa.PrivateKey{key2048(), key2049(), key3072()} {
		signer := newSigner(t, key)
		for _, hash := range hashes {
			most := (key.N.BitLen()-1+7)/8 - hash.Size() - 2
			for _, tt := range []struct {
				name       string
				salt, want int
			}{
				{"as long as the hash", rsa.PSSSaltLengthEqualsHash, hash.Size()},
				{"as long as may be", rsa.PSSSaltLengthAuto, most},
				{"of one byte", 1, 1},
				{"of 20 bytes", 20, 20},
				{"of as many bytes as may be", most, most},
			} {
				t.Run(fmt.Sprintf("%d bits, %v, a salt %s", key.N.BitLen(), hash, tt.name), func(t *testing.T) {
					digest := sum(hash, "message")
					got := sign(t, signer, digest, pss(hash, tt.salt))
					verify(t, &key.PublicKey, digest, got, pss(hash, tt.want))
					if again := sign(t, signer, digest, pss(hash, tt.salt)); tt.salt != 1 && bytes.Equal(got, again) {
						t.Errorf("two signatures with one salt: %x", got)
					}
				})
			}
		}
	}
}

func TestSignRefuses(t *testing.T) {
	signer, digest := newSigner(t, key2048()), make([]byte, 32)
	for _, tt := range []struct {
		name   string
		digest []byte
		opts   crypto.SignerOpts
		want   string
	}{
		{"no options", digest, nil, "options are nil"},
		{"nil options of PSS", digest, (*rsa.PSSOptions)(nil), "options are nil"},
		{"no digest", nil, crypto.SHA256, "0 bytes, not the 32"},
		{"a digest that is too short", digest[:31], crypto.SHA256, "31 bytes, not the 32"},
		{"a digest that is too long", make([]byte, 33), crypto.SHA256, "33 bytes, not the 32"},
		{"a digest of another hash", digest, crypto.SHA512, "32 bytes, not the 64"},
		{"a digest that is too short, by PSS", digest[:31], pss(crypto.SHA256, 32), "31 bytes, not the 32"},
		{"a message that is not hashed", digest, crypto.Hash(0), "none of SHA-256"},
		{"PSS without a hash", digest, pss(0, 32), "none of SHA-256"},
		{"SHA-1", make([]byte, 20), crypto.SHA1, "none of SHA-256"},
		{"SHA-224", make([]byte, 28), crypto.SHA224, "none of SHA-256"},
		{"SHA-512/256, as long as SHA-256", digest, crypto.SHA512_256, "none of SHA-256"},
		{"SHA3-256, as long as SHA-256", digest, pss(crypto.SHA3_256, 32), "none of SHA-256"},
		{"a hash that does not exist", digest, crypto.Hash(99), "none of SHA-256"},
		{"a negative salt length", digest, pss(crypto.SHA256, -2), "salt"},
		{"a salt that does not fit", digest, pss(crypto.SHA256, 256-32-2+1), "salt"},
		{"a salt beyond all bounds", digest, pss(crypto.SHA256, 1<<40), "salt"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			signature, err := signer.Sign(rand.Reader, tt.digest, tt.opts)
			if err == nil || signature != nil {
				t.Fatalf("Sign = %x, %v, want an error", signature, err)
			}
			if !strings.HasPrefix(err.Error(), "openssl: sign: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Sign = %q, want openssl: sign: … %q", err, tt.want)
			}
		})
	}
}

// unread fails the test if it is read.
type unread struct{ testing.TB }

func (u unread) Read([]byte) (int, error) {
	u.Error("Sign reads the source of randomness, want OpenSSL's own")
	return 0, errors.New("not to be read")
}

func TestRandomnessIsOpenSSLs(t *testing.T) {
	signer, digest := newSigner(t, key2048()), sum(crypto.SHA256, "message")
	for _, opts := range []crypto.SignerOpts{crypto.SHA256, pss(crypto.SHA256, 32)} {
		signature, err := signer.Sign(unread{t}, digest, opts)
		if err != nil {
			t.Fatalf("Sign = %v, want no error", err)
		}
		verify(t, &key2048().PublicKey, digest, signature, opts)
		if _, err := signer.Sign(nil, digest, opts); err != nil {
			t.Errorf("Sign without a source of randomness = %v, want no error", err)
		}
	}
}

func TestKeysPutTogetherByHandSign(t *testing.T) {
	k, digest := key2048(), sum(crypto.SHA256, "message")
	wrong := *k
	wrong.Precomputed.Dp = big.NewInt(3)
	for name, key := range map[string]*rsa.PrivateKey{
		"without precomputed values":          spoiled(func(*rsa.PrivateKey) {}),
		"with the lesser prime first":         spoiled(func(k *rsa.PrivateKey) { order(k, -1) }),
		"with the greater prime first":        spoiled(func(k *rsa.PrivateKey) { order(k, 1) }),
		"with a precomputed value of another": &wrong,
	} {
		t.Run(name, func(t *testing.T) {
			got, want := sign(t, newSigner(t, key), digest, crypto.SHA256), sign(t, k, digest, crypto.SHA256)
			if !bytes.Equal(got, want) {
				t.Errorf("signature = %x, want that of crypto/rsa, %x", got, want)
			}
			if name == "without precomputed values" && key.Precomputed.Dp != nil {
				t.Error("NewSigner wrote precomputed values into the caller's key")
			}
		})
	}
}

// With a wrong number of the Chinese remainder theorem OpenSSL signs all the
// same, by the private exponent and three times as slowly.
func TestOpenSSLSignsWithoutThePrivateExponent(t *testing.T) {
	key, digest := key2048(), sum(crypto.SHA256, "message")
	numbers := openssl.Flatten(key)
	clear(numbers[2*256 : 3*256])
	numbers[3*256-1] = 3
	signer := must(openssl.NewUnchecked(&key.PublicKey, numbers))
	if got, want := sign(t, signer, digest, crypto.SHA256), sign(t, key, digest, crypto.SHA256); !bytes.Equal(got, want) {
		t.Errorf("signature = %x, want that of crypto/rsa, %x", got, want)
	}
}

func TestProof(t *testing.T) {
	key, other := key2048(), must(rsa.GenerateKey(rand.Reader, 2048))
	signer := must(openssl.NewUnchecked(&other.PublicKey, openssl.Flatten(key)))
	if err := signer.Prove(); err == nil || !strings.HasPrefix(err.Error(), "openssl: ") {
		t.Errorf("the proof with a public key of another: %v, want an error that begins with openssl:", err)
	}
}

func order(k *rsa.PrivateKey, first int) {
	if k.Primes[0].Cmp(k.Primes[1]) != first {
		k.Primes[0], k.Primes[1] = k.Primes[1], k.Primes[0]
	}
}

func TestSignerKeepsNothingOfTheCallers(t *testing.T) {
	k := key2048()
	clone := func(n *big.Int) *big.Int { return new(big.Int).Set(n) }
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: clone(k.N), E: k.E}, D: clone(k.D),
		Primes: []*big.Int{clone(k.Primes[0]), clone(k.Primes[1])},
	}
	signer := newSigner(t, key)
	for _, n := range []*big.Int{key.N, key.D, key.Primes[0], key.Primes[1]} {
		n.SetInt64(1)
	}
	signer.Public().(*rsa.PublicKey).N.SetInt64(1)
	if !k.PublicKey.Equal(signer.Public()) {
		t.Error("Public changes with the key of the caller, want a copy")
	}
	digest := sum(crypto.SHA256, "message")
	verify(t, &k.PublicKey, digest, sign(t, signer, digest, crypto.SHA256), crypto.SHA256)
}

func TestCopyOfASignerSigns(t *testing.T) {
	signer := *newSigner(t, key2048())
	collect()
	digest := sum(crypto.SHA256, "message")
	verify(t, &key2048().PublicKey, digest, sign(t, &signer, digest, crypto.SHA256), crypto.SHA256)
}
