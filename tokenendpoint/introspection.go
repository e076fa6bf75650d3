package tokenendpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// Why a token is not active. The caller learns of none of it.
var (
	errNotOurs      = errors.New("tokenendpoint: not an access token of this endpoint")
	errPast         = errors.New("tokenendpoint: the token has expired")
	errRevokedToken = errors.New("tokenendpoint: the token has been revoked")
	errNotForCaller = errors.New("tokenendpoint: the token is none of this client's business")
	errSpentToken   = errors.New("tokenendpoint: the refresh token has been used")
)

var errPublicClient = errors.New("tokenendpoint: a public client cannot introspect")

// Introspection returns the introspection endpoint (RFC 7662), at which a
// resource server asks about an access token. Only a confidential client may
// ask, and it authenticates as at the token endpoint.
//
// An active token is answered with "active": true, its token_type, and its
// claims under their names. Every other one, for whatever reason, is answered
// with {"active":false}: one that has expired or is revoked, itself or with its
// family, and one that is neither meant for the client (its identifier is in aud)
// nor issued to it (client_id), if Config.MayIntrospect does not say otherwise.
//
// A refresh token is never active unless the request says that it is one, by
// token_type_hint=refresh_token. A resource server asks about what it got as a
// bearer token, and would take "active": true for a yes (RFC 7662 §2.1 wants the
// search extended instead). With the hint, a client is told about its own, without
// a token_type. Whether the hint is right does not matter to an access token.
//
// Without Config.Revocations the answer about every good token is 503: it may
// have been revoked.
func (h *Handler) Introspection() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.serve(w, r, EndpointIntrospection, h.introspect)
	})
}

// introspect is the introspection endpoint. It changes nothing.
func (h *Handler) introspect(w http.ResponseWriter, r *http.Request, e *Event) ([]byte, error) {
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
	if c.client.Public() { // RFC 7662 §2.1, §4
		return nil, grants.InvalidClient.Because(errPublicClient)
	}
	defer c.lap(&e.Decision)
	body, err := h.describe(ctx, c, token)
	if v := grants.Verdict(err); v != nil && v.Code == grants.InvalidGrant {
		body, err, e.Cause = []byte(`{"active":false}`), nil, v.Cause
	}
	e.Outcome = Introspected
	return body, err
}

// describe tells what there is to know of an active token, or InvalidGrant.
func (h *Handler) describe(ctx context.Context, c *call, token string) ([]byte, error) {
	if secret, ok := h.refreshToken(token); ok {
		if c.parameters.form["token_type_hint"] != "refresh_token" { // RFC 7009 §4.1.2
			return nil, grants.InvalidGrant.Because(errNotOurs)
		}
		return h.describeRefreshToken(ctx, c, secret)
	}
	t, payload, err := h.accessToken(ctx, token, c.event.Time)
	switch {
	case errors.Is(err, jws.ErrInvalid):
		return nil, grants.InvalidGrant.Because(errNotOurs)
	case err != nil:
		return nil, err
	case !c.event.Time.Before(t.ExpiresAt):
		return nil, grants.InvalidGrant.Because(errPast)
	}
	if err := h.mayIntrospect(ctx, c.client, t); err != nil {
		return nil, err
	}
	switch revoked, err := h.revocations.Revoked(ctx, t.ID, t.Family); {
	case err != nil:
		return nil, err
	case revoked:
		return nil, grants.InvalidGrant.Because(errRevokedToken)
	}
	c.event.TokenID, c.event.Family, c.event.Subject, c.event.Scope = t.ID, t.Family, t.Subject, t.Scope
	return activeClaims(payload)
}

// mayIntrospect refuses to tell a client about a token that is none of its
// business. What the host cannot decide is an outage, whatever it says.
func (h *Handler) mayIntrospect(ctx context.Context, client *storage.Client, t *jws.AccessToken) error {
	may := t.ClientID == client.ID || slices.Contains(t.Audience, client.ID)
	if h.introspectable != nil {
		var err error
		if may, err = h.introspectable(ctx, client, t); err != nil {
			return grants.TemporarilyUnavailable.Because(fmt.Errorf("tokenendpoint: MayIntrospect: %w", err))
		}
	}
	if !may {
		return grants.InvalidGrant.Because(errNotForCaller)
	}
	return nil
}

// describeRefreshToken tells a client about a refresh token that it could use
// now.
func (h *Handler) describeRefreshToken(ctx context.Context, c *call, secret storage.Secret) ([]byte, error) {
	r := grants.Request{Client: c.client, Form: c.parameters.form, Time: c.event.Time, HTTP: c.http, Storage: h.reader}
	record, err := r.Present(ctx, storage.KindRefreshToken, secret) // as at the token endpoint
	switch {
	case err != nil:
		return nil, err
	case record.Spent():
		return nil, grants.InvalidGrant.Because(errSpentToken)
	}
	c.event.Family, c.event.Subject, c.event.Scope = record.Family, record.Subject, record.Scope
	return json.Marshal(struct {
		Active    bool     `json:"active"`
		Issuer    string   `json:"iss"`
		Subject   string   `json:"sub"`
		ClientID  string   `json:"client_id"`
		Scope     string   `json:"scope,omitempty"`
		Audience  []string `json:"aud,omitempty"`
		Family    string   `json:"grant_id"`
		IssuedAt  int64    `json:"iat"`
		ExpiresAt int64    `json:"exp"`
	}{
		true, h.issuer, record.Subject, record.ClientID, strings.Join(record.Scope, " "), record.Audience, record.Family,
		record.IssuedAt.Unix(), record.ExpiresAt.Unix(),
	})
}

// activeClaims are the claims of an active access token, and what the endpoint
// says of it. A claim that is called like one of the latter is left out, in
// whatever case: encoding/json would let it stand for it.
func activeClaims(payload []byte) ([]byte, error) {
	var claims map[string]json.RawMessage
	if err := json.Unmarshal(payload, &claims); err != nil {
		return nil, err
	}
	maps.DeleteFunc(claims, func(name string, _ json.RawMessage) bool {
		return strings.EqualFold(name, "active") || strings.EqualFold(name, "token_type")
	})
	claims["active"], claims["token_type"] = json.RawMessage("true"), json.RawMessage(`"Bearer"`)
	return json.Marshal(claims)
}
