package tokenendpoint

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// exchange is one request on its way through the token endpoint.
type exchange struct {
	call
	own     Event // what the call's event points to
	request grants.Request
	grant   grants.Grant

	authorization   grants.Authorization // narrowed to what the request may have
	presented       *storage.Credential  // what is used up, or nil
	secret          storage.Secret       // what was shown for it
	expires         time.Time            // when the API key behind it all does, zero if never
	grantedAudience []string             // before the request narrowed it
	apiKey          *storage.APIKey      // that it rests on, or nil
	claims          []byte               // of the grant, for the refresh tokens to come
	refreshes       bool                 // a refresh token goes with the access token
	family          string               // to which the tokens belong, empty if to none

	deciding, writing deadline
	token             jws.AccessToken
	answer            answer
	id                uuid.UUID // the jti
	salt              [16]byte  // of the refresh token that is used up
	room              *room     // for the answer, taken when there is something to sign
}

// issue is the token endpoint. Each step may refuse, and none before the last
// changes anything: a failure up to there costs nothing. The last is one
// atomic call of the store, when the tokens are already in hand.
func (h *Handler) issue(w http.ResponseWriter, r *http.Request, x *exchange) ([]byte, error) {
	x.mark = time.Now()
	if err := h.understand(w, r, x); err != nil {
		return nil, err
	}
	ctx := x.deciding.begin(r.Context(), time.Now().Add(h.timeout))
	defer x.deciding.end()
	if err := h.admit(ctx, x); err != nil {
		return nil, err
	}
	if err := h.decide(ctx, x); err != nil {
		return nil, err
	}
	use, err := h.judge(ctx, x)
	if err != nil {
		return nil, h.refuse(ctx, x, err)
	}
	if err := h.askHook(ctx, x); err != nil {
		return nil, err
	}
	h.place(x)
	a, err := h.sign(ctx, x, use)
	if err != nil {
		return nil, err
	}
	if a.refreshToken, err = h.commit(ctx, x, use, a); err != nil {
		return nil, h.refuse(ctx, x, err)
	}
	return x.answered(a), nil
}

// understand reads the request as far as it can be judged on its face: syntax,
// then grant_type, then missing parameters.
func (h *Handler) understand(w http.ResponseWriter, r *http.Request, x *exchange) error {
	defer x.lap(&x.event.Reading)
	if err := x.read(w, r); err != nil {
		return err
	}
	p := &x.parameters
	grantType := p.form["grant_type"]
	if grantType == grants.TypeAPIKeyURN {
		grantType = grants.TypeAPIKey
	}
	scope, err := grants.ParseScope(p.form["scope"])
	if err != nil {
		return err
	}
	grant := h.grants[grantType]
	x.request = grants.Request{
		GrantType:  grant.name,
		AuthMethod: x.shown.Method,
		Scope:      scope,
		Resource:   p.resource,
		Form:       p.form,
		Time:       x.event.Time,
		HTTP:       r,
		Storage:    h.reader,
	}
	switch {
	case grantType == "":
		return grants.InvalidRequest.Describe("grant_type is missing").Because(p.missing(r))
	case grant.Grant == nil:
		return grants.UnsupportedGrantType
	case len(p.repeated) > 0 && !builtIn(grant.name): // it may know what it means, and we do not
		return errRepeated
	}
	x.grant = grant.Grant
	x.shown.GrantType = grant.name
	x.event.GrantType, x.event.ClientID = grant.name, x.shown.ID
	x.takeKey()
	if err := x.checkIdentified(); err != nil {
		return err
	}
	if checker, ok := x.grant.(grants.Checker); ok {
		return checker.Check(&x.request)
	}
	return nil
}

// builtIn reports whether a grant type is one of those whose parameters are
// known.
func builtIn(grantType string) bool {
	switch grantType {
	case grants.TypeClientCredentials, grants.TypeRefreshToken, grants.TypeAuthorizationCode, grants.TypeAPIKey:
		return true
	}
	return false
}

// takeKey tells what the credential that the grant takes may do for the client.
func (x *exchange) takeKey() {
	x.key.guessable = guessable(x.request.GrantType)
	identifier, ok := x.grant.(grants.Identifier)
	if !ok {
		return
	}
	x.key.ownSecret, x.key.identifies = true, identifier.IdentifiesClient()
	if x.shown.ID == "" && x.key.identifies {
		x.key.clientID = func(ctx context.Context) (string, error) { return identifier.ClientID(ctx, &x.request) }
	}
}

// guessable reports whether what the grant takes may be: an API key, or what a
// host's own grant has people type. Codes and refresh tokens have 256 bits.
func guessable(grantType string) bool {
	switch grantType {
	case grants.TypeAuthorizationCode, grants.TypeRefreshToken, grants.TypeClientCredentials:
		return false
	}
	return true
}

// admit authenticates the client and holds its registration against the grant.
func (h *Handler) admit(ctx context.Context, x *exchange) error {
	if err := h.authenticate(ctx, &x.call); err != nil {
		return err
	}
	x.request.Client = x.client
	if x.client.Public() {
		x.request.AuthMethod = storage.AuthNone
	}
	if !x.client.MayUse(x.request.GrantType) {
		return grants.UnauthorizedClient
	}
	return nil
}

// decide asks the grant, and narrows what it gave.
func (h *Handler) decide(ctx context.Context, x *exchange) error {
	defer x.lap(&x.event.Decision)
	a, err := x.grant.Authorize(ctx, &x.request)
	switch {
	case err != nil:
		return h.countFailure(ctx, &x.call, err)
	case a == nil || a.Subject == "":
		return grants.ServerError.Because(errNoAuthorization)
	}
	x.authorization = *a
	x.event.Subject = a.Subject
	if key, ok := x.request.APIKey(); ok {
		x.apiKey, x.event.APIKeyID = key, key.ID
	}
	if x.takePresented() {
		x.event.Family = x.presented.Family
	}
	return h.bound(x)
}

// takePresented takes over what the request presented, out of reach of hooks.
func (x *exchange) takePresented() bool {
	record, secret, ok := x.request.Presented()
	if !ok {
		return false
	}
	x.presented, x.secret = record, secret
	return true
}

var errNoAuthorization = errors.New("tokenendpoint: the grant answered without a subject")
