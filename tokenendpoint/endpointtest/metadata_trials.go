package endpointtest

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// witness tries what a server says of itself.
type witness struct {
	*fixture
	server    server
	documents []map[string]any
	said      map[string]any
	use       way // of getting a token from this server
}

// A trial finds out whether a member of the metadata is true: what it lists
// works, and what it does not list fails.
type trial func(w *witness, name string)

// trials are all members that the endpoint has anything to say about.
var trials = map[string]trial{
	"issuer":                                (*witness).tryIssuer,
	"token_endpoint":                        (*witness).tryToken,
	"jwks_uri":                              (*witness).tryKeys,
	"revocation_endpoint":                   (*witness).tryRevocation,
	"introspection_endpoint":                (*witness).tryIntrospection,
	"token_endpoint_auth_methods_supported": (*witness).tryTokenClients,
	"revocation_endpoint_auth_methods_supported":    (*witness).tryRevocationClients,
	"introspection_endpoint_auth_methods_supported": (*witness).tryIntrospectionClients,
	"grant_types_supported":                         (*witness).tryGrants,
	"response_types_supported":                      (*witness).tryResponseTypes,
	"code_challenge_methods_supported":              (*witness).tryChallenges,
}

// list is what a member lists; nothing if it is not there.
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
func (w *witness) usable() way {
	w.Helper()
	for _, way := range ways() {
		if slices.Contains(w.list("grant_types_supported"), way.grantType) {
			return way
		}
	}
	w.Fatal("no grant is known to work")
	panic("unreachable")
}

// token gets an access token from where the metadata says.
func (w *witness) token(p *party) string {
	w.Helper()
	return w.secret(w.send(w.use.request(w.fixture, p).to(w.at("token_endpoint"))).tokens().accessToken)
}

func (w *witness) tryIssuer(string) {
	if w.said["issuer"] != w.server.issuer {
		w.Errorf("issuer is %v, want %s, byte for byte", w.said["issuer"], w.server.issuer)
	}
	token := w.token(w.mayDo(""))
	if _, claims := decode(w.T, token); claims["iss"] != w.said["issuer"] {
		w.Errorf("the iss of a token is %v, want %v", claims["iss"], w.said["issuer"])
	}
}

func (w *witness) tryToken(string) { w.token(w.mayDo("")) }

// tryKeys verifies a token with nothing but what is published.
func (w *witness) tryKeys(name string) {
	token := w.token(w.mayDo(""))
	if w.at(name) == "" {
		return
	}
	keys, ok := w.document(w.at(name))["keys"].([]any)
	header, _ := decode(w.T, token)
	if !ok || !slices.ContainsFunc(keys, func(k any) bool { return k.(map[string]any)["kid"] == header["kid"] }) {
		w.Errorf("the keys are %v, want the one that signs, %v", keys, header["kid"])
	}
}

func (w *witness) tryRevocation(name string) {
	if w.at(name) == "" {
		return
	}
	p := w.mayDo("")
	refresh := w.mint(p, storage.KindRefreshToken, grants.RefreshTokenPrefix)
	w.send(revoke(p, refresh).to(w.at(name))).ended()
	if !w.record(refresh).Revoked {
		w.Error("a refresh token that was revoked is not")
	}
	token := w.token(p)
	if at := w.at("introspection_endpoint"); at != "" {
		w.send(revoke(p, token).to(w.at(name))).ended()
		w.send(introspect(p, token).to(at)).inactive()
	}
}

func (w *witness) tryIntrospection(name string) {
	if w.at(name) == "" {
		return
	}
	p := w.mayDo("")
	w.send(introspect(p, w.token(p)).to(w.at(name))).active()
	w.send(introspect(p, "x").to(w.at(name))).inactive()
}

// everyMethod are the ways of client authentication that there are names for.
func everyMethod() []string {
	return []string{
		"client_secret_basic", "client_secret_post", "none", "private_key_jwt", "client_secret_jwt",
		"tls_client_auth", "self_signed_tls_client_auth", "attest_jwt_client_auth",
	}
}

// tryClients shows a client to an endpoint in every way, one that is registered
// for it. ask sends the request of a client, and tells whether it was let in.
func (w *witness) tryClients(name string, ask func(p *party, show func(*request) *request) bool) {
	w.Helper()
	supported := w.list(name)
	for _, method := range everyMethod() {
		p := w.mayDo(method)
		show := func(r *request) *request { return r.with("client_id", p.id) }
		switch method {
		case "client_secret_basic":
			show = func(r *request) *request { return r.basic(p.id, p.secret) }
		case "client_secret_post":
			show = func(r *request) *request { return r.post(p) }
		case "private_key_jwt", "client_secret_jwt":
			show = func(r *request) *request { return r.with("client_id", p.id).asserted() }
		}
		if got, want := ask(p, show), slices.Contains(supported, method); got != want {
			w.Errorf("%s says %v, and that a client may use %s is %t", name, supported, method, got)
		}
	}
	for _, method := range supported {
		if !slices.Contains(everyMethod(), method) {
			w.Errorf("%s has %s, and no test says whether that is true", name, method)
		}
	}
}

