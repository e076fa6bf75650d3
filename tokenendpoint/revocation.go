package tokenendpoint

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// maxLeeway is how long after its expiry a verifier may take a token as good.
const maxLeeway = time.Minute

var (
	errNoToken       = grants.InvalidRequest.Describe("token is missing")
	errNotRevocable  = grants.UnsupportedTokenType.Describe("access tokens cannot be revoked here")
	errForeignToken  = errors.New("tokenendpoint: the token was issued to another client")
	errOtherRecord   = errors.New("tokenendpoint: the store answered with another record, or one without a family")
	errNoRevocations = errors.New("tokenendpoint: Config.Revocations is nil")
)

// Revocation returns the revocation endpoint (RFC 7009). A client authenticates
// as at the token endpoint, a public one by its client_id, and revokes what was
// issued to it:
//
//	a refresh token   with all that descends from its authorization, spent or not
//	an access token   alone, if there is Config.Revocations; else the answer is
//	                  400 unsupported_token_type
//
// The answer is 200 {} when the token is dead, also if it was none or unknown.
// A token of another client lives on, and the answer is 400 invalid_grant, whose
// definition in RFC 6749 §5.2 names this case. A token_type_hint is not looked at
// (RFC 7009 §2.1): the kinds of tokens look different.
func (h *Handler) Revocation() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.serve(w, r, EndpointRevocation, h.revoke)
	})
}

// revoke is the revocation endpoint. Its last step is one call of the store.
func (h *Handler) revoke(w http.ResponseWriter, r *http.Request, e *Event) ([]byte, error) {
	c := &call{event: e, mark: time.Now()}
	token, err := c.hear(w, r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.timeout)
	defer cancel()
	if err := h.authenticate(ctx, c); err != nil {
		return nil, err
	}
	end, err := h.revocable(ctx, c, token)
	if err != nil {
		return nil, err
	}
	defer c.lap(&e.Write)
	if err := end(ctx); err != nil {
		return nil, err
	}
	e.Outcome = Revoked
	return []byte("{}"), nil
}

// hear reads a request that is about a token (RFC 7009 §2.1, RFC 7662 §2.1).
func (c *call) hear(w http.ResponseWriter, r *http.Request) (token string, err error) {
	defer c.lap(&c.event.Reading)
	if err := c.read(w, r); err != nil {
		return "", err
	}
	c.event.ClientID = c.shown.ID
	token = c.parameters.form["token"]
	if token == "" {
		return "", errNoToken.Because(c.parameters.missing(r))
	}
	return token, c.checkIdentified()
}

// revocable finds a token of the client, and says what ends it.
func (h *Handler) revocable(ctx context.Context, c *call, token string) (end func(context.Context) error, err error) {
	defer c.lap(&c.event.Decision)
	nothing := func(context.Context) error { return nil }
	if secret, ok := h.refreshToken(token); ok {
		digest := secret.Digest(storage.KindRefreshToken)
		record, err := h.storage.Credential(ctx, digest)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			return nothing, nil
		case err != nil:
			return nil, err
		case !record.Digest.Equal(digest) || record.Kind != storage.KindRefreshToken || record.Family == "":
			return nil, grants.ServerError.Because(errOtherRecord)
		}
		c.event.Family, c.event.Subject = record.Family, record.Subject
		return func(ctx context.Context) error { return h.endFamily(ctx, record.Family) }, c.owns(record.ClientID)
	}
	t, _, err := h.accessToken(ctx, token, c.event.Time)
	switch {
	case errors.Is(err, jws.ErrInvalid):
		return nothing, nil
	case err != nil:
		return nil, err
	case !c.event.Time.Before(t.ExpiresAt.Add(maxLeeway)): // nobody takes it any more
		return nothing, nil
	}
	c.event.TokenID, c.event.Family, c.event.Subject = t.ID, t.Family, t.Subject
	return func(ctx context.Context) error { return h.endToken(ctx, t) }, c.owns(t.ClientID)
}

// owns refuses to end what is another client's (RFC 7009 §2.1).
func (c *call) owns(clientID string) error {
	if clientID != c.client.ID {
		return grants.InvalidGrant.Because(errForeignToken)
	}
	return nil
}

// refreshToken takes a token for a refresh token, if it has the form of one and
// there are any. What is made up costs no look-up.
func (h *Handler) refreshToken(token string) (storage.Secret, bool) {
	secret := storage.PresentedSecret(token)
	return secret, h.hasCredentials && secret.WellFormed(grants.RefreshTokenPrefix)
}

// accessToken verifies an access token of this endpoint, an expired one too. It
// returns jws.ErrInvalid if it is none.
func (h *Handler) accessToken(ctx context.Context, token string, at time.Time) (*jws.AccessToken, []byte, error) {
	payload, _, err := jws.Verify(ctx, h.keys, token, h.tokenType, at)
	if err != nil {
		return nil, nil, err
	}
	t, err := jws.ParseAccessToken(payload)
	if err != nil || t.Issuer != h.issuer {
		return nil, nil, jws.ErrInvalid
	}
	return t, payload, nil
}

// endFamily revokes a family, whether or not somebody waits for it.
func (h *Handler) endFamily(ctx context.Context, family string) error {
	ctx, cancel := h.lasting(ctx)
	defer cancel()
	defer h.ForgetRevocations() // with an error too: it may have come after the fact
	return h.storage.Revoke(ctx, family)
}

// endToken revokes an access token, likewise.
func (h *Handler) endToken(ctx context.Context, t *jws.AccessToken) error {
	ctx, cancel := h.lasting(ctx)
	defer cancel()
	defer h.ForgetRevocations()
	return h.revocations.RevokeToken(ctx, t.ID, t.ExpiresAt.Add(maxLeeway))
}

// noRevocations is what there is in place of a store that remembers revoked
// access tokens.
type noRevocations struct{}

var _ storage.Revocations = noRevocations{}

// RevokeToken says to the client that this cannot be done.
func (noRevocations) RevokeToken(context.Context, string, time.Time) error { return errNotRevocable }

// Revoked cannot find out.
func (noRevocations) Revoked(context.Context, string, string) (bool, error) {
	return false, errNoRevocations
}
