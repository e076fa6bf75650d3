package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/contit/oauth/tokenendpoint/jws"
)

const keysVariable = "OAUTH_KEY_ENCRYPTION_KEYS"

func encryptionKey() *command {
	return &command{
		name:  "key encryption-key",
		about: "Draw a key-encryption key, and print it.",
		more: `It seals the signing keys in the store (jws.ParseKeyEncryptionKey). Keep it where the
database is not. The command needs no database, and keeps nothing.`,
		example: "oauthctl key encryption-key",
		plain:   true,
		run: func(_ context.Context, c *call) error {
			key := make([]byte, 32)
			rand.Read(key) // it cannot fail: the process ends instead
			if _, err := fmt.Fprintln(c.out, base64.StdEncoding.EncodeToString(key)); err != nil {
				return err
			}
			c.note("The key-encryption key is on stdout, and is not shown again.")
			return nil
		},
	}
}

// encryptionKeys reads the key-encryption keys. No error shows them.
func (c *call) encryptionKeys() (keys []jws.KeyEncryptionKey, err error) {
	text := c.getenv(keysVariable)
	if text == "" {
		return nil, usage("%s is not set. Write \"2:base64 1:base64\": the version and the key, the one that seals first", keysVariable)
	}
	for i, word := range strings.Fields(text) {
		version, key, ok := strings.Cut(word, ":")
		n, err := strconv.Atoi(version)
		if !ok || err != nil {
			return nil, usage("word %d of %s is not VERSION:BASE64, such as 1:q83v…=", i+1, keysVariable)
		}
		k, err := jws.ParseKeyEncryptionKey(n, key)
		if err != nil {
			return nil, usage("%s: %v", keysVariable, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}
