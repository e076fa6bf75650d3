//go:build cgo

package main

import (
	"errors"
	"testing"

	"github.com/miekg/pkcs11"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// After the login, the test asks for the private key in every way that PKCS #11 has,
// and does not get it.
func TestPrivateKeyStaysInTheToken(t *testing.T) {
	secrets := map[string][]uint{
		jws.ES256: {pkcs11.CKA_VALUE},
		jws.RS256: {pkcs11.CKA_PRIVATE_EXPONENT, pkcs11.CKA_PRIME_1, pkcs11.CKA_PRIME_2, pkcs11.CKA_EXPONENT_1, pkcs11.CKA_EXPONENT_2, pkcs11.CKA_COEFFICIENT},
	}
	for algorithm, secret := range secrets {
		t.Run(algorithm, func(t *testing.T) {
			h := newSoftHSM(t)
			serve(t, h.with(algorithm))
			h.inside(t, func(s *session) {
				keys := s.objects(t, pkcs11.CKO_PRIVATE_KEY)
				if len(keys) != 1 {
					t.Fatalf("%d private keys, want 1", len(keys))
				}
				checkFlags(t, s, keys[0])
				for _, attribute := range secret {
					value, err := s.GetAttributeValue(s.handle, keys[0], []*pkcs11.Attribute{pkcs11.NewAttribute(attribute, nil)})
					if err != pkcs11.Error(pkcs11.CKR_ATTRIBUTE_SENSITIVE) {
						t.Errorf("attribute %#x = %v, %v, want CKR_ATTRIBUTE_SENSITIVE", attribute, value, err)
					}
				}
				checkNotWrapped(t, s, keys[0])
				for _, attribute := range []*pkcs11.Attribute{
					pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, false),
				} {
					if err := s.SetAttributeValue(s.handle, keys[0], []*pkcs11.Attribute{attribute}); err == nil {
						t.Errorf("attribute %#x was changed, want an error", attribute.Type)
					}
				}
				if err := s.Logout(s.handle); err != nil {
					t.Fatal(err)
				}
				if n := len(s.objects(t, pkcs11.CKO_PRIVATE_KEY)); n != 0 {
					t.Errorf("%d private keys are seen without a login, want none", n)
				}
			})
		})
	}
}

// checkFlags checks the attributes of a key: made in the token, never out of it,
// and good for signatures only.
func checkFlags(t testing.TB, s *session, key pkcs11.ObjectHandle) {
	t.Helper()
	for name, test := range map[string]struct {
		attribute uint
		want      bool
	}{
		"CKA_TOKEN":             {pkcs11.CKA_TOKEN, true},
		"CKA_PRIVATE":           {pkcs11.CKA_PRIVATE, true},
		"CKA_LOCAL":             {pkcs11.CKA_LOCAL, true},
		"CKA_SENSITIVE":         {pkcs11.CKA_SENSITIVE, true},
		"CKA_ALWAYS_SENSITIVE":  {pkcs11.CKA_ALWAYS_SENSITIVE, true},
		"CKA_EXTRACTABLE":       {pkcs11.CKA_EXTRACTABLE, false},
		"CKA_NEVER_EXTRACTABLE": {pkcs11.CKA_NEVER_EXTRACTABLE, true},
		"CKA_SIGN":              {pkcs11.CKA_SIGN, true},
		"CKA_DECRYPT":           {pkcs11.CKA_DECRYPT, false},
		"CKA_UNWRAP":            {pkcs11.CKA_UNWRAP, false},
		"CKA_DERIVE":            {pkcs11.CKA_DERIVE, false},
	} {
		if got := s.flag(t, key, test.attribute); got != test.want {
			t.Errorf("%s = %t, want %t", name, got, test.want)
		}
	}
}

// checkNotWrapped has the token encrypt the key with a key that is known.
func checkNotWrapped(t testing.TB, s *session, key pkcs11.ObjectHandle) {
	t.Helper()
	aes, err := s.GenerateKey(s.handle, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false),
		pkcs11.NewAttribute(pkcs11.CKA_WRAP, true),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 32),
	})
	if err != nil {
		t.Fatal(err)
	}
	wrap := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_WRAP_PAD, nil)}
	if wrapped, err := s.WrapKey(s.handle, wrap, aes, key); err != pkcs11.Error(pkcs11.CKR_KEY_UNEXTRACTABLE) {
		t.Errorf("WrapKey = %d bytes, %v, want CKR_KEY_UNEXTRACTABLE", len(wrapped), err)
	}
}

// The program refuses these keys at the start, and not at the first request.
func TestKeysThatAreRefused(t *testing.T) {
	const label = "oauth-ES256"
	for _, test := range []struct {
		name      string
		algorithm string // ES256 if empty
		fill      func(t testing.TB, s *session)
		want      error
	}{
		{name: "no key", fill: func(testing.TB, *session) {}, want: errNoKey},
		{name: "a key by another label", fill: func(t testing.TB, s *session) { s.generate(t, "oauth") }, want: errNoKey},
		{name: "two keys by one label", fill: func(t testing.TB, s *session) {
			s.generate(t, label)
			s.generate(t, label)
		}, want: errAmbiguous},
		{name: "a private key without its public key", fill: func(t testing.TB, s *session) {
			public, _ := s.generate(t, label)
			if err := s.DestroyObject(s.handle, public); err != nil {
				t.Fatal(err)
			}
		}, want: errAmbiguous},
		{name: "the public key of another pair", fill: func(t testing.TB, s *session) {
			public, _ := s.generate(t, label)
			_, private := s.generate(t, label)
			for _, o := range []pkcs11.ObjectHandle{public, private} {
				if err := s.DestroyObject(s.handle, o); err != nil {
					t.Fatal(err)
				}
			}
		}, want: errMismatch},
		{name: "a private key that can be read", fill: func(t testing.TB, s *session) {
			s.generate(t, label, pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, false))
		}, want: errExtractable},
		{name: "a private key that can be exported", fill: func(t testing.TB, s *session) {
			s.generate(t, label, pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true))
		}, want: errExtractable},
		{name: "a private key that may not sign", fill: func(t testing.TB, s *session) {
			s.generate(t, label, pkcs11.NewAttribute(pkcs11.CKA_SIGN, false))
		}, want: pkcs11.Error(pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED)},
		{name: "a private key of another algorithm", algorithm: jws.RS256, fill: func(t testing.TB, s *session) { s.generate(t, label) }, want: errMismatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newSoftHSM(t)
			h.inside(t, func(s *session) { test.fill(t, s) })
			c := h.config
			c.create = test.want != errNoKey // makes one where there is none, and nowhere else
			if test.algorithm != "" {
				c.algorithm = test.algorithm
			}
			k, err := openKey(c)
			if !errors.Is(err, test.want) {
				t.Errorf("openKey = %v, want %v", err, test.want)
			}
			if err == nil {
				k.Close()
			}
		})
	}
}

func TestCreateMakesOneKey(t *testing.T) {
	h := newSoftHSM(t)
	for range 3 {
		k, err := openKey(h.config)
		if err != nil {
			t.Fatal(err)
		}
		k.Close()
	}
	h.inside(t, func(s *session) {
		private, public := len(s.objects(t, pkcs11.CKO_PRIVATE_KEY)), len(s.objects(t, pkcs11.CKO_PUBLIC_KEY))
		if private != 1 || public != 1 {
			t.Errorf("%d private and %d public keys after three starts, want one pair", private, public)
		}
	})
}
