package reference_test

import (
	"crypto/ed25519"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/contit/oauth/tokenendpoint/reference"
)

// The page is mounted beside the endpoint that it describes.
func ExampleNew() {
	_, privateKey, _ := ed25519.GenerateKey(nil)
	keys, err := jws.NewKeySet(jws.Key{Signer: privateKey})
	if err != nil {
		log.Fatal(err)
	}
	store := new(memory.Store)
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer: "https://auth.example.com", Audience: []string{"https://api.example.com"}, Keys: keys, Storage: store, Revocations: store,
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", endpoint)

	docs, err := reference.New(reference.Config{
		Description: endpoint.Describe(),
		Title:       "Example API",
		Scopes:      []reference.Scope{{Name: "read", Description: "Read your orders."}},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("/docs", docs)
	mux.Handle("/docs/", docs)

	for _, path := range []string{"/docs", "/docs/errors/invalid_grant", "/docs/openapi.json"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		fmt.Println(path, w.Code, w.Header().Get("Content-Type"))
	}
	// Output:
	// /docs 200 text/html; charset=utf-8
	// /docs/errors/invalid_grant 200 text/html; charset=utf-8
	// /docs/openapi.json 200 application/json
}
