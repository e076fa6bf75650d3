package jws_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// A server that makes its own keys, and shares them with its replicas.
func ExampleStoredKeys() {
	store := new(memory.Store)                               // one of package sqlstore or redisstore, for replicas
	secret := "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=" // from its environment: openssl rand -base64 32

	ctx, rotation := context.Background(), jws.Rotation{}
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC) // a server asks time.Now
	replica := func() *jws.KeySet {
		kek, err := jws.ParseKeyEncryptionKey(1, secret)
		if err != nil {
			log.Fatal(err)
		}
		source, err := jws.NewStoredKeys(jws.StoredKeysConfig{
			Store:             store,
			KeyEncryptionKeys: []jws.KeyEncryptionKey{kek},
			Period:            30 * 24 * time.Hour,
		})
		if err != nil {
			log.Fatal(err)
		}
		keys, err := jws.OpenKeySet(ctx, source, rotation, now)
		if err != nil {
			log.Fatal(err)
		}
		return keys
	}
	a, b := replica(), replica()
	token, err := a.Sign(ctx, jws.TypeAccessToken, []byte("{}"), now)
	if err != nil {
		log.Fatal(err)
	}
	_, key, err := jws.Verify(ctx, b, token, jws.TypeAccessToken, now)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.Algorithm(), key.ID() == a.SigningKey(now).ID())

	// A month later there is a second key. One minute after that, the second key does
	// not sign yet.
	now = now.Add(30*24*time.Hour + time.Minute)
	before := b.SigningKey(now).ID()
	for range 2 {
		if _, err := b.Sign(ctx, jws.TypeAccessToken, []byte("{}"), now); err != nil {
			log.Fatal(err)
		}
		stored, err := store.SigningKeys(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(stored), "keys, the old one signs:", b.SigningKey(now).ID() == before)
		now = now.Add(rotation.Lead() + time.Minute)
	}
	// Output:
	// ES256 true
	// 2 keys, the old one signs: true
	// 2 keys, the old one signs: false
}
