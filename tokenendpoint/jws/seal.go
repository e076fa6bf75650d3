package jws

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/contit/oauth/storage"
)

// KeyEncryptionKey seals the signing keys of [StoredKeys]. It prints its version
// alone.
type KeyEncryptionKey struct {
	// Version tells it from the others, and is stored with what it seals. It is
	// from 1 to 2147483647, and not given to another key later.
	Version int
	// Key is 32 random bytes in base64, as "openssl rand -base64 32" makes them.
	// base64url and missing padding are understood, too.
	Key storage.Secret
}

var (
	errNoKEK      = errors.New("jws: StoredKeys.KeyEncryptionKeys is empty")
	errKEKVersion = errors.New("the version is not from 1 to 2147483647")
	errKEKTwice   = errors.New("the version is given twice")
	errKEKLength  = errors.New("the key is not 32 bytes in base64")
	errKEKZero    = errors.New("the key is nothing but zeros")
)

// keyRing is the key-encryption keys by their versions.
type keyRing struct {
	// A function, for fmt does not look into it.
	aead  func(version int) (cipher.AEAD, bool)
	first int // seals
}

func newKeyRing(keys []KeyEncryptionKey) (*keyRing, []error) {
	var faults []error
	aeads := make(map[int]cipher.AEAD, len(keys))
	for i, k := range keys {
		fault := func(err error) {
			faults = append(faults, fmt.Errorf("jws: StoredKeys.KeyEncryptionKeys %d: %w", i, err))
		}
		if k.Version < 1 || k.Version > math.MaxInt32 {
			fault(errKEKVersion)
		}
		if _, ok := aeads[k.Version]; ok {
			fault(errKEKTwice)
		}
		aead, err := k.aead()
		if err != nil {
			fault(err)
		}
		aeads[k.Version] = aead
	}
	if len(keys) == 0 {
		return nil, []error{errNoKEK}
	}
	return &keyRing{first: keys[0].Version, aead: func(version int) (cipher.AEAD, bool) {
		aead, ok := aeads[version]
		return aead, ok
	}}, faults
}

func (k KeyEncryptionKey) aead() (cipher.AEAD, error) {
	text := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimSpace(k.Key.Reveal()))
	key, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
	defer clear(key)
	switch {
	case err != nil, len(key) != 32:
		return nil, errKEKLength
	case bytes.Equal(key, make([]byte, 32)):
		return nil, errKEKZero
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	// NewGCMWithRandomNonce would do what seal and open do, but for BoringCrypto.
	return cipher.NewGCM(block)
}

// sealFormat is the first byte of what is sealed. After it come the nonce and the
// ciphertext of the algorithm, a zero byte, and the key in PKCS #8.
const sealFormat = 1

var (
	errSealFormat = errors.New("it is in a format that is not known here")
	errNoVersion  = errors.New("that key-encryption key is not there")
	errSealed     = errors.New("it does not open: it has been changed, or the key-encryption key is another one")
	errUnsealed   = errors.New("what was sealed is not a key that can sign")
)

// seal fills in Sealed and SealedWith of a row that has all the rest.
func (r *keyRing) seal(row *storage.SigningKey, key Key) error {
	aead, ok := r.aead(r.first)
	if !ok {
		return errNoVersion
	}
	der, err := x509.MarshalPKCS8PrivateKey(key.Signer)
	if err != nil {
		return err
	}
	defer clear(der)
	row.SealedWith = r.first
	text := append(append([]byte(key.Algorithm), 0), der...)
	defer clear(text)
	// A random nonce of 96 bits is safe for 2^32 keys (NIST SP 800-38D §8.3).
	sealed := make([]byte, 1+aead.NonceSize())
	sealed[0] = sealFormat
	rand.Read(sealed[1:]) // it cannot fail: the process ends instead
	row.Sealed = aead.Seal(sealed, sealed[1:], text, bound(row))
	return nil
}

// open returns the key of a row. Nothing of it is taken from the row.
func (r *keyRing) open(row *storage.SigningKey) (Key, error) {
	aead, ok := r.aead(row.SealedWith)
	switch {
	case !ok:
		return Key{}, errNoVersion
	case len(row.Sealed) == 0 || row.Sealed[0] != sealFormat:
		return Key{}, errSealFormat
	case len(row.Sealed) < 1+aead.NonceSize():
		return Key{}, errSealed
	}
	nonce, ciphertext := row.Sealed[1:1+aead.NonceSize()], row.Sealed[1+aead.NonceSize():]
	text, err := aead.Open(nil, nonce, ciphertext, bound(row))
	if err != nil {
		return Key{}, errSealed
	}
	defer clear(text)
	algorithm, der, _ := bytes.Cut(text, []byte{0})
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return Key{}, errUnsealed
	}
	key, err := keyOf(parsed)
	if err != nil {
		return Key{}, errUnsealed
	}
	key.Algorithm, key.AnnouncedAt = string(algorithm), row.AnnouncedAt
	if key.ID, err = thumbprint(key); err != nil {
		return Key{}, errUnsealed
	}
	return key, nil
}

// bound is what is authenticated together with the key: whoever writes to the
// store can neither put one row in the place of another nor change its date.
func bound(row *storage.SigningKey) []byte {
	b := []byte("github.com/contit/oauth signing key\x00")
	b = append(b, sealFormat)
	b = binary.BigEndian.AppendUint64(b, uint64(row.SealedWith))
	b = binary.BigEndian.AppendUint64(b, uint64(row.Turn))
	b = binary.BigEndian.AppendUint64(b, uint64(row.AnnouncedAt.UnixMicro()))
	return append(b, row.ID...) // the one of no fixed length
}

// thumbprint returns the id that a key has if it is given none.
func thumbprint(key Key) (string, error) {
	public, err := key.publicKey()
	if err != nil {
		return "", err
	}
	jwk, faults := newJWK(public, key.Algorithm, "")
	return jwk.KeyID, errors.Join(faults...)
}
