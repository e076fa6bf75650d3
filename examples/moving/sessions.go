package moving

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// kindFormer is the kind of a refresh token that another server has issued.
const kindFormer = "former_refresh_token"

// session is a row of the refresh tokens of the former server.
type session struct {
	// Key is what the former server keeps of the token: the token, its hash, or its
	// signature.
	Key              string
	ClientID, UserID string
	Scope            []string
	ExpiresAt        time.Time
}

// carryOver stores a session of the former server. Its refresh token works once; the
// answer has a refresh token of this server.
func carryOver(ctx context.Context, store storage.Credentials, issuer string, s session, now time.Time) error {
	record, err := grants.NewCredential(storage.PresentedSecret(s.Key), storage.Credential{
		Kind: kindFormer, Issuer: issuer, ClientID: s.ClientID, Subject: "user:" + s.UserID, Scope: s.Scope, ExpiresAt: s.ExpiresAt,
	}, now)
	if err != nil {
		return err
	}
	return store.CreateCredential(ctx, record)
}

// refresh is the grant refresh_token while clients still have tokens of the former
// server. Key returns what the former server keeps of a token, or "" for a text that
// is none.
type refresh struct {
	Key func(token string) string
}

var errNotFormer = errors.New("moving: the refresh token is neither ours nor one of the former server")

// Authorize implements [grants.Grant].
func (g refresh) Authorize(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
	token := r.Form["refresh_token"]
	if storage.PresentedSecret(token).WellFormed(grants.RefreshTokenPrefix) {
		return grants.RefreshToken{}.Authorize(ctx, r)
	}
	key := g.Key(token)
	if key == "" {
		return nil, grants.InvalidGrant.Because(errNotFormer)
	}
	c, err := r.Present(ctx, kindFormer, storage.PresentedSecret(key))
	if err != nil {
		return nil, err
	}
	return &grants.Authorization{Subject: c.Subject, Scope: c.Scope, Refresh: true}, nil
}

// Check implements [grants.Checker].
func (refresh) Check(r *grants.Request) error { return grants.RefreshToken{}.Check(r) }

// identityServerKey is the column Key of the table PersistedGrants. Tokens since
// version 6 end in -1.
func identityServerKey(token string) string {
	sum := sha256.Sum256([]byte(token + ":refresh_token"))
	if strings.HasSuffix(token, "-1") {
		return strings.ToUpper(hex.EncodeToString(sum[:]))
	}
	return base64.StdEncoding.EncodeToString(sum[:])
}

// openIddictKey is the column ReferenceId of the table OpenIddictTokens. Only
// reference tokens have one.
func openIddictKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// fositeKey returns a function for refresh tokens that are signed with a global
// secret: the store has the signature alone. Without the check of the signature, a
// thief of the table would have tokens.
func fositeKey(globalSecret []byte) func(token string) string {
	var key [32]byte
	copy(key[:], globalSecret)
	return func(token string) string {
		random, signature, _ := strings.Cut(token, ".")
		text, err := base64.RawURLEncoding.DecodeString(random)
		if err != nil {
			return ""
		}
		mac := hmac.New(sha512.New512_256, key[:])
		mac.Write(text)
		if got, err := base64.RawURLEncoding.DecodeString(signature); err != nil || !hmac.Equal(got, mac.Sum(nil)) {
			return ""
		}
		return signature
	}
}

// goOAuth2Key is the token: go-oauth2 keeps refresh tokens in the clear.
func goOAuth2Key(token string) string { return token }
