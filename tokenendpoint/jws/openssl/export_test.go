//go:build cgo && openssl

package openssl

// SignUnchecked goes past the checks of Sign.
func (s *Signer) SignUnchecked(digest []byte, salt int, signature []byte) error {
	return s.key.sign(digest, salt, signature)
}
