package tokenendpoint_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// One call mounts all endpoints, and the metadata says where they are.
func ExampleHandler_Routes() {
	_, privateKey, _ := ed25519.GenerateKey(nil)
	keys, err := jws.NewKeySet(jws.Key{Signer: privateKey})
	if err != nil {
		log.Fatal(err)
	}
	secret, hash := clientauth.NewSecret()
	store := new(memory.Store)
	err = store.PutClient(context.Background(), &storage.Client{
		ID:         "reports",
		Secrets:    []storage.ClientSecret{{ID: "2026", Hash: hash}},
		GrantTypes: []string{grants.TypeClientCredentials},
		Scope:      []string{"read"},
	})
	if err != nil {
		log.Fatal(err)
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:      "https://auth.example.com",
		Audience:    []string{"https://api.example.com"},
		Keys:        keys,
		Storage:     store,
		Revocations: store,
		Grants:      map[string]grants.Grant{grants.TypeClientCredentials: grants.ClientCredentials{}},
		Metadata:    map[string]any{"service_documentation": "https://auth.example.com/docs"},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", endpoint.Routes())
	server := httptest.NewServer(mux)
	defer server.Close()

	metadata, err := http.Get(server.URL + "/.well-known/oauth-authorization-server")
	if err != nil {
		log.Fatal(err)
	}
	defer metadata.Body.Close()
	var document struct {
		Introspection string `json:"introspection_endpoint"`
	}
	if err := json.NewDecoder(metadata.Body).Decode(&document); err != nil {
		log.Fatal(err)
	}
	fmt.Println(document.Introspection)

	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"reports"}, "client_secret": {secret.Reveal()}}
	form.Set("token", post(server.URL+"/connect/token", form)["access_token"].(string))
	fmt.Println(post(server.URL+"/connect/introspect", form)["scope"])
	post(server.URL+"/connect/revocation", form)
	fmt.Println(post(server.URL+"/connect/introspect", form))
	// Output:
	// https://auth.example.com/connect/introspect
	// read
	// map[active:false]
}
