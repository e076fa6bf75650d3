package clientauth_test

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

func ExampleNewSecret() {
	secret, hash := clientauth.NewSecret()

	client := &storage.Client{
		ID:         "reports",
		GrantTypes: []string{grants.TypeClientCredentials},
		Secrets:    []storage.ClientSecret{{ID: "2025-06", Hash: hash}},
	}
	fmt.Println("kept:", strings.HasPrefix(client.Secrets[0].Hash, "$sha256$"))
	fmt.Println("printed:", secret)
	fmt.Println("shown once:", strings.HasPrefix(secret.Reveal(), "cs_"))
	// Output:
	// kept: true
	// printed: REDACTED
	// shown once: true
}

func ExampleSecrets() {
	secret, hash := clientauth.NewSecret()
	store := storeOf(&storage.Client{
		ID:         "reports",
		AuthMethod: storage.ClientSecretBasic,
		Secrets:    []storage.ClientSecret{{ID: "2025-06", Hash: hash}},
	})
	validator := &clientauth.Secrets{Clients: store}

	shown := clientauth.Request{
		ID:     "reports",
		Method: storage.ClientSecretBasic,
		Secret: secret,
		Time:   time.Now(),
	}
	client, err := validator.ValidateClient(context.Background(), shown)
	fmt.Println(client.ID, err)

	shown.Secret = storage.PresentedSecret("a guess")
	_, err = validator.ValidateClient(context.Background(), shown)
	fmt.Println(errors.Is(err, grants.InvalidClient))
	// Output:
	// reports <nil>
	// true
}

// Old hashes are replaced when their secret comes by.
func ExampleSecrets_upgrade() {
	const bcrypted = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
	store := storeOf(&storage.Client{
		ID:      "imported",
		Secrets: []storage.ClientSecret{{ID: "first", Hash: bcrypted}},
	})
	validator := &clientauth.Secrets{
		Clients: store,
		Upgrade: func(ctx context.Context, r clientauth.Rehash) {
			// UPDATE client_secret SET hash = r.New WHERE … AND hash = r.Old
			fmt.Println(r.ClientID, r.SecretID, strings.HasPrefix(r.New, "$argon2id$"))
		},
	}
	_, err := validator.ValidateClient(context.Background(), clientauth.Request{
		ID:     "imported",
		Method: storage.ClientSecretPost,
		Secret: storage.PresentedSecret("U*U"),
		Time:   time.Now(),
	})
	fmt.Println(err)
	// Output:
	// imported first true
	// <nil>
}

// The secrets of another system go on: a mark says how it hashed them.
func ExampleSecrets_existing() {
	row := struct{ ClientID, Value string }{"imported", "K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols="}

	hash := "{sha256-base64}" + row.Value // ClientSecrets.Value of Duende IdentityServer

	store := storeOf(&storage.Client{ID: row.ClientID, Secrets: []storage.ClientSecret{{ID: "first", Hash: hash}}})
	validator := &clientauth.Secrets{Clients: store}
	client, err := validator.ValidateClient(context.Background(), clientauth.Request{
		ID:     "imported",
		Method: storage.ClientSecretPost,
		Secret: storage.PresentedSecret("secret"),
		Time:   time.Now(),
	})
	fmt.Println(client.ID, err)
	// Output:
	// imported <nil>
}

// A hash of the host's own form: SHA-256 of a salt and the secret.
func ExampleSecrets_otherHash() {
	hash := func(salt, secret string) string {
		return fmt.Sprintf("{salted-sha256}%s.%x", salt, sha256.Sum256([]byte(salt+secret)))
	}
	validator := &clientauth.Secrets{
		Clients: storeOf(&storage.Client{
			ID:      "imported",
			Secrets: []storage.ClientSecret{{ID: "first", Hash: hash("pepper", "a secret")}},
		}),
		OtherHash: func(kept string, secret storage.Secret) (bool, error) {
			text, marked := strings.CutPrefix(kept, "{salted-sha256}")
			salt, _, ok := strings.Cut(text, ".")
			if !marked || !ok {
				return false, errors.New("host: the hash has another form")
			}
			return subtle.ConstantTimeCompare([]byte(hash(salt, secret.Reveal())), []byte(kept)) == 1, nil
		},
	}
	client, err := validator.ValidateClient(context.Background(), clientauth.Request{
		ID:     "imported",
		Method: storage.ClientSecretPost,
		Secret: storage.PresentedSecret("a secret"),
		Time:   time.Now(),
	})
	fmt.Println(client.ID, err)
	// Output:
	// imported <nil>
}
