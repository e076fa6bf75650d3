package tokenendpoint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// maxLeeway is how long after its expiry a verifier may take a token as good.
const maxLeeway = time.Minute

var (
	errNotRevocable  = grants.UnsupportedTokenType.Describe("access tokens cannot be revoked here")
	errForeignToken  = errors.New("tokenendpoint: the token was issued to another client")
	errOtherRecord   = errors.New("tokenendpoint: the store answered with another record, or one without a family or an issuer")
	errOtherIssuer   = errors.New("tokenendpoint: the token was made by another issuer, which shares the store or the keys")
	errNoRevocations = errors.New("tokenendpoint: Config.Revocations is nil")
)

// Revocation returns the revocation endpoint (RFC 7009). A client authenticates
// as at the token endpoint, a public one by its client_id, and revokes the
// tokens that were issued to it:
//
//	a refresh token   with all that descends from its authorization, spent or not
//	an access token   alone, if there is Config.Revocations; else the answer is
//	                  400 unsupported_token_type
//
// The answer is 200 {} when the token is dead, even if the text was no token or
// an unknown one. A token of another client lives on, and the answer is 400
// invalid_grant, whose definition in RFC 6749 §5.2 names this case. The endpoint
// ignores a token_type_hint (RFC 7009 §2.1): the kinds of tokens look different.
//
// A token stays revocable when the configuration changes: an access token of another
// TokenType or for an audience that is gone, as long as its key is published, and a
// refresh token whose grant is no longer configured, or that its client may no
// longer use.
func (h *Handler) Revocation() http.Handler {
	return h.aboutToken(EndpointRevocation, h.revoke)
}

// revoke is the revocation endpoint. Its last step is one call of the store.
func (h *Handler) revoke(ctx context.Context, c *call, token string) ([]byte, error) {
	end, err := h.revocable(ctx, c, token)
	if err != nil {
		return nil, err
	}
	defer c.lap(&c.event.Commit)
	if err := end(ctx); err != nil {
		return nil, err
	}
	c.event.Outcome = Revoked
	return []byte("{}"), nil
}

// revocable finds a token of the client, and returns the change that ends it.
func (h *Handler) revocable(ctx context.Context, c *call, token string) (end func(context.Context) error, err error) {
	defer c.lap(&c.event.Decide)
	nothing := func(context.Context) error { return nil }
	if secret, ok := h.refreshToken(token); ok {
		digest := secret.Digest(storage.KindRefreshToken)
		record, err := h.storage.Credential(ctx, digest)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			c.event.Cause = err
			return nothing, nil
		case err != nil:
			return nil, err
		case !record.Digest.Equal(digest) || record.Kind != storage.KindRefreshToken || record.Family == "" || record.Issuer == "":
			return nil, grants.ServerError.Because(errOtherRecord)
		case !record.GoodAt(h.issuer): // unknown here, and good where it was made
			c.event.Cause = errOtherIssuer
			return nothing, nil
		}
		c.event.Family, c.event.Subject = record.Family, record.Subject
		return func(ctx context.Context) error { return h.endFamily(ctx, record.Family) }, c.owns(record.ClientID)
	}
	// An access token that was signed under another TokenType stays revocable.
	t, _, err := h.accessToken(ctx, token, c.event.Time, h.tokenType, jws.TypeAccessToken, jws.TypeJWT)
	switch {
	case errors.Is(err, jws.ErrInvalid):
		c.event.Cause = err
		return nothing, nil
	case err != nil:
		return nil, err
	case !c.event.Time.Before(t.ExpiresAt.Add(maxLeeway)): // nobody takes it any more
		c.event.Cause = errPast
		return nothing, nil
	}
	c.event.TokenID, c.event.Family, c.event.Subject = t.ID, t.Family, t.Subject
	return func(ctx context.Context) error { return h.endToken(ctx, t) }, c.owns(t.ClientID)
}

// owns refuses to end another client's token (RFC 7009 §2.1).
func (c *call) owns(clientID string) error {
	if clientID != c.client.ID {
		return grants.InvalidGrant.Because(errForeignToken)
	}
	return nil
}

// refreshToken takes a token for a refresh token, if it has the form of one and
// there are any. A made-up token costs no look-up.
func (h *Handler) refreshToken(token string) (storage.Secret, bool) {
	secret := storage.PresentedSecret(token)
	return secret, h.hasCredentials && secret.WellFormed(grants.RefreshTokenPrefix)
}

// accessToken verifies an access token of this endpoint, of one of these types,
// an expired one too. For any other text it returns jws.ErrInvalid with the
// reason.
func (h *Handler) accessToken(ctx context.Context, token string, at time.Time, types ...string) (*jws.AccessToken, []byte, error) {
	payload, err := []byte(nil), error(jws.ErrType)
	for _, typ := range types {
		if payload, _, err = jws.Verify(ctx, h.keys, token, typ, at); !errors.Is(err, jws.ErrType) {
			break
		}
	}
	if err != nil {
		return nil, nil, err
	}
	t, err := jws.ParseAccessToken(payload)
	switch {
	case err != nil:
		return nil, nil, err
	case t.Issuer != h.issuer:
		return nil, nil, fmt.Errorf("%w: %w", jws.ErrInvalid, errOtherIssuer)
	}
	return t, payload, nil
}

// endToken revokes an access token, even if the client has hung up.
func (h *Handler) endToken(ctx context.Context, t *jws.AccessToken) error {
	ctx, cancel := h.lasting(ctx)
	defer cancel()
	defer h.ForgetRevocations()
	return h.revocations.RevokeToken(ctx, t.ID, t.ExpiresAt.Add(maxLeeway))
}

// noRevocations stands in place of a store that remembers revoked access tokens.
type noRevocations struct{}

var _ storage.Revocations = noRevocations{}

// RevokeToken tells the client that the endpoint cannot revoke an access token.
func (noRevocations) RevokeToken(context.Context, string, time.Time) error { return errNotRevocable }

// Revoked returns an error: without a store it cannot know.
func (noRevocations) Revoked(context.Context, string, string) (bool, error) {
	return false, errNoRevocations
}
