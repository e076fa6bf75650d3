package jws_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// A server has one KeySet: it signs with it and mounts it for verifiers.
func ExampleNewKeySet() {
	// In production: a key from a file, or the client of a KMS.
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	next := ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))

	keys, err := jws.NewKeySet(
		jws.Key{Signer: key, ID: "2026-1"},
		jws.Key{Public: next.Public(), ID: "2026-2"}, // signs from next month on
	)
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/.well-known/jwks.json", keys)

	issued := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	claims, err := (&jws.AccessToken{
		Issuer: "https://as.example.com", Subject: "user-1", ClientID: "app", ID: "token-1",
		Audience: []string{"https://api.example.com"}, Scope: []string{"read", "write"},
		IssuedAt: issued, ExpiresAt: issued.Add(time.Hour),
		Claims: map[string]any{"tenant": "t1"},
	}).AppendJSON(nil)
	if err != nil {
		log.Fatal(err)
	}
	token, err := keys.Sign(context.Background(), jws.TypeAccessToken, claims, issued)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(keys.SigningKey(issued).Algorithm(), keys.SigningKey(issued).ID())
	fmt.Println(string(claims))
	fmt.Println(strings.Count(token, "."), "dots")
	// Output:
	// EdDSA 2026-1
	// {"iss":"https://as.example.com","sub":"user-1","aud":"https://api.example.com","exp":1767326645,"iat":1767323045,"jti":"token-1","client_id":"app","scope":"read write","tenant":"t1"}
	// 2 dots
}
