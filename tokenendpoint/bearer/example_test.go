package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/jws"
)

func protect(mux *http.ServeMux, keys jws.Keys, revoked bearer.Revocations) error {
	verifier, err := bearer.New(bearer.Config{
		Issuer:      "https://auth.example.com",
		Audience:    "https://api.example.com",
		Keys:        keys,    // the endpoint's *jws.KeySet, or a *jws.Remote elsewhere
		Revocations: revoked, // nil: a token is good until it expires
	})
	if err != nil {
		return err
	}
	mux.Handle(verifier.ResourceMetadata()) // where clients find the authorization server
	mux.Handle("GET /orders", verifier.RequireToken("orders:read")(http.HandlerFunc(orders)))
	return nil
}

func orders(w http.ResponseWriter, r *http.Request) {
	token, _ := bearer.Token(r.Context())
	fmt.Fprintf(w, "orders of %s\n", token.Subject)
}

// In the process of the endpoint the middleware verifies with the keys that sign. It
// refuses a token at once after this process has revoked it.
func Example() {
	keys := exampleKeys()
	store := &exampleStore{revoked: make(map[string]bool)} // in production the endpoint's own
	revocations, err := bearer.CacheRevocations(store, 10*time.Second)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	if err := protect(mux, keys, revocations); err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(mux)
	defer server.Close()

	get(server.URL+"/orders", "")
	get(server.URL+"/orders", exampleToken(keys, "profile"))
	token := exampleToken(keys, "orders:read")
	get(server.URL+"/orders", token)

	store.revoked["token-1"] = true
	revocations.Forget()
	get(server.URL+"/orders", token)
	// Output:
	// 401 Bearer realm="api", scope="orders:read", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"
	// 403 Bearer realm="api", error="insufficient_scope", scope="orders:read", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"
	// 200 orders of user-1
	// 401 Bearer realm="api", error="invalid_token", scope="orders:read", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"
}

// A resource server in another process fetches the keys from the jwks_uri of the
// endpoint, when the first token comes.
func Example_remote() {
	keys := exampleKeys()
	auth := httptest.NewServer(keys) // in production https://auth.example.com/.well-known/jwks.json
	defer auth.Close()

	remote, err := jws.NewRemote(jws.RemoteConfig{URL: auth.URL})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	if err := protect(mux, remote, nil); err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(mux)
	defer server.Close()

	get(server.URL+"/orders", exampleToken(keys, "orders:read"))
	// Output:
	// 200 orders of user-1
}

// Verify holds a token that does not come in a header to the same rules.
func ExampleVerifier_Verify() {
	keys := exampleKeys()
	verifier, err := bearer.New(bearer.Config{
		Issuer:   "https://auth.example.com",
		Audience: "https://api.example.com",
		Keys:     keys,
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := verifier.Verify(context.Background(), exampleToken(keys, "orders:read"), time.Now())
	if err != nil {
		log.Fatal(err) // no good if it is jws.ErrInvalid, otherwise an outage
	}
	fmt.Println(token.Subject, token.ClientID, token.HasScope("orders:read"))

	_, err = verifier.Verify(context.Background(), "eyJhbGciOiJub25lIn0.e30.", time.Now())
	fmt.Println(errors.Is(err, jws.ErrInvalid))
	// Output:
	// user-1 app true
	// true
}
