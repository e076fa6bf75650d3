package testbed

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"regexp"
	"slices"
)

// ChecksumLength is how many characters the checksum at the end of a secret has.
const ChecksumLength = 6

// WithChecksum replaces the last six characters of a secret by the checksum
// that the others have, so that it is the store that must refuse it.
func WithChecksum(text string) string { return Checksummed(text[:len(text)-ChecksumLength]) }

// Flipped returns text with each of its characters changed in turn, in several
// ways, into another printable one.
func Flipped(text string) []string {
	var all []string
	for i := range len(text) {
		for _, bit := range []byte{1, 2, 4, 8, 0x20} {
			if c := text[i] ^ bit; 0x20 < c && c < 0x7f {
				all = append(all, text[:i]+string(c)+text[i+1:])
			}
		}
	}
	return all
}

// Rechecked is flipped with right checksums, the prefix left alone. Among them
// are the other spellings of the bytes that the last character of the body
// encodes.
func Rechecked(text string) []string {
	var all []string
	for _, changed := range Flipped(text) {
		if changed[:3] == text[:3] && changed[:len(text)-ChecksumLength] != text[:len(text)-ChecksumLength] {
			all = append(all, WithChecksum(changed))
		}
	}
	return slices.Compact(all)
}

// Checksummed completes a prefix and a body with the checksum that fits.
func Checksummed(text string) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text)))
	return text + base64.RawURLEncoding.EncodeToString(sum)
}

// RefreshTokenSyntax is the form of a refresh token (row G01).
var RefreshTokenSyntax = regexp.MustCompile(`^rt_[A-Za-z0-9_-]{43,}$`)
