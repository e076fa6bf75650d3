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

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// These causes say why a token is not active. The caller learns none of them.
var (
	errNotOurs      = errors.New("tokenendpoint: not an access token of this endpoint")
	errPast         = errors.New("tokenendpoint: the token has expired")
	errRevokedToken = errors.New("tokenendpoint: the token has been revoked")
	errNotForCaller = errors.New("tokenendpoint: the token is valid and none of this client's business")
	errSpentToken   = errors.New("tokenendpoint: the refresh token has been used")
	errEarly        = errors.New("tokenendpoint: the token is from the future: do the clocks differ?")
	errNoRefresh    = errors.New("tokenendpoint: the client or the endpoint has no refresh_token grant any more")
	errNotGranted   = errors.New("tokenendpoint: nothing of what was granted may be had any more")
)

var errPublicClient = errors.New("tokenendpoint: a public client cannot introspect")

// Introspection returns the introspection endpoint (RFC 7662), at which a
// resource server asks about an access token. Only a confidential client may
// ask, and it authenticates as at the token endpoint.
//
// An active token is answered with "active": true, its token_type, and its
// claims under their names. Every other one is answered
// with {"active":false}: one that has expired or is revoked, itself or with its
// family, and one that is neither meant for the client (its identifier is in aud)
// nor issued to it (client_id), if Config.MayIntrospect does not say otherwise.
//
// A refresh token is never active unless the request says that it is one, by
// token_type_hint=refresh_token. A resource server asks about a bearer token
// that it got, and would take "active": true for a yes (RFC 7662 §2.1 wants the
// search extended instead). With the hint, a client learns about its own,
// without a token_type. Whether the hint is right does not matter to an access
// token.
//
// The log names a valid token that is hidden from the client, and its owner, at
// info level; the event is [Hidden].
//
// The current configuration and registrations decide. An access token of another
// TokenType is not active unless it is an at+jwt. A refresh token that its
// client may no longer use is not active. A refresh token has the scope that a
// refresh would give.
//
// Without Config.Revocations the answer about every good token is 503: it may
// have been revoked.
func (h *Handler) Introspection() http.Handler {
	return h.aboutToken(EndpointIntrospection, h.introspect)
}

// introspect is the introspection endpoint. It changes nothing.
func (h *Handler) introspect(ctx context.Context, c *call, token string) ([]byte, error) {
	if c.client.Public() { // RFC 7662 §2.1, §4
		return nil, grants.InvalidClient.Because(errPublicClient)
	}
	e := &c.event
	defer c.lap(&e.Decide)
	body, err := h.describe(ctx, c, token)
	e.Outcome = Introspected
	if v := grants.Verdict(err); v != nil && v.Code == grants.InvalidGrant {
		body, err, e.Cause = []byte(`{"active":false}`), nil, v.Cause
		if errors.Is(v.Cause, errNotForCaller) {
			e.Outcome = Hidden
		}
	}
	return body, err
}

