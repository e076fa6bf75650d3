package tokenendpoint

import (
	"bytes"
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

// sign makes the access token (RFC 9068 §2.2), or finds one that may be given
// again. Its times come from the one instant at which the request is judged.
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
	x.token = jws.AccessToken{
		Issuer:    h.issuer,
		Subject:   a.Subject,
		Audience:  a.Audience,
		ClientID:  client.ID,
		Scope:     a.Scope,
		Family:    x.family,
		IssuedAt:  issued,
		ExpiresAt: expires,
		Claims:    a.Claims,
	}
	decision, again, err := h.decisionOf(x, x.token, lifetime)
	if err != nil {
		return nil, err
	}
	if again {
		if r := h.reusable(ctx, x, decision, expires); r != nil {
			x.event.Reused = true
			return x.answerWith(append(make([]byte, 0, len(r.token)+512), r.token...), r.id, r.expires), nil
		}
	}
	keyID := h.keys.SigningKey(x.request.Time).ID()
	body, err := h.signNew(ctx, x)
	if err != nil {
		return nil, err
	}
	if again && keyID == h.keys.SigningKey(x.request.Time).ID() { // else other keys were loaded meanwhile
		h.reuse.keep(&reusable{
			decision: decision, keyID: keyID, id: x.token.ID,
			issued: x.request.Time, expires: expires, token: bytes.Clone(body),
		})
	}
	return x.answerWith(body, x.token.ID, expires), nil
}

// beforeToken is how the body of an answer begins.
const beforeToken = `{"access_token":"`

// signNew signs the token where it is needed, in the body of the answer.
func (h *Handler) signNew(ctx context.Context, x *exchange) ([]byte, error) {
	x.token.ID = x.newTokenID()
	x.room = rooms.Get().(*room)
	payload, err := x.token.AppendJSON(x.room.payload[:0])
	if err != nil {
		return nil, grants.ServerError.Because(err)
	}
	if len(payload) > h.maxTokenSize { // it only grows from here
		return nil, grants.ServerError.Because(errTokenSize)
	}
	body := append(x.room.answer[:0], beforeToken...)
	body, err = h.keys.AppendSigned(ctx, body, h.tokenType, payload, x.request.Time)
	if err != nil {
		return nil, fmt.Errorf("tokenendpoint: sign: %w", err)
	}
	if len(body)-len(beforeToken) > h.maxTokenSize {
		return nil, grants.ServerError.Because(errTokenSize)
	}
	return body, nil
}

// answerWith is an answer that begins with a signed token.
func (x *exchange) answerWith(body []byte, id string, expires time.Time) *answer {
	x.event.TokenID = id
	x.answer = answer{
		body:      body,
		expiresAt: expires,
		expiresIn: int64(expires.Sub(x.token.IssuedAt) / time.Second),
		scope:     x.token.Scope,
	}
	return &x.answer
}

// newTokenID draws a version 4 UUID (RFC 9562 §5.4). uuid.NewString would draw
// it into memory of its own.
func (x *exchange) newTokenID() string {
	rand.Read(x.id[:]) // it cannot fail: the process ends instead
	x.id[6], x.id[8] = x.id[6]&0x0f|0x40, x.id[8]&0x3f|0x80
	return x.id.String()
}
