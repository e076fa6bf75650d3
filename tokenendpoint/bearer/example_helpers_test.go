package bearer_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

func exampleKeys() *jws.KeySet {
	return must(jws.NewKeySet(jws.Key{Signer: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}))
}

// exampleToken makes an access token as the endpoint does.
func exampleToken(keys *jws.KeySet, scope string) string {
	now := time.Now()
	payload := must((&jws.AccessToken{
		Issuer: "https://auth.example.com", Subject: "user-1", ClientID: "app", ID: "token-1",
		Audience: []string{"https://api.example.com"}, Scope: []string{scope},
		IssuedAt: now, ExpiresAt: now.Add(time.Hour),
	}).AppendJSON(nil))
	return must(keys.Sign(context.Background(), jws.TypeAccessToken, payload, now))
}

// exampleStore is a storage.Revocations, as far as this package asks.
type exampleStore struct{ revoked map[string]bool }

func (s *exampleStore) Revoked(_ context.Context, id, family string) (bool, error) {
	return s.revoked[id] || s.revoked[family], nil
}

// get prints the status, and the challenge or else the body.
func get(url, token string) {
	r := must(http.NewRequest("GET", url, nil))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	body := must(io.ReadAll(response.Body))
	if challenge := response.Header.Get("WWW-Authenticate"); challenge != "" {
		body = []byte(challenge)
	}
	fmt.Println(response.StatusCode, strings.TrimSpace(string(body)))
}
