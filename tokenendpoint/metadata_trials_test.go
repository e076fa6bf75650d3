package tokenendpoint_test

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// witness tries the statements of a server's metadata.
type witness struct {
	*testbed.Fixture
	server server
	said   map[string]any
	openID []map[string]any // the documents for OpenID clients
	use    testbed.Way      // of getting a token from this server
}

// A trial finds out whether a member of the metadata is true: each listed value
// works, and each other value fails.
type trial func(w *witness, name string)

// trials are all members that the endpoint has anything to say about.
var trials = map[string]trial{
	"issuer":                                                   (*witness).tryIssuer,
	"token_endpoint":                                           (*witness).tryToken,
	"authorization_endpoint":                                   (*witness).tryAuthorization,
	"jwks_uri":                                                 (*witness).tryKeys,
	"revocation_endpoint":                                      (*witness).tryRevocation,
	"introspection_endpoint":                                   (*witness).tryIntrospection,
	"token_endpoint_auth_methods_supported":                    (*witness).tryTokenClients,
	"revocation_endpoint_auth_methods_supported":               (*witness).tryRevocationClients,
	"introspection_endpoint_auth_methods_supported":            (*witness).tryIntrospectionClients,
	"grant_types_supported":                                    (*witness).tryGrants,
	"response_types_supported":                                 (*witness).tryResponseTypes,
	"code_challenge_methods_supported":                         (*witness).tryChallenges,
	"scopes_supported":                                         (*witness).tryScopes,
	"authorization_response_iss_parameter_supported":           (*witness).tryIss,
	"token_endpoint_auth_signing_alg_values_supported":         (*witness).tryAlgorithms,
	"revocation_endpoint_auth_signing_alg_values_supported":    (*witness).tryAlgorithms,
	"introspection_endpoint_auth_signing_alg_values_supported": (*witness).tryAlgorithms,
	"client_id_metadata_document_supported":                    (*witness).tryDocuments,
	"registration_endpoint":                                    (*witness).tryRegistration,
	"tls_client_certificate_bound_access_tokens":               (*witness).tryBoundTokens,
	"mtls_endpoint_aliases":                                    (*witness).tryAliases,
}

// list returns the values that a member lists; nothing if the member is missing.
func (w *witness) list(name string) []string {
	w.Helper()
	values, _ := w.said[name].([]any)
	list := make([]string, len(values))
	for i, v := range values {
		list[i], _ = v.(string)
	}
	if sorted := slices.Compact(slices.Sorted(slices.Values(list))); len(sorted) != len(list) || slices.Contains(list, "") {
		w.Errorf("%s is %v, want each value once", name, w.said[name])
	}
	return list
}

// at is the path of an endpoint, or empty if it is not there.
func (w *witness) at(name string) string {
	w.Helper()
	text, _ := w.said[name].(string)
	path, ok := strings.CutPrefix(text, w.server.base+"/")
	if text != "" && !ok {
		w.Errorf("%s is %s, want it below %s", name, text, w.server.base)
	}
	if text == "" {
		return ""
	}
	_, root, _ := strings.Cut(strings.TrimPrefix(w.server.base, "https://"), "/")
	return strings.TrimSuffix("/"+root, "/") + "/" + path
}

// usable is a way to a token that this server has.
func (w *witness) usable() testbed.Way {
	w.Helper()
	for _, way := range testbed.Ways() {
		if slices.Contains(w.list("grant_types_supported"), way.GrantType) {
			return way
		}
	}
	w.Fatal("no grant is known to work")
	panic("unreachable")
}

// token gets an access token from where the metadata says.
func (w *witness) token(p *testbed.Party) string {
	w.Helper()
	return w.Secret(w.Send(w.use.Request(w.Fixture, p).To(w.at("token_endpoint"))).Tokens().AccessToken)
}

