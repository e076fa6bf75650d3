package grants

import (
	"context"
	"errors"

	"github.com/contit/oauth/storage"
)

// AuthorizationCode is the grant that redeems the code of an authorization page
// (RFC 6749 §4.1.3), with PKCE (RFC 7636). The page is the host's; it makes the
// code with [NewAuthorizationCode].
type AuthorizationCode struct {
	// Hook, if not nil, has the last word. Here a host refuses a user whom it has
	// locked since the login.
	Hook Hook
}

var _ Checker = AuthorizationCode{}

var (
	errRedirectURI     = errors.New("grants: redirect_uri differs from that of the authorization request")
	errLostRedirectURI = errors.New("grants: the store lost the redirect_uri of a code")
)

// Check refuses a request without a code.
func (AuthorizationCode) Check(r *Request) error {
	if r.Form["code"] == "" {
		return InvalidRequest.Describe("code is missing")
	}
	return nil
}

// Authorize grants the scope that the user approved on the authorization page.
func (g AuthorizationCode) Authorize(ctx context.Context, r *Request) (*Authorization, error) {
	secret := storage.PresentedSecret(r.Form["code"])
	if !secret.WellFormed(CodePrefix) {
		return nil, InvalidGrant.Because(errMalformed)
	}
	c, err := r.present(ctx, storage.KindAuthorizationCode, secret)
	if err != nil {
		return nil, err
	}
	if err := checkRedirectURI(c.RedirectURI, r.Form["redirect_uri"]); err != nil {
		return nil, err
	}
	if err := checkPKCE(c, r.Client, r.Form["code_verifier"]); err != nil {
		return nil, err
	}
	return carried(c, g.Hook)
}

// checkRedirectURI demands the same string as in the authorization request, and none
// if that request had none (RFC 6749 §4.1.3).
func checkRedirectURI(recorded, presented string) error {
	switch {
	case recorded == "":
		return ServerError.Because(errLostRedirectURI)
	case recorded == storage.NoRedirectURI:
		if presented != "" {
			return InvalidGrant.Because(errRedirectURI)
		}
	case presented == "":
		return InvalidRequest.Describe("redirect_uri is missing")
	case presented != recorded:
		return InvalidGrant.Because(errRedirectURI)
	}
	return nil
}
