// Package jws signs the tokens of a token endpoint, publishes the keys that
// verify them, and verifies them.
//
// A [KeySet] signs (RFC 7515), and it is the http.Handler of its own JSON Web
// Key Set (RFC 7517). [AccessToken] writes the claims of an access token (RFC
// 9068). [Verify] holds a token against a KeySet in the same process, or against
// the published keys of another process, which are a [Remote].
//
// # Where keys come from
//
// [NewKeySet] takes one signing key for the life of the process: any
// crypto.Signer, such as an *ecdsa.PrivateKey, or a key in a KMS or an HSM
// (examples/hsm signs through PKCS #11). A signer that hangs costs a request its
// timeout and uses nothing up. The key chooses the algorithm: ES256 for P-256,
// EdDSA for Ed25519, RS256 for RSA.
//
// [OpenKeySet] takes keys that take turns, from a [KeySource]:
//
//   - [StoredKeys] makes a key every 30 days, and keeps it in your store. All
//     replicas agree on the key through one insert. The store has it sealed
//     (AES-256-GCM) under a key-encryption key that is not in the store.
//   - [FileKeys] reads PEM and JWK files, such as a mounted secret, and reads them
//     again when they change (openssl genpkey -algorithm ed25519 -out key.pem).
//   - [KeySourceFunc] is a source of yours.
//
// This shares the keys of all replicas through their store. The secret is 32 bytes
// in base64, as openssl rand -base64 32 prints them:
//
//	func openKeys(ctx context.Context, store storage.SigningKeys, secret string) (*jws.KeySet, error) {
//		kek, err := jws.ParseKeyEncryptionKey(1, secret)
//		if err != nil {
//			return nil, err
//		}
//		source, err := jws.NewStoredKeys(jws.StoredKeysConfig{Store: store, KeyEncryptionKeys: []jws.KeyEncryptionKey{kek}})
//		if err != nil {
//			return nil, err
//		}
//		return jws.OpenKeySet(ctx, source, jws.Rotation{}, time.Now())
//	}
//
// # The life of a key
//
// A key passes through three times. They follow from the instant at which the key
// was announced, and from the durations of a [Rotation]. So no verifier meets a
// token whose key it could not have seen, and none loses the key of a token that
// is still good.
//
//	                announced        signs           successor signs           gone
//	                    │              │                    │                    │
//	this key            ├──── Lead ────┼──── it signs ──────┼─────── Keep ───────┤
//	in the JWKS         ├──────────────┴────────────────────┴────────────────────┤
//	its successor       ·              ·     ├──── Lead ────┼──── it signs ──────┼──── Keep ─ ─
//	                    │              │                    │                    │
//	                 no token       verifiers that keep   its tokens are      its last token
//	                 has it yet     to max-age know it    still good          has expired
//
// Lead is the time for which verifiers may cache the JWKS (CacheLifetime), plus the
// time by which replicas and clocks may be late (Delay, ten seconds). Keep is the life
// of the last token (TokenLifetime), plus twice Lead. The defaults are an hour for
// tokens and five minutes for caches. Access tokens that live longer need TokenLifetime to say so.
//
// # When something fails
//
// A replica that cannot open a key with which others may sign does not start, and
// has written nothing. A replica that runs goes on with the keys that open, and
// logs the others; [StoredKeys] describes the remedy. If the source is down for
// longer than a JWKS may be cached, the KeySet neither signs nor verifies until the
// source is back.
//
// # For package tokenendpoint alone
//
// Package tokenendpoint calls [KeySet.AppendSigned], to which Go gives no other place.
// A host calls [KeySet.Sign].
package jws