// tryTokenClients looks for a grant that the client can use. An API key stands
// for the client's secret, so it proves nothing.
func (w *witness) tryTokenClients(name string) {
	w.tryClients(name, func(p *party, show func(*request) *request) bool {
		for _, way := range ways() {
			if way.grantType == grants.TypeAPIKey || !slices.Contains(w.list("grant_types_supported"), way.grantType) {
				continue
			}
			r := way.request(w.fixture, p).unsigned().without("client_id")
			if got := w.send(show(r).to(w.at("token_endpoint"))); got.status == http.StatusOK {
				got.tokens()
				return true
			}
		}
		return false
	})
}

func (w *witness) tryRevocationClients(name string) {
	at := w.at("revocation_endpoint")
	if at == "" {
		w.absent(name)
		return
	}
	w.tryClients(name, func(p *party, show func(*request) *request) bool {
		token := w.mint(p, storage.KindRefreshToken, grants.RefreshTokenPrefix)
		status := w.send(show(form("token", token).to(at))).status
		if w.record(token).Revoked != (status == http.StatusOK) {
			w.Errorf("got %d, and the token is revoked: %t", status, w.record(token).Revoked)
		}
		return status == http.StatusOK
	})
}

func (w *witness) tryIntrospectionClients(name string) {
	at := w.at("introspection_endpoint")
	if at == "" {
		w.absent(name)
		return
	}
	w.tryClients(name, func(p *party, show func(*request) *request) bool {
		token := w.mint(p, storage.KindRefreshToken, grants.RefreshTokenPrefix)
		return w.send(show(form("token", token, "token_type_hint", "refresh_token").to(at))).status == http.StatusOK
	})
}

func (w *witness) absent(name string) {
	w.Helper()
	if _, ok := w.said[name]; ok {
		w.Errorf("%s is there without its endpoint", name)
	}
}

// everyGrantType are grants that there are names for.
func everyGrantType() []string {
	return append(everyGrant(), grants.TypeAPIKeyURN, "password", "implicit",
		"urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange",
		"urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:openid:params:grant-type:ciba")
}

func (w *witness) tryGrants(name string) {
	supported := w.list(name)
	p := w.mayDo("")
	worked := make(map[string]bool)
	for _, way := range ways() {
		r := way.request(w.fixture, p).to(w.at("token_endpoint"))
		got := w.send(r)
		grantType := r.params[slices.Index(r.params, "grant_type")+1]
		if slices.Contains(supported, grantType) {
			got.tokens()
			worked[grantType] = true
			continue
		}
		got.refused("unsupported_grant_type")
	}
	for _, grantType := range everyGrantType() {
		if !slices.Contains(supported, grantType) {
			w.send(form("grant_type", grantType).by(p).to(w.at("token_endpoint"))).refused("unsupported_grant_type")
		}
	}
	for _, grantType := range supported {
		if !worked[grantType] {
			w.Errorf("%s has %s, and no test says whether that is true", name, grantType)
		}
	}
}

// tryResponseTypes: the response_type code is one whose code can be redeemed.
// There is no other.
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
		text := map[string]string{"S256": challenge(verifier), "plain": verifier}[method]
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
		Client: w.c1.record, Subject: "u1", RedirectURI: w.c1.redirectURI, Scope: []string{"read"},
		CodeChallenge: challenge(verifier), CodeChallengeMethod: "S256",
	}
	change(&a)
	code, record, err := grants.NewAuthorizationCode(a, time.Now())
	if err != nil {
		return false
	}
	if err := w.store.CreateCredential(w.Context(), record); err != nil {
		w.Fatal(err)
	}
	got := w.send(w.redeem(w.c1, w.secret(code.Reveal())).to(w.at("token_endpoint")))
	if got.status != http.StatusOK {
		got.refused("unsupported_grant_type")
		return false
	}
	got.tokens()
	return true
}

// onlyWhatIsSaid: each route is in the metadata, and what is not there is
// nowhere, not at its usual place either.
func (w *witness) onlyWhatIsSaid() {
	w.Helper()
	said := []string{}
	for _, name := range []string{"token_endpoint", "revocation_endpoint", "introspection_endpoint", "jwks_uri"} {
		if at := w.at(name); at != "" {
			said = append(said, at)
		}
	}
	for _, route := range w.handler.Routes() {
		if !slices.Contains(said, route.Path) && !strings.Contains(route.Path, "/.well-known/o") {
			w.Errorf("there is a route %s that the metadata does not have", route.Path)
		}
	}
	for _, usual := range []string{path, revocationPath, introspectionPath, "/.well-known/jwks.json"} {
		if got := w.send(form().to(usual)); !slices.Contains(said, usual) && !w.stripped(usual, said) && got.status != http.StatusNotFound {
			w.Errorf("%s: got %d, want 404: the metadata does not have it", usual, got.status)
		}
	}
}

// stripped reports whether a path is one of an endpoint without the path of the
// base.
func (w *witness) stripped(path string, said []string) bool {
	return slices.ContainsFunc(said, func(at string) bool { return strings.HasSuffix(at, path) })
}
