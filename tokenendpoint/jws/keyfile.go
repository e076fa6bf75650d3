package jws

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// The faults of a file. None of these errors wraps an error of a parser, which may
// quote its input.
var (
	errNoKeyInFile   = errors.New("there is no key in it")
	errBrokenPEM     = errors.New("it is cut short, or neither PEM nor JSON")
	errBrokenJSON    = errors.New("it is cut short, or not the JSON of a JWK or a JWK Set")
	errEncryptedKey  = errors.New("it is encrypted: decrypt it, and let the file's mode or the secret store protect it")
	errPEMType       = errors.New("it is none of PRIVATE KEY, RSA PRIVATE KEY, EC PRIVATE KEY, PUBLIC KEY")
	errBrokenKey     = errors.New("it is malformed, or of a type that is not supported")
	errSymmetricKey  = errors.New("it is a symmetric key")
	errKeyUse        = errors.New("it is not for signatures")
	errFileAlgorithm = errors.New("its algorithm is none of RS256, PS256, ES256, EdDSA")
)

// parseKeyFile reads keys of PEM or JSON. It keeps no part of text.
func parseKeyFile(text []byte) ([]Key, error) {
	text = bytes.TrimSpace(text)
	parse := parsePEM
	if len(text) > 0 && text[0] == '{' {
		parse = parseJWKs
	}
	keys, err := parse(text)
	switch {
	case err != nil:
		return nil, err
	case len(keys) == 0:
		return nil, errNoKeyInFile
	}
	var faults []error
	for i, key := range keys {
		public, err := key.publicKey()
		if err != nil {
			return nil, err
		}
		// Checked here, since here the file of the key is known.
		_, errs := newJWK(public, key.Algorithm, key.ID)
		for _, err := range errs {
			faults = append(faults, fmt.Errorf("key %d: %w", i, err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return keys, nil
}

func parsePEM(text []byte) (keys []Key, err error) {
	// pem.Decode skips a broken block. To skip a key would withdraw it, so the blocks
	// are counted.
	missing := bytes.Count(text, []byte("-----BEGIN"))
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		missing--
		if block.Type == "EC PARAMETERS" { // openssl ecparam writes them before the key
			continue
		}
		key, err := pemKey(block)
		if block.Type != "PUBLIC KEY" { // a parsed Ed25519 key still refers to these bytes
			clear(block.Bytes)
		}
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", len(keys), err)
		}
		keys = append(keys, key)
	}
	if missing != 0 || len(bytes.TrimSpace(text)) > 0 {
		return nil, errBrokenPEM
	}
	return keys, nil
}

func pemKey(block *pem.Block) (Key, error) {
	var key any
	var err error
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
		return Key{}, errEncryptedKey
	case block.Type == "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case block.Type == "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case block.Type == "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case block.Type == "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	default:
		return Key{}, errPEMType
	}
	if err != nil {
		return Key{}, errBrokenKey
	}
	return keyOf(key)
}

// keyOf makes a Key of a private or a public key.
func keyOf(key any) (Key, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		return Key{Signer: key.(crypto.Signer)}, nil
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return Key{Public: key}, nil
	case []byte:
		return Key{}, errSymmetricKey
	}
	return Key{}, errBrokenKey
}

func parseJWKs(text []byte) ([]Key, error) {
	var set struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errBrokenJSON
	}
	raw := []json.RawMessage{text}
	if set.Keys != nil {
		raw = *set.Keys
	}
	keys := make([]Key, len(raw))
	for i, text := range raw {
		var err error
		keys[i], err = jwkKey(text)
		clear(text)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i, err)
		}
	}
	return keys, nil
}

func jwkKey(text []byte) (Key, error) {
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(text); err != nil {
		return Key{}, errBrokenKey
	}
	key, err := keyOf(jwk.Key)
	switch {
	case err != nil:
		return Key{}, err
	case jwk.Use != "" && jwk.Use != "sig":
		return Key{}, errKeyUse
	case jwk.Algorithm != "" && !slices.Contains(Algorithms(), jwk.Algorithm):
		return Key{}, errFileAlgorithm
	}
	key.ID, key.Algorithm = jwk.KeyID, jwk.Algorithm
	return key, nil
}
