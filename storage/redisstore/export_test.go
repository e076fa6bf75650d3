package redisstore

import "github.com/contit/oauth/storage"

// RoundTripCredential encodes a new credential, as a server would keep it, and
// decodes it.
func RoundTripCredential(c *storage.Credential) (*storage.Credential, error) {
	m, err := newMember(c, newNonce())
	if err != nil {
		return nil, err
	}
	return decodeMember(m.record, "")
}

// DecodeMember decodes a credential as a server keeps it.
var DecodeMember = decodeMember

// RoundTripClient encodes and decodes a client.
func RoundTripClient(c *storage.Client) (*storage.Client, error) {
	text, err := encodeClient(c)
	if err != nil {
		return nil, err
	}
	return decodeClient(text)
}

// RoundTripSigningKey encodes and decodes a signing key.
func RoundTripSigningKey(k *storage.SigningKey) (*storage.SigningKey, error) {
	text, err := encodeSigningKey(k, newNonce())
	if err != nil {
		return nil, err
	}
	return decodeSigningKey(text)
}

// DecodeSigningKey decodes a signing key as a server keeps it.
var DecodeSigningKey = decodeSigningKey

// RoundTripAPIKey encodes and decodes an API key.
func RoundTripAPIKey(k *storage.APIKey) (*storage.APIKey, error) {
	text, err := encodeAPIKey(k)
	if err != nil {
		return nil, err
	}
	return decodeAPIKey(k.Digest, text, "")
}