func (w *witness) tryIssuer(string) {
	if w.said["issuer"] != w.server.issuer {
		w.Errorf("issuer is %v, want %s, byte for byte", w.said["issuer"], w.server.issuer)
	}
	token := w.token(mayDo(w.Fixture, ""))
	if _, claims := testbed.Decode(w.T, token); claims["iss"] != w.said["issuer"] {
		w.Errorf("the iss of a token is %v, want %v", claims["iss"], w.said["issuer"])
	}
}

func (w *witness) tryToken(string) { w.token(mayDo(w.Fixture, "")) }

// tryAuthorization: the page is the host's.
func (w *witness) tryAuthorization(name string) {
	if w.said[name] != testbed.AuthorizationEndpoint {
		w.Errorf("%s is %v, want the configured value", name, w.said[name])
	}
}

// tryScopes: they are what the host wants clients to know. A client gets the scopes
// that it is registered for, which the list neither adds to nor takes from.
func (w *witness) tryScopes(name string) {
	if got := strings.Join(w.list(name), " "); got != strings.Join(w.server.scopes, " ") {
		w.Errorf("%s is %v, want the configured %v", name, w.said[name], w.server.scopes)
	}
	if _, claims := testbed.Decode(w.T, w.token(mayDo(w.Fixture, ""))); claims["scope"] != "read write" {
		w.Errorf("the scope of a token is %v, want all that its client is registered for", claims["scope"])
	}
}

// tryIss: the host's page answers with iss if package grants writes its answers.
// Where no page gives codes, nobody answers.
func (w *witness) tryIss(name string) {
	var want any
	if slices.Contains(w.list("response_types_supported"), "code") && !w.server.silent {
		want = true
	}
	if w.said[name] != want {
		w.Errorf("%s is %v, want %v", name, w.said[name], want)
	}
}

// tryKeys verifies a token with nothing but the published documents.
func (w *witness) tryKeys(name string) {
	token := w.token(mayDo(w.Fixture, ""))
	if w.at(name) == "" || strings.HasSuffix(w.at(name), "/keys-elsewhere") {
		return
	}
	keys, ok := document(w.Fixture, w.at(name))["keys"].([]any)
	header, _ := testbed.Decode(w.T, token)
	if !ok || !slices.ContainsFunc(keys, func(k any) bool { return k.(map[string]any)["kid"] == header["kid"] }) {
		w.Errorf("the keys are %v, want the one that signs, %v", keys, header["kid"])
	}
}

func (w *witness) tryRevocation(name string) {
	if w.at(name) == "" {
		return
	}
	p := mayDo(w.Fixture, "")
	refresh := w.Mint(p, storage.KindRefreshToken, grants.RefreshTokenPrefix)
	w.Send(testbed.Revoke(p, refresh).To(w.at(name))).Ended()
	if !w.Record(refresh).Revoked {
		w.Error("a refresh token that was revoked is not")
	}
	token := w.token(p)
	if at := w.at("introspection_endpoint"); at != "" {
		w.Send(testbed.Revoke(p, token).To(w.at(name))).Ended()
		w.Send(testbed.Introspect(p, token).To(at)).Inactive()
	}
}

func (w *witness) tryIntrospection(name string) {
	if w.at(name) == "" {
		return
	}
	p := mayDo(w.Fixture, "")
	w.Send(testbed.Introspect(p, w.token(p)).To(w.at(name))).Active()
	w.Send(testbed.Introspect(p, "x").To(w.at(name))).Inactive()
}

// everyGrantType are the grants that have names.
func everyGrantType() []string {
	return append(testbed.EveryGrant(), grants.TypeAPIKeyURN, "password", "implicit",
		"urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange",
		"urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:openid:params:grant-type:ciba")
}

