package jws_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/go-jose/go-jose/v4"
)

// numbered returns an Ed25519 key of which there are as many as numbers.
func numbered(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// kid returns the id that a key has if it is given none.
func kid(key crypto.Signer) string {
	s := must(jws.NewKeySet(jws.Key{Signer: key}))
	return s.SigningKey(start).ID()
}

func pemBlock(typ string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}))
}

func pkcs8(key crypto.Signer) string {
	return pemBlock("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key)))
}

func pkix(key crypto.Signer) string {
	return pemBlock("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(key.Public())))
}

func jwk(key any, id, algorithm, use string) string {
	return string(must(json.Marshal(jose.JSONWebKey{Key: key, KeyID: id, Algorithm: algorithm, Use: use})))
}

// write puts a file there that was last changed long before start.
func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	old := start.Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	return path
}

// fileKeys are FileKeys with their path.
type fileKeys struct {
	*jws.FileKeys
	Path string
}

// keysAt returns the keys in the files of a path.
func keysAt(t testing.TB, path string) fileKeys {
	t.Helper()
	f, err := jws.NewFileKeys(jws.FileKeysConfig{Path: path})
	if err != nil {
		t.Fatalf("NewFileKeys = %v, want no error", err)
	}
	return fileKeys{f, path}
}

// keyFile writes a file, and returns its keys.
func keyFile(t testing.TB, text string) fileKeys {
	t.Helper()
	return keysAt(t, write(t, filepath.Join(t.TempDir(), "keys"), text))
}

// described tells a key in a line.
func described(k jws.Key) string {
	kind, public := "private", k.Public
	if k.Signer != nil {
		public = k.Signer.Public()
	} else {
		kind = "public"
	}
	name := "?"
	for n, known := range map[string]crypto.Signer{"rsa": rsaKey(), "ec": ecKey(), "ed": edKey(), "1": numbered(1), "2": numbered(2)} {
		if known.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(public) {
			name = n
		}
	}
	return strings.TrimSpace(strings.Join([]string{kind, name, k.ID, k.Algorithm}, " "))
}

func TestKeyFileFormats(t *testing.T) {
	sec1 := pemBlock("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ecKey())))
	pkcs1 := pemBlock("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey()))
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"PKCS #8 of RSA", pkcs8(rsaKey()), []string{"private rsa"}},
		{"PKCS #8 of P-256", pkcs8(ecKey()), []string{"private ec"}},
		{"PKCS #8 of Ed25519", pkcs8(edKey()), []string{"private ed"}},
		{"PKCS #1", pkcs1, []string{"private rsa"}},
		{"SEC 1", sec1, []string{"private ec"}},
		{"the parameters before a SEC 1 key", pemBlock("EC PARAMETERS", []byte{6, 8}) + sec1, []string{"private ec"}},
		{"a public key", pkix(ecKey()) + pkcs8(edKey()), []string{"public ec", "private ed"}},
		{"the order of PEM is kept", pkcs8(numbered(2)) + pkcs1 + pkcs8(numbered(1)), []string{"private 2", "private rsa", "private 1"}},
		{"text before PEM", "Bag Attributes\n  friendlyName: k\n" + pkcs8(edKey()), []string{"private ed"}},
		{"line ends of Windows", strings.ReplaceAll(pkcs8(edKey())+pkcs8(numbered(1)), "\n", "\r\n"), []string{"private ed", "private 1"}},
		{"a JWK", jwk(ecKey(), "k1", "ES256", "sig"), []string{"private ec k1 ES256"}},
		{"a JWK names PS256", jwk(rsaKey(), "", "PS256", ""), []string{"private rsa  PS256"}},
		{"a JWK without id and algorithm", "\n  " + jwk(edKey(), "", "", "") + "\n", []string{"private ed"}},
		{"a public JWK", `{"keys":[` + jwk(edKey().Public(), "k0", "EdDSA", "sig") + "," + jwk(ecKey(), "k1", "", "") + "]}",
			[]string{"public ed k0 EdDSA", "private ec k1"}},
		{"the order of a JWK Set is kept", `{"keys": [` + jwk(numbered(2), "b", "", "") + ", " + jwk(numbered(1), "a", "", "") + "]}",
			[]string{"private 2 b", "private 1 a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := keyFile(t, tt.text).Keys(t.Context(), jws.Rotation{}, start)
			if err != nil {
				t.Fatalf("Keys = %v, want no error", err)
			}
			var got []string
			for _, k := range keys {
				got = append(got, described(k))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("Keys = %q, want %q", got, tt.want)
			}
			set, err := jws.OpenKeySet(t.Context(), keyFile(t, tt.text), jws.Rotation{}, start)
			if err != nil {
				t.Fatalf("OpenKeySet = %v, want no error", err)
			}
			if n := len(parseJWKS(t, set.JWKS()).Keys); n != len(tt.want) {
				t.Errorf("the JWKS has %d keys, want %d", n, len(tt.want))
			}
			sign(t, set, jws.TypeJWT, payload)
		})
	}
}

// quotes reports whether an error repeats the contents of a file: any eight
// characters of a line that is not part of the format.
func quotes(err error, text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "-----") {
			continue
		}
		for i := range len(line) - 7 {
			if part := line[i : i+8]; strings.Contains(err.Error(), part) {
				return part
			}
		}
	}
	return ""
}

