package grants

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"

	"github.com/contit/oauth/storage"
)

var (
	errNoVerifier   = errors.New("grants: code_verifier is missing")
	errVerifier     = errors.New("grants: code_verifier does not fit the code_challenge")
	errPKCERequired = errors.New("grants: the client needs PKCE and the code has no code_challenge")
	errLostPKCE     = errors.New("grants: the store lost the PKCE fields of a code")
)

// checkPKCE compares the code_verifier with the code_challenge (RFC 7636 §4.6). The
// PKCE fields of the record have no default, so that a store that loses one closes
// the door instead of opening it.
func checkPKCE(c *storage.Credential, client *storage.Client, verifier string) error {
	switch {
	case c.PKCE == storage.PKCES256 && c.Challenge != "":
		return checkVerifier(verifier, c.Challenge)
	case c.PKCE != storage.PKCENone || c.Challenge != "":
		return ServerError.Because(errLostPKCE)
	case verifier != "": // a downgrade, RFC 9700 §4.8.2
		return InvalidRequest.Describe("there is a code_verifier and there was no code_challenge")
	case pkceRequired(client):
		return InvalidGrant.Because(errPKCERequired)
	}
	return nil
}

func checkVerifier(verifier, challenge string) error {
	if verifier == "" {
		return InvalidGrant.Because(errNoVerifier)
	}
	if !isVerifier(verifier) {
		return InvalidGrant.Because(errVerifier)
	}
	want := challengeOf(verifier)
	if subtle.ConstantTimeCompare(want[:], []byte(challenge)) != 1 {
		return InvalidGrant.Because(errVerifier)
	}
	return nil
}

// pkceRequired: a public client cannot be exempted (RFC 9700 §2.1.1).
func pkceRequired(c *storage.Client) bool { return c.Public() || !c.PKCENotRequired }

const challengeLength = 43 // SHA-256 in unpadded base64url

// challengeOf returns the S256 code_challenge (RFC 7636 §4.2).
func challengeOf(verifier string) (challenge [challengeLength]byte) {
	var buf [128]byte // a verifier is no longer
	sum := sha256.Sum256(append(buf[:0], verifier...))
	base64.RawURLEncoding.Encode(challenge[:], sum[:])
	return challenge
}

// isVerifier reports whether s is a code_verifier: 43 to 128 unreserved
// characters (RFC 7636 §4.1).
func isVerifier(s string) bool {
	if len(s) < 43 || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~':
		default:
			return false
		}
	}
	return true
}

// isChallenge reports whether s can be an S256 code_challenge. Every other
// spelling, padded or in the standard alphabet, would never match a verifier.
func isChallenge(s string) bool {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(s) == challengeLength && len(sum) == sha256.Size
}
