package tokenendpoint_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/clientmetadata"
	"github.com/contit/oauth/tokenendpoint/jws"
)

func registerKey(ctx context.Context, store *memory.Store, jwks []byte) error {
	return store.PutClient(ctx, &storage.Client{
		ID:         "billing",
		AuthMethod: storage.PrivateKeyJWT,
		Assertion:  storage.ClientAssertion{JWKS: jwks}, // or JWKSURI, where the client publishes its keys
		GrantTypes: []string{grants.TypeClientCredentials},
		Scope:      []string{"read"},
	})
}

func registerWorkflow(ctx context.Context, store *memory.Store) error {
	return store.PutClient(ctx, &storage.Client{
		ID:         "deploy",
		AuthMethod: storage.PrivateKeyJWT,
		Assertion: storage.ClientAssertion{
			Issuer: "https://token.actions.githubusercontent.com",
			Claims: []byte(`{"repository_id":"74","environment":"prod"}`),
		},
		GrantTypes: []string{grants.TypeClientCredentials},
		Scope:      []string{"deploy"},
	})
}

func withPlatforms(c *tokenendpoint.Config) error {
	github := assertion.GitHubActions()
	keys, err := jws.NewRemote(jws.RemoteConfig{URL: github.JWKS})
	c.ClientAssertions = &clientauth.Assertions{Issuers: []assertion.Config{github.Config(c.Issuer, keys)}}
	return err
}

func employees(issuer string, keys jws.KeyList, users users) (*assertion.JWTBearer, error) {
	provider := assertion.Config{Issuer: "https://idp.example.com", Keys: keys, Audience: []string{issuer}}
	return assertion.NewJWTBearer(assertion.IDJAG(provider, func(ctx context.Context, c *assertion.Claims) (string, error) {
		user, err := users.ByBadge(ctx, c.Subject)
		if errors.Is(err, sql.ErrNoRows) {
			return "", grants.InvalidGrant.Because(err)
		}
		return "user:" + user.ID, err
	}))
}

func withDocuments(store *memory.Store) (storage.Storage, error) {
	documents, err := clientmetadata.NewDocuments(clientmetadata.DocumentsConfig{
		Clients: store,
		Bounds:  clientmetadata.Bounds{Scope: []string{"read"}}, // the most that a user can grant such a client
	})
	return storage.Parts{Clients: documents, Credentials: store, APIKeys: store}, err
}

// sign makes a JWT of some claims, which is good for a minute.
func sign(key crypto.Signer, typ string, claims map[string]any) string {
	claims["jti"], claims["iat"], claims["exp"] = rand.Text(), time.Now().Unix(), time.Now().Add(time.Minute).Unix()
	payload, err := json.Marshal(claims)
	if err != nil {
		log.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		log.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		log.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		log.Fatal(err)
	}
	return text
}

// newKey draws a key, and returns the JWK Set of its public half.
func newKey() (key *ecdsa.PrivateKey, jwks []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	jwks, err = json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), Algorithm: "ES256"}}})
	if err != nil {
		log.Fatal(err)
	}
	return key, jwks
}

// A client that has a key signs an assertion for each request.
func Example_privateKey() {
	key, jwks := newKey()
	store := new(memory.Store)
	if err := registerKey(context.Background(), store, jwks); err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(endpointOver(store, nil, func(c *tokenendpoint.Config) error {
		c.ClientAssertions = &clientauth.Assertions{}
		return nil
	}))
	defer server.Close()

	text := sign(key, "JWT", map[string]any{"iss": "billing", "sub": "billing", "aud": "https://auth.example.com"})
	for range 2 {
		answer := post(server.URL+"/connect/token", url.Values{
			"grant_type":            {"client_credentials"},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"client_assertion":      {text},
		})
		fmt.Println(answer["scope"], answer["error"])
	}
	// Output:
	// read <nil>
	// <nil> invalid_client
}

// A workflow of GitHub Actions has neither secret nor key: the platform vouches for it.
func Example_platform() {
	store := new(memory.Store)
	if err := registerWorkflow(context.Background(), store); err != nil {
		log.Fatal(err)
	}
	fmt.Println(endpointOver(store, nil, withPlatforms).Describe().AuthMethods)
	// Output:
	// [client_secret_basic client_secret_post private_key_jwt none]
}

// The identity provider of a company vouches for a user.
func Example_identityProvider() {
	key, jwks := newKey()
	keys, err := jws.ParseJWKS(jwks) // or jws.NewRemote, which fetches them
	if err != nil {
		log.Fatal(err)
	}
	grant, err := employees("https://auth.example.com", keys, users{"42": {ID: "42"}})
	if err != nil {
		log.Fatal(err)
	}
	secret, hash := clientauth.NewSecret()
	store := new(memory.Store)
	err = store.PutClient(context.Background(), &storage.Client{
		ID:         "agent",
		Secrets:    []storage.ClientSecret{{ID: "2026", Hash: hash}},
		GrantTypes: []string{assertion.TypeJWTBearer},
		Scope:      []string{"read"},
	})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(endpointOver(store, map[string]grants.Grant{assertion.TypeJWTBearer: grant}, nil))
	defer server.Close()

	for _, badge := range []string{"badge of 42", "badge of 43"} {
		answer := post(server.URL+"/connect/token", url.Values{
			"grant_type":    {assertion.TypeJWTBearer},
			"client_id":     {"agent"},
			"client_secret": {secret.Reveal()},
			"assertion": {sign(key, assertion.TypeIDJAG, map[string]any{
				"iss": "https://idp.example.com", "sub": badge, "aud": "https://auth.example.com", "client_id": "agent", "scope": "read",
			})},
		})
		fmt.Println(answer["scope"], answer["error"])
	}
	// Output:
	// read <nil>
	// <nil> invalid_grant
}

// A client whose client_id is the URL of its metadata needs no registration.
func Example_documents() {
	store, err := withDocuments(new(memory.Store))
	if err != nil {
		log.Fatal(err)
	}
	_, err = store.Client(context.Background(), "https://127.0.0.1/client.json") // a private address: nothing is fetched
	fmt.Println(errors.Is(err, storage.ErrNotFound))
	// Output:
	// true
}

// endpointOver is an endpoint over a store, whose configuration change completes.
func endpointOver(store *memory.Store, all map[string]grants.Grant, change func(*tokenendpoint.Config) error) *tokenendpoint.Handler {
	key, _ := newKey()
	keys, err := jws.NewKeySet(jws.Key{Signer: key})
	if err != nil {
		log.Fatal(err)
	}
	c := tokenendpoint.Config{
		Issuer: "https://auth.example.com", Audience: []string{"https://api.example.com"},
		Keys: keys, Storage: store, Revocations: store, Grants: all,
	}
	if change != nil {
		if err := change(&c); err != nil {
			log.Fatal(err)
		}
	}
	endpoint, err := tokenendpoint.New(c)
	if err != nil {
		log.Fatal(err)
	}
	return endpoint
}
