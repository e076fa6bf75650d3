package grants

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/contit/oauth/storage"
)

// AuthorizationEndpoint reads, judges and answers the authorization requests that
// clients send to the login page of a host (RFC 6749 §3.1). It has no page, no session
// and no storage of its own: the host logs its user in, asks, and stores the code.
//
// A host with a token endpoint in the same process gets one from
// tokenendpoint.Handler.AuthorizationEndpoint. A host whose login page is in another
// process makes one, with the values of the token endpoint. [AuthorizationEndpoint.Check]
// names each field that is missing. It does not change, and its methods may be called
// concurrently if those of Clients may.
type AuthorizationEndpoint struct {
	// Issuer is the issuer of the endpoint that redeems the codes. Every answer has it
	// as "iss", so that a client that uses several servers cannot be made to take the
	// answer of one for that of another (RFC 9207). It is required.
	Issuer string
	// Clients finds the client of a request. It is required.
	Clients storage.Clients
	// Audience holds the audiences of the token endpoint, Config.Audience of package
	// tokenendpoint. A client without audiences of its own may ask for these by the
	// parameter resource (RFC 8707). It is required.
	Audience []string
	// GrantTypes are the grants of the token endpoint. Without authorization_code every
	// request is refused; without refresh_token a requested offline_access is judged as
	// any other scope. If nil, the endpoint has both.
	GrantTypes []string
	// Show shows a sentence to the user where no answer may go to the client. The
	// status is the HTTP status of the page: 400, 405, 429 or 503. If nil, the page is plain
	// text.
	Show func(w http.ResponseWriter, r *http.Request, status int, sentence string)
	// ErrorURI is the URL below which a page explains each error, Config.ErrorURI of
	// package tokenendpoint: then an error that goes to the client has an error_uri (RFC
	// 6749 §4.1.2.1), ErrorURI + "/errors/" + the code. If empty, none has.
	ErrorURI string
	// Logger gets a line for every request that is refused: at info level for a
	// verdict, at error level for an outage. If nil, slog.Default().
	Logger *slog.Logger
}

var (
	errEndpointIssuer   = errors.New("grants: AuthorizationEndpoint.Issuer is missing: it is Config.Issuer of the token endpoint")
	errEndpointClients  = errors.New("grants: AuthorizationEndpoint.Clients is nil")
	errEndpointAudience = errors.New("grants: AuthorizationEndpoint.Audience is empty: it is Config.Audience of the token endpoint")
	errEndpointErrorURI = errors.New("grants: AuthorizationEndpoint.ErrorURI is not a URL without query and fragment, such as https://auth.example.com/docs")
	errNoCodeGrant      = errors.New("grants: the token endpoint does not have the grant authorization_code (Config.Grants), so that no code could be redeemed")
	errOtherID          = errors.New("grants: Clients found a client with another ID: the database compares without case")
	errNeitherClient    = errors.New("grants: Clients returned neither a client nor an error")
)

// Check names every fault of the fields, or returns nil.
func (e AuthorizationEndpoint) Check() error {
	var faults []error
	if e.Issuer == "" || e.Issuer == storage.AnyIssuer {
		faults = append(faults, errEndpointIssuer)
	}
	if e.Clients == nil {
		faults = append(faults, errEndpointClients)
	}
	if len(e.Audience) == 0 {
		faults = append(faults, errEndpointAudience)
	}
	if e.ErrorURI != "" && !isPage(e.ErrorURI) {
		faults = append(faults, errEndpointErrorURI)
	}
	return errors.Join(faults...)
}

// isPage reports whether a page can stand at a URL, and others below it.
func isPage(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && !strings.ContainsAny(text, "?#")
}

// Read reads and judges an authorization request (RFC 6749 §4.1.1): the query of a
// GET, and the body of a POST alone. The form fields of a POST are in r.PostForm
// afterwards, as after ParseForm. A host calls Read before it shows anything, so that
// no user logs in for a request that cannot end well.
//
// The error is an [*AuthorizationError], which knows whether the client may be told;
// [AuthorizationEndpoint.Answer] writes the answer.
func (e AuthorizationEndpoint) Read(r *http.Request) (*PendingAuthorization, error) {
	p, err := readParameters(r)
	if err != nil {
		return nil, err
	}
	return e.judge(r.Context(), p)
}

// ReadQuery reads and judges a request as [PendingAuthorization.Query] has written it,
// or as it came in the query of a URL. The action of a consent form has it, and so the
// answer of the user is judged by the clients as they are then. A user who
// changes it gains nothing: the endpoint judges it like any other request.
//
// Its errors mean the same as those of [AuthorizationEndpoint.Read].
func (e AuthorizationEndpoint) ReadQuery(ctx context.Context, query string) (*PendingAuthorization, error) {
	p, err := parseParameters(query)
	if err != nil {
		return nil, err
	}
	return e.judge(ctx, p)
}

