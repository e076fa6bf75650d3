package endpointtest

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"regexp"
	"slices"
)

const checksumLength = 6

// withChecksum replaces the last six characters of a secret by the checksum
// that the others have, so that it is the store that must refuse it.
func withChecksum(text string) string { return checksummed(text[:len(text)-checksumLength]) }

// flipped returns text with each of its characters changed in turn, in several
// ways, into another printable one.
func flipped(text string) []string {
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

// rechecked is flipped with right checksums, the prefix left alone. Among them
// are the other spellings of the bytes that the last character of the body
// encodes.
func rechecked(text string) []string {
	var all []string
	for _, changed := range flipped(text) {
		if changed[:3] == text[:3] && changed[:len(text)-checksumLength] != text[:len(text)-checksumLength] {
			all = append(all, withChecksum(changed))
		}
	}
	return slices.Compact(all)
}

// checksummed completes a prefix and a body with the checksum that fits.
func checksummed(text string) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text)))
	return text + base64.RawURLEncoding.EncodeToString(sum)
}

var refreshTokenSyntax = regexp.MustCompile(`^rt_[A-Za-z0-9_-]{43,}$`)
