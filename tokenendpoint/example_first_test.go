package tokenendpoint_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// answer is the endpoint's answer as a client reads it.
type answer struct {
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
	Scope   string `json:"scope"`
}

// The whole first program. The one in the README listens on port 8080, and prints
// a command to ask it for a token; this one asks by itself.
func Example() {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // later: package jws keeps and rotates keys
	keys, err := jws.NewKeySet(jws.Key{Signer: key})
	if err != nil {
		log.Fatal(err)
	}
	secret, hash := clientauth.NewSecret()
	store := new(memory.Store) // later: package sqlstore, or a store of yours
	if err := store.PutClient(context.Background(), &storage.Client{
		ID: "reports", Secrets: []storage.ClientSecret{{ID: "first", Hash: hash}},
		GrantTypes: []string{"client_credentials"}, Scope: []string{"read"},
	}); err != nil {
		log.Fatal(err)
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer: "http://127.0.0.1:8080", Audience: []string{"http://127.0.0.1:8080/api"},
		Keys: keys, Storage: store, Revocations: store,
	})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(endpoint) // a program of its own calls http.ListenAndServe
	defer server.Close()

	response, err := http.PostForm(server.URL+"/connect/token", url.Values{
		"grant_type":    {"client_credentials"},
		"client_id":     {"reports"},
		"client_secret": {secret.Reveal()},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	var a answer
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Type, a.Expires, a.Scope)
	// Output:
	// Bearer 3600 read
}
