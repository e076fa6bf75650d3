package tokenendpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// signed is the access token of a successful exchange.
type signed struct {
	token jws.AccessToken
	body  []byte // the JSON of the answer, as far as the token (RFC 6749 §5.1)
}

var (
	errMayNotRefresh = errors.New("tokenendpoint: no refresh token, because the client is not registered for refresh_token (Client.GrantTypes)")
	errExpired       = errors.New("tokenendpoint: what the authorization rests on expires at once")
	errLifetime      = errors.New("tokenendpoint: an access token cannot live for less than a second")
	errTokenSize     = errors.New("tokenendpoint: the access token would be longer than MaxTokenSize")
)

// sign makes the access token (RFC 9068 §2.2). Its times come from the one instant
// by which the request is judged.
func (h *Handler) sign(ctx context.Context, x *exchange) error {
	defer x.lap(&x.event.Sign)
	h.chooseFamily(x)
	if err := h.boundGrowth(x); err != nil {
		return err
	}
	lifetime := h.lifetime(x)
	if err := h.draft(x, lifetime); err != nil {
		return err
	}
	return h.signOrReuse(ctx, x, lifetime)
}

// chooseFamily decides, before anything is signed, which family the tokens belong
// to. A family begins with its first refresh token, if it did not begin with a code.
func (h *Handler) chooseFamily(x *exchange) {
	_, refreshable := h.grants[grants.TypeRefreshToken]
	registered := x.request.Client.MayUse(grants.TypeRefreshToken)
	x.refreshes = x.authorization.Refresh && refreshable && registered
	if x.authorization.Refresh && refreshable && !registered {
		x.event.Cause = errMayNotRefresh // New cannot warn of it: it knows no clients
	}
	switch {
	case x.presented != nil:
		x.family = x.presented.Family
	case x.refreshes:
		x.family = uuid.NewString()
	}
	x.event.Family = x.family
}

// lifetime is the longest life of the access token that was decided on.
func (h *Handler) lifetime(x *exchange) time.Duration {
	return cmp.Or(x.authorization.Lifetime, x.request.Client.AccessTokenLifetime, h.accessTokenLifetime)
}

// draft makes the token, as far as its jti. Its end is the first of all ends that
// bound it.
func (h *Handler) draft(x *exchange, lifetime time.Duration) error {
	if lifetime < time.Second {
		return grants.ServerError.Because(errLifetime)
	}
	a := &x.authorization
	issued := x.request.Time.Truncate(time.Second)
	expires := issued.Add(min(lifetime, h.maxAccessTokenLifetime))
	expires = bounded(bounded(bounded(expires, a.ExpiresAt), x.expires), h.remembered(x)).Truncate(time.Second)
	if !expires.After(issued) {
		return grants.InvalidGrant.Because(errExpired)
	}
	x.token = jws.AccessToken{
		Issuer:   h.issuer,
		Subject:  a.Subject,
		Audience: a.Audience,
		ClientID: x.request.Client.ID,
		Scope:    a.Scope,
		Family:   x.family,

		CertificateThumbprint: x.thumbprint,

		IssuedAt:  issued,
		ExpiresAt: expires,
		Claims:    a.Claims,
	}
	return nil
}

// beforeToken is the beginning of the body of an answer.
const beforeToken = `{"access_token":"`

// signDraft signs the token where it is needed, in the body of the answer.
func (h *Handler) signDraft(ctx context.Context, x *exchange) error {
	x.token.ID = x.newTokenID()
	memory := x.takeBuffers()
	payload, err := x.token.AppendJSON(memory.payload[:0])
	if err != nil {
		return grants.ServerError.Because(err)
	}
	if len(payload) > h.maxTokenSize { // it only grows from here
		return grants.ServerError.Because(errTokenSize)
	}
	x.body, err = h.keys.AppendSigned(ctx, append(memory.body[:0], beforeToken...), h.tokenType, payload, x.request.Time)
	if err != nil {
		return fmt.Errorf("tokenendpoint: sign: %w", err)
	}
	if len(x.body)-len(beforeToken) > h.maxTokenSize {
		return grants.ServerError.Because(errTokenSize)
	}
	x.event.TokenID = x.token.ID
	return nil
}
