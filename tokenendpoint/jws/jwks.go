package jws

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v4"
)

var _ http.Handler = (*KeySet)(nil)

// publish encodes the key set once; it is the same bytes for the same keys, on
// every replica.
func (s *schedule) publish() error {
	var set jose.JSONWebKeySet
	for _, t := range s.turns {
		set.Keys = append(set.Keys, t.jwk)
	}
	document, err := json.Marshal(set)
	if err != nil {
		return fmt.Errorf("jws: encode key set: %w", err)
	}
	sum := sha256.Sum256(document)
	s.jwks = document
	s.etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	return nil
}

// JWKS returns the key set as JSON (RFC 7517 §5), each key with alg, use and
// kid, as it was loaded last. It has public members only. The slice is the
// caller's.
func (s *KeySet) JWKS() []byte { return bytes.Clone(s.schedule.last().jwks) }

// ServeHTTP answers GET and HEAD with the key set. Mount it at the jwks_uri of
// the server's metadata, by custom /.well-known/jwks.json. Verifiers may cache
// the answer for [Rotation.CacheLifetime] and revalidate it by its ETag. When
// the keys of a set that rotates could not be loaded for long, they may keep it
// for less, and in the end the answer is 503, see [OpenKeySet].
func (s *KeySet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	s.serve(w, r, time.Now())
}

func (s *KeySet) serve(w http.ResponseWriter, r *http.Request, at time.Time) {
	h := w.Header()
	v, err := s.schedule.get(r.Context(), at)
	if err != nil {
		h.Set("Cache-Control", "no-store")
		h.Set("Retry-After", "2")
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	// application/json rather than application/jwk-set+json: it is what other
	// servers send and what strict clients accept.
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age="+strconv.FormatInt(int64(s.maxAge(v, at)/time.Second), 10))
	h.Set("ETag", v.value.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(v.value.jwks))
}

// maxAge is how long a verifier may keep what was loaded: no longer than it is
// certain to be complete.
func (s *KeySet) maxAge(v *version[*schedule], at time.Time) time.Duration {
	if !s.Rotates() {
		return s.rotation.CacheLifetime
	}
	return max(min(s.rotation.complete()-at.Sub(v.at), s.rotation.CacheLifetime), 0)
}
