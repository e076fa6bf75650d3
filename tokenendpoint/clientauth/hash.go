package clientauth

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/contit/oauth/storage"
	"golang.org/x/crypto/argon2"
)

const (
	secretPrefix = "cs_"

	// The cost of Hash: the second choice of RFC 9106 §4 for small memory, as OWASP
	// gives it (19 MiB, two passes, one lane).
	argonMemory  = 19 * 1024 // KiB
	argonPasses  = 2
	argonThreads = 1
	argonSalt    = 16 // bytes
	argonSum     = 32 // bytes

	minRandom = 20 // printable ASCII has less than 6.6 bits per character
)

var (
	errEmpty = errors.New("clientauth: the secret is empty")
	errLong  = errors.New("clientauth: the secret has more than 256 bytes")
	errShort = errors.New("clientauth: the secret is too short to hold 128 random bits; use Hash")
)

// NewSecret draws a client secret of 256 bits, whose text begins with "cs_", and
// returns it with the hash to keep as storage.ClientSecret.Hash. Show the
// secret to the client's owner once; the hash does not give it back.
func NewSecret() (secret storage.Secret, hash string) {
	secret = storage.NewSecret(secretPrefix)
	return secret, fastHash(secret)
}

// FastHash returns the hash of a secret that a machine drew with at least 128 random
// bits, such as a secret from another system. It is one SHA-256 without a salt. So
// verifying is cheap, and guessing is cheap too: an attacker with stolen hashes tries
// billions of guesses per second. For a secret that a person chose, or of unknown
// origin, use [Hash].
//
// FastHash refuses secrets of fewer than 20 characters, which cannot hold 128 bits.
// It cannot tell whether a longer one does.
func FastHash(secret storage.Secret) (string, error) {
	if len(secret.Reveal()) < minRandom {
		return "", errShort
	}
	return fastHash(secret), nil
}

func fastHash(secret storage.Secret) string {
	digest := secret.Digest(storage.KindClientSecret)
	return prefixSHA256 + base64.RawURLEncoding.EncodeToString(digest[:])
}

// Hash returns the argon2id hash (RFC 9106), as a PHC string, of a secret that a
// person chose or that was imported. It takes 19 MiB of memory and about 20 ms. It
// refuses an empty secret and one of more than 256 bytes.
func Hash(secret storage.Secret) (string, error) {
	text := secret.Reveal()
	switch {
	case text == "":
		return "", errEmpty
	case len(text) > maxSecret:
		return "", errLong
	}
	salt := make([]byte, argonSalt)
	rand.Read(salt) // it cannot fail: the process ends instead
	sum := argon2.IDKey([]byte(text), salt, argonPasses, argonMemory, argonThreads, argonSum)
	return formatArgon2id(cost{scheme: schemeArgon2id, memory: argonMemory, passes: argonPasses, threads: argonThreads}, salt, sum), nil
}

func formatArgon2id(c cost, salt, sum []byte) string {
	return fmt.Sprintf("%sm=%d,t=%d,p=%d$%s$%s", prefixArgon2id, c.memory, c.passes, c.threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}
