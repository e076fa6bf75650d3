package clientauth

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	stdhash "hash"
	"strings"

	"github.com/contit/oauth/storage"
	"golang.org/x/crypto/scrypt"
)

// The hashes that other systems kept. doc.go has the table.
const (
	prefixScrypt = "$scrypt$"
	prefixAspNet = "{aspnet-identity}"

	// Like the bounds of argon2id and bcrypt, these let the costliest hash take a few
	// seconds of one processor.
	maxIterations = 10_000_000  // of PBKDF2, over all blocks of the sum
	maxScryptWork = 1024 * 1024 // KiB that scrypt fills, over all p
	maxScryptLog  = 21
	maxBlock      = 32 // the r of scrypt
)

// ab64 is the base64 of passlib: a dot in place of the plus.
var ab64 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./").WithPadding(base64.NoPadding)

// prf is the hash function of a PBKDF2, and the size of its blocks of output.
type prf struct {
	new  func() stdhash.Hash
	size int
}

var prfs = map[scheme]prf{
	schemePBKDF2SHA1:   {sha1.New, sha1.Size},
	schemePBKDF2SHA256: {sha256.New, sha256.Size},
	schemePBKDF2SHA512: {sha512.New, sha512.Size},
}

// foreignForms are the forms by the text with which their hashes begin.
var foreignForms = []struct {
	prefix string
	parse  func(text string) (hash, error)
}{
	{"{sha256-hex}", plain(schemePlainSHA256, sha256.Size, hex.DecodeString)},
	{"{sha256-base64}", plain(schemePlainSHA256, sha256.Size, decodePadded)},
	{"{sha512-hex}", plain(schemePlainSHA512, sha512.Size, hex.DecodeString)},
	{"{sha512-base64}", plain(schemePlainSHA512, sha512.Size, decodePadded)},
	{prefixAspNet, parseAspNet},
	{"pbkdf2_sha1$", django(schemePBKDF2SHA1)},
	{"pbkdf2_sha256$", django(schemePBKDF2SHA256)},
	{"$pbkdf2$", passlib(schemePBKDF2SHA1)},
	{"$pbkdf2-sha256$", passlib(schemePBKDF2SHA256)},
	{"$pbkdf2-sha512$", passlib(schemePBKDF2SHA512)},
	{prefixScrypt, parseScrypt},
}

// parseForeign reads a hash that this package does not make.
func parseForeign(text string) (hash, error) {
	for _, form := range foreignForms {
		if rest, ok := strings.CutPrefix(text, form.prefix); ok {
			return form.parse(rest)
		}
	}
	return hash{}, errUnknownHash
}

// plain reads a digest of the secret alone, without a salt.
func plain(s scheme, size int, decode func(string) ([]byte, error)) func(string) (hash, error) {
	return func(text string) (hash, error) {
		sum, err := decode(text)
		if err != nil || len(sum) != size {
			return hash{}, errMalformed
		}
		return hash{cost: cost{scheme: s}, sum: sum}, nil
	}
}

func decodePadded(text string) ([]byte, error) { return decode(base64.StdEncoding, text) }

// parseAspNet reads version 3 of the PasswordHasher of ASP.NET Core Identity: 0x01,
// then the number of the hash function, the iterations and the length of the salt in
// four bytes each, then the salt and the sum.
func parseAspNet(text string) (hash, error) {
	b, err := decodePadded(text)
	const header = 1 + 3*4
	if err != nil || len(b) < header || b[0] != 1 {
		return hash{}, errMalformed
	}
	function, iterations := binary.BigEndian.Uint32(b[1:]), binary.BigEndian.Uint32(b[5:])
	saltLength, rest := binary.BigEndian.Uint32(b[9:]), b[header:]
	known := [...]scheme{schemePBKDF2SHA1, schemePBKDF2SHA256, schemePBKDF2SHA512}
	if function >= uint32(len(known)) || uint64(saltLength) > uint64(len(rest)) {
		return hash{}, errMalformed
	}
	return pbkdf2Of(known[function], iterations, rest[:saltLength], rest[saltLength:])
}

// django reads iterations$salt$sum, where the salt is the text as it stands.
func django(s scheme) func(string) (hash, error) {
	return func(text string) (hash, error) {
		parts := strings.Split(text, "$")
		if len(parts) != 3 {
			return hash{}, errMalformed
		}
		iterations, err1 := decimal(parts[0])
		sum, err2 := decodePadded(parts[2])
		if err := firstOf(err1, err2); err != nil {
			return hash{}, err
		}
		return pbkdf2Of(s, iterations, []byte(parts[1]), sum)
	}
}

