package clientauth

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/contit/oauth/storage"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

const (
	prefixSHA256   = "$sha256$"
	prefixArgon2id = "$argon2id$v=19$"

	// A hash comes from a record. If the record was tampered with or mistyped, it
	// must not take the memory or the processor of the whole process.
	maxMemory     = 256 * 1024 // KiB
	maxPasses     = 16
	maxThreads    = 16
	minSalt       = 8 // bytes, RFC 9106 §3.1
	maxSalt       = 64
	minSum        = 16 // bytes
	maxSum        = 64
	minBcryptCost = 4
	maxBcryptCost = 16

	bcryptLength = 60 // of the text, with prefix
)

// Errors about a record. They do not show the hash: an attacker could test guesses on
// slow hashes.
var (
	errUnknownHash = errors.New("the hash has an unknown format")
	errMalformed   = errors.New("the hash is malformed")
	errBounds      = errors.New("the hash has parameters out of bounds")
)

// bounded refuses a parameter of a hash, and names it.
func bounded[N int | uint32 | uint64](name string, n, low, high N) error {
	if low <= n && n <= high {
		return nil
	}
	return fmt.Errorf("%w: %s must be %d to %d", errBounds, name, low, high)
}

// hash is a storage.ClientSecret.Hash after parsing.
type hash struct {
	cost   cost
	digest storage.Digest // of sha256
	salt   []byte         // of argon2id, PBKDF2 and scrypt
	sum    []byte         // of these, and of plain digests
	text   string         // of bcrypt, and of OtherHash
}

// CheckHash returns an error unless [Secrets.ValidateClient] can read hash. With it a
// store or an admin page refuses a text that is no hash, such as the secret itself.
// An empty hash, which never matches, is refused too, and so is a hash for
// [Secrets.OtherHash], which is a field of one validator. The error does not show the
// hash.
func CheckHash(hash string) error {
	if _, err := parseHash(hash); err != nil {
		return fmt.Errorf("clientauth: %w", err)
	}
	return nil
}

func parseHash(text string) (hash, error) {
	if rest, ok := strings.CutPrefix(text, prefixSHA256); ok {
		return parseSHA256(rest)
	}
	if rest, ok := strings.CutPrefix(text, prefixArgon2id); ok {
		return parseArgon2id(rest)
	}
	for _, p := range [...]string{"$2a$", "$2b$", "$2y$"} {
		if rest, ok := strings.CutPrefix(text, p); ok {
			return parseBcrypt(text, rest)
		}
	}
	return parseForeign(text)
}

func parseSHA256(text string) (hash, error) {
	h := hash{cost: cost{scheme: schemeSHA256}}
	var spelling, encoded [43]byte // 32 bytes in unpadded base64url; this runs at every request
	if len(text) != len(spelling) {
		return hash{}, errMalformed
	}
	copy(spelling[:], text)
	n, err := base64.RawURLEncoding.Decode(h.digest[:], spelling[:])
	base64.RawURLEncoding.Encode(encoded[:], h.digest[:])
	if err != nil || n != len(h.digest) || encoded != spelling {
		return hash{}, errMalformed
	}
	return h, nil
}

// parseArgon2id reads the text after the version: m=…,t=…,p=…$salt$hash.
func parseArgon2id(text string) (hash, error) {
	n, salt, sum, err := parsePHC(text, "m=", "t=", "p=")
	if err != nil {
		return hash{}, err
	}
	m, t, p := n[0], n[1], n[2]
	err = firstOf(
		bounded("p", p, 1, maxThreads),
		bounded("t", t, 1, maxPasses),
		bounded("m", m, 8*min(max(p, 1), maxThreads), maxMemory), // RFC 9106 §3.1 wants eight blocks for each lane
		bounded("the length of the salt", len(salt), minSalt, maxSalt),
		bounded("the length of the sum", len(sum), minSum, maxSum),
	)
	if err != nil {
		return hash{}, err
	}
	return hash{cost: cost{scheme: schemeArgon2id, memory: m, passes: t, threads: uint8(p)}, salt: salt, sum: sum}, nil
}

// firstOf returns the first error.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// parsePHC reads three parameters with these names, a salt and a sum, as the PHC string
// format has them. Each hash has one spelling, as that format demands.
func parsePHC(text string, names ...string) (n [3]uint32, salt, sum []byte, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 3 {
		return n, nil, nil, errMalformed
	}
	params := strings.Split(parts[0], ",")
	if len(params) != len(names) {
		return n, nil, nil, errMalformed
	}
	for i, name := range names {
		digits, ok := strings.CutPrefix(params[i], name)
		if !ok {
			return n, nil, nil, errMalformed
		}
		if n[i], err = decimal(digits); err != nil {
			return n, nil, nil, err
		}
	}
	salt, err1 := decode(base64.RawStdEncoding, parts[1])
	sum, err2 := decode(base64.RawStdEncoding, parts[2])
	return n, salt, sum, firstOf(err1, err2)
}

// decimal reads a number that has one spelling.
func decimal(digits string) (uint32, error) {
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || strconv.FormatUint(n, 10) != digits {
		return 0, errMalformed
	}
	return uint32(n), nil
}

// decode refuses every spelling except the one that encoding produces: base64 skips
// line ends and ignores spare bits.
func decode(enc *base64.Encoding, text string) ([]byte, error) {
	b, err := enc.DecodeString(text)
	if err != nil || enc.EncodeToString(b) != text {
		return nil, errMalformed
	}
	return b, nil
}

// parseBcrypt reads the text after the version: two digits of cost, $, salt and hash.
func parseBcrypt(text, rest string) (hash, error) {
	if len(text) != bcryptLength || rest[2] != '$' || !digit(rest[0]) || !digit(rest[1]) {
		return hash{}, errMalformed
	}
	for _, b := range []byte(rest[3:]) {
		if b != '.' && b != '/' && !digit(b) && (b|0x20 < 'a' || b|0x20 > 'z') {
			return hash{}, errMalformed
		}
	}
	n := 10*uint32(rest[0]-'0') + uint32(rest[1]-'0')
	if err := bounded("the cost", n, minBcryptCost, maxBcryptCost); err != nil {
		return hash{}, err
	}
	return hash{cost: cost{scheme: schemeBcrypt, passes: n}, text: text}, nil
}

func digit(b byte) bool { return '0' <= b && b <= '9' }

// matches compares in constant time. The secret must not be longer than the cost
// allows. The error is about the hash, not about the secret.
func (h hash) matches(secret storage.Secret) (bool, error) {
	switch h.cost.scheme {
	case schemeSHA256:
		return secret.Digest(storage.KindClientSecret).Equal(h.digest), nil
	case schemeArgon2id:
		c := h.cost
		sum := argon2.IDKey([]byte(secret.Reveal()), h.salt, c.passes, c.memory, c.threads, uint32(len(h.sum)))
		return subtle.ConstantTimeCompare(sum, h.sum) == 1, nil
	case schemeBcrypt:
		return h.matchesBcrypt(secret)
	}
	sum, err := h.foreignSum(secret)
	return err == nil && subtle.ConstantTimeCompare(sum, h.sum) == 1, err
}

func (h hash) matchesBcrypt(secret storage.Secret) (bool, error) {
	err := bcrypt.CompareHashAndPassword([]byte(h.text), []byte(secret.Reveal()))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, bcrypt.ErrMismatchedHashAndPassword):
		return false, nil
	}
	return false, errMalformed
}
