package storage

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
)

// Secret is a text that a client holds: an authorization code, a refresh token,
// an API key, a client secret. It does not print: every verb of fmt, JSON, slog
// and a struct that contains it show a placeholder. [Secret.Reveal] is the one
// way to the text. The zero value is the empty secret.
type Secret struct {
	// A pointer, because fmt reads the unexported fields of foreign structs
	// by reflection, past all methods, but does not follow pointers there.
	text *string
	_    [0]func() // == on two secrets would compare the pointers
}

const (
	bodyLength     = 43 // 256 bits in unpadded base64url
	checksumLength = 6  // 32 bits in unpadded base64url
	redacted       = "REDACTED"
)

// NewSecret draws a secret of 256 bits. Its text is the prefix, 43 characters
// of base64url, and a checksum of six characters over both.
func NewSecret(prefix string) Secret {
	var key [32]byte
	rand.Read(key[:]) // it cannot fail: the process ends instead
	return encodeSecret(prefix, &key)
}

// PresentedSecret wraps a text that is there already, such as the one that a client
// presented. It checks nothing.
func PresentedSecret(text string) Secret {
	return Secret{text: &text}
}

func encodeSecret(prefix string, key *[32]byte) Secret {
	var buf [128]byte
	b := append(buf[:0], prefix...)
	b = base64.RawURLEncoding.AppendEncode(b, key[:])
	sum := checksum(b)
	return PresentedSecret(string(append(b, sum[:]...)))
}

// checksum is the CRC-32 in base64url. It goes through the table itself, since
// crc32.ChecksumIEEE would allocate its argument in every request.
func checksum[T string | []byte](body T) (text [checksumLength]byte) {
	crc := ^uint32(0)
	for i := range len(body) {
		crc = crc32.IEEETable[byte(crc)^body[i]] ^ crc>>8
	}
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], ^crc)
	base64.RawURLEncoding.Encode(text[:], sum[:])
	return text
}

// WellFormed reports whether s has the form that [NewSecret] gives to secrets
// with this prefix: length and checksum fit. A mistyped, cut or made-up secret
// is refused by it without asking a store. The checksum proves nothing else.
func (s Secret) WellFormed(prefix string) bool {
	text := s.Reveal()
	if len(text) != len(prefix)+bodyLength+checksumLength || text[:len(prefix)] != prefix {
		return false
	}
	return checksumFits(text)
}

// checksumFits compares the checksum as text: base64 has several spellings of
// the same bytes, and only the one that was issued is right.
func checksumFits(text string) bool {
	body := len(text) - checksumLength
	sum := checksum(text[:body])
	return string(sum[:]) == text[body:]
}

// Digest returns the only form of s that a store may know: SHA-256 of the text
// as presented, not of its decoded bytes. The kind is part of the hash input,
// so that a store never finds a secret of one kind as another. The 256 bits of
// a drawn secret need no slow hash.
func (s Secret) Digest(kind string) Digest {
	var buf [128]byte
	b := append(buf[:0], kind...)
	b = append(b, 0)
	b = append(b, s.Reveal()...)
	return sha256.Sum256(b)
}

// Reveal returns the text. Give it to its holder and to nobody else.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty reports whether there is no text.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// String returns a placeholder.
func (s Secret) String() string { return redacted }

// Format prints the placeholder for every verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText returns the placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns the placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Digest is the only form of a [Secret] that a store may know. It cannot be
// presented.
type Digest [sha256.Size]byte

// Equal compares in constant time.
func (d Digest) Equal(e Digest) bool { return subtle.ConstantTimeCompare(d[:], e[:]) == 1 }

// IsZero reports whether d is the zero value, which is no secret's digest.
func (d Digest) IsZero() bool { return d == Digest{} }

// String returns d in hexadecimal.
func (d Digest) String() string { return fmt.Sprintf("%x", d[:]) }
