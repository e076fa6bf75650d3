package tokenendpoint

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// answer is what a successful exchange gives (RFC 6749 §5.1).
type answer struct {
	body         []byte // JSON, as far as the access token
	expiresAt    time.Time
	expiresIn    int64 // seconds
	refreshToken storage.Secret
	scope        []string
}

var (
	errExpired   = errors.New("tokenendpoint: what the authorization rests on expires at once")
	errLifetime  = errors.New("tokenendpoint: an access token cannot live for less than a second")
	errTokenSize = errors.New("tokenendpoint: the access token would be longer than MaxTokenSize")
)

// sign makes the access token (RFC 9068 §2.2). Its times come from the one
// instant at which the request is judged.
func (h *Handler) sign(ctx context.Context, x *exchange, u use) (*answer, error) {
	defer x.lap(&x.event.Signing)
	a, client := &x.authorization, x.request.Client
	lifetime := firstOf(firstOf(a.Lifetime, client.AccessTokenLifetime), h.accessTokenLifetime)
	if lifetime < time.Second {
		return nil, grants.ServerError.Because(errLifetime)
	}
	issued := x.request.Time.Truncate(time.Second)
	expires := issued.Add(min(lifetime, h.maxAccessTokenLifetime))
	expires = earlier(earlier(earlier(expires, a.ExpiresAt), x.expires), h.remembered(x, u)).Truncate(time.Second)
	if !expires.After(issued) {
		return nil, grants.InvalidGrant.Because(errExpired)
	}
	token := jws.AccessToken{
		Issuer:    h.issuer,
		Subject:   a.Subject,
		Audience:  a.Audience,
		ClientID:  client.ID,
		ID:        x.newTokenID(),
		Scope:     a.Scope,
		Family:    x.family,
		IssuedAt:  issued,
		ExpiresAt: expires,
		Claims:    a.Claims,
	}
	payload, err := token.AppendJSON(x.scratch[:0])
	if err != nil {
		return nil, grants.ServerError.Because(err)
	}
	if len(payload) > h.maxTokenSize { // it only grows from here
		return nil, grants.ServerError.Because(errTokenSize)
	}
	// It is signed where it is needed, in the body of the answer.
	const before = `{"access_token":"`
	body := append(make([]byte, 0, 2*len(payload)+512), before...)
	body, err = h.keys.AppendSigned(ctx, body, h.tokenType, payload, x.request.Time)
	if err != nil {
		return nil, fmt.Errorf("tokenendpoint: sign: %w", err)
	}
	if len(body)-len(before) > h.maxTokenSize {
		return nil, grants.ServerError.Because(errTokenSize)
	}
	x.event.TokenID = token.ID
	x.answer = answer{
		body:      body,
		expiresAt: expires,
		expiresIn: int64(expires.Sub(issued) / time.Second),
		scope:     a.Scope,
	}
	return &x.answer, nil
}

// newTokenID draws a version 4 UUID (RFC 9562 §5.4). uuid.NewString would draw
// it into memory of its own.
func (x *exchange) newTokenID() string {
	rand.Read(x.id[:]) // it cannot fail: the process ends instead
	x.id[6], x.id[8] = x.id[6]&0x0f|0x40, x.id[8]&0x3f|0x80
	return x.id.String()
}
