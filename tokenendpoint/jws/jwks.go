package jws

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/contit/oauth/tokenendpoint/internal/document"
)

var _ http.Handler = (*KeySet)(nil)

// publish encodes the key set once. The same keys give the same bytes on every
// replica.
func (s *schedule) publish() error {
	var set jose.JSONWebKeySet
	for _, t := range s.turns {
		set.Keys = append(set.Keys, t.jwk)
	}
	text, err := json.Marshal(set)
	if err != nil {
		return fmt.Errorf("jws: encode key set: %w", err)
	}
	s.jwks = document.New(text)
	return nil
}

// JWKS returns the key set as JSON (RFC 7517 §5), each key with alg, use and kid, as
// it was last loaded. It has public members only. The slice belongs to the caller.
func (s *KeySet) JWKS() []byte { return bytes.Clone(s.schedule.last().jwks.JSON()) }

// ServeHTTP answers GET and HEAD with the key set. Mount it at the jwks_uri of the
// server's metadata, by custom /.well-known/jwks.json. Scripts of every origin may
// read it, and it answers their preflights (OPTIONS). Verifiers may cache the answer
// for [Rotation.CacheLifetime] and revalidate it by its ETag. If the keys of a
// rotating set could not be loaded for long, verifiers may cache the answer for a
// shorter time, and in the end the answer is 503, see [OpenKeySet].
func (s *KeySet) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serve(w, r, time.Now()) }

// serve sends application/json rather than application/jwk-set+json: other servers
// send it, and strict clients accept it.
func (s *KeySet) serve(w http.ResponseWriter, r *http.Request, at time.Time) {
	document.Handler(func(r *http.Request) (document.Document, time.Duration, error) {
		v, err := s.schedule.get(r.Context(), at)
		if err != nil {
			return document.Document{}, 0, err
		}
		return v.value.jwks, s.maxAge(v, at), nil
	}).ServeHTTP(w, r)
}

// maxAge is how long a verifier may cache a loaded set: only while the set is certain
// to be complete.
func (s *KeySet) maxAge(v *version[*schedule], at time.Time) time.Duration {
	if !s.Rotates() {
		return s.rotation.CacheLifetime
	}
	return max(min(s.rotation.complete()-at.Sub(v.at), s.rotation.CacheLifetime), 0)
}
