package bearer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// Why a token is refused. The client learns of none of it.
var (
	errIssuer    = fmt.Errorf("%w: it is of another issuer", jws.ErrInvalid)
	errAudience  = fmt.Errorf("%w: it is for another audience", jws.ErrInvalid)
	errExpired   = fmt.Errorf("%w: it has expired", jws.ErrInvalid)
	errFuture    = fmt.Errorf("%w: it is from the future", jws.ErrInvalid)
	errNotBefore = fmt.Errorf("%w: its nbf is not an instant", jws.ErrInvalid)
	errBound     = fmt.Errorf("%w: it is bound to a key of its client and was shown without proof", jws.ErrInvalid)
	errWithdrawn = fmt.Errorf("%w: its key is no longer published", jws.ErrInvalid)
	errRevoked   = fmt.Errorf("%w: it has been revoked", jws.ErrInvalid)
)

// verified is what is remembered of a token. It does not change.
type verified struct {
	claims *jws.AccessToken
	key    *jws.PublicKey
	from   time.Time // iat, or nbf if it is later
}

// digest is that of a whole token, so that what is remembered of one is not
// said of another, and nobody can read a token there.
type digest [sha256.Size]byte

// maxRemembered bounds a token that is remembered, in bytes, and with it what
// all of them take.
const maxRemembered = 8 << 10

// Verify returns the claims of a token that is good here at an instant: signed
// by the keys, of the type, the issuer and for the audience of the
// configuration, within its time, and not revoked. It returns an error that is
// [jws.ErrInvalid] for one that is not. Every other error is an outage: whether
// it is good could not be found out. The claims are the caller's.
//
// The instant is the present one: by it keys are also loaded and forgotten.
//
// Verify is for tokens that come on other ways than in an Authorization header,
// say in the first message of a WebSocket.
func (v *Verifier) Verify(ctx context.Context, token string, at time.Time) (*jws.AccessToken, error) {
	t, err := v.judge(ctx, token, at)
	if err != nil {
		return nil, err
	}
	return clone(t), nil
}

// judge is Verify, with claims that belong to everybody.
func (v *Verifier) judge(ctx context.Context, token string, at time.Time) (*jws.AccessToken, error) {
	t, err := v.signed(ctx, token, at)
	if err != nil {
		return nil, err
	}
	if v.revocations == nil {
		return t, nil
	}
	ctx, cancel := context.WithTimeout(ctx, v.timeout)
	defer cancel()
	revoked, err := v.revocations.Revoked(ctx, t.ID, t.Family)
	switch {
	case errors.Is(err, jws.ErrInvalid): // whatever a store says that could not find out, it is no verdict
		return nil, fmt.Errorf("bearer: is the token revoked: %v", err)
	case err != nil:
		return nil, fmt.Errorf("bearer: is the token revoked: %w", err)
	case revoked:
		return nil, errRevoked
	}
	return t, nil
}

// signed is judge without what a store knows. A token whose signature is known
// has it checked again if the key is not the very same.
func (v *Verifier) signed(ctx context.Context, token string, at time.Time) (*jws.AccessToken, error) {
	if v.remembered == nil || len(token) > maxRemembered {
		t, err := v.read(ctx, token, at)
		return t.claims, err
	}
	var buffer [1024]byte // on the stack
	sum := digest(sha256.Sum256(append(buffer[:0], token...)))
	if t, ok := v.remembered.get(sum); ok {
		key, err := v.keys.PublicKey(ctx, t.key.ID(), at)
		switch {
		case errors.Is(err, jws.ErrUnknownKey):
			return nil, errWithdrawn
		case err != nil:
			return nil, err
		case key == t.key:
			return t.claims, v.inTime(t, at)
		}
	}
	t, err := v.read(ctx, token, at)
	if err == nil { // what is not good is not kept: whoever forges tokens would fill the table
		v.remembered.put(sum, t)
	}
	return t.claims, err
}

// read verifies a token from scratch (RFC 9068 §4).
func (v *Verifier) read(ctx context.Context, token string, at time.Time) (verified, error) {
	payload, key, err := v.verify(ctx, v.keys, token, v.tokenType, at)
	if err != nil {
		return verified{}, err
	}
	claims, err := jws.ParseAccessToken(payload)
	switch {
	case err != nil:
		return verified{}, err
	case claims.Issuer != v.issuer:
		return verified{}, errIssuer
	case !slices.Contains(claims.Audience, v.audience):
		return verified{}, errAudience
	}
	from, err := start(claims, payload)
	if err != nil {
		return verified{}, err
	}
	t := verified{claims: claims, key: key, from: from}
	return t, v.inTime(t, at)
}

// start is when a token begins to be good. The endpoint issues none with one of
// these claims; if another issuer does, they do not go unheeded.
func start(claims *jws.AccessToken, payload []byte) (time.Time, error) {
	// A name that is written without escapes stands in the text as it is.
	if !bytes.Contains(payload, []byte("nbf")) && !bytes.Contains(payload, []byte("cnf")) && !bytes.ContainsRune(payload, '\\') {
		return claims.IssuedAt, nil
	}
	var more struct {
		NotBefore    json.RawMessage `json:"nbf"` // RFC 7519 §4.1.5
		Confirmation json.RawMessage `json:"cnf"` // RFC 7800 §3.1
	}
	switch err := json.Unmarshal(payload, &more); {
	case err != nil:
		return time.Time{}, jws.ErrInvalid
	case more.Confirmation != nil: // RFC 9449 §7.1, RFC 8705 §3: not as a bearer token
		return time.Time{}, errBound
	case more.NotBefore == nil:
		return claims.IssuedAt, nil
	}
	seconds, err := strconv.ParseInt(string(more.NotBefore), 10, 64)
	if err != nil {
		return time.Time{}, errNotBefore
	}
	if nbf := time.Unix(seconds, 0); nbf.After(claims.IssuedAt) {
		return nbf, nil
	}
	return claims.IssuedAt, nil
}

func (v *Verifier) inTime(t verified, at time.Time) error {
	switch {
	case !at.Before(t.claims.ExpiresAt.Add(v.late)):
		return errExpired
	case at.Add(v.early).Before(t.from):
		return errFuture
	}
	return nil
}

// clone returns a copy that shares nothing with t.
func clone(t *jws.AccessToken) *jws.AccessToken {
	c := *t
	c.Audience = slices.Clone(t.Audience)
	c.Scope = slices.Clone(t.Scope)
	if t.Claims != nil {
		c.Claims, _ = cloneValue(t.Claims).(map[string]any)
	}
	return &c
}

// cloneValue copies what encoding/json decodes into.
func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, one := range v {
			m[name] = cloneValue(one)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, one := range v {
			list[i] = cloneValue(one)
		}
		return list
	}
	return v
}
