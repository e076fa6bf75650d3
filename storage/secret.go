package storage

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql/driver"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
)

// Secret is what a client holds: an authorization code, a refresh token, an
// API key, a client secret. It does not print: every verb of fmt, JSON, slog
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

// PresentedSecret wraps a text that is there already: what a client presented, or
// a key-encryption key from the host's configuration. It checks nothing.
func PresentedSecret(text string) Secret {
	return Secret{text: &text}
}

// Derive returns the secret that follows from s and a salt. Who knows only one
// of them learns nothing of it; who has both gets the same secret each time.
func (s Secret) Derive(prefix string, salt []byte) Secret {
	mac := hmac.New(sha256.New, []byte(s.Reveal()))
	mac.Write([]byte("github.com/contit/oauth successor\x00"))
	mac.Write(salt)
	return encodeSecret(prefix, (*[32]byte)(mac.Sum(nil)))
}

func encodeSecret(prefix string, key *[32]byte) Secret {
	var buf [128]byte
	b := append(buf[:0], prefix...)
	b = base64.RawURLEncoding.AppendEncode(b, key[:])
	sum := checksum(b)
	return PresentedSecret(string(append(b, sum[:]...)))
}

// checksum is the CRC-32 in base64url. It goes through the table itself, since
// what is given to crc32.ChecksumIEEE is allocated, and every request has one.
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

// WellFormedAny is WellFormed for whatever prefix.
func (s Secret) WellFormedAny() bool {
	text := s.Reveal()
	return len(text) >= bodyLength+checksumLength && checksumFits(text)
}

// checksumFits compares the checksum as text: base64 has several spellings of
// the same bytes, and only the one that was issued is right.
func checksumFits(text string) bool {
	body := len(text) - checksumLength
	sum := checksum(text[:body])
	return string(sum[:]) == text[body:]
}

// Digest returns what a store may know of s: SHA-256 of the text as presented,
// not of what it decodes to, with the kind in the hash input, so that a secret
// of one kind is not found as another. The 256 bits of a drawn secret need no
// slow hash.
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

// Format prints the placeholder, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText returns the placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns the placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Digest is what a store may know of a [Secret]. It cannot be presented.
type Digest [sha256.Size]byte

// Equal compares in constant time.
func (d Digest) Equal(e Digest) bool { return subtle.ConstantTimeCompare(d[:], e[:]) == 1 }

// IsZero reports whether d is the zero value, which is no secret's digest.
func (d Digest) IsZero() bool { return d == Digest{} }

// Value returns the 32 bytes for package database/sql, or NULL for the zero
// value.
func (d Digest) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil
	}
	return d[:], nil
}

// Scan takes what Value gave.
func (d *Digest) Scan(src any) error {
	switch b := src.(type) {
	case nil:
		*d = Digest{}
		return nil
	case []byte:
		if len(b) == len(d) {
			*d = Digest(b)
			return nil
		}
	}
	return errors.New("storage: what was scanned is no Digest")
}

// String returns d in hexadecimal.
func (d Digest) String() string { return fmt.Sprintf("%x", d[:]) }
