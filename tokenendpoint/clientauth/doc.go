// Package clientauth authenticates the clients of a token endpoint
// (RFC 6749 §2.3). [Secrets] is the ready validator over a host's
// storage.Clients; [NewSecret], [Hash] and [FastHash] make the hashes that
// it verifies.
//
// # Registering a client
//
// [NewSecret] draws a secret and makes its hash. Show the secret to the client's
// owner once, with Reveal; everywhere else it prints as REDACTED.
//
//	func register(ctx context.Context, store *sqlstore.Store) (storage.Secret, error) {
//		secret, hash := clientauth.NewSecret()
//		return secret, store.CreateClient(ctx, &storage.Client{
//			ID:         "billing",
//			Secrets:    []storage.ClientSecret{{ID: "2026", Hash: hash}}, // several may be live, so that one can follow another
//			GrantTypes: []string{grants.TypeClientCredentials, grants.TypeAPIKey, grants.TypeRefreshToken},
//			Scope:      []string{"read", "write"},
//		})
//	}
//
// A client gets only the grants and scopes of its registration. A public client has
// AuthMethod storage.AuthNone. A client that redirects has RedirectURIs. To change a
// secret, add the next one, let the client change, and take the first one away.
//
// [Hash] is for a secret that a person chose (argon2id).
//
// To check a secret elsewhere, say in LDAP, implement the ClientValidator of
// package tokenendpoint, which has one method.
//
// # Clients without a secret
//
// A client that has a key shows an assertion that it has signed (private_key_jwt): its
// AuthMethod is storage.PrivateKeyJWT, and its Assertion has its public keys or the
// address at which it publishes them. A workload has no key of its own, but a token of
// its platform, such as GitHub Actions or Kubernetes: its Assertion names the platform
// and the claims that the token must have, and [Assertions].Issuers trusts the platform.
// An endpoint verifies both if its Config.ClientAssertions says so, or the Assertions of
// [Secrets] that the host makes itself. "Callers without a shared secret" of package
// tokenendpoint shows both.
//
// A client can also show a certificate in the TLS handshake (RFC 8705), one of a CA that
// [Certificates].Roots names (storage.TLSClientAuth) or one that it has signed itself
// (storage.SelfSignedTLSClientAuth). "Certificates" of package tokenendpoint shows it.
//
// # Secrets that exist already
//
// Keep the hashes of another system: clients need no new secrets. Where the form below
// begins with a mark in braces, the other system keeps the rest alone, so add the mark
// when you read the row:
//
//	hash := "{sha256-base64}" + row.Value // ClientSecrets.Value of Duende IdentityServer
//
// Secrets.Upgrade gets an argon2id hash of a secret at its first success. Its Rehash.Old
// has the mark that you added. For a form that is not below, set Secrets.OtherHash.
//
// Some clients show their secret in Basic as it is, though RFC 6749 §2.3.1 wants it
// form-encoded: curl -u, requests-oauthlib, authlib, simple-oauth2, Guzzle and Ruby's
// oauth2 are among them. If their secrets have a plus or a percent sign, register them
// with storage.Client.BasicNotEncoded.
//
// # The forms of ClientSecret.Hash
//
// Forms that this package makes:
//
//   - $sha256$ and 43 characters of base64url: [storage.Secret.Digest] of kind
//     "client_secret". Fast, and only for secrets with at least 128 random
//     bits. [NewSecret] and [FastHash] make it.
//   - $argon2id$v=19$m=…,t=…,p=…$salt$hash, the PHC string of RFC 9106, for
//     secrets that people chose. [Hash] makes it. m (KiB) is at most 262144, t and p
//     at most 16, the salt 8 to 64 bytes.
//
// Forms that it verifies and never makes. Upgrade gets something better for each, but
// for a scrypt with more work:
//
//	form                                  made by
//	{sha256-hex}ba78…                     SHA-256 of the secret alone, in either case
//	{sha256-base64}ungW…=                 the same in padded base64: "secret".Sha256() of
//	                                      IdentityServer and Duende
//	{sha512-hex}…  {sha512-base64}…       SHA-512 in the same way, .Sha512() of Duende
//	{aspnet-identity}AQAAAAIAAYag…        PasswordHasher of ASP.NET Core Identity, version 3
//	pbkdf2_sha256$n$salt$sum              Django; pbkdf2_sha1$ too
//	$pbkdf2-sha256$n$salt$sum             passlib; $pbkdf2$ (SHA-1) and $pbkdf2-sha512$ too
//	$scrypt$ln=…,r=…,p=…$salt$sum         scrypt (RFC 7914) as a PHC string: passlib and others
//	$2a$  $2b$  $2y$                      bcrypt
//
// Their costs are bounded: 10,000,000 iterations of PBKDF2, counted for each block of the
// sum; 256 MiB of scrypt, and 1 GiB over all p; a cost of 16 for bcrypt. Salts of
// PBKDF2 and scrypt have 1 to 64 bytes. Every slow hash has a sum of 16 to 64 bytes, and
// is for secrets of at most 256 bytes. bcrypt is for at most 72: it would compare no more.
//
// Anything else is a fault of the record. The endpoint reports it as an outage that names
// the client, the secret and the parameter, and gives no verdict about the client.
package clientauth
