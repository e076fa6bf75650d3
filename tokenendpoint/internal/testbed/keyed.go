package testbed

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// Keyed is a client that has a key and no secret.
type Keyed struct {
	*Party
	Algorithm string
	signer    crypto.Signer
}

// keysOfClients are made once.
var keysOfClients sync.Map

// keyOf returns the key number n for an algorithm.
func keyOf(algorithm string, n int) crypto.Signer {
	type numbered struct {
		algorithm string
		n         int
	}
	if key, ok := keysOfClients.Load(numbered{algorithm, n}); ok {
		return key.(crypto.Signer)
	}
	var key crypto.Signer
	var err error
	switch algorithm {
	case jws.ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jws.EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		panic(err)
	}
	actual, _ := keysOfClients.LoadOrStore(numbered{algorithm, n}, key)
	return actual.(crypto.Signer)
}

// PublicKeys is the JWK Set of the public half of the key number n for an algorithm.
func PublicKeys(algorithm string, n int) []byte {
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: keyOf(algorithm, n).Public(), Algorithm: algorithm, KeyID: algorithm, Use: "sig"}}})
	if err != nil {
		panic(err)
	}
	return text
}

// WithAssertions lets clients in that show an assertion.
func WithAssertions(c *tokenendpoint.Config) { c.ClientAssertions = new(clientauth.Assertions) }

// NewKeyed registers a client that may do everything, and shows itself by a key of the
// algorithm.
func (f *Fixture) NewKeyed(algorithm string, changes ...func(*storage.Client)) *Keyed {
	f.Helper()
	c := &storage.Client{
		ID: "pkj", AuthMethod: storage.PrivateKeyJWT, Assertion: storage.ClientAssertion{JWKS: PublicKeys(algorithm, 0)},
		GrantTypes: []string{grants.TypeClientCredentials, grants.TypeRefreshToken, grants.TypeAuthorizationCode, grants.TypeAPIKey},
		Scope:      []string{"read", "write", "admin:x"}, RedirectURIs: []string{"https://pkj.test/cb"},
	}
	for _, change := range changes {
		change(c)
	}
	return &Keyed{f.NewClient(c), algorithm, keyOf(algorithm, 0)}
}

// Another is the same client with another key.
func (k *Keyed) Another() *Keyed {
	other := *k
	other.signer = keyOf(k.Algorithm, 1)
	return &other
}

// Assertion is a new assertion of the client, good now but for changes of its claims:
// nil leaves a claim out.
func (k *Keyed) Assertion(changes map[string]any) string {
	now := time.Now()
	claims := map[string]any{
		"iss": k.ID, "sub": k.ID, "aud": Issuer, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	maps.Copy(claims, changes)
	return SignedBy(jose.SigningKey{
		Algorithm: jose.SignatureAlgorithm(k.Algorithm), Key: jose.JSONWebKey{Key: k.signer, KeyID: k.Algorithm},
	}, "JWT", claims)
}

// SignedBy is a JWT of another party. An empty typ is left out, and so is a claim that is
// nil.
func SignedBy(key jose.SigningKey, typ string, claims map[string]any) string {
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	options := new(jose.SignerOptions)
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(key, options)
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}

// AssertedBy adds the parameters of a client assertion to the request, in place of
// other credentials.
func (r *Request) AssertedBy(assertion string) *Request {
	return r.Unsigned().With("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", assertion)
}