func TestKeyFileRefuses(t *testing.T) {
	ed := pkcs8(edKey())
	der := must(x509.MarshalPKCS8PrivateKey(edKey()))
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	x25519 := must(ecdh.X25519().GenerateKey(rand.Reader))
	lines := strings.SplitAfter(ed, "\n")
	withD := func(s string) string { return strings.Replace(s, `"d":"`, `"d":"!`, 1) }
	for _, tt := range []struct{ name, text, want string }{
		{"an empty file", "", "no key in it"},
		{"spaces alone", " \n\t\n", "no key in it"},
		{"text that is no key", "correct horse battery staple", "cut short, or neither PEM nor JSON"},
		{"base64 without PEM", lines[1], "cut short, or neither PEM nor JSON"},
		{"text after PEM", ed + "xxxxxxxx", "cut short, or neither PEM nor JSON"},
		{"a broken block before a good one", lines[0] + "!!!!\n" + lines[2] + ed, "cut short, or neither PEM nor JSON"},
		{"an end without a beginning", lines[1] + lines[2] + ed + lines[2], "cut short, or neither PEM nor JSON"},
		{"encrypted PKCS #8", pemBlock("ENCRYPTED PRIVATE KEY", der), "key 0: it is encrypted: decrypt it"},
		{"encrypted PKCS #1", ed + string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der,
			Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00112233445566778899AABBCCDDEEFF"}})), "key 1: it is encrypted: decrypt it"},
		{"a certificate", pemBlock("CERTIFICATE", der), "none of PRIVATE KEY"},
		{"an OpenSSH key", pemBlock("OPENSSH PRIVATE KEY", der), "none of PRIVATE KEY"},
		{"a DER that is cut short", pemBlock("PRIVATE KEY", der[:40]), "key 0: it is malformed"},
		{"a key of the wrong label", pemBlock("EC PRIVATE KEY", der), "key 0: it is malformed"},
		{"X25519", pemBlock("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(x25519))), "key 0: it is malformed, or of a type"},
		{"P-384", ed + pkcs8(p384), "key 1: the curve is not P-256"},
		{"RSA of 1024 bits", pkcs8(must(rsa.GenerateKey(rand.Reader, 1024))), "key 0: the RSA key has 1024 bits"},
		{"JSON that is no key", `{"password": "correct horse battery"}`, "key 0: it is malformed"},
		{"JSON after JSON", jwk(edKey(), "", "", "") + jwk(ecKey(), "", "", ""), "cut short, or not the JSON"},
		{"a JWK Set without keys", `{"keys":[]}`, "no key in it"},
		{"a JWK Set of null", `{"keys":[null]}`, "key 0: it is malformed"},
		{"keys that are no list", `{"keys":"` + lines[1] + `"}`, "cut short, or not the JSON"},
		{"a symmetric JWK", jwk([]byte("correct horse battery staple ..."), "", "HS256", ""), "key 0: it is a symmetric key"},
		{"a JWK to encrypt with", jwk(ecKey(), "", "", "enc"), "key 0: it is not for signatures"},
		{"a JWK of another algorithm", jwk(rsaKey(), "", "RSA-OAEP-256", ""), "key 0: its algorithm is none of"},
		{"a JWK of an algorithm that does not fit", jwk(rsaKey(), "", "ES256", ""), "key 0: the algorithm ES256 does not fit"},
		{"a JWK with an id outside ASCII", jwk(edKey(), "schlüssel", "", ""), "key 0: the id is not printable ASCII"},
		{"a JWK whose private part is broken", withD(jwk(rsaKey(), "", "", "")), "key 0: it is malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := keyFile(t, tt.text)
			keys, err := f.Keys(t.Context(), jws.Rotation{}, start)
			if err == nil || len(keys) > 0 || !strings.HasPrefix(err.Error(), "jws: key file "+f.Path+": ") || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Keys = %v, %v, want jws: key file …: … %s", keys, err, tt.want)
			}
			if part := quotes(err, tt.text); part != "" {
				t.Errorf("the error %q quotes %q from the file", err, part)
			}
		})
	}
}

// A file that is being written is never read as one with fewer keys, except at
// the end of a key.
func TestKeyFileCutShortIsAnError(t *testing.T) {
	first := pkcs8(numbered(1))
	for name, text := range map[string]string{
		"PEM":     first + pkcs8(numbered(2)),
		"JWK Set": `{"keys":[` + jwk(numbered(1), "", "", "") + "," + jwk(numbered(2), "", "", "") + "]}",
		"one JWK": jwk(numbered(1), "", "", ""),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys")
			for n := range len(text) {
				if near := abs(n-len(first)) < 60 || len(text)-n < 60 || n < 60; !near && n%7 != 0 {
					continue // every place would be much writing
				}
				f := keysAt(t, write(t, path, text[:n]))
				keys, err := f.Keys(t.Context(), jws.Rotation{}, start)
				whole := name == "PEM" && (n == len(first) || n == len(first)-1 || n == len(text)-1)
				if (err == nil) != whole {
					t.Errorf("Keys of the first %d of %d bytes = %d keys, %v, want an error: %t", n, len(text), len(keys), err, !whole)
				}
			}
		})
	}
}

func abs(n int) int { return max(n, -n) }
