package clientauth

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/contit/oauth/storage"
)

type scheme string

// The schemes that this package computes. Every other scheme is the mark of a form
// for Secrets.OtherHash, which begins with a sign that none of these has.
const (
	schemeSHA256       scheme = "sha256" // of the secret with its kind
	schemePlainSHA256  scheme = "plain-sha256"
	schemePlainSHA512  scheme = "plain-sha512"
	schemeArgon2id     scheme = "argon2id"
	schemeBcrypt       scheme = "bcrypt"
	schemePBKDF2SHA1   scheme = "pbkdf2"
	schemePBKDF2SHA256 scheme = "pbkdf2-sha256"
	schemePBKDF2SHA512 scheme = "pbkdf2-sha512"
	schemeScrypt       scheme = "scrypt"
)

const (
	maxSecret    = 256 // bytes that slow hashes take
	bcryptSecret = 72  // bytes; bcrypt ignores the rest
)

// cost is the work of comparing with a hash, and tells nothing else of the hash.
type cost struct {
	scheme  scheme
	memory  uint32 // KiB, of argon2id
	passes  uint32 // of argon2id; the iterations of PBKDF2; of bcrypt and scrypt, the logarithm
	threads uint8  // of argon2id and scrypt; of PBKDF2, how often it iterates, once for each block of the sum
	block   uint8  // the r of scrypt
}

func (c cost) slow() bool {
	switch c.scheme {
	case schemeSHA256, schemePlainSHA256, schemePlainSHA512:
		return false
	}
	return true
}

// other reports whether Secrets.OtherHash compares.
func (c cost) other() bool {
	switch c.scheme {
	case schemeSHA256, schemePlainSHA256, schemePlainSHA512, schemeArgon2id, schemeBcrypt, schemeScrypt:
		return false
	}
	return prfs[c.scheme].new == nil
}

// longest returns how many bytes a secret may have to be compared with a slow hash.
// x/crypto's bcrypt would accept any secret that begins with the right 72 bytes.
func (c cost) longest() int {
	if c.scheme == schemeBcrypt {
		return bcryptSecret
	}
	return maxSecret
}

// weak reports whether Hash makes a stronger hash. Argon2id and scrypt are measured by
// memory times passes. The others need hardly any memory, so that hardware guesses
// fast, except $sha256$: the caller of [FastHash] has said that its secrets are drawn.
func (c cost) weak() bool {
	switch c.scheme {
	case schemeSHA256:
		return false
	case schemeArgon2id:
		return c.memory*c.passes < argonMemory*argonPasses
	case schemeScrypt:
		return scryptMemory(c)*uint64(c.threads) < argonMemory*argonPasses
	}
	return true
}

// decoy returns a hash of the same cost. Unless OtherHash compares, for which only the
// host could make one, it matches no secret that anybody knows.
func (h hash) decoy() string {
	if h.cost.other() {
		return h.text
	}
	return h.cost.decoy()
}

func (c cost) decoy() string {
	salt := base64.RawStdEncoding.EncodeToString(make([]byte, argonSalt))
	sum := base64.RawStdEncoding.EncodeToString(make([]byte, argonSum))
	switch c.scheme {
	case schemeArgon2id:
		return formatArgon2id(c, make([]byte, argonSalt), make([]byte, argonSum))
	case schemeBcrypt:
		return fmt.Sprintf("$2b$%02d$%s", c.passes, strings.Repeat(".", bcryptLength-len("$2b$10$")))
	case schemePlainSHA256:
		return "{sha256-hex}" + strings.Repeat("00", 32)
	case schemePlainSHA512:
		return "{sha512-hex}" + strings.Repeat("00", 64)
	case schemePBKDF2SHA1, schemePBKDF2SHA256, schemePBKDF2SHA512:
		blocks := make([]byte, min(maxSum, int(c.threads)*prfs[c.scheme].size))
		return fmt.Sprintf("$%s$%d$%s$%s", c.scheme, c.passes, salt, ab64.EncodeToString(blocks))
	case schemeScrypt:
		return fmt.Sprintf("%sln=%d,r=%d,p=%d$%s$%s", prefixScrypt, c.passes, c.block, c.threads, salt, sum)
	}
	return prefixSHA256 + base64.RawURLEncoding.EncodeToString(make([]byte, len(storage.Digest{})))
}
