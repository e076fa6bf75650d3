package jws

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"errors"

	"github.com/contit/oauth/storage"
)

// sealFormat is the first byte of a sealed key. After it come the nonce and the
// ciphertext of the algorithm, a zero byte, and the key in PKCS #8.
const sealFormat = 1

var (
	errSealFormat = errors.New("it is in a format that is not known here")
	errNoVersion  = errors.New("that key-encryption key is not there")
	errSealed     = errors.New("it does not open: it has been changed, or the key-encryption key is another one")
	errUnsealed   = errors.New("the sealed text is not a key that can sign")
)

// seal sets Sealed and SealedWith of a row that is otherwise complete.
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

// open returns the key of a row. It takes no part of the key from the row itself.
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

// bound is the data that is authenticated together with the key. So an attacker that
// writes to the store can neither exchange two rows nor change the date of one.
func bound(row *storage.SigningKey) []byte {
	b := []byte("github.com/contit/oauth signing key\x00")
	b = append(b, sealFormat)
	b = binary.BigEndian.AppendUint64(b, uint64(row.SealedWith))
	b = binary.BigEndian.AppendUint64(b, uint64(row.Turn))
	b = binary.BigEndian.AppendUint64(b, uint64(row.AnnouncedAt.UnixMicro()))
	return append(b, row.ID...) // last, since its length varies
}

// thumbprint returns the id of a key that is given none.
func thumbprint(key Key) (string, error) {
	public, err := key.publicKey()
	if err != nil {
		return "", err
	}
	jwk, faults := newJWK(public, key.Algorithm, "")
	return jwk.KeyID, errors.Join(faults...)
}
