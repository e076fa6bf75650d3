package jws_test

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/go-jose/go-jose/v4"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// signRaw signs any header and payload with a key, by its algorithm.
func signRaw(key jws.Key, header, payload string) string {
	input := b64(header) + "." + b64(payload)
	return input + "." + b64(string(rawSignature(key, input)))
}

func rawSignature(key jws.Key, input string) []byte {
	k := must(jws.NewKeySet(jws.Key{Signer: recorder{key.Signer, input}, Algorithm: key.Algorithm}))
	token := must(k.Sign(context.Background(), "x", nil, start))
	return must(base64.RawURLEncoding.DecodeString(token[strings.LastIndexByte(token, '.')+1:]))
}

// recorder signs an input of the test's instead of its own.
type recorder struct {
	crypto.Signer
	input string
}

func (r recorder) Sign(_ io.Reader, _ []byte, opts crypto.SignerOpts) ([]byte, error) {
	digest := []byte(r.input)
	if opts.HashFunc() == crypto.SHA256 {
		sum := sha256.Sum256(digest)
		digest = sum[:]
	}
	return r.Signer.Sign(rand.Reader, digest, opts)
}

// genuine is a key set with a key of each algorithm, whose ids are the
// algorithms.
var genuine = sync.OnceValue(func() *jws.KeySet {
	return must(jws.NewKeySet(jws.Key{Signer: ecKey(), ID: "ES256"},
		jws.Key{Public: rsaKey().Public(), Algorithm: jws.RS256, ID: "RS256"},
		jws.Key{Public: otherRSA().Public(), Algorithm: jws.PS256, ID: "PS256"},
		jws.Key{Public: edKey().Public(), ID: "EdDSA"}))
})

// genuineKey is the private half of one of them.
func genuineKey(algorithm string) jws.Key {
	key := signingKey(algorithm)
	if algorithm == jws.PS256 {
		key.Signer = otherRSA()
	}
	key.ID = algorithm
	return key
}