// passlib reads iterations$salt$sum, where the salt is encoded as the sum is.
func passlib(s scheme) func(string) (hash, error) {
	return func(text string) (hash, error) {
		parts := strings.Split(text, "$")
		if len(parts) != 3 {
			return hash{}, errMalformed
		}
		iterations, err1 := decimal(parts[0])
		salt, err2 := decode(ab64, parts[1])
		sum, err3 := decode(ab64, parts[2])
		if err := firstOf(err1, err2, err3); err != nil {
			return hash{}, err
		}
		return pbkdf2Of(s, iterations, salt, sum)
	}
}

// pbkdf2Of checks the parameters of a PBKDF2 (RFC 8018 §5.2). It has no lower bounds
// that matter, since a weak hash is better than none until Upgrade replaces it.
func pbkdf2Of(s scheme, iterations uint32, salt, sum []byte) (hash, error) {
	err := firstOf(
		bounded("the length of the salt", len(salt), 1, maxSalt),
		bounded("the length of the sum", len(sum), minSum, maxSum),
	)
	if err != nil {
		return hash{}, err
	}
	blocks := (len(sum) + prfs[s].size - 1) / prfs[s].size
	if err := bounded("the iterations", iterations, 1, maxIterations/uint32(blocks)); err != nil {
		return hash{}, err
	}
	return hash{cost: cost{scheme: s, passes: iterations, threads: uint8(blocks)}, salt: salt, sum: sum}, nil
}

// parseScrypt reads the text after the name: ln=…,r=…,p=…$salt$hash (RFC 7914).
func parseScrypt(text string) (hash, error) {
	n, salt, sum, err := parsePHC(text, "ln=", "r=", "p=")
	if err != nil {
		return hash{}, err
	}
	err = firstOf(
		bounded("ln", n[0], 1, maxScryptLog),
		bounded("r", n[1], 1, maxBlock),
		bounded("p", n[2], 1, maxThreads),
		bounded("the length of the salt", len(salt), 1, maxSalt),
		bounded("the length of the sum", len(sum), minSum, maxSum),
	)
	if err != nil {
		return hash{}, err
	}
	c := cost{scheme: schemeScrypt, passes: n[0], block: uint8(n[1]), threads: uint8(n[2])}
	memory := scryptMemory(c)
	err = firstOf(
		bounded("the memory in KiB, of ln and r,", memory, 0, maxMemory),
		bounded("the work in KiB, of ln, r and p,", memory*uint64(c.threads), 0, maxScryptWork),
	)
	if err != nil {
		return hash{}, err
	}
	return hash{cost: c, salt: salt, sum: sum}, nil
}

// scryptMemory returns the KiB of memory of a scrypt: 128·r·2^ln bytes.
func scryptMemory(c cost) uint64 { return uint64(c.block) << c.passes / 8 }

// maxMark bounds the mark of a hash for OtherHash. The process remembers the cost of each
// mark, and nothing else of the hash.
const maxMark = 64

// parseOther reads the mark of a hash for OtherHash, in one of the forms that
// storage.Client.Check lets pass.
func parseOther(text string) (hash, error) {
	end := -1
	switch {
	case text == "":
	case text[0] == '{':
		end = strings.IndexByte(text, '}')
	case text[0] == '$':
		end = 1 + strings.IndexByte(text[1:], '$')
	default:
		end = strings.IndexByte(text, ':')
	}
	if end < 1 || end >= maxMark || end == len(text)-1 {
		return hash{}, errUnknownHash
	}
	return hash{cost: cost{scheme: scheme(text[:end+1])}, text: text}, nil
}

// foreignSum returns the sum that h would have if secret were right.
func (h hash) foreignSum(secret storage.Secret) ([]byte, error) {
	text := secret.Reveal()
	var sum []byte
	var err error
	switch c := h.cost; c.scheme {
	case schemePlainSHA256:
		plain := sha256.Sum256([]byte(text))
		sum = plain[:]
	case schemePlainSHA512:
		plain := sha512.Sum512([]byte(text))
		sum = plain[:]
	case schemeScrypt:
		sum, err = scrypt.Key([]byte(text), h.salt, 1<<c.passes, int(c.block), int(c.threads), len(h.sum))
	default:
		sum, err = pbkdf2.Key(prfs[c.scheme].new, text, h.salt, int(c.passes), len(h.sum))
	}
	if err != nil {
		return nil, fmt.Errorf("the hash cannot be computed: %w", err)
	}
	return sum, nil
}
