package openssl

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/big"
	"runtime"
	"slices"
)

// minBits is the least size of a modulus (RFC 7518 §3.3).
const minBits = 2048

var (
	errNoKey    = errors.New("openssl: the private key is nil or incomplete")
	errPrimes   = errors.New("openssl: the private key has not two primes")
	errNegative = errors.New("openssl: the private key has a number that is not positive")
	errProof    = errors.New("openssl: the private key does not sign for its public key")
	errZero     = errors.New("openssl: sign: the signer was not made by NewSigner")
)

var _ crypto.Signer = (*Signer)(nil)

// Signer is an RSA private key in OpenSSL. It is safe for concurrent use. At most
// twice GOMAXPROCS callers, as it was at [NewSigner], are served at once; the others
// wait. It prints without its private part. There is nothing to close: OpenSSL
// overwrites the key and frees it once the garbage collector finds that nothing
// refers to the Signer or a copy of it.
type Signer struct {
	public *rsa.PublicKey
	key    *privateKey
	// turns holds one element for each signature under way. A call of C holds its
	// thread, and the runtime starts another thread for the goroutines that wait.
	// Without a bound each of many callers would get a thread, and starve all other
	// work. The bound is twice the cores, since a caller back from C may wait for a
	// processor before it can give up its turn.
	turns chan struct{}
}

// NewSigner copies the key into OpenSSL. It refuses a key that is nil or incomplete
// or fails [rsa.PrivateKey.Validate], a key below 2048 bits (RFC 7518 §3.3), and a
// key with other than two primes. Then it signs once and verifies the signature with
// crypto/rsa. In a program that was built without OpenSSL it returns an error that is
// [errors.ErrUnsupported]. It neither keeps nor changes key, which stays in Go's
// memory for as long as the caller refers to it.
func NewSigner(key *rsa.PrivateKey) (*Signer, error) {
	if err := check(key); err != nil {
		return nil, err
	}
	// Precomputed values of the caller are not copied: they may be wrong.
	own := &rsa.PrivateKey{PublicKey: key.PublicKey, D: key.D, Primes: slices.Clone(key.Primes)}
	own.Precompute()
	if err := own.Validate(); err != nil {
		return nil, fmt.Errorf("openssl: the private key: %w", err)
	}
	numbers := flatten(own)
	defer clear(numbers)
	imported, err := importKey(numbers, own.Size())
	if err != nil {
		return nil, err
	}
	s := &Signer{
		public: clone(&key.PublicKey),
		key:    imported,
		turns:  make(chan struct{}, 2*runtime.GOMAXPROCS(0)),
	}
	if err := s.prove(); err != nil {
		return nil, err
	}
	return s, nil
}

// check finds the faults that Validate misses or panics on.
func check(key *rsa.PrivateKey) error {
	if key == nil {
		return errNoKey
	}
	for _, n := range append([]*big.Int{key.N, key.D}, key.Primes...) {
		switch {
		case n == nil:
			return errNoKey
		case n.Sign() <= 0: // crypto/rsa ignores the sign
			return errNegative
		}
	}
	switch {
	case key.N.BitLen() < minBits:
		return fmt.Errorf("openssl: the RSA key has %d bits, fewer than %d", key.N.BitLen(), minBits)
	case len(key.Primes) != 2:
		return errPrimes
	}
	return nil
}

// flatten writes the numbers of an RSAPrivateKey (RFC 8017 A.1.2) one after
// another, each as wide as the modulus.
func flatten(key *rsa.PrivateKey) []byte {
	width := key.Size()
	numbers := []*big.Int{
		key.N, big.NewInt(int64(key.E)), key.D, key.Primes[0], key.Primes[1],
		key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv,
	}
	flat := make([]byte, len(numbers)*width)
	for i, n := range numbers {
		n.FillBytes(flat[i*width : (i+1)*width])
	}
	return flat
}

// prove signs once and verifies with another implementation: it is unlikely that both
// fail in the same way.
func (s *Signer) prove() error {
	digest := sha256.Sum256(nil)
	signature, err := s.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return err
	}
	if rsa.VerifyPKCS1v15(s.public, crypto.SHA256, digest[:], signature) != nil {
		return errProof
	}
	return nil
}

func clone(key *rsa.PublicKey) *rsa.PublicKey {
	return &rsa.PublicKey{N: new(big.Int).Set(key.N), E: key.E}
}

// Public returns the public key, an *rsa.PublicKey that belongs to the caller. It is
// nil if the Signer was not made by [NewSigner].
func (s *Signer) Public() crypto.PublicKey {
	if s == nil || s.public == nil {
		return nil
	}
	return clone(s.public)
}

// Sign signs as [rsa.PrivateKey.Sign] does: by PKCS #1 v1.5, with the same bytes, or
// by PSS if opts is an *[rsa.PSSOptions] (RFC 8017 §8.2, §8.1). The hash is SHA-256,
// SHA-384 or SHA-512, and digest has its length. The reader is not read and may be
// nil: OpenSSL draws salts and blinding factors by its own generator. A signature is
// verified before it is returned. Every error is a fault, none a verdict.
func (s *Signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s == nil || s.key == nil {
		return nil, errZero
	}
	scheme, err := newScheme(opts, s.public.N.BitLen())
	if err != nil {
		return nil, err
	}
	if err := scheme.checkDigest(digest); err != nil {
		return nil, err
	}
	signature := make([]byte, s.public.Size())
	s.turns <- struct{}{}
	err = s.key.sign(digest, scheme.salt, signature)
	<-s.turns
	if err != nil {
		return nil, err
	}
	return signature, nil
}

// Format prints the size of the key, for every verb.
func (s Signer) Format(f fmt.State, _ rune) {
	bits := 0
	if s.public != nil {
		bits = s.public.N.BitLen()
	}
	fmt.Fprintf(f, "openssl.Signer{RSA, %d bits}", bits)
}

// MarshalText returns the text of [Signer.Format], so that a Signer logged as JSON
// shows the same.
func (s Signer) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%v", s), nil
}
