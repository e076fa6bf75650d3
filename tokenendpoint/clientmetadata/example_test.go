package clientmetadata_test

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/clientmetadata"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// A server takes clients that nobody has registered by hand, in both ways: each is a
// storage.Clients around the one below it, and the metadata of the endpoint name both.
func Example() {
	_, privateKey, _ := ed25519.GenerateKey(nil)
	keys, err := jws.NewKeySet(jws.Key{Signer: privateKey})
	if err != nil {
		log.Fatal(err)
	}
	store := new(memory.Store)

	bounds := clientmetadata.Bounds{Scope: []string{"read"}}
	registration, err := clientmetadata.NewRegistration(clientmetadata.RegistrationConfig{
		URL:     "https://auth.example.com/connect/register",
		Clients: store,
		Bounds:  bounds,
		Keys:    []string{"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}, // openssl rand -base64 32
	})
	if err != nil {
		log.Fatal(err)
	}
	documents, err := clientmetadata.NewDocuments(clientmetadata.DocumentsConfig{Clients: registration, Bounds: bounds})
	if err != nil {
		log.Fatal(err)
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer: "https://auth.example.com", Audience: []string{"https://api.example.com"}, Keys: keys,
		Storage:     storage.Parts{Clients: documents, Credentials: store, APIKeys: store},
		Revocations: store, AuthorizationEndpoint: "https://auth.example.com/login",
		ClientAssertions: &clientauth.Assertions{}, // for those that show a key
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", endpoint)
	mux.Handle("/connect/register", registration)

	var metadata map[string]any
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/.well-known/oauth-authorization-server", nil))
	if err := json.Unmarshal(w.Body.Bytes(), &metadata); err != nil {
		log.Fatal(err)
	}
	fmt.Println(metadata["registration_endpoint"], metadata["client_id_metadata_document_supported"])

	// An editor registers itself. Nothing is stored: the client_id is the registration.
	r := httptest.NewRequest(http.MethodPost, "/connect/register", strings.NewReader(`{"client_name":"Editor","redirect_uris":["http://127.0.0.1/callback"]}`))
	r.Header.Set("Content-Type", "application/json")
	w = httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	var client struct {
		ID string `json:"client_id"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &client); err != nil {
		log.Fatal(err)
	}
	known, err := documents.Client(r.Context(), client.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(w.Code, registration.Name(client.ID), known.Scope, known.RedirectURIs)
	// Output:
	// https://auth.example.com/connect/register true
	// 201 Editor [read] [http://127.0.0.1/callback]
}
