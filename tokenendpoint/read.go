package tokenendpoint

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/params"
)

var errUnknownGrant = errors.New("tokenendpoint: Config.Grants has no grant of that name")

// read reads the request as far as it can be checked on its face: syntax, then
// grant_type, then missing parameters.
func (h *Handler) read(w http.ResponseWriter, r *http.Request, x *exchange) error {
	h.watch(&x.call)
	defer x.lap(&x.event.Read)
	if err := x.readParams(w, r); err != nil {
		return err
	}
	if err := h.seeCertificate(&x.call); err != nil {
		return err
	}
	p := &x.params
	grantType := p.Form["grant_type"]
	if grantType == grants.TypeAPIKeyURN {
		grantType = grants.TypeAPIKey
	}
	scope, err := grants.ParseScope(p.Form["scope"])
	if err != nil {
		return err
	}
	grant := h.grants[grantType]
	*x.request = grants.Request{
		GrantType:  grant.name,
		Issuer:     h.issuer,
		AuthMethod: x.shown.Method,
		Scope:      scope,
		Resource:   p.Resource,
		Form:       p.Form,
		Time:       x.event.Time,
		HTTP:       r,
		Storage:    h.reader,
	}
	if x.shown.Certified != nil { // a grant that wants a client which authenticates sees that it may
		x.request.AuthMethod = storage.TLSClientAuth
	}
	switch {
	case grantType == "":
		return grants.InvalidRequest.Describe("grant_type is missing").Because(p.Consumed)
	case grant.Grant == nil:
		return x.unsupported(grantType)
	case p.Repeated && !grant.builtIn: // the host's grant may know the parameter, and the endpoint does not
		return params.ErrRepeated
	}
	x.grant, x.hosts = grant.Grant, grant.hosts
	x.shown.GrantType = grant.name
	x.event.GrantType, x.event.ClientID = grant.name, h.knownIDs.public(x.shown.ID)
	x.readStandIn(grant.guessable)
	if err := x.checkIdentified(); err != nil {
		return err
	}
	if checker, ok := x.grant.(grants.Checker); ok {
		return x.show(checker.Check)
	}
	return nil
}

// unsupported names a grant_type that is not configured, if it can be a name.
func (x *exchange) unsupported(grantType string) error {
	if !params.IsGrantType(grantType) || !x.loggable(grantType) {
		return grants.UnsupportedGrantType.Because(errUnknownGrant)
	}
	return grants.UnsupportedGrantType.Because(fmt.Errorf("tokenendpoint: Config.Grants has no grant %q", grantType))
}

// loggable reports whether a text of the request may stand in the log. It does not if it
// looks like a secret in the wrong place, or stands in the place of one too.
func (x *exchange) loggable(text string) bool {
	repeats := slices.ContainsFunc([]string{"client_id", "code", "refresh_token", "api_key", "code_verifier"}, func(name string) bool {
		return x.params.Form[name] == text
	})
	return !repeats && x.shown.Secret.Reveal() != text && grants.Loggable(text)
}
