package tokenendpoint

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// exchange is one request on its way through the endpoint.
type exchange struct {
	request       grants.Request
	grant         grants.Grant
	shown         ClientCredentials
	unreadable    error // why what was shown cannot authenticate
	authorization *grants.Authorization
	granted       map[string]any // the claims before the hook: those of every later refresh
	audience      []string
	event         *Event
	mark          time.Time // when the last step ended
}

// lap adds the time since the last step to d.
func (x *exchange) lap(d *time.Duration) {
	now := time.Now()
	*d += now.Sub(x.mark)
	x.mark = now
}

// exchange is the endpoint. Each step may refuse, and none before the last
// changes anything: a failure up to there costs nothing. The last is one
// atomic call of the store, when the tokens are already in hand.
func (h *Handler) exchange(w http.ResponseWriter, r *http.Request, e *Event) (*answer, error) {
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
	a, err := h.sign(ctx, x)
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
	x.request = grants.Request{
		GrantType:  grantType,
		AuthMethod: x.shown.Method,
		Scope:      scope,
		Resource:   p.resource,
		Form:       p.form,
		Time:       x.event.Time,
		HTTP:       r,
		Storage:    h.storage,
	}
	x.grant = h.grants[grantType]
	switch {
	case grantType == "":
		return grants.InvalidRequest.Describe("grant_type is missing")
	case x.grant == nil:
		return grants.UnsupportedGrantType
	}
	x.event.GrantType, x.event.ClientID = grantType, x.shown.ID
	return x.checkComplete()
}

// checkComplete refuses a request that lacks a parameter.
func (x *exchange) checkComplete() error {
	if x.shown.ID == "" && x.unreadable == nil {
		if identifier, ok := x.grant.(grants.Identifier); !ok || !identifier.IdentifiesClient() {
			return errNoClientID
		}
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
		return grants.InvalidClient.Because(x.unreadable)
	}
	if err := h.authenticate(ctx, x); err != nil {
		return h.countFailure(ctx, x, err)
	}
	x.event.ClientID = x.request.Client.ID
	if !mayUse(x.request.Client, x.request.GrantType) {
		return grants.UnauthorizedClient
	}
	return nil
}

func mayUse(c *storage.Client, grantType string) bool {
	return c.MayUse(grantType) || grantType == grants.TypeAPIKey && c.MayUse(grants.TypeAPIKeyURN)
}

// decide asks the grant.
func (h *Handler) decide(ctx context.Context, x *exchange) error {
	defer x.lap(&x.event.Decision)
	a, err := x.grant.Authorize(ctx, &x.request)
	switch {
	case err != nil:
		return h.countFailure(ctx, x, err)
	case a == nil || a.Subject == "":
		return grants.ServerError.Because(errNoAuthorization)
	}
	x.authorization = a
	x.event.note(a)
	return nil
}

// askHook gives the hook the last word, and then holds what it left to what the
// client is registered for.
func (h *Handler) askHook(ctx context.Context, x *exchange) error {
	defer x.lap(&x.event.Decision)
	a := x.authorization
	x.granted = maps.Clone(a.Claims)
	if a.Hook != nil {
		if err := a.Hook(ctx, &x.request, a); err != nil {
			return err
		}
	}
	for _, s := range a.Scope {
		if !slices.Contains(x.request.Client.Scope, s) {
			return grants.InvalidScope.Because(errScope)
		}
	}
	var err error
	x.audience, err = h.audienceFor(&x.request, a)
	return err
}

var (
	errNoAuthorization = errors.New("tokenendpoint: the grant answered without a subject")
	errScope           = errors.New("tokenendpoint: the client is not registered for a scope that the grant gave")
)

// now is the one place that reads the clock. A microsecond is what every store
// keeps.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