func (w *witness) tryGrants(name string) {
	supported := w.list(name)
	p := mayDo(w.Fixture, "")
	worked := make(map[string]bool)
	for _, way := range testbed.Ways() {
		r := way.Request(w.Fixture, p).To(w.at("token_endpoint"))
		got := w.Send(r)
		grantType := r.Params[slices.Index(r.Params, "grant_type")+1]
		if slices.Contains(supported, grantType) {
			got.Tokens()
			worked[grantType] = true
			continue
		}
		got.Refused("unsupported_grant_type")
	}
	for _, grantType := range everyGrantType() {
		if !slices.Contains(supported, grantType) {
			w.Send(testbed.Form("grant_type", grantType).By(p).To(w.at("token_endpoint"))).Refused("unsupported_grant_type")
		}
	}
	for _, grantType := range supported {
		if !worked[grantType] {
			w.Errorf("%s has %s, and no test says whether that is true", name, grantType)
		}
	}
}

// tryResponseTypes: the response_type code is true if its code can be redeemed.
// There is no other response_type.
func (w *witness) tryResponseTypes(name string) {
	want := []string{}
	if w.redeems(func(*grants.AuthorizationRequest) {}) {
		want = append(want, "code")
	}
	if _, there := w.said[name].([]any); !there || !slices.Equal(w.list(name), want) {
		w.Errorf("%s is %v, want %v", name, w.said[name], want)
	}
}

// tryChallenges: RFC 7636 has two names.
func (w *witness) tryChallenges(name string) {
	supported := w.list(name)
	for _, method := range []string{"S256", "plain"} {
		text := map[string]string{"S256": testbed.Challenge(testbed.Verifier), "plain": testbed.Verifier}[method]
		works := w.redeems(func(a *grants.AuthorizationRequest) { a.CodeChallengeMethod, a.CodeChallenge = method, text })
		if works != slices.Contains(supported, method) {
			w.Errorf("%s says %v, and that %s works is %t", name, supported, method, works)
		}
	}
	if len(supported) == 0 {
		w.absent(name)
	}
}

// redeems reports whether an authorization request leads to a token.
func (w *witness) redeems(change func(*grants.AuthorizationRequest)) bool {
	w.Helper()
	a := grants.AuthorizationRequest{
		Issuer: w.Issuer, Client: w.C1.Record, Subject: "u1", RedirectURI: w.C1.RedirectURI, Scope: []string{"read"},
		CodeChallenge: testbed.Challenge(testbed.Verifier), CodeChallengeMethod: "S256",
	}
	change(&a)
	code, record, err := grants.NewAuthorizationCode(a, time.Now())
	if err != nil {
		return false
	}
	if err := w.Store.CreateCredential(w.Context(), record); err != nil {
		w.Fatal(err)
	}
	got := w.Send(w.Redeem(w.C1, w.Secret(code.Reveal())).To(w.at("token_endpoint")))
	if got.Status != http.StatusOK {
		got.Refused("unsupported_grant_type")
		return false
	}
	got.Tokens()
	return true
}

// onlyWhatIsSaid: each route is in the metadata. A route that the metadata lack
// is nowhere, not at its usual place either.
func (w *witness) onlyWhatIsSaid() {
	w.Helper()
	said := []string{}
	for _, name := range []string{"token_endpoint", "revocation_endpoint", "introspection_endpoint", "jwks_uri"} {
		if at := w.at(name); at != "" {
			said = append(said, at)
		}
	}
	for _, route := range w.Handler.Routes() {
		if !slices.Contains(said, route.Path) && !strings.Contains(route.Path, "/.well-known/o") {
			w.Errorf("there is a route %s that the metadata does not have", route.Path)
		}
	}
	for _, usual := range []string{testbed.TokenPath, testbed.RevocationPath, testbed.IntrospectionPath, "/.well-known/jwks.json"} {
		if got := w.Send(testbed.Form().To(usual)); !slices.Contains(said, usual) && !w.stripped(usual, said) && got.Status != http.StatusNotFound {
			w.Errorf("%s: got %d, want 404: the metadata does not have it", usual, got.Status)
		}
	}
}

// stripped reports whether a path is one of an endpoint without the path of the
// base.
func (w *witness) stripped(path string, said []string) bool {
	return slices.ContainsFunc(said, func(at string) bool { return strings.HasSuffix(at, path) })
}
