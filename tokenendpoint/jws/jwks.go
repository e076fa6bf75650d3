package jws

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
)

var _ http.Handler = (*KeySet)(nil)

// publish encodes the key set once; it is the same bytes for the same keys, on
// every replica.
func (s *KeySet) publish(keys []jose.JSONWebKey) error {
	document, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		return fmt.Errorf("jws: encode key set: %w", err)
	}
	sum := sha256.Sum256(document)
	s.jwks = document
	s.etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	return nil
}

// JWKS returns the key set as JSON (RFC 7517 §5), the signing key first, each
// with alg, use and kid. It has public members only. The slice is the caller's.
func (s *KeySet) JWKS() []byte { return bytes.Clone(s.jwks) }

// ServeHTTP answers GET and HEAD with the key set. Mount it at the jwks_uri of
// the server's metadata, by custom /.well-known/jwks.json. Verifiers may cache
// the answer for five minutes and revalidate it by its ETag.
func (s *KeySet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	// application/json rather than application/jwk-set+json: it is what other
	// servers send and what strict clients accept.
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("ETag", s.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.jwks))
}
