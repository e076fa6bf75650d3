package assertion

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// TypeJWTBearer is the grant_type of [JWTBearer].
const TypeJWTBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// TrustedIssuer is a party whose assertions are grants.
type TrustedIssuer struct {
	Config
	// Authorize decides what the client may have for a good assertion. It is required:
	// a "sub" of another issuer is no user of this server until the host says which.
	// It is called as [grants.Grant] says, and its errors mean the same.
	Authorize func(ctx context.Context, r *grants.Request, c *Claims) (*grants.Authorization, error)
}

// JWTBearer is the grant that exchanges the assertion of another party for an access
// token (RFC 7523 §2.1), under the grant_type [TypeJWTBearer]. The client shows who it
// is as at every other grant. An assertion is good once, unless its issuer is
// configured as Reusable; the store must keep credentials for that. Only
// [NewJWTBearer] makes a working one.
//
// golang.org/x/oauth2/jwt is such a client. It sets no "jti" of its own, so its issuer is
// Reusable. Its Audience must be the issuer of this server, its assertions live for an
// hour unless Expires says less (MaxLifetime), and the user part of its TokenURL shows
// the client: "https://robots:secret@auth.example.com/connect/token".
type JWTBearer struct {
	issuers map[string]trusted
}

type trusted struct {
	verifier *Verifier
	TrustedIssuer
}

var (
	_ grants.Checker   = (*JWTBearer)(nil)
	_ grants.Describer = (*JWTBearer)(nil)
)

// NewJWTBearer returns the grant for these issuers. Its error names every fault of
// their configuration.
func NewJWTBearer(issuers ...TrustedIssuer) (*JWTBearer, error) {
	g := &JWTBearer{issuers: make(map[string]trusted, len(issuers))}
	var faults []error
	for _, issuer := range issuers {
		if issuer.Types == nil {
			issuer.Types = []string{"", jws.TypeJWT}
		}
		v, err := New(issuer.Config)
		if err != nil {
			faults = append(faults, err)
		}
		if _, twice := g.issuers[issuer.Issuer]; twice {
			faults = append(faults, fmt.Errorf("assertion: the issuer %q is there twice", issuer.Issuer))
		}
		if issuer.Authorize == nil {
			faults = append(faults, fmt.Errorf("assertion: the issuer %q has no Authorize", issuer.Issuer))
		}
		g.issuers[issuer.Issuer] = trusted{v, issuer}
	}
	if len(issuers) == 0 {
		faults = append(faults, errors.New("assertion: there is no issuer"))
	}
	return g, errors.Join(faults...)
}

// Check refuses a request without an assertion.
func (*JWTBearer) Check(r *grants.Request) error {
	if r.Form["assertion"] == "" {
		return grants.InvalidRequest.Describe("assertion is missing")
	}
	return nil
}

// UsesUp reports whether an issuer has assertions that are good once, so that the store
// must keep credentials. Package tokenendpoint asks when the endpoint is made.
func (g *JWTBearer) UsesUp() bool {
	for _, issuer := range g.issuers {
		if !issuer.Reusable {
			return true
		}
	}
	return false
}

// Describe implements [grants.Describer].
func (g *JWTBearer) Describe() grants.Description {
	text := "The assertion, a signed JWT. It can be used once."
	for _, issuer := range g.issuers {
		if issuer.Reusable {
			text = "The assertion, a signed JWT."
		}
	}
	return grants.Description{
		Summary:    "A client gets an access token for an assertion of a party that this server trusts (RFC 7523).",
		Parameters: []grants.Parameter{{Name: "assertion", Description: text, Required: true, Secret: true}},
		Refresh:    true, // if Authorize says so
	}
}

var errUntrusted = errors.New("assertion: its iss is no issuer that is trusted here")

// Authorize verifies the assertion, and asks the host what it is good for.
func (g *JWTBearer) Authorize(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
	text := r.Form["assertion"]
	issuer, ok := g.issuers[unverified(text).Issuer]
	if !ok {
		return nil, grants.InvalidGrant.Because(errUntrusted)
	}
	claims, err := issuer.verifier.Verify(ctx, text, r.Time)
	switch {
	case errors.Is(err, ErrInvalid):
		return nil, grants.InvalidGrant.Because(err)
	case err != nil:
		return nil, err
	}
	a, err := issuer.Authorize(ctx, r, claims)
	if err != nil || a == nil || issuer.Reusable {
		return a, err
	}
	return a, r.UseOnce(claims.Mark(r.Issuer, r.Client.ID, r.Time))
}

// TypeIDJAG is the typ of an identity assertion JWT authorization grant
// (draft-ietf-oauth-identity-assertion-authz-grant).
const TypeIDJAG = "oauth-id-jag+jwt"

var (
	errIDJAGClient = errors.New("assertion: it was issued to another client (client_id)")
	errIDJAGPublic = errors.New("assertion: a public client cannot use it")
	errIDJAGScope  = errors.New("assertion: its scope is no string")
	errIDJAGTarget = errors.New("assertion: its resource is neither a string nor a list of strings")
)

// IDJAG trusts the identity provider of a company to vouch for its users, as MCP's
// enterprise-managed authorization does: the provider signs an assertion for one user,
// one client and this server. c has the provider's issuer and keys; its Types become
// [TypeIDJAG]. subject says which user of the host the claims mean, or returns
// grants.InvalidGrant for nobody.
//
// The claim client_id must name the client, which has authenticated. The claim scope
// bounds the scope, so that without it there is none, and the claim resource bounds the
// audience, if it is there.
func IDJAG(c Config, subject func(ctx context.Context, c *Claims) (string, error)) TrustedIssuer {
	c.Types = []string{TypeIDJAG}
	if subject == nil {
		return TrustedIssuer{Config: c} // which NewJWTBearer refuses
	}
	return TrustedIssuer{Config: c, Authorize: func(ctx context.Context, r *grants.Request, claims *Claims) (*grants.Authorization, error) {
		var client string
		raw, _ := claims.Claim("client_id")
		switch {
		case r.Client.Public():
			return nil, grants.UnauthorizedClient.Because(errIDJAGPublic)
		case !isString(raw, &client) || client != r.Client.ID:
			return nil, grants.InvalidGrant.Because(errIDJAGClient)
		}
		a := new(grants.Authorization)
		if raw, there := claims.Claim("scope"); there {
			var scope string
			if !isString(raw, &scope) {
				return nil, grants.InvalidGrant.Because(errIDJAGScope)
			}
			a.Scope = strings.Fields(scope)
		}
		if raw, there := claims.Claim("resource"); there {
			var one string
			if isString(raw, &one) {
				a.Audience = []string{one}
			} else if err := json.Unmarshal(raw, &a.Audience); err != nil || len(a.Audience) == 0 {
				return nil, grants.InvalidGrant.Because(errIDJAGTarget)
			}
		}
		var err error
		a.Subject, err = subject(ctx, claims)
		return a, err
	}}
}
