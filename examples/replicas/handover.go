//go:build unix

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// handover goes from the supervisor to each replica, through a pipe: all users of
// the machine can read a command line, and a user with the right to debug one of the
// processes can read its environment.
type handover struct {
	DSN    string // may hold a password
	Prefix string
	Key    []byte // the signing key, PKCS #8
}

// newHandover draws the signing key. It is one for all replicas: each publishes
// it, so a verifier that has the key set of one replica has that of the other.
//
// A host loads its key from a file or a KMS instead, and its tokens outlive it.
func newHandover(dsn, prefix string) (*handover, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &handover{DSN: dsn, Prefix: prefix, Key: der}, nil
}

func (h *handover) writeTo(w io.Writer) error { return json.NewEncoder(w).Encode(h) }

// readHandover is the replica's end of it. Nothing follows it in r, and r ends when
// the supervisor wants the replica to end.
func readHandover(r io.Reader) (*handover, crypto.Signer, error) {
	h := new(handover)
	if err := json.NewDecoder(r).Decode(h); err != nil {
		return nil, nil, fmt.Errorf("a replica is started by the supervisor, which writes to its standard input: %w", err)
	}
	key, err := x509.ParsePKCS8PrivateKey(h.Key)
	if err != nil {
		return nil, nil, fmt.Errorf("the signing key: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, errors.New("the signing key cannot sign")
	}
	return h, signer, nil
}
