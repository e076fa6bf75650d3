package tokenendpoint

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// exchange is one request on its way through the endpoint.
type exchange struct {
	request    grants.Request
	grant      grants.Grant
	shown      clientauth.Credentials
	unreadable error // why what was shown cannot authenticate
	attempt    Attempt

	authorization   grants.Authorization // narrowed to what the request may have
	presented       *storage.Credential  // what is used up, or nil
	secret          storage.Secret       // what was shown for it
	expires         time.Time            // when the API key behind it all does, zero if never
	grantedAudience []string             // before the request narrowed it
	claims          []byte               // of the grant, for the refresh tokens to come
	refreshes       bool                 // a refresh token goes with the access token
	family          string               // to which the tokens belong, empty if to none

	event *Event
	mark  time.Time // when the last step ended
}

// lap adds the time since the last step to d.
func (x *exchange) lap(d *time.Duration) {
	now := time.Now()
	*d += now.Sub(x.mark)
	x.mark = now
}

// issue is the endpoint. Each step may refuse, and none before the last
// changes anything: a failure up to there costs nothing. The last is one
// atomic call of the store, when the tokens are already in hand.
func (h *Handler) issue(w http.ResponseWriter, r *http.Request, e *Event) (*answer, error) {
	x := &exchange{event: e, mark: time.Now()}
	if err := h.understand(w, r, x); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.timeout)
	defer cancel()
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
	return a, nil
}

// understand reads the request as far as it can be judged on its face: syntax,
// then grant_type, then missing parameters.
func (h *Handler) understand(w http.ResponseWriter, r *http.Request, x *exchange) error {
	defer x.lap(&x.event.Reading)
	p, err := read(w, r)
	if err != nil {
		return err
	}
	x.event.Time = now() // the whole request is here
	grantType := p.form["grant_type"]
	if grantType == grants.TypeAPIKeyURN {
		grantType = grants.TypeAPIKey
	}
	x.shown, x.unreadable, err = readCredentials(r, &p, x.event.Time)
	if err != nil {
		return err
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
	return x.checkComplete()
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

// checkComplete refuses a request that lacks a parameter.
func (x *exchange) checkComplete() error {
	identifier, ok := x.grant.(grants.Identifier)
	identifies := ok && identifier.IdentifiesClient()
	switch {
	case x.shown.ID == "" && x.unreadable == nil && !identifies:
		return errNoClientID
	case x.unreadable == errAssertion && identifies: // beside the key it is a second mechanism
		return errTwoMechanisms
	}
	if checker, ok := x.grant.(grants.Checker); ok {
		return checker.Check(&x.request)
	}
	return nil
}

// admit authenticates the client and holds its registration against the grant,
// unless it has failed too often.
func (h *Handler) admit(ctx context.Context, x *exchange) error {
	defer x.lap(&x.event.Client)
	if err := h.limit(ctx, x); err != nil {
		return err
	}
	if x.unreadable != nil {
		return h.countFailure(ctx, x, grants.InvalidClient.Because(x.unreadable))
	}
	if err := h.authenticate(ctx, x); err != nil {
		return h.countFailure(ctx, x, err)
	}
	x.event.ClientID = x.request.Client.ID
	if !x.request.Client.MayUse(x.request.GrantType) {
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
		return h.countFailure(ctx, x, err)
	case a == nil || a.Subject == "":
		return grants.ServerError.Because(errNoAuthorization)
	}
	x.authorization = *a
	x.event.Subject = a.Subject
	if key, ok := x.request.APIKey(); ok {
		x.event.APIKeyID = key.ID
	}
	if x.takePresented() {
		x.event.Family = x.presented.Family
	}
	return h.bound(x)
}

// takePresented takes over what the request presented, out of reach of hooks.
func (x *exchange) takePresented() bool {
	record, secret, ok := x.request.Presented()
	if ok {
		x.presented, x.secret = &record, secret
	}
	return ok
}

var errNoAuthorization = errors.New("tokenendpoint: the grant answered without a subject")
