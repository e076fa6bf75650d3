package tokenendpoint_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

func mount(mux *http.ServeMux, store *memory.Store, privateKey crypto.Signer) error {
	keys, err := jws.NewKeySet(jws.Key{Signer: privateKey})
	if err != nil {
		return err
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:      "https://auth.example.com",
		Audience:    []string{"https://api.example.com"},
		Keys:        keys,
		Storage:     store,
		Revocations: store,

		AuthorizationEndpoint: "https://www.example.com/login", // your page, which gives the codes
		Grants: map[string]grants.Grant{
			grants.TypeClientCredentials: grants.ClientCredentials{},
			grants.TypeAuthorizationCode: grants.AuthorizationCode{},
			grants.TypeRefreshToken:      grants.RefreshToken{},
			grants.TypeAPIKey:            grants.APIKey{},
		},
	})
	if err != nil {
		return err
	}
	for _, r := range endpoint.Routes() {
		mux.Handle(r.Path, r.Handler)
	}
	mux.Handle("GET /orders", endpoint.RequireToken("read")(http.HandlerFunc(orders)))
	return nil
}

func orders(w http.ResponseWriter, r *http.Request) {
	token, _ := bearer.Token(r.Context())
	id, isUser := strings.CutPrefix(token.Subject, "user:")
	if !isUser { // a client in its own name
		http.Error(w, "orders belong to users", http.StatusForbidden)
		return
	}
	fmt.Fprintf(w, "orders of %s\n", id)
}

func openKeys(ctx context.Context, store storage.SigningKeys, secret string) (*jws.KeySet, error) {
	kek, err := jws.ParseKeyEncryptionKey(1, secret)
	if err != nil {
		return nil, err
	}
	source, err := jws.NewStoredKeys(jws.StoredKeysConfig{Store: store, KeyEncryptionKeys: []jws.KeyEncryptionKey{kek}})
	if err != nil {
		return nil, err
	}
	return jws.OpenKeySet(ctx, source, jws.Rotation{}, time.Now())
}

func elsewhere() (*bearer.Verifier, error) {
	keys, err := jws.NewRemote(jws.RemoteConfig{URL: "https://auth.example.com/.well-known/jwks.json"})
	if err != nil {
		return nil, err
	}
	return bearer.New(bearer.Config{
		Issuer:   "https://auth.example.com",
		Audience: "https://api.example.com",
		Keys:     keys,
	})
}

// The endpoint beside a route of the host that wants an access token.
func Example_mount() {
	privateKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	secret, hash := clientauth.NewSecret()
	store := new(memory.Store)
	err = store.PutClient(context.Background(), &storage.Client{
		ID:         "reports",
		Secrets:    []storage.ClientSecret{{ID: "2026", Hash: hash}},
		GrantTypes: []string{grants.TypeClientCredentials, grants.TypeAPIKey},
		Scope:      []string{"read"},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	if err := mount(mux, store, privateKey); err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(mux)
	defer server.Close()

	answer := post(server.URL+"/connect/token", url.Values{
		"grant_type":    {"client_credentials"},
		"client_id":     {"reports"},
		"client_secret": {secret.Reveal()},
	})
	fmt.Println(answer["token_type"], answer["expires_in"], answer["scope"])

	// A user's API key, which the client presents in the user's name.
	key, record, err := grants.NewAPIKey("shop_", storage.APIKey{ClientID: "reports", Subject: "user:42", Scope: []string{"read"}}, time.Now())
	if err != nil {
		log.Fatal(err)
	}
	if err := store.PutAPIKey(context.Background(), record); err != nil {
		log.Fatal(err)
	}
	answer = post(server.URL+"/connect/token", url.Values{
		"grant_type": {"api_key"},
		"client_id":  {"reports"},
		"api_key":    {key.Reveal()},
	})
	request, err := http.NewRequest(http.MethodGet, server.URL+"/orders", nil)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+answer["access_token"].(string))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	io.Copy(os.Stdout, response.Body)
	// Output:
	// Bearer 3600 read
	// orders of 42
}

// The keys of all replicas are in their store.
func Example_keys() {
	ctx := context.Background()
	key := make([]byte, 32)
	rand.Read(key)
	secret := base64.StdEncoding.EncodeToString(key) // openssl rand -base64 32
	store := new(memory.Store)
	one, err := openKeys(ctx, store, secret)
	if err != nil {
		log.Fatal(err)
	}
	two, err := openKeys(ctx, store, secret)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(one.SigningKey(time.Now()).ID() == two.SigningKey(time.Now()).ID())

	verifier, err := elsewhere() // it fetches the keys when the first token comes
	fmt.Println(verifier != nil, err)
	// Output:
	// true
	// true <nil>
}

// partners are the host's own clients, in a table of its own.
type partners struct{ db *sql.DB }

func (p partners) Client(ctx context.Context, id string) (*storage.Client, error) {
	c := &storage.Client{GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"orders"}}
	var hash string
	err := p.db.QueryRowContext(ctx, "SELECT code, secret_hash, suspended FROM partners WHERE code = $1", id).
		Scan(&c.ID, &hash, &c.Disabled) // the ID as it is stored, should the database ignore case
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, storage.ErrNotFound
	case err != nil:
		return nil, err // an outage
	}
	c.Secrets = []storage.ClientSecret{{ID: "partner", Hash: hash}}
	return c, nil
}

// A host whose clients are in one place and whose tokens are in another joins
// the parts.
func ExampleNew_parts() {
	var db *sql.DB // the host's own

	_, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:   "https://auth.example.com",
		Audience: []string{"https://api.example.com"},
		Keys:     exampleKeys(),
		Storage:  storage.Parts{Clients: partners{db}},
		Grants: map[string]grants.Grant{
			grants.TypeClientCredentials: grants.ClientCredentials{},
			grants.TypeRefreshToken:      grants.RefreshToken{},
		},
	})
	fmt.Println(err)
	// Output: tokenendpoint: the grant "refresh_token" needs credentials, and Storage has none
}

// The host's own login page ends in an authorization code. The page is in package
// grants; it gets the issuer, the clients and the audiences from the endpoint, so that
// nothing is said twice.
func ExampleHandler_AuthorizationEndpoint() {
	store := new(memory.Store)
	err := store.PutClient(context.Background(), &storage.Client{
		ID:           "app",
		AuthMethod:   storage.AuthNone,
		GrantTypes:   []string{grants.TypeAuthorizationCode},
		RedirectURIs: []string{"http://localhost/callback"}, // any port
		Scope:        []string{"read", "write"},
	})
	if err != nil {
		log.Fatal(err)
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:                "https://auth.example.com",
		Audience:              []string{"https://api.example.com"},
		AuthorizationEndpoint: "https://www.example.com/authorize",
		Keys:                  exampleKeys(),
		Storage:               store,
	})
	if err != nil {
		log.Fatal(err)
	}
	login := endpoint.AuthorizationEndpoint()
	a, err := login.ReadQuery(context.Background(), "response_type=code&client_id=app&redirect_uri=http://localhost:49152/callback"+
		"&scope=read+write&resource=https://api.example.com/&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256")
	if err != nil {
		log.Fatal(err)
	}
	record, answer, err := a.Approve(grants.Approval{Subject: "user:1", Scope: []string{"read"}}, time.Now())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(record.Subject, record.Scope, record.Audience, answer.URL()[:40])
	// Output: user:1 [read] [https://api.example.com] http://localhost:49152/callback?code=ac_
}