// judge finds out first where an answer may go. Up to there every fault is for the
// user's eyes (RFC 6749 §4.1.2.1), and after it every fault is for the client, if it is one
// that somebody has vetted.
func (e AuthorizationEndpoint) judge(ctx context.Context, p *parameters) (*PendingAuthorization, error) {
	if err := e.Check(); err != nil {
		return nil, unavailable(err)
	}
	if p.shown != nil {
		return nil, p.shown
	}
	client, err := e.client(ctx, p.values.Get("client_id"))
	if err != nil {
		return nil, err
	}
	uri := p.values.Get("redirect_uri")
	if !MayRedirect(client, uri) {
		fault := redirectFault(client, uri)
		fault.client = client.ID
		return nil, fault
	}
	a := &PendingAuthorization{
		Client:              client,
		RedirectURI:         uri,
		State:               p.values.Get("state"),
		CodeChallenge:       p.values.Get("code_challenge"),
		CodeChallengeMethod: p.values.Get("code_challenge_method"),
		Parameters:          p.values,
	}
	if uri == "" {
		a.RedirectURI = client.RedirectURIs[0] // it is the only one
	}
	a.answers = answers{client.ID, a.RedirectURI, a.State, e.Issuer, e.ErrorURI, client.Unvetted}
	if p.fault != nil {
		return nil, a.Refuse(p.fault)
	}
	if err := e.judgeRequest(a, uri); err != nil {
		return nil, a.Refuse(err)
	}
	return a, nil
}

// client finds the client of a request. A record that a store would have refused is an
// outage: an answer must not go where nobody has checked that it may.
func (e AuthorizationEndpoint) client(ctx context.Context, id string) (*storage.Client, error) {
	client, err := e.Clients.Client(ctx, id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, shown(InvalidClient.Because(err), sentenceClient)
	case err != nil:
		return nil, unavailable(fmt.Errorf("grants: find the client of an authorization request: %w", err))
	case client == nil:
		return nil, unavailable(errNeitherClient)
	case client.ID != id:
		return nil, unavailable(errOtherID)
	case client.Disabled:
		return nil, shown(InvalidClient.Because(errDisabled), sentenceClient)
	}
	if err := client.Check(); err != nil {
		return nil, unavailable(fmt.Errorf("grants: the record of the client of an authorization request: %w", err))
	}
	return client, nil
}

// judgeRequest judges the faults that the client may be told of. uri is the redirect_uri as it
// came.
func (e AuthorizationEndpoint) judgeRequest(a *PendingAuthorization, uri string) (err error) {
	parameter := a.Parameters.Get
	switch {
	case parameter("request") != "": // OpenID Connect Core 1.0 §3.1.2.6
		return RequestNotSupported.Describe("the parameter request is not supported: send the parameters themselves")
	case parameter("request_uri") != "":
		return RequestURINotSupported.Describe("the parameter request_uri is not supported: send the parameters themselves")
	case parameter("response_type") == "":
		return InvalidRequest.Describe("response_type is missing")
	case parameter("response_type") != "code":
		return UnsupportedResponseType.Describe("there is no response_type but code")
	case parameter("response_mode") != "" && parameter("response_mode") != "query":
		return InvalidRequest.Describe("there is no response_mode but query")
	case !e.has(TypeAuthorizationCode):
		return UnsupportedResponseType.Because(errNoCodeGrant)
	}
	prompt := strings.Fields(parameter("prompt"))
	a.PromptNone = slices.Contains(prompt, "none")
	if a.PromptNone && len(prompt) > 1 { // OpenID Connect Core 1.0 §3.1.2.1
		return InvalidRequest.Describe("prompt has none beside another value")
	}
	a.request = AuthorizationRequest{
		Issuer:              e.Issuer,
		Client:              a.Client.Clone(), // the host has the other
		RedirectURI:         uri,
		CodeChallenge:       a.CodeChallenge,
		CodeChallengeMethod: a.CodeChallengeMethod,
	}
	if err := a.request.Check(); err != nil {
		return err
	}
	if a.Scope, err = requestedScope(a.Client, parameter("scope"), e.has(TypeRefreshToken)); err != nil {
		return err
	}
	a.Audience, err = e.requestedAudience(a.Client, a.Parameters["resource"])
	a.request.Scope, a.request.Audience = slices.Clone(a.Scope), slices.Clone(a.Audience) // the host has the others
	return err
}

func (e AuthorizationEndpoint) has(grantType string) bool {
	return e.GrantTypes == nil || slices.Contains(e.GrantTypes, grantType)
}

var (
	errResource     = InvalidTarget.Describe("resource is not an absolute URI without a fragment")
	errTarget       = InvalidTarget.Describe("resource is no audience that the client may have")
	errConfigTarget = errors.New("grants: the resource is not among the audiences of the endpoint (Config.Audience), and the client has none of its own")
)

// requestedAudience returns the audiences that the resource parameters name (RFC 8707
// §2), in the spelling that is configured, or nil if there are none.
func (e AuthorizationEndpoint) requestedAudience(c *storage.Client, resources []string) (audience []string, err error) {
	allowed, beyond := c.Audience, errAudienceBeyond
	if allowed == nil {
		allowed, beyond = e.Audience, errConfigTarget
	}
	for _, resource := range resources {
		i := FindAudience(allowed, resource)
		switch {
		case !IsResource(resource):
			return nil, errResource
		case i < 0:
			return nil, errTarget.Because(beyond)
		case !slices.Contains(audience, allowed[i]):
			audience = append(audience, allowed[i])
		}
	}
	return audience, nil
}
