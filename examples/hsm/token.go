//go:build cgo

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/ThalesGroup/crypto11"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// rsaBits is the size of a new RSA key. A key in an HSM lives for years.
const rsaBits = 3072

var (
	errNoKey       = errors.New("there is no such key; -create makes one")
	errAmbiguous   = errors.New("the label has more than one key, or a private key without its public key")
	errExtractable = errors.New("the private key can be read out of the token")
	errMismatch    = errors.New("the signature does not verify: the private key is of another algorithm than asked for, or of another pair")
)

// openToken opens the token, logs in, finds the key and tries it.
func openToken(c keyConfig) (*token, error) {
	context, err := crypto11.Configure(&crypto11.Config{
		Path:            c.module,
		TokenLabel:      c.token,
		Pin:             c.pin.Reveal(),
		MaxSessions:     c.sessions + 1, // one keeps the login
		PoolWaitTimeout: c.wait,         // zero would wait for ever
	})
	if err != nil {
		return nil, err
	}
	signer, err := findKey(context, c.label)
	if errors.Is(err, errNoKey) && c.create {
		if err = createKey(context, c); err == nil {
			signer, err = findKey(context, c.label) // two processes may have made one each
		}
	}
	if err == nil {
		err = prove(signer, c.algorithm)
	}
	if err != nil {
		context.Close()
		return nil, fmt.Errorf("key %s: %w", c.label, err)
	}
	return &token{context: context, signer: signer}, nil
}

// findKey returns the one key pair by a label. crypto11.FindKeyPair is not for
// this: it takes the first of several, and its error does not tell an outage
// from a key that is not there.
func findKey(context *crypto11.Context, label string) (crypto11.Signer, error) {
	private, err := context.FindPrivateKeys(nil, []byte(label))
	if err != nil {
		return nil, err
	}
	pairs, err := context.FindKeyPairs(nil, []byte(label))
	switch {
	case err != nil:
		return nil, err
	case len(private) == 0:
		return nil, errNoKey
	case len(private) != 1 || len(pairs) != 1:
		return nil, errAmbiguous
	}
	attributes, err := context.GetAttributes(pairs[0], []crypto11.AttributeType{crypto11.CkaSensitive, crypto11.CkaExtractable})
	switch {
	case err != nil:
		return nil, err
	case !isTrue(attributes[crypto11.CkaSensitive]) || isTrue(attributes[crypto11.CkaExtractable]):
		return nil, errExtractable
	}
	return pairs[0], nil
}

func isTrue(a *crypto11.Attribute) bool { return a != nil && len(a.Value) == 1 && a.Value[0] != 0 }

// createKey makes a key pair in the token. Its private key signs, neither
// decrypts nor unwraps, and stays there.
func createKey(context *crypto11.Context, c keyConfig) error {
	id := make([]byte, 16)
	rand.Read(id)
	public, err := crypto11.NewAttributeSetWithIDAndLabel(id, []byte(c.label))
	if err != nil {
		return err
	}
	private := public.Copy()
	err = errors.Join(
		private.Set(crypto11.CkaPrivate, true), // seen after a login only
		private.Set(crypto11.CkaSensitive, true),
		private.Set(crypto11.CkaExtractable, false),
		private.Set(crypto11.CkaSign, true),
		private.Set(crypto11.CkaDecrypt, false), // crypto11 or the HSM decides the attributes that are not set here
		private.Set(crypto11.CkaUnwrap, false),
		public.Set(crypto11.CkaEncrypt, false),
		public.Set(crypto11.CkaWrap, false),
	)
	if err != nil {
		return err
	}
	if c.algorithm == jws.ES256 {
		_, err = context.GenerateECDSAKeyPairWithAttributes(public, private, elliptic.P256())
		return err
	}
	_, err = context.GenerateRSAKeyPairWithAttributes(public, private, rsaBits)
	return err
}

// prove has the key sign, and verifies. The public key is an object of its own
// in a token, so nothing else says that the two belong together.
func prove(key crypto.Signer, algorithm string) error {
	digest := sha256.Sum256([]byte(rand.Text()))
	pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	var opts crypto.SignerOpts = crypto.SHA256
	if algorithm == jws.PS256 {
		opts = pss
	}
	signature, err := key.Sign(rand.Reader, digest[:], opts)
	if err != nil {
		return err
	}
	ec, isEC := key.Public().(*ecdsa.PublicKey)
	rsaKey, isRSA := key.Public().(*rsa.PublicKey)
	switch {
	case algorithm == jws.ES256 && isEC && ecdsa.VerifyASN1(ec, digest[:], signature),
		algorithm == jws.RS256 && isRSA && rsa.VerifyPKCS1v15(rsaKey, crypto.SHA256, digest[:], signature) == nil,
		algorithm == jws.PS256 && isRSA && rsa.VerifyPSS(rsaKey, crypto.SHA256, digest[:], signature, pss) == nil:
		return nil
	}
	return errMismatch
}
