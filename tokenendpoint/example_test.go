package tokenendpoint_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"database/sql"
	"encoding/base64"
	"encoding/json"
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

func openKeys(ctx context.Context, store storage.SigningKeys, secret storage.Secret) (*jws.KeySet, error) {
	source := &jws.StoredKeys{
		Store:             store,
		KeyEncryptionKeys: []jws.KeyEncryptionKey{{Version: 1, Key: secret}},
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

func Example() {
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
	secret := storage.PresentedSecret(base64.StdEncoding.EncodeToString(key)) // openssl rand -base64 32
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

// user is a row of the host's own users.
type user struct {
	ID     string
	Tier   string
	Locked bool
}

// users are the host's own.
type users map[string]user

func (u users) ByID(_ context.Context, id string) (user, error) {
	if user, ok := u[id]; ok {
		return user, nil
	}
	return user{}, sql.ErrNoRows
}

func (u users) ByBadge(ctx context.Context, badge string) (user, error) {
	id, _ := strings.CutPrefix(badge, "badge of ")
	return u.ByID(ctx, id)
}

func notLocked(users users) grants.Hook {
	return func(ctx context.Context, r *grants.Request, a *grants.Authorization) error {
		if a.Subject == r.Client.ID { // a client in its own name, at a refresh
			return nil
		}
		user, err := users.ByID(ctx, strings.TrimPrefix(a.Subject, "user:"))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return grants.InvalidGrant // deleted since
		case err != nil:
			return err // an outage: 503, and nothing is used up
		case user.Locked:
			return grants.InvalidGrant.Describe("the account is locked")
		}
		a.AddClaim("tier", user.Tier)
		return nil
	}
}

func userGrants(users users) map[string]grants.Grant {
	hook := notLocked(users)
	return map[string]grants.Grant{
		grants.TypeAuthorizationCode: grants.AuthorizationCode{Hook: hook},
		grants.TypeRefreshToken:      grants.RefreshToken{Hook: hook},
		grants.TypeAPIKey:            grants.APIKey{Hook: hook},
	}
}

// A hook has the last word on what a grant has decided.
func Example_hook() {
	store := new(memory.Store)
	err := store.PutClient(context.Background(), &storage.Client{
		ID:         "app",
		AuthMethod: storage.AuthNone,
		GrantTypes: []string{grants.TypeAPIKey},
	})
	if err != nil {
		log.Fatal(err)
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:   "https://auth.example.com",
		Audience: []string{"https://api.example.com"},
		Keys:     exampleKeys(),
		Storage:  store,
		Grants:   userGrants(users{"u1": {ID: "u1", Tier: "gold"}, "u2": {ID: "u2", Locked: true}}),
		Logger:   discard,
	})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(endpoint)
	defer server.Close()

	for _, id := range []string{"u1", "u2", "u3"} {
		key, record, err := grants.NewAPIKey("ck_", storage.APIKey{ClientID: "app", Subject: "user:" + id}, time.Now())
		if err != nil {
			log.Fatal(err)
		}
		if err := store.PutAPIKey(context.Background(), record); err != nil {
			log.Fatal(err)
		}
		answer := post(server.URL, url.Values{"grant_type": {"api_key"}, "client_id": {"app"}, "api_key": {key.Reveal()}})
		fmt.Println(id, answer["token_type"], answer["error"], answer["error_description"])
	}
	// Output:
	// u1 Bearer <nil> <nil>
	// u2 <nil> invalid_grant the account is locked
	// u3 <nil> invalid_grant <nil>
}

func badgeGrant(users users) grants.Func {
	return func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
		user, err := users.ByBadge(ctx, r.Form["badge"])
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil, grants.InvalidGrant
		case err != nil:
			return nil, err
		}
		return &grants.Authorization{Subject: "user:" + user.ID, Scope: []string{"doors", "lifts"}, Refresh: true}, nil
	}
}

// A grant of a host's own is one function. It says what may be had at most; the
// endpoint narrows that to what the request asks for.
func Example_customGrant() {
	store := new(memory.Store)
	gate := &storage.Client{
		ID:         "gate",
		AuthMethod: storage.AuthNone,
		GrantTypes: []string{"urn:example:badge", grants.TypeRefreshToken},
		Scope:      []string{"doors", "lifts"},
	}
	if err := store.PutClient(context.Background(), gate); err != nil {
		log.Fatal(err)
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:   "https://auth.example.com",
		Audience: []string{"https://doors.example.com"},
		Keys:     exampleKeys(),
		Storage:  store,
		Grants: map[string]grants.Grant{
			"urn:example:badge":     badgeGrant(users{"u1": {ID: "u1"}}),
			grants.TypeRefreshToken: grants.RefreshToken{},
		},
		Logger: discard,
	})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(endpoint)
	defer server.Close()

	answer := post(server.URL, url.Values{
		"grant_type": {"urn:example:badge"}, "client_id": {"gate"}, "badge": {"badge of u1"}, "scope": {"doors"},
	})
	fmt.Println(answer["scope"], answer["error"])
	answer = post(server.URL, url.Values{
		"grant_type": {"refresh_token"}, "client_id": {"gate"}, "refresh_token": {answer["refresh_token"].(string)},
	})
	fmt.Println(answer["scope"], answer["error"])
	// Output:
	// doors <nil>
	// doors <nil>
}

// post sends a token request and returns the members of the answer.
func post(endpoint string, form url.Values) map[string]any {
	response, err := http.PostForm(endpoint, form)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	return answer
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

func approved(ctx context.Context, store storage.Credentials, client *storage.Client, userID string, granted []string, form url.Values) (code string, err error) {
	secret, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
		Client:              client,
		Subject:             "user:" + userID, // no client_id begins like this
		Scope:               granted,          // what the user ticked of grants.RequestedScope(client, form.Get("scope"))
		RedirectURI:         form.Get("redirect_uri"),
		CodeChallenge:       form.Get("code_challenge"),
		CodeChallengeMethod: form.Get("code_challenge_method"),
	}, time.Now())
	if err != nil {
		return "", err
	}
	return secret.Reveal(), store.CreateCredential(ctx, record)
}

// The host's own login page ends in an authorization code.
func Example_authorizationPage() {
	client := &storage.Client{
		ID:           "app",
		AuthMethod:   storage.AuthNone,
		GrantTypes:   []string{grants.TypeAuthorizationCode},
		RedirectURIs: []string{"https://app.example.com/callback"},
		Scope:        []string{"read", "write"},
	}
	form := url.Values{
		"scope":                 {"read write"},
		"redirect_uri":          {"https://app.example.com/callback"},
		"code_challenge":        {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"},
		"code_challenge_method": {"S256"},
	}
	requested, err := grants.RequestedScope(client, form.Get("scope"))
	if err != nil {
		log.Fatal(err)
	}
	store := new(memory.Store)
	code, err := approved(context.Background(), store, client, "u1", requested[:1], form)
	if err != nil {
		log.Fatal(err)
	}
	record, err := store.Credential(context.Background(), storage.PresentedSecret(code).Digest(storage.KindAuthorizationCode))
	fmt.Println(code[:3], record.Subject, record.Scope, err)
	// Output: ac_ user:u1 [read] <nil>
}
