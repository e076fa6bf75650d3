package tokenendpoint_test

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// floor is the least code that signs tokens with go-jose and the standard
// library: it parses the form, signs with one prepared signer, and writes JSON.
// It authenticates nobody and keeps nothing.
type floor struct{ signer jose.Signer }

func newFloor(key jws.Key) (*floor, error) {
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: jose.JSONWebKey{Key: key.Signer, KeyID: "k"}},
		new(jose.SignerOptions).WithType(jws.TypeAccessToken),
	)
	return &floor{signer}, err
}

type floorClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	IssuedAt int64  `json:"iat"`
	ID       string `json:"jti"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
}

type floorAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	Scope       string `json:"scope"`
}

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("grant_type") == "" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	now := time.Now().Unix()
	client := r.PostForm.Get("client_id")
	payload, err := json.Marshal(floorClaims{
		Issuer: benchIssuer, Subject: client, Audience: benchAudience, Expires: now + 3600, IssuedAt: now,
		ID: uuid.NewString(), ClientID: client, Scope: "read write",
	})
	if err != nil {
		http.Error(w, "error", http.StatusInternalServerError)
		return
	}
	signed, err := f.signer.Sign(payload)
	if err != nil {
		http.Error(w, "error", http.StatusInternalServerError)
		return
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		http.Error(w, "error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(floorAnswer{AccessToken: token, TokenType: "Bearer", ExpiresIn: 3600, Scope: "read write"})
}