// describe returns everything that there is to know of an active token, or
// InvalidGrant.
func (h *Handler) describe(ctx context.Context, c *call, token string) ([]byte, error) {
	if secret, ok := h.refreshToken(token); ok {
		if c.params.Form["token_type_hint"] != "refresh_token" { // RFC 7009 §4.1.2
			return nil, grants.InvalidGrant.Because(errNotOurs)
		}
		return h.describeRefreshToken(ctx, c, secret)
	}
	// An at+jwt is an access token, even if TokenType is another now; a JWT may
	// be anything.
	t, payload, err := h.accessToken(ctx, token, c.event.Time, h.tokenType, jws.TypeAccessToken)
	switch {
	case errors.Is(err, jws.ErrInvalid):
		return nil, grants.InvalidGrant.Because(fmt.Errorf("%w: %w", errNotOurs, err))
	case err != nil:
		return nil, err
	case !c.event.Time.Before(t.ExpiresAt):
		return nil, grants.InvalidGrant.Because(errPast)
	case c.event.Time.Add(maxLeeway).Before(t.IssuedAt):
		return nil, grants.InvalidGrant.Because(errEarly)
	}
	if err := h.mayIntrospect(ctx, c.client, t); err != nil {
		if errors.Is(err, errNotForCaller) {
			c.event.TokenID, c.event.Family, c.event.Subject = t.ID, t.Family, t.Subject
		}
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
// business. If the host cannot decide, that is an outage, for every error.
func (h *Handler) mayIntrospect(ctx context.Context, client *storage.Client, t *jws.AccessToken) error {
	may := t.ClientID == client.ID || slices.Contains(t.Audience, client.ID)
	if h.introspectable != nil {
		var err error
		if may, err = h.introspectable(ctx, client.Clone(), lendToken(t)); err != nil {
			return grants.TemporarilyUnavailable.Because(fmt.Errorf("tokenendpoint: MayIntrospect: %w", err))
		}
	}
	switch {
	case may:
		return nil
	case h.introspectable != nil:
		return grants.InvalidGrant.Because(fmt.Errorf("%w: %q asked, and MayIntrospect says no about a token of %q", errNotForCaller, client.ID, t.ClientID))
	}
	return grants.InvalidGrant.Because(fmt.Errorf("%w: %q asked, and it is of %q for %q: add the asking client's identifier to the audience, or set MayIntrospect",
		errNotForCaller, client.ID, t.ClientID, t.Audience))
}

// lendToken copies a token for code of the host's, which may write into it.
func lendToken(t *jws.AccessToken) *jws.AccessToken {
	lent := *t
	lent.Scope, lent.Audience, lent.Claims = slices.Clone(t.Scope), slices.Clone(t.Audience), cloneClaims(t.Claims)
	return &lent
}

// describeRefreshToken tells a client about a refresh token that the client
// could use now, and the scope and audience that a refresh would give.
func (h *Handler) describeRefreshToken(ctx context.Context, c *call, secret storage.Secret) ([]byte, error) {
	seen := &lastSeen{Reader: h.reader}
	x := &exchange{request: &grants.Request{
		Issuer: h.issuer, Client: c.client, Form: c.params.Form, Time: c.event.Time, HTTP: c.http, Storage: seen,
	}}
	record, err := x.request.Present(ctx, storage.KindRefreshToken, secret) // as at the token endpoint
	_, refreshable := h.grants[grants.TypeRefreshToken]
	switch {
	case err != nil:
		return nil, seen.hidden(x.request, c, err)
	case record.Spent():
		return nil, grants.InvalidGrant.Because(errSpentToken)
	case !refreshable || !c.client.MayUse(grants.TypeRefreshToken):
		return nil, grants.InvalidGrant.Because(errNoRefresh)
	}
	x.authorization.Scope, x.authorization.Audience = record.Scope, record.Audience
	x.apiKey, _ = x.request.APIKey()
	if err := h.bound(x); err != nil {
		return nil, grants.InvalidGrant.Because(fmt.Errorf("%w: %w", errNotGranted, err))
	}
	a := &x.authorization
	c.event.Family, c.event.Subject, c.event.Scope = record.Family, record.Subject, a.Scope
	return json.Marshal(struct {
		Active    bool     `json:"active"`
		Issuer    string   `json:"iss"`
		Subject   string   `json:"sub"`
		ClientID  string   `json:"client_id"`
		Scope     string   `json:"scope,omitempty"`
		Audience  []string `json:"aud,omitempty"`
		Family    string   `json:"family"`
		IssuedAt  int64    `json:"iat"`
		ExpiresAt int64    `json:"exp"`
	}{
		true, h.issuer, record.Subject, record.ClientID, strings.Join(a.Scope, " "), a.Audience, record.Family,
		record.IssuedAt.Unix(), bounded(record.ExpiresAt, x.expires).Unix(),
	})
}

// lastSeen remembers the last credential that was read.
type lastSeen struct {
	storage.Reader
	credential *storage.Credential
}

// Credential asks the store.
func (l *lastSeen) Credential(ctx context.Context, d storage.Digest) (c *storage.Credential, err error) {
	c, err = l.Reader.Credential(ctx, d)
	if err == nil {
		l.credential = c
	}
	return c, err
}

// hidden puts the owner in the event and the cause if a refresh token was
// refused because it is another client's, and that client could use it.
func (l *lastSeen) hidden(q *grants.Request, c *call, refused error) error {
	r, v := l.credential, grants.Verdict(refused)
	switch {
	case r == nil, v == nil, v.Code != grants.InvalidGrant,
		r.Kind != storage.KindRefreshToken, !r.GoodAt(q.Issuer), r.ClientID == q.Client.ID,
		r.Revoked, r.Spent(), !q.Time.Before(r.ExpiresAt), !q.Time.Before(r.FamilyExpiresAt):
		return refused
	}
	c.event.Family, c.event.Subject = r.Family, r.Subject
	return grants.InvalidGrant.Because(fmt.Errorf("%w: %q asked, and it is a refresh token of %q", errNotForCaller, c.client.ID, r.ClientID))
}

// activeClaims are the claims of an active access token, and the members that
// the endpoint adds. A claim that has the name of one of those members, in upper
// or lower case, is left out: encoding/json would take the one for the other.
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
