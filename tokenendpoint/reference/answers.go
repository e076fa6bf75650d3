package reference

import (
	"net/http"
	"strconv"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/params"
)

// answer is a status of the token endpoint.
type answer struct {
	Status, Class   int
	Phrase, Meaning string
}

const headers = "Content-Type: application/json\nCache-Control: no-store\n"

// describeAnswers describes the answers of the token endpoint, with an example of each.
func (v *view) describeAnswers() {
	for _, status := range []int{200, 400, 401, 429, 500, 503} {
		v.Answers = append(v.Answers, answer{status, status / 100, http.StatusText(status), v.texts["answer."+strconv.Itoa(status)]})
	}
	v.Success = []parameter{
		{Name: "access_token", Type: v.texts["page.string"]}, {Name: "token_type", Type: v.texts["page.string"]}, {Name: "expires_in", Type: v.texts["page.integer"]},
	}
	refresh := ""
	if v.Refreshes {
		v.Success = append(v.Success, parameter{Name: "refresh_token", Type: v.texts["page.string"]})
	}
	if v.exampleRefreshes {
		refresh = "  \"refresh_token\": \"rt_7Hc…\",\n"
	}
	v.Success = append(v.Success, parameter{Name: "scope", Type: v.texts["page.string"]})
	for i := range v.Success {
		v.Success[i].Description = v.texts["answer.200."+v.Success[i].Name]
	}
	v.ExampleAnswer = code{v.texts["page.answer"], "http", "HTTP/1.1 200 OK\n" + headers + "\n{\n  \"access_token\": \"eyJhbGciOi…\",\n  \"token_type\": \"Bearer\",\n  \"expires_in\": " +
		strconv.FormatInt(int64(v.AccessTokenLifetime.Seconds()), 10) + ",\n" + refresh + "  \"scope\": \"" + v.scope + "\"\n}"}
	for _, e := range []struct {
		status              int
		code                grants.ErrorCode
		header, description string
	}{
		{400, grants.InvalidRequest, "", "grant_type is missing"},
		{401, grants.InvalidClient, challenge, ""},
		{429, grants.TemporarilyUnavailable, "Retry-After: 1\n", ""},
		{503, grants.TemporarilyUnavailable, "Retry-After: 2\n", errorID},
	} {
		v.ExampleAnswers = append(v.ExampleAnswers, code{strconv.Itoa(e.status), "http", refusal(e.status, e.header, string(e.code), e.description)})
	}
	v.describeLifetimes()
}

const (
	challenge = "WWW-Authenticate: " + params.ChallengeBasic + "\n"
	// An API that package bearer protects answers these two (RFC 6750 §3.1).
	invalidToken      = grants.ErrorCode("invalid_token")
	insufficientScope = grants.ErrorCode("insufficient_scope")
	apiChallenge      = `WWW-Authenticate: Bearer realm="api", error="`
	errorID           = "error id 7c1f2a90-5d3e-4b8a-9f21-0c6f1e2d3a4b"
)

func refusal(status int, header, code, description string) string {
	if description != "" {
		description = ",\n  \"error_description\": \"" + description + "\""
	}
	return "HTTP/1.1 " + strconv.Itoa(status) + " " + http.StatusText(status) + "\n" + headers + header + "\n{\n  \"error\": \"" + code + "\"" + description + "\n}"
}

func (v *view) describeLifetimes() {
	v.Lifetimes = []fact{{"lifetime.access", v.duration(v.AccessTokenLifetime)}}
	if !v.Refreshes {
		return
	}
	v.Lifetimes = append(v.Lifetimes, fact{"lifetime.refresh", v.duration(v.RefreshTokenLifetime)}, fact{"lifetime.idle", v.duration(v.RefreshTokenIdle)})
	if v.RefreshGrace > 0 {
		v.Lifetimes = append(v.Lifetimes, fact{"lifetime.grace", v.duration(v.RefreshGrace)})
	}
}

// describeToken lists the claims of an access token (RFC 9068 §2.2).
func (v *view) describeToken() {
	for _, name := range []string{"iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "family"} {
		v.Claims = append(v.Claims, parameter{Name: name, Description: v.texts["claim."+name]})
	}
}

// errorView is an error code, with the advice for its receiver.
type errorView struct {
	Code, StatusText, Means, Do string
	Example                     code
}

