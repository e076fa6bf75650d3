// Package bearer protects an API with the access tokens of a token endpoint
// (RFC 6750, RFC 9068 §4).
//
// # In the process of the endpoint
//
// RequireToken of the endpoint is middleware for any router. It verifies a token
// with the keys that sign, for the first Audience, and asks Config.Revocations of
// the endpoint:
//
//	mux.Handle("GET /orders", endpoint.RequireToken("read")(http.HandlerFunc(orders)))
//
// [Token] tells the handler behind it the user and the client:
//
//	func orders(w http.ResponseWriter, r *http.Request) {
//		token, _ := bearer.Token(r.Context())
//		id, isUser := strings.CutPrefix(token.Subject, "user:")
//		if !isUser { // a client in its own name
//			http.Error(w, "orders belong to users", http.StatusForbidden)
//			return
//		}
//		fmt.Fprintf(w, "orders of %s\n", id)
//	}
//
// The Verifier method of the endpoint makes a [Verifier] for another audience.
//
// A token can be for several APIs. The endpoint makes it so for a client that sends no
// resource, that has no Audience of its own, and whose endpoint has several. Each of
// these APIs can then use the token at the others. So give each client an Audience of its
// own (storage.Client) if your APIs do not trust one another.
//
// # Elsewhere
//
// An API in another process has the keys from the endpoint's jwks.json, by a
// [jws.Remote]. It takes a revoked token until the token expires, unless its
// Config.Revocations is set:
//
//	func elsewhere() (*bearer.Verifier, error) {
//		keys, err := jws.NewRemote(jws.RemoteConfig{URL: "https://auth.example.com/.well-known/jwks.json"})
//		if err != nil {
//			return nil, err
//		}
//		return bearer.New(bearer.Config{
//			Issuer:   "https://auth.example.com",
//			Audience: "https://api.example.com",
//			Keys:     keys,
//		})
//	}
//
// Any JOSE library verifies the tokens too: allow the one algorithm, and check
// typ, iss, aud and exp. An API may introspect instead: the endpoint tells it about
// a token if its client_id is in the aud of the token, or if Config.MayIntrospect
// of the endpoint says so.
//
// A token that is bound to a certificate (RFC 8705) is good for the client that shows it
// in the TLS handshake. Set Config.ClientCertificate here, too; the middleware of the
// endpoint has the endpoint's.
//
// # The answers
//
// Every refusal but a 503 has a challenge with the scopes of the route, so that a
// client can ask its user for all of them at once. If Config.Audience is a URL, the
// challenge also names the metadata of the API (RFC 9728), by which a client finds the
// authorization server: mount [Verifier.ResourceMetadata] where the API is.
//
//   - 401 without an error code: there is no token.
//   - 400 invalid_request: the header is malformed, or there are two.
//   - 401 invalid_token: the token is bad. The caller does not learn why; the log
//     and the observer do, in words to count by.
//   - 403 insufficient_scope: the token lacks a scope of the route.
//   - 503: the keys or the store cannot be asked.
//
// # Its cost, and the delay of a revocation
//
// A token costs one check of a signature when it comes first, and none while it
// is remembered. No store is asked, unless Config.Revocations is set; without it a
// revoked token is good until it expires.
//
// The middleware of the endpoint refuses a token at once after a client revoked it in
// the same process. It sees a revocation of another replica, or of your own code in the
// store, after RevocationStaleness at most (5 seconds by default), or at once after
// ForgetRevocations. The access token of a client that was disabled, or of an API
// key that was revoked, lives until it expires: keep access tokens short.
package bearer
