package jws

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// KeyEncryptionKey seals the signing keys of [StoredKeys]. It prints its version
// alone. Only [ParseKeyEncryptionKey] makes a working one.
type KeyEncryptionKey struct {
	version int
	// aead is a function, since fmt cannot print the key-encryption key behind one.
	aead func() cipher.AEAD
}

var (
	errNoKEK      = errors.New("jws: StoredKeysConfig.KeyEncryptionKeys is empty")
	errKEKZero    = errors.New("it was not made by ParseKeyEncryptionKey")
	errKEKVersion = errors.New("the version is not from 1 to 2147483647")
	errKEKTwice   = errors.New("the version is given twice")
	errKEKLength  = errors.New("the text is not 32 bytes in base64")
	errKEKZeros   = errors.New("the 32 bytes are nothing but zeros")
)

// ParseKeyEncryptionKey reads a key-encryption key.
//
// The version tells it from the others, and is stored with every signing key that it
// seals. It is from 1 to 2147483647. Never give it to another key-encryption key.
//
// The text is 32 random bytes in base64, as "openssl rand -base64 32" prints them.
// base64url, missing padding and white space around the text are accepted, too.
//
// The error names every fault, and never shows the text.
func ParseKeyEncryptionKey(version int, text string) (KeyEncryptionKey, error) {
	var faults []error
	if version < 1 || version > math.MaxInt32 {
		faults = append(faults, fmt.Errorf("jws: key-encryption key %d: %w", version, errKEKVersion))
	}
	aead, err := newAEAD(text)
	if err != nil {
		faults = append(faults, fmt.Errorf("jws: key-encryption key %d: %w", version, err))
	}
	if err := errors.Join(faults...); err != nil {
		return KeyEncryptionKey{}, err
	}
	return KeyEncryptionKey{version, func() cipher.AEAD { return aead }}, nil
}

func newAEAD(text string) (cipher.AEAD, error) {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimSpace(text))
	key, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
	defer clear(key)
	switch {
	case err != nil, len(key) != 32:
		return nil, errKEKLength
	case bytes.Equal(key, make([]byte, 32)):
		return nil, errKEKZeros
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	// NewGCMWithRandomNonce would do the work of seal and open, but not with
	// BoringCrypto.
	return cipher.NewGCM(block)
}

// Format prints the version, for every verb.
func (k KeyEncryptionKey) Format(f fmt.State, _ rune) {
	io.WriteString(f, fmt.Sprintf("jws.KeyEncryptionKey{version %d}", k.version))
}

// MarshalText returns the text of [KeyEncryptionKey.Format].
func (k KeyEncryptionKey) MarshalText() ([]byte, error) { return fmt.Append(nil, k), nil }

// keyRing holds the key-encryption keys by their versions.
type keyRing struct {
	keys  map[int]KeyEncryptionKey
	first int // the version that seals
}

func newKeyRing(keys []KeyEncryptionKey) (*keyRing, []error) {
	if len(keys) == 0 {
		return nil, []error{errNoKEK}
	}
	ring := &keyRing{keys: make(map[int]KeyEncryptionKey, len(keys)), first: keys[0].version}
	var faults []error
	for i, k := range keys {
		_, twice := ring.keys[k.version]
		switch {
		case k.aead == nil:
			faults = append(faults, fmt.Errorf("jws: StoredKeysConfig.KeyEncryptionKeys %d: %w", i, errKEKZero))
		case twice:
			faults = append(faults, fmt.Errorf("jws: StoredKeysConfig.KeyEncryptionKeys %d: %w", i, errKEKTwice))
		}
		ring.keys[k.version] = k
	}
	return ring, faults
}

// aead returns the cipher of a version, if the version is there.
func (r *keyRing) aead(version int) (cipher.AEAD, bool) {
	k, ok := r.keys[version]
	if !ok {
		return nil, false
	}
	return k.aead(), true
}
