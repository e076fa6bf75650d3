package tokenendpoint_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
)

// personalToken is a row of the host's table of the tokens that it has handed out:
// "shop_pat_" and 40 characters, of which the table has the SHA-256 in hexadecimal.
type personalToken struct {
	ID      int
	UserID  string
	Revoked time.Time // zero if it is not
}

// personalTokens is the table, by its column token_hash.
type personalTokens map[string]personalToken

var _ storage.APIKeys = personalTokens{}

// APIKey implements [storage.APIKeys]. With a database it is
//
//	SELECT id, user_id, revoked_at FROM personal_tokens WHERE token_hash = $1
func (t personalTokens) APIKey(_ context.Context, d storage.Digest) (*storage.APIKey, error) {
	row, ok := t[d.String()] // in hexadecimal
	if !ok {
		return nil, storage.ErrNotFound
	}
	return &storage.APIKey{
		Digest:    d, // of the row that was found
		ID:        fmt.Sprint("personal-token-", row.ID),
		ClientID:  "cli",
		Subject:   "user:" + row.UserID,
		Scope:     []string{"read"},
		RevokedAt: row.Revoked,
	}, nil
}

// allKeys finds the keys that are drawn from now on as well, which are in a store of this
// library.
type allKeys struct {
	tokens personalTokens
	keys   storage.APIKeys
}

var _ storage.APIKeys = allKeys{}

// APIKey implements [storage.APIKeys].
func (all allKeys) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	key, err := all.tokens.APIKey(ctx, d)
	if errors.Is(err, storage.ErrNotFound) {
		return all.keys.APIKey(ctx, d)
	}
	return key, err // an outage of the table is none of the other store's answers
}

// digestOf is how both kinds are found: a key of grants.NewAPIKey by its digest, and a
// token as the table has always named it.
func digestOf(key storage.Secret) (d storage.Digest, ok bool) {
	if key.WellFormed("shop_key_") {
		return key.Digest(storage.KindAPIKey), true
	}
	text := key.Reveal()
	if !strings.HasPrefix(text, "shop_pat_") || len(text) != len("shop_pat_")+40 {
		return d, false // no look-up for another text
	}
	return sha256.Sum256([]byte(text)), true
}

// The host keeps the personal tokens that it has handed out, and the table of their
// hashes. A client exchanges one for an access token, and so it does with an API key that
// the host draws from now on.
func Example_personalTokens() {
	token := "shop_pat_" + strings.Repeat("0123456789", 4)
	hash := sha256.Sum256([]byte(token))
	table := personalTokens{hex.EncodeToString(hash[:]): {ID: 7, UserID: "alice"}}

	store := new(memory.Store)
	err := store.PutClient(context.Background(), &storage.Client{
		ID:         "cli",
		AuthMethod: storage.AuthNone,
		GrantTypes: []string{grants.TypeAPIKey, grants.TypeRefreshToken},
		Scope:      []string{"read"},
	})
	if err != nil {
		log.Fatal(err)
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:   "https://auth.example.com",
		Audience: []string{"https://api.example.com"},
		Keys:     exampleKeys(),
		Storage:  storage.Parts{Clients: store, Credentials: store, APIKeys: allKeys{table, store}},
		Grants: map[string]grants.Grant{
			grants.TypeAPIKey:       grants.APIKey{Digest: digestOf, Refresh: true},
			grants.TypeRefreshToken: grants.RefreshToken{},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(endpoint)
	defer server.Close()

	exchange := func(key string) map[string]any {
		return post(server.URL+"/connect/token", url.Values{"grant_type": {"api_key"}, "client_id": {"cli"}, "api_key": {key}})
	}
	answer := exchange(token)
	fmt.Println(answer["token_type"], answer["scope"])
	fmt.Println(exchange(token[:48] + "x")["error"])

	key, record, err := grants.NewAPIKey("shop_key_", storage.APIKey{ClientID: "cli", Subject: "user:bob", Scope: []string{"read"}}, time.Now())
	if err == nil {
		err = store.PutAPIKey(context.Background(), record)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(exchange(key.Reveal())["scope"])

	// A refresh token that came from a token ends with it.
	row := table[hex.EncodeToString(hash[:])]
	row.Revoked = time.Now()
	table[hex.EncodeToString(hash[:])] = row
	again := post(server.URL+"/connect/token", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {"cli"}, "refresh_token": {answer["refresh_token"].(string)},
	})
	fmt.Println(again["error"])
	// Output:
	// Bearer read
	// invalid_grant
	// read
	// invalid_grant
}
