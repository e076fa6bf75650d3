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

	// A hash comes from a record. One that was tampered with, or mistyped, must
	// not take the memory or the processor of the whole process.
	maxMemory     = 256 * 1024 // KiB
	maxPasses     = 16
	maxThreads    = 16
	minSalt       = 8 // bytes, RFC 9106 §3.1
	maxSalt       = 64
	minSum        = 16 // bytes
	maxSum        = 64
	minBcryptCost = 4
	maxBcryptCost = 16

	maxSecret    = 256 // bytes that argon2id is computed of
	bcryptSecret = 72  // bytes; bcrypt does not see what follows
	bcryptLength = 60  // of the text, with prefix
)

// Errors about a record. They do not show the hash: argon2id's and bcrypt's
// can be guessed at.
var (
	errUnknownHash = errors.New("the hash has an unknown format")
	errMalformed   = errors.New("the hash is malformed")
	errBounds      = errors.New("the hash has parameters out of bounds")
)

type scheme string

const (
	schemeSHA256   scheme = "sha256"
	schemeArgon2id scheme = "argon2id"
	schemeBcrypt   scheme = "bcrypt"
)

// cost is what it takes to compare with a hash, and nothing else of it.
type cost struct {
	scheme  scheme
	memory  uint32 // KiB, of argon2id
	passes  uint32 // of argon2id; of bcrypt, the logarithm
	threads uint8  // of argon2id
}

func (c cost) slow() bool { return c.scheme != schemeSHA256 }

// longest returns how many bytes a secret may have to be compared with a slow
// hash. x/crypto's bcrypt would accept any secret that begins with the right 72
// bytes.
func (c cost) longest() int {
	if c.scheme == schemeBcrypt {
		return bcryptSecret
	}
	return maxSecret
}

// weak reports whether Hash does better: argon2id is measured by memory times
// passes, bcrypt needs hardly any memory.
func (c cost) weak() bool {
	switch c.scheme {
	case schemeBcrypt:
		return true
	case schemeArgon2id:
		return c.memory*c.passes < argonMemory*argonPasses
	}
	return false
}

// decoy returns a hash of this cost. It is of no secret that anybody knows.
func (c cost) decoy() string {
	switch c.scheme {
	case schemeArgon2id:
		return formatArgon2id(c, make([]byte, argonSalt), make([]byte, argonSum))
	case schemeBcrypt:
		return fmt.Sprintf("$2b$%02d$%s", c.passes, strings.Repeat(".", bcryptLength-len("$2b$10$")))
	}
	return prefixSHA256 + base64.RawURLEncoding.EncodeToString(make([]byte, len(storage.Digest{})))
}

// hash is a storage.ClientSecret.Hash that has been read.
type hash struct {
	cost   cost
	digest storage.Digest // of sha256
	salt   []byte         // of argon2id
	sum    []byte         // of argon2id
	text   string         // of bcrypt
}

// CheckHash returns an error unless [Secrets.ValidateClient] can read hash, for
// a store or an admin page to refuse what is no hash, such as a secret itself.
// An empty one, which never matches, is refused too. The error does not show
// the hash.
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
	return hash{}, errUnknownHash
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

// parseArgon2id reads what follows the version: m=…,t=…,p=…$salt$hash. There is
// one spelling of each hash, as the PHC string format has it.
func parseArgon2id(text string) (hash, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 3 {
		return hash{}, errMalformed
	}
	params := strings.Split(parts[0], ",")
	if len(params) != 3 {
		return hash{}, errMalformed
	}
	var n [3]uint32
	for i, name := range [...]string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(params[i], name)
		value, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || strconv.FormatUint(value, 10) != digits {
			return hash{}, errMalformed
		}
		n[i] = uint32(value)
	}
	salt, err := decode(base64.RawStdEncoding, parts[1])
	if err != nil {
		return hash{}, errMalformed
	}
	sum, err := decode(base64.RawStdEncoding, parts[2])
	if err != nil {
		return hash{}, errMalformed
	}
	m, t, p := n[0], n[1], n[2]
	switch {
	case p < 1 || p > maxThreads, t < 1 || t > maxPasses,
		m < 8*p || m > maxMemory, // RFC 9106 §3.1 wants eight blocks for each lane
		len(salt) < minSalt || len(salt) > maxSalt,
		len(sum) < minSum || len(sum) > maxSum:
		return hash{}, errBounds
	}
	return hash{cost: cost{schemeArgon2id, m, t, uint8(p)}, salt: salt, sum: sum}, nil
}

// decode refuses every spelling but the one that encodes back: base64 skips
// line ends and ignores spare bits.
func decode(enc *base64.Encoding, text string) ([]byte, error) {
	b, err := enc.DecodeString(text)
	if err != nil || enc.EncodeToString(b) != text {
		return nil, errMalformed
	}
	return b, nil
}

// parseBcrypt reads what follows the version: two digits of cost, $, salt and
// hash.
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
	if n < minBcryptCost || n > maxBcryptCost {
		return hash{}, errBounds
	}
	return hash{cost: cost{scheme: schemeBcrypt, passes: n}, text: text}, nil
}

func digit(b byte) bool { return '0' <= b && b <= '9' }

// matches compares in constant time. The secret must not be longer than the
// cost allows. The error is about the hash, not about the secret.
func (h hash) matches(secret storage.Secret) (bool, error) {
	switch h.cost.scheme {
	case schemeSHA256:
		return secret.Digest(storage.KindClientSecret).Equal(h.digest), nil
	case schemeArgon2id:
		c := h.cost
		sum := argon2.IDKey([]byte(secret.Reveal()), h.salt, c.passes, c.memory, c.threads, uint32(len(h.sum)))
		return subtle.ConstantTimeCompare(sum, h.sum) == 1, nil
	}
	err := bcrypt.CompareHashAndPassword([]byte(h.text), []byte(secret.Reveal()))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, bcrypt.ErrMismatchedHashAndPassword):
		return false, nil
	}
	return false, errMalformed
}
