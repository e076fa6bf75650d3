// Package tokenendpoint is the OAuth 2 token endpoint (RFC 6749 §3.2): an
// [http.Handler] for POST /connect/token. It brings the endpoints that belong
// around it: revocation (RFC 7009), introspection (RFC 7662), the keys (RFC 7517)
// and the metadata (RFC 8414).
//
// This text is the manual of the library. The example of the package is a whole
// first program, and the others show one part each.
//
// [New] names every fault of the [Config] at once, and refuses unsafe settings.
//
// # The packages
//
// An arrow points to the package that is imported. Nothing imports
// tokenendpoint, and storage imports nothing of this module.
//
//	storage <── grants <── tokenendpoint
//
//	storage                      the records, and the contract with a store
//	storage/memory               a store in one process
//	storage/sqlstore             a store in PostgreSQL, MySQL, MariaDB or SQLite
//	storage/redisstore           a store in Redis or Valkey
//	storage/storagetest          the proof of a store
//	grants                       what a request may have; hooks; your login page
//	tokenendpoint                the endpoints
//	tokenendpoint/clientauth     who the client is
//	tokenendpoint/assertion      what other parties vouch for: platforms, identity providers
//	tokenendpoint/clientmetadata clients that nobody has registered
//	tokenendpoint/jws            the signing keys, their rotation, the tokens
//	tokenendpoint/bearer         the protection of your API
//	tokenendpoint/reference      the page for the authors of your clients, and OpenAPI
//	tokenendpoint/endpointtest   the proof of a store under the endpoint
//
// # The words
//
//   - A grant decides what a request may have ([grants.Grant]). The parameter
//     grant_type chooses it.
//   - A family is one authorization with all that descends from it: the code and
//     every refresh token after it. Access tokens name it in the claim family.
//   - The subject is the sub of a token: a user, or the client itself.
//   - A credential is the record of something that is used once
//     ([storage.Credential]): a code, or a refresh token.
//   - A key always has an adjective: API key, signing key, verification key,
//     key-encryption key.
//   - To judge is to ask whether a credential was used before, and what follows.
//
// # The road
//
// A token request takes one road, the same for every grant, your own included:
//
//	read ─► authenticate ─► decide ─► judge ─► hook ─► sign ─► commit ─► respond
//	└───────── changes nothing, so a failure here costs nothing ───┘   └ one atomic store call
//
// The steps, in their order:
//
//   - read: the endpoint parses the body, and finds the parameters.
//   - authenticate: the [ClientValidator] finds the client, and checks its secret, or
//     its assertion, which is used up here.
//   - decide: the grant returns the most that the request may have. The endpoint
//     narrows that to the client's registration and to the request.
//   - judge: the endpoint asks whether the credential was used before. It refuses
//     a replay and ends the family: no other refusal changes what was issued.
//   - hook: the hook of the grant, and then Config.Hook, may refuse, narrow, or add
//     claims.
//   - sign: the signing key signs the access token.
//   - commit: the store uses the credential up and keeps the next refresh token,
//     in one atomic step.
//   - respond: the endpoint writes the answer, and reports an [Event], which says
//     how long the steps took.
//
// A grant reads and answers with a value. It mints nothing and writes nothing, so
// a signature that fails uses up no code, and a test of a grant calls it and
// compares a struct.
//
// Errors have two faces. A code such as [grants.InvalidGrant] is a verdict, and
// the client sees it. Every other error is an outage: the client gets 503 and an
// error id, and the log has the cause under the same id.
//
// # Mounting
//
// A [Handler] answers at all of its paths, so mux.Handle("/", endpoint) mounts it
// whole. [Handler.Routes] is the list of its paths, for a router that has routes of
// its own beside them; examples/frameworks mounts it under chi, gin, echo and fiber.
// [Handler.Token] is the token endpoint alone. [Handler.RequireToken] protects an API that
// is the first of Config.Audience, and no other: for each other API, ask
// [Handler.Verifier] once.
//
//	for _, r := range endpoint.Routes() {
//		mux.Handle(r.Path, r.Handler)
//	}
//
// A ServeMux panics if it has a pattern such as "GET /" beside these paths, which are
// for every method: register that page as "/" or "GET /{$}".
//
// These are the paths by default. Config.Paths moves each of them, and switches
// each off with "-", except the first:
//
//	/connect/token                          a client asks for tokens (RFC 6749)
//	/connect/revocation                     a client ends a refresh token with its family,
//	                                        or one access token (RFC 7009)
//	/connect/introspect                     a client asks about a token that is meant for
//	                                        it, or its own (RFC 7662)
//	/.well-known/jwks.json                  the verification keys (RFC 7517)
//	/.well-known/oauth-authorization-server what this endpoint does (RFC 8414)
//
// Under a prefix, name the prefix in the Issuer (https://example.com/auth), or in
// Config.BaseURL if the issuer is elsewhere. The paths follow, and you need not
// strip anything. Three addresses are not below the prefix, since clients look for them at
// the root of the host. For the Issuer https://example.com/auth and the Audience
// https://example.com/mcp they are
//
//	/.well-known/oauth-authorization-server/auth
//	/.well-known/openid-configuration/auth, with Config.OpenIDConfiguration
//	/.well-known/oauth-protected-resource/mcp
//
// A router that passes on only what is below the prefix, such as chi after
// router.Mount("/auth", endpoint), answers 404 there. It passes on the whole path, so the
// other endpoints work, if the Issuer names the prefix. Mount Routes at the root router
// in place of that. If a request asks for an endpoint under a prefix that the
// configuration does not name, the log has one line at warn level.
//
// # Discovery
//
// A client that knows nothing but the address of an API, such as a client of an MCP
// server, finds the rest by itself:
//
//   - RequireToken answers its first request with 401. The challenge has the scopes of
//     the route, and the address of the metadata of the API (RFC 9728). Without scopes,
//     the client asks for all of Config.ScopesSupported.
//   - The Handler answers there, for each Audience that is a URL: for
//     https://example.com/mcp at /.well-known/oauth-protected-resource/mcp. They name
//     the Issuer. An API elsewhere mounts ResourceMetadata of its [bearer.Verifier].
//   - The metadata of the endpoint (RFC 8414) name the other addresses, and the login
//     page: Config.AuthorizationEndpoint, which New requires with the grant
//     authorization_code unless the metadata is switched off. They promise that the
//     page answers with iss (RFC 9207), as [Handler.AuthorizationEndpoint] does, which
//     reads and answers the requests that come to that page.
//
// The metadata of the endpoint stand where RFC 8414 has clients look, and, if the
// Issuer has a path, appended to it too. For clients that look nowhere else,
// Config.OpenIDConfiguration serves them as openid-configuration, in both places.
// Config.ScopesSupported are the scopes that all of these documents name.
//
// A client that sends no resource gets tokens for its own Audience (storage.Client) or, if
// it has none, for ALL of Config.Audience. Such a token opens each of these APIs: one API
// that got it can use it at the others. If Config.Audience has more than one API, give each
// client an Audience of its own.
//
// # Callers without a shared secret
//
// A client can have a key in place of a secret (private_key_jwt, RFC 7523 §2.2). It signs
// an assertion for each request, and the server knows only its public key. Register it
// with the key, or with the URL where it publishes its keys:
//
//	func registerKey(ctx context.Context, store *memory.Store, jwks []byte) error {
//		return store.PutClient(ctx, &storage.Client{
//			ID:         "billing",
//			AuthMethod: storage.PrivateKeyJWT,
//			Assertion:  storage.ClientAssertion{JWKS: jwks}, // or JWKSURI, where the client publishes its keys
//			GrantTypes: []string{grants.TypeClientCredentials},
//			Scope:      []string{"read"},
//		})
//	}
//
// An endpoint takes such clients if Config.ClientAssertions is &clientauth.Assertions{}.
// Its Storage must keep credentials: an assertion is good once, and the store remembers
// those that were used. Without that setting such a client is refused, and the program
// contains neither the code for assertions nor an HTTP client.
//
// A workload on a platform needs not even a key. GitHub Actions, GitLab, Kubernetes and
// SPIFFE sign tokens for their workloads, and a client is registered with the claims that
// such a token must have:
//
//	func registerWorkflow(ctx context.Context, store *memory.Store) error {
//		return store.PutClient(ctx, &storage.Client{
//			ID:         "deploy",
//			AuthMethod: storage.PrivateKeyJWT,
//			Assertion: storage.ClientAssertion{
//				Issuer: "https://token.actions.githubusercontent.com",
//				Claims: []byte(`{"repository_id":"74","environment":"prod"}`),
//			},
//			GrantTypes: []string{grants.TypeClientCredentials},
//			Scope:      []string{"deploy"},
//		})
//	}
//
// The workload sends that token as its client_assertion, with its client_id. The
// ClientAssertions name the platforms that may vouch. [assertion.Platform] warns of claims
// that let in more than was meant, such as the pull request of a fork:
//
//	func withPlatforms(c *tokenendpoint.Config) error {
//		github := assertion.GitHubActions()
//		keys, err := jws.NewRemote(jws.RemoteConfig{URL: github.JWKS})
//		c.ClientAssertions = &clientauth.Assertions{Issuers: []assertion.Config{github.Config(c.Issuer, keys)}}
//		return err
//	}
//
// A client can also show a certificate in the TLS handshake (RFC 8705): one of a CA of yours,
// with the name that its Certificate has (storage.TLSClientAuth), or one that it has signed
// itself (storage.SelfSignedTLSClientAuth). With Certificate.Bound, RequireToken takes its
// tokens from nobody who shows another one; see package mtls for the TLS server:
//
//	func withCertificates(c *tokenendpoint.Config, roots *x509.CertPool) {
//		c.ClientCertificate = mtls.Connection // or mtls.Header, behind a proxy
//		c.ClientValidator = &clientauth.Secrets{Clients: c.Storage, Certificates: &clientauth.Certificates{Roots: roots}}
//	}
//
// The identity provider of a company can vouch for a user: a client exchanges its
// assertion for an access token (RFC 7523 §2.1), as the enterprise-managed authorization
// of MCP does with an ID-JAG. Add the grant under [assertion.TypeJWTBearer] to Config.Grants.
// You say which of your users the assertion means:
//
//	func employees(issuer string, keys jws.KeyList, users users) (*assertion.JWTBearer, error) {
//		provider := assertion.Config{Issuer: "https://idp.example.com", Keys: keys, Audience: []string{issuer}}
//		return assertion.NewJWTBearer(assertion.IDJAG(provider, func(ctx context.Context, c *assertion.Claims) (string, error) {
//			user, err := users.ByBadge(ctx, c.Subject)
//			if errors.Is(err, sql.ErrNoRows) {
//				return "", grants.InvalidGrant.Because(err)
//			}
//			return "user:" + user.ID, err
//		}))
//	}
//
// The editors and agents that speak MCP come without any registration. Their client_id is
// the URL of a document with their metadata, or they register themselves; package
// clientmetadata serves both, and the metadata of the endpoint say so:
//
//	func withDocuments(store *memory.Store) (storage.Storage, error) {
//		documents, err := clientmetadata.NewDocuments(clientmetadata.DocumentsConfig{
//			Clients: store,
//			Bounds:  clientmetadata.Bounds{Scope: []string{"read"}}, // the most that a user can grant such a client
//		})
//		return storage.Parts{Clients: documents, Credentials: store, APIKeys: store}, err
//	}
//
// # What is easily forgotten
//
//   - Behind a proxy, set Config.RemoteAddr to [TrustedProxies], with the header that
//     the proxy sets. The endpoint counts failures by address. If all clients have one
//     address, an attacker who guesses secrets locks clients out for everybody. The
//     log warns once if RemoteAddr finds no address.
//   - A locked user keeps an access token until it expires: Config.Hook is
//     asked when tokens are issued, and not by RequireToken.
//   - A mistyped client_id is not in the log, since it may be a secret: the log has
//     a placeholder. Compare the client's request with its registration.
//   - For a single-page app, list its origin in Config.AllowedOrigins, and put CORS
//     middleware of yours around RequireToken.
//   - Delete expired records: run [storage.Sweep] in a goroutine of yours, say
//     hourly. Redis needs no such call.
//   - Let nothing read the body before the endpoint does. Middleware that calls
//     ParseForm takes the parameters away.
//   - Set Config.Revocations to the store that keeps the credentials. Otherwise a
//     revoked access token stays good until it expires.
//   - Give users a sub that no client_id can have, such as user:42. The sub of a
//     client_credentials token is the client_id (RFC 9700 §4.15).
//   - Set ReadHeaderTimeout on your http.Server. The endpoint bounds only the body.
//   - Access tokens that live longer than an hour need TokenLifetime in the
//     [jws.Rotation] of their keys.
//   - Let no ResponseWriter keep the bytes that are written to it. The endpoint
//     uses that memory again.
//
// SECURITY.md has the promises of the library and the duties of the host.
//
// # What clients get
//
// Each line stands for rules that the package endpointtest or the vectors in
// testdata prove.
//
//   - A wrong secret, an assertion that is wrong or was used before, an unknown or a
//     disabled client: 401 invalid_client with one body. An unknown client takes as long
//     as a known one.
//   - A wrong API key: 400 invalid_grant. A request for api_key without a secret
//     gets the same body if its client is unknown, disabled, or not registered for
//     the grant.
//   - A code, a refresh token, an API key or the assertion of a grant that is wrong,
//     expired, used, revoked or another client's: 400 invalid_grant with one body.
//   - A parameter that is missing, repeated or malformed: 400 invalid_request.
//   - A grant that the endpoint does not have: 400 unsupported_grant_type. One that
//     the client is not registered for: 400 unauthorized_client.
//   - A scope or a resource that the client may not have: 400 invalid_scope, 400
//     invalid_target.
//   - Revocation of the client's own token, or of no token: 200 {}. Revocation of
//     another client's token: 400 invalid_grant.
//   - Introspection of a token that is expired, revoked or another client's, or of
//     a refresh token without its token_type_hint: 200 {"active":false}.
//   - A store, a hook or a signer that fails, or a client's record with a fault that
//     [storage.Client.Check] names: 503 temporarily_unavailable with Retry-After. A
//     failure before the commit uses up no code and no refresh token.
//   - Too many wrong secrets or API keys, or more than 100 refreshes of one family
//     at once and then one in 10 seconds: 429 with Retry-After.
//
// A refresh token is rotated at each use. A client that lost the answer, or
// refreshed in two tabs at once, may present the old token again: for ten seconds,
// and until the successor is used, it gets the very same successor. After that the
// old token is a replay, and ends the family. A tool whose processes share one token
// file may be registered with a RefreshGrace of its own, up to a day. Codes need PKCE with S256, unless
// the client is confidential and registered with PKCENotRequired.
//
// # Clients that expect something else
//
// The endpoint follows its standards as they stand. Some clients expect otherwise;
// examples/quickstart has all of these settings.
//
//   - A refresh token with client_credentials and api_key, against RFC 6749 §4.4.3:
//     set Refresh in [grants.ClientCredentials] and [grants.APIKey].
//   - A refresh token at all: add refresh_token to the client's GrantTypes.
//   - "typ":"JWT" in the header of the token, and not at+jwt (RFC 9068): set
//     Config.TokenType to [jws.TypeJWT].
//   - RS256: sign with an RSA key.
//   - Basic credentials without form-encoding, against RFC 6749 §2.3.1, as curl -u
//     sends them: take a secret without + and %, such as clientauth.NewSecret
//     draws. The log says when a right secret came unencoded.
//   - A code without PKCE: set PKCENotRequired of that client, which must be
//     confidential.
//
// # What a change does to what is live
//
// The endpoint decides about each request by the current registration and
// configuration. A token that was issued before keeps only its own content. A
// client can revoke every token that was issued to it, an access token for as
// long as its signing key is published. With package storage/clientcache, a change of
// a registration is seen Staleness later at most.
//
//   - A client disabled or deleted: its access tokens live until they expire. Its
//     codes and refresh tokens are refused, and are good again when the client is
//     back. So revoke their families, and give no identifier twice.
//   - A scope or an audience taken from a client or an API key: an access token
//     keeps it. A refresh loses it at the next request, and gets invalid_scope or
//     invalid_target if nothing is left. It comes back when it is given back.
//   - DefaultScope: an issued token keeps its scope.
//   - A grant taken from a client or from Config.Grants: access tokens live. A
//     refresh works as long as refresh_token is there.
//   - Refresh of grants.ClientCredentials or grants.APIKey taken back: the refresh
//     tokens that are out go on. Digest of grants.APIKey: they rest on the record of
//     their key, and not on how it is looked up.
//   - Secrets, AuthMethod: access tokens live. With a code or a refresh token, the client
//     must authenticate as it is registered now; a public client shows nothing.
//   - Certificate.Bound set: a refresh needs a certificate from then on, and gives bound
//     tokens. Taken back: an access token stays bound, and so does a refresh token of a
//     public client.
//   - Config.ClientCertificate taken away: bound access tokens are refused by
//     [Handler.RequireToken], and can be revoked. A refresh that needs a certificate is a
//     server_error, and uses nothing up.
//   - Assertion: access tokens live. A key taken from JWKS, and other Claims, apply to the
//     next request. A key that the client takes from its JWKSURI is good until the copy
//     that the server has expires: five minutes unless the answer says otherwise, an hour
//     at most, and a day while the JWKSURI cannot be fetched.
//   - Config.ClientAssertions taken away: access tokens live. Every request with an
//     assertion is refused, one for a refresh too.
//   - A key taken from RegistrationConfig of package clientmetadata: the clients that it
//     has sealed are unknown, as deleted ones are.
//   - BasicNotEncoded: it applies to the next request.
//   - PKCENotRequired, RedirectURIs: a code without PKCE is refused when PKCE is
//     required. A code stays bound to the redirect_uri that was asked for,
//     registered still or not.
//   - RefreshNotRotated set: refresh tokens live as long as their family, without
//     an idle end; one that was rotated before is still a replay. Taken back: they
//     rotate at the next use.
//   - The lifetimes and RefreshRetries: a token keeps the values it was issued
//     with, a refresh token until it is rotated. The end of a family stays.
//   - RefreshGrace of the endpoint or of the client, CodeReuseWindow: the current
//     window holds. With a shorter window, a request that was a repetition may become
//     a replay.
//   - An API key revoked, expired, deleted or given to another client: access tokens
//     live until they expire. Its refresh tokens are refused. Another Subject is for
//     new tokens.
//   - TokenType: [Handler.RequireToken] refuses access tokens from before.
//     Introspection knows an at+jwt and no JWT. Refresh tokens go on.
//   - Audience renamed: access tokens are refused, since they are for the former
//     one. A refresh gets invalid_target. List both for RefreshTokenLifetime, the
//     former first, then the new one alone.
//   - Issuer: access tokens live where an API still believes the former issuer.
//     Codes and refresh tokens are unknown: everybody logs in again. API keys and
//     clients name no issuer: they are good at every endpoint over their store.
//   - Keys: an access token is good while its key is published. Refresh tokens go on.
//   - TokenLifetime of the Rotation made shorter: a key that has had its turn leaves
//     that much earlier. Wait for the longest token first.
//   - Revocations taken away: a revoked access token is good again until it expires.
//     A revoked refresh token stays revoked.
//
// # Replicas, and speed
//
// The handler holds nothing that another replica needs. Any number of processes
// share one database and the signing keys; examples/replicas runs two behind
// HAProxy, and its README lists the things that they share and do not share.
// SPEED.md beside this package lists the cost of a request, and which settings
// make it cheaper.
package tokenendpoint