func header(algorithm, more string) string {
	return fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"at+jwt"%s}`, algorithm, algorithm, more)
}

func verifies(t testing.TB, token string) error {
	t.Helper()
	body, key, err := jws.Verify(t.Context(), genuine(), token, jws.TypeAccessToken, start)
	switch {
	case err == nil && (string(body) != payload || key == nil):
		t.Errorf("Verify = %q, %v, want %q and its key", body, key, payload)
	case err != nil && (body != nil || key != nil):
		t.Errorf("Verify = %q, %v, %v, want nothing with an error", body, key, err)
	}
	return err
}

func TestVerify(t *testing.T) {
	for _, algorithm := range algorithms {
		key := genuineKey(algorithm)
		for name, token := range map[string]string{
			"as KeySet writes it":         sign(t, newKeySet(t, key), jws.TypeAccessToken, payload),
			"as go-jose writes it":        byGoJose(t, key, jws.TypeAccessToken),
			"another order of names":      signRaw(key, fmt.Sprintf(`{"typ":"at+jwt","kid":%q,"alg":%q}`, algorithm, algorithm), payload),
			"spaces":                      signRaw(key, fmt.Sprintf(" {\n\"alg\" : %q , \"typ\": \"at+jwt\",\t\"kid\":%q } ", algorithm, algorithm), payload),
			"escapes":                     signRaw(key, strings.Replace(header(algorithm, ""), "at+jwt", `at\u002bjwt`, 1), payload),
			"a media type":                signRaw(key, strings.Replace(header(algorithm, ""), "at+jwt", "application/at+jwt", 1), payload),
			"a media type in upper case":  signRaw(key, strings.Replace(header(algorithm, ""), "at+jwt", "APPLICATION/AT+JWT", 1), payload),
			"names that are not known":    signRaw(key, header(algorithm, `,"x":{"alg":"none"},"cty":"JWT"`), payload),
			"a key that is not looked at": signRaw(key, header(algorithm, `,"jwk":{"kty":"oct"},"x5c":[1],"jku":"https://evil.test"`), payload),
		} {
			if err := verifies(t, token); err != nil {
				t.Errorf("%s, %s: Verify = %v, want no error", algorithm, name, err)
			}
		}
	}
}

// Each of these is signed by the genuine key, so that nothing but its header is
// wrong.
func TestHeadersAreRefused(t *testing.T) {
	for _, algorithm := range algorithms {
		key := genuineKey(algorithm)
		good := header(algorithm, "")
		for name, text := range map[string]string{
			"no alg":                       strings.Replace(good, `"alg"`, `"x"`, 1),
			"alg null":                     strings.Replace(good, `"alg":"`+algorithm+`"`, `"alg":null`, 1),
			"alg a number":                 strings.Replace(good, `"alg":"`+algorithm+`"`, `"alg":1`, 1),
			"alg a list":                   strings.Replace(good, `"alg":"`+algorithm+`"`, `"alg":["`+algorithm+`"]`, 1),
			"alg in lower case":            strings.Replace(good, `"alg":"`+algorithm+`"`, `"alg":"`+strings.ToLower(algorithm)+`"`, 1),
			"alg with a space":             strings.Replace(good, `"alg":"`+algorithm+`"`, `"alg":"`+algorithm+` "`, 1),
			"alg under a name in capitals": strings.Replace(good, `"alg"`, `"ALG"`, 1),
			"kid under a name in capitals": strings.Replace(good, `"kid"`, `"Kid"`, 1),
			"typ under a name in capitals": strings.Replace(good, `"typ"`, `"TYP"`, 1),
			"no kid":                       strings.Replace(good, `"kid"`, `"x"`, 1),
			"kid null":                     strings.Replace(good, `"kid":"`+algorithm+`"`, `"kid":null`, 1),
			"kid a number":                 strings.Replace(good, `"kid":"`+algorithm+`"`, `"kid":7`, 1),
			"an empty kid":                 strings.Replace(good, `"kid":"`+algorithm+`"`, `"kid":""`, 1),
			"another kid":                  strings.Replace(good, `"kid":"`+algorithm+`"`, `"kid":"nobody"`, 1),
			"no typ":                       strings.Replace(good, `"typ"`, `"x"`, 1),
			"typ null":                     strings.Replace(good, `"at+jwt"`, `null`, 1),
			"an empty typ":                 strings.Replace(good, `"at+jwt"`, `""`, 1),
			"typ JWT":                      strings.Replace(good, `"at+jwt"`, `"JWT"`, 1),
			"typ of another purpose":       strings.Replace(good, `"at+jwt"`, `"logout+jwt"`, 1),
			"typ and more":                 strings.Replace(good, `"at+jwt"`, `"at+jwt;x"`, 1),
			"typ application alone":        strings.Replace(good, `"at+jwt"`, `"application/"`, 1),
			"typ application twice":        strings.Replace(good, `"at+jwt"`, `"application/application/at+jwt"`, 1),
			"typ of another tree":          strings.Replace(good, `"at+jwt"`, `"text/at+jwt"`, 1),
			"typ a list":                   strings.Replace(good, `"at+jwt"`, `["at+jwt"]`, 1),
			"an unknown crit":              header(algorithm, `,"crit":["x"],"x":1`),
			"crit of a known name":         header(algorithm, `,"crit":["kid"]`),
			"an empty crit":                header(algorithm, `,"crit":[]`),
			"crit null":                    header(algorithm, `,"crit":null`),
			"crit a string":                header(algorithm, `,"crit":"x"`),
			"crit of b64":                  header(algorithm, `,"b64":false,"crit":["b64"]`),
			"crit of b64 that is true":     header(algorithm, `,"b64":true,"crit":["b64"]`),
			"b64 without crit":             header(algorithm, `,"b64":false`),
			"b64 null":                     header(algorithm, `,"b64":null`),
			"a list":                       "[" + good + "]",
			"a string":                     `"x"`,
			"null":                         "null",
			"nothing":                      "",
			"an object cut short":          good[:len(good)-1],
			"two objects":                  good + good,
			"something after the object":   good + "x",
		} {
			if err := verifies(t, signRaw(key, text, payload)); !errors.Is(err, jws.ErrInvalid) {
				t.Errorf("%s, %s: Verify = %v, want ErrInvalid", algorithm, name, err)
			}
		}
	}
}

// Over the bytes of the payload themselves, as RFC 7797 signs them.
func TestUnencodedPayloadIsRefused(t *testing.T) {
	for _, algorithm := range algorithms {
		key := genuineKey(algorithm)
		for _, more := range []string{`,"b64":false,"crit":["b64"]`, `,"b64":false`} {
			input := b64(header(algorithm, more)) + "." + payload
			signature := b64(string(rawSignature(key, input)))
			for _, body := range []string{payload, b64(payload), ""} {
				token := b64(header(algorithm, more)) + "." + body + "." + signature
				if err := verifies(t, token); !errors.Is(err, jws.ErrInvalid) {
					t.Errorf("%s: Verify of %s = %v, want ErrInvalid", algorithm, token, err)
				}
			}
		}
	}
}

func TestAlgNoneIsRefused(t *testing.T) {
	for _, algorithm := range algorithms {
		for _, none := range []string{"none", "None", "NONE", "nOnE", "noné", "", "null"} {
			text := strings.Replace(header(algorithm, ""), `"alg":"`+algorithm, `"alg":"`+none, 1)
			for _, token := range []string{b64(text) + "." + b64(payload) + ".", signRaw(genuineKey(algorithm), text, payload)} {
				if err := verifies(t, token); !errors.Is(err, jws.ErrInvalid) {
					t.Errorf("%s as %q: Verify = %v, want ErrInvalid", algorithm, none, err)
				}
			}
		}
	}
}

// The public key is known to everybody; a verifier that takes the algorithm from
// the token would take it for a secret.
func TestPublicKeyIsNoSecret(t *testing.T) {
	for _, algorithm := range algorithms {
		public := genuineKey(algorithm).Signer.Public()
		der := must(x509.MarshalPKIXPublicKey(public))
		secrets := map[string][]byte{
			"DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
			"PEM without its last line end": []byte(strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))),
			"JWK":                           must(json.Marshal(jose.JSONWebKey{Key: public})), "JWKS": genuine().JWKS(), "nothing": {}, "its id": []byte(algorithm),
		}
		if key, ok := public.(*rsa.PublicKey); ok {
			secrets["PKCS #1"] = x509.MarshalPKCS1PublicKey(key)
			secrets["PKCS #1 in PEM"] = pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: secrets["PKCS #1"]})
			secrets["modulus"] = key.N.Bytes()
		}
		for name, secret := range secrets {
			for hmacName, h := range map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New, algorithm: sha256.New} {
				input := b64(strings.Replace(header(algorithm, ""), `"alg":"`+algorithm, `"alg":"`+hmacName, 1)) + "." + b64(payload)
				mac := hmac.New(h, secret)
				mac.Write([]byte(input))
				if err := verifies(t, input+"."+b64(string(mac.Sum(nil)))); !errors.Is(err, jws.ErrInvalid) {
					t.Errorf("%s, %s with %s: Verify = %v, want ErrInvalid", algorithm, hmacName, name, err)
				}
			}
		}
	}
}

// A key that the token brings along, or says where to find.
func TestKeyInTheTokenIsNotUsed(t *testing.T) {
	attacker := numbered(66)
	own := string(must(json.Marshal(jose.JSONWebKey{Key: attacker.Public(), KeyID: "EdDSA", Algorithm: "EdDSA", Use: "sig"})))
	certificate := base64.StdEncoding.EncodeToString(must(x509.MarshalPKIXPublicKey(attacker.Public())))
	for _, id := range []string{"EdDSA", "attacker", ""} {
		for name, more := range map[string]string{
			"jwk": `,"jwk":` + own, "jku": `,"jku":"https://evil.test/jwks.json"`, "x5u": `,"x5u":"https://evil.test/cert.pem"`,
			"x5c": `,"x5c":["` + certificate + `"]`, "keys": `,"keys":[` + own + `]`, "none of them": "",
		} {
			text := strings.Replace(header("EdDSA", more), `"kid":"EdDSA"`, fmt.Sprintf(`"kid":%q`, id), 1)
			if err := verifies(t, signRaw(jws.Key{Signer: attacker, Algorithm: "EdDSA"}, text, payload)); !errors.Is(err, jws.ErrInvalid) {
				t.Errorf("%s with the id %q: Verify = %v, want ErrInvalid", name, id, err)
			}
		}
	}
}

// A key serves one algorithm (RFC 8725 §3.1), even where it could serve two.
func TestAlgorithmIsThatOfTheKey(t *testing.T) {
	for _, of := range algorithms {
		for _, with := range algorithms {
			key := genuineKey(of)
			key.Algorithm = with
			if of != with && !(strings.HasSuffix(of, "S256") && of[0] != 'E' && strings.HasSuffix(with, "S256") && with[0] != 'E') {
				key = genuineKey(with) // a key cannot sign with the algorithm of another type
			}
			for _, alg := range algorithms {
				text := strings.Replace(header(of, ""), `"alg":"`+of, `"alg":"`+alg, 1)
				err := verifies(t, signRaw(key, text, payload))
				if good := of == with && alg == of; good != (err == nil) || err != nil && !errors.Is(err, jws.ErrInvalid) {
					t.Errorf("the key of %s, a signature of %s, alg %s: Verify = %v, want no error: %t", of, with, alg, err, good)
				}
			}
		}
	}
}

// broken is Keys that cannot tell.
type broken struct{}

func (broken) PublicKey(context.Context, string, time.Time) (*jws.PublicKey, error) {
	return nil, errOutage
}

func TestOutageIsNoVerdict(t *testing.T) {
	token := signRaw(genuineKey(jws.EdDSA), header(jws.EdDSA, ""), payload)
	if _, _, err := jws.Verify(t.Context(), broken{}, token, jws.TypeAccessToken, start); !errors.Is(err, errOutage) || errors.Is(err, jws.ErrInvalid) {
		t.Errorf("Verify = %v, want %v", err, errOutage)
	}
}
