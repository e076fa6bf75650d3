package rotate

import (
	"context"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// kek is a key-encryption key of the host: 32 bytes, as "openssl rand -base64 32"
// prints them, with a version that no other one gets.
type kek struct {
	Version int
	Secret  string
}

// openKeys has the signing keys in the store. The first key-encryption key seals new
// signing keys; all of them open.
func openKeys(ctx context.Context, store storage.SigningKeys, secrets ...kek) (*jws.KeySet, error) {
	var all []jws.KeyEncryptionKey
	for _, s := range secrets {
		k, err := jws.ParseKeyEncryptionKey(s.Version, s.Secret)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	source, err := jws.NewStoredKeys(jws.StoredKeysConfig{Store: store, KeyEncryptionKeys: all, Period: period})
	if err != nil {
		return nil, err
	}
	return jws.OpenKeySet(ctx, source, rotation, time.Now())
}

// period is how often a signing key is made, and rotation how long it takes until all
// verifiers know it.
const period = 30 * 24 * time.Hour

var rotation = jws.Rotation{TokenLifetime: time.Hour}

// sealedWith counts the signing keys that a key-encryption key has sealed. When there
// is none left, no process needs it.
func sealedWith(ctx context.Context, store storage.SigningKeys, version int) (n int, err error) {
	keys, err := store.SigningKeys(ctx)
	for _, k := range keys {
		if k.SealedWith == version {
			n++
		}
	}
	return n, err
}

// endStolenKeys takes every signing key out of the store. Restart all processes at
// once afterwards: a process that runs goes on publishing its keys. The first start
// makes a new key, and every access token from before is void. Refresh tokens rest on
// no key and go on.
func endStolenKeys(ctx context.Context, store storage.SigningKeys) error {
	keys, err := store.SigningKeys(ctx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := store.DeleteSigningKey(ctx, k.Turn); err != nil {
			return err
		}
	}
	return nil
}