// errorCodes are the codes of the endpoints, of an API and of the login page, each with a
// status and an example. A code of the login page has no status: it comes in a redirect.
var errorCodes = []struct {
	grants.ErrorCode
	status              int
	header, description string
}{
	{grants.InvalidRequest, 400, "", "grant_type is missing"},
	{grants.InvalidClient, 401, challenge, ""},
	{grants.InvalidGrant, 400, "", ""},
	{grants.UnauthorizedClient, 400, "", ""},
	{grants.UnsupportedGrantType, 400, "", ""},
	{grants.InvalidScope, 400, "", ""},
	{grants.InvalidTarget, 400, "", ""},
	{grants.UnsupportedTokenType, 400, "", ""},
	{invalidToken, 401, apiChallenge + "invalid_token\"\n", ""},
	{insufficientScope, 403, apiChallenge + "insufficient_scope\", scope=\"…\"\n", ""},
	{grants.ServerError, 500, "", errorID},
	{grants.TemporarilyUnavailable, 503, "Retry-After: 2\n", errorID},
	{grants.AccessDenied, 0, "", ""},
	{grants.UnsupportedResponseType, 0, "", ""},
	{grants.LoginRequired, 0, "", ""},
	{grants.ConsentRequired, 0, "", ""},
	{grants.InteractionRequired, 0, "", ""},
	{grants.RequestNotSupported, 0, "", ""},
	{grants.RequestURINotSupported, 0, "", ""},
}

// errorViews lists the codes of the library, and those of the host after them.
func (v *view) errorViews(hosts []Error) (all []errorView) {
	for _, e := range errorCodes {
		name := string(e.ErrorCode)
		one := errorView{Code: name, Means: v.texts["error."+name], Do: v.texts["error."+name+".do"]}
		if e.status == 0 {
			one.StatusText = "303 " + http.StatusText(http.StatusSeeOther)
			one.Example = code{v.texts["errors.example"], "http", "HTTP/1.1 303 See Other\nLocation: https://app.example.com/callback?error=" + name + "&state=…"}
		} else {
			one.StatusText = strconv.Itoa(e.status) + " " + http.StatusText(e.status)
			one.Example = code{v.texts["errors.example"], "http", refusal(e.status, e.header, name, e.description)}
		}
		all = append(all, one)
	}
	for _, e := range hosts {
		example := code{v.texts["errors.example"], "http", refusal(http.StatusBadRequest, "", string(e.Code), "")}
		all = append(all, errorView{string(e.Code), "400 " + http.StatusText(http.StatusBadRequest), e.Means, e.Do, example})
	}
	return all
}

// describeFurther tells about the endpoints beside the token endpoint.
func (v *view) describeFurther(d tokenendpoint.Description) {
	token := func(hint string) []parameter {
		kind := v.texts["page.string"]
		return []parameter{
			{Name: "token", Type: kind, Need: "required", Description: v.texts["parameter.token"]},
			{Name: "token_type_hint", Type: kind, Need: "optional", Description: v.texts[hint]},
			{Name: "client_id", Type: kind, Need: "required", Description: v.texts["parameter.client_id"]},
			{Name: "client_secret", Type: kind, Need: "depends", Description: v.texts["parameter.client_secret"]},
		}
	}
	const client = "&client_id=my-app-id&client_secret=my-app-secret"
	if d.Revocation != "" {
		v.Further = append(v.Further, further{
			"revocation", line{http.MethodPost, d.Revocation}, token("parameter.token_type_hint"),
			code{v.texts["page.sample"], "http", wire(d.Revocation, "token=YOUR_REFRESH_TOKEN"+client)},
			code{v.texts["page.answer"], "http", "HTTP/1.1 200 OK\n" + headers + "\n{}"},
		})
	}
	if d.Introspection != "" {
		parameters := token("parameter.token_type_hint.introspection")
		if len(d.AssertionAlgorithms) == 0 {
			parameters[3].Need = "required"
		}
		v.Further = append(v.Further, further{
			"introspection", line{http.MethodPost, d.Introspection}, parameters,
			code{v.texts["page.sample"], "http", wire(d.Introspection, "token=YOUR_ACCESS_TOKEN"+client)},
			code{v.texts["page.answer"], "http", "HTTP/1.1 200 OK\n" + headers + "\n{\n  \"active\": true,\n  \"token_type\": \"Bearer\",\n  \"sub\": \"user:42\",\n  \"scope\": \"" + v.scope + "\"\n}"},
		})
	}
	for _, f := range []fact{
		{"discovery.issuer", d.Issuer}, {"discovery.jwks", d.JWKS}, {"discovery.metadata", d.Metadata}, {"discovery.authorization", d.Authorization},
	} {
		if f.Text != "" {
			v.Documents = append(v.Documents, f)
		}
	}
}
