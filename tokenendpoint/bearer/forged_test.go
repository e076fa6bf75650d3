package bearer_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/jws"
)

type object = map[string]any

// changed returns an object with members added; those that are nil are left
// out.
func changed(o, with object) object {
	o = maps.Clone(o)
	maps.Copy(o, with)
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
	return o
}

// payload is the payload of good, to be changed.
func payload(t testing.TB, at time.Time) object {
	t.Helper()
	var o object
	if err := json.Unmarshal(must(good(at).AppendJSON(nil)), &o); err != nil {
		t.Fatal(err)
	}
	o["exp"], o["iat"] = at.Add(time.Hour).Unix(), at.Unix()
	return o
}

func rsaSign(message []byte) []byte {
	sum := sha256.Sum256(message)
	return must(rsa.SignPKCS1v15(rand.Reader, rsaKey(), crypto.SHA256, sum[:]))
}

func hmacSign(secret []byte) func([]byte) []byte {
	return func(message []byte) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write(message)
		return h.Sum(nil)
	}
}

func nothing([]byte) []byte { return nil }

// forgeries are tokens that a key set of edKey, "ed", and of rsaKey, "rsa", must not
// verify.
func forgeries(t testing.TB, keys *jws.KeySet, at time.Time) map[string]string {
	p := payload(t, at)
	header := object{"alg": "EdDSA", "kid": "ed", "typ": "at+jwt"}
	rs := object{"alg": "RS256", "kid": "rsa", "typ": "at+jwt"}
	evil, der := newEdKey(), must(x509.MarshalPKIXPublicKey(rsaKey().Public()))
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	refresh := storage.NewSecret("rt_")
	ed := func(h, p object) string { return forge(h, p, edSign(edKey())) }
	tokens := map[string]string{
		"alg none":                      forge(changed(rs, object{"alg": "none"}), p, nothing),
		"alg None with a signature":     forge(changed(rs, object{"alg": "None"}), p, rsaSign),
		"alg none without a kid":        forge(object{"alg": "none", "typ": "at+jwt"}, p, nothing),
		"HS256 with the public key":     forge(changed(rs, object{"alg": "HS256"}), p, hmacSign(public)),
		"HS256 with the DER":            forge(changed(rs, object{"alg": "HS256"}), p, hmacSign(der)),
		"HS256 with the JWKS":           forge(changed(rs, object{"alg": "HS256"}), p, hmacSign(keys.JWKS())),
		"HS256 with the Ed25519 key":    forge(changed(header, object{"alg": "HS256"}), p, hmacSign(edKey()[32:])),
		"PS256 said, RS256 signed":      forge(changed(rs, object{"alg": "PS256"}), p, rsaSign),
		"another key of the set":        forge(changed(rs, object{"kid": "ed"}), p, rsaSign),
		"the key of another":            forge(header, p, edSign(evil)),
		"an embedded jwk":               forge(changed(header, object{"jwk": jwkOf(evil.Public())}), p, edSign(evil)),
		"an embedded jwk without a kid": forge(changed(header, object{"kid": nil, "jwk": jwkOf(evil.Public())}), p, edSign(evil)),
		"a jku":                         forge(changed(header, object{"kid": "evil", "jku": "https://evil.test/jwks"}), p, edSign(evil)),
		"an x5c":                        forge(changed(header, object{"kid": nil, "x5c": []string{"AAAA"}}), p, edSign(evil)),
		"an unknown kid":                ed(changed(header, object{"kid": "ed2"}), p),
		"no kid":                        ed(changed(header, object{"kid": nil}), p),
		"a kid that is a path":          ed(changed(header, object{"kid": "../../dev/null"}), p),
		"an unknown crit":               ed(changed(header, object{"crit": []string{"x"}, "x": 1}), p),
		"an empty crit":                 ed(changed(header, object{"crit": []string{}}), p),
		"no typ":                        ed(changed(header, object{"typ": nil}), p),
		"typ JWT":                       ed(changed(header, object{"typ": "JWT"}), p),
		"the typ of an ID token":        ed(changed(header, object{"typ": "id_token+jwt"}), p),
		"the typ of a logout token":     ed(changed(header, object{"typ": "logout+jwt"}), p),
		"the typ of a DPoP proof":       ed(changed(header, object{"typ": "dpop+jwt"}), p),
		"a typ that begins like ours":   ed(changed(header, object{"typ": "at+jwt2"}), p),
		"a typ that is a list":          ed(changed(header, object{"typ": []string{"at+jwt"}}), p),
		"a refresh token":               refresh.Reveal(),
		"a zip":                         ed(header, p) + "." + "e30",
		"two parts":                     strings.Join(strings.Split(ed(header, p), ".")[:2], "."),
		"no signature":                  ed(header, p)[:strings.LastIndex(ed(header, p), ".")+1],
		"JSON serialization":            encode([]byte(`{"payload":"e30","signatures":[]}`)),
		"a payload changed after it":    tampered(ed(header, p)),
		"a payload that is null":        ed(header, nil),
		"over 64 KiB":                   ed(header, changed(p, object{"pad": strings.Repeat("x", 64<<10)})),
		"a curve of zeros":              forge(header, p, func([]byte) []byte { return make([]byte, 64) }),
	}
	for name, change := range map[string]object{
		"another issuer":              {"iss": "https://evil.test"},
		"an issuer with a slash":      {"iss": issuer + "/"},
		"an issuer that begins so":    {"iss": issuer + ".evil.test"},
		"a part of the issuer":        {"iss": issuer[:len(issuer)-1]},
		"an issuer in capitals":       {"iss": strings.ToUpper(issuer)},
		"a list of issuers":           {"iss": []string{issuer}},
		"no issuer":                   {"iss": nil},
		"another audience":            {"aud": "https://evil.test"},
		"an audience with a slash":    {"aud": audience + "/"},
		"an audience that begins so":  {"aud": audience + ".evil.test"},
		"a part of the audience":      {"aud": audience[:len(audience)-1]},
		"an audience in capitals":     {"aud": strings.ToUpper(audience)},
		"other audiences":             {"aud": []string{audience + "/", "https://evil.test"}},
		"an audience in a list twice": {"aud": [][]string{{audience}}},
		"the issuer as audience":      {"aud": issuer},
		"no audiences":                {"aud": []string{}},
		"no audience":                 {"aud": nil},
		"an audience with an object":  {"aud": []any{audience, object{}}},
		"expired":                     {"exp": at.Add(-time.Minute).Unix(), "iat": at.Add(-time.Hour).Unix()},
		"no exp":                      {"exp": nil},
		"an exp that is text":         {"exp": fmt.Sprint(at.Add(time.Hour).Unix())},
		"an exp of null":              {"exp": json.RawMessage("null")},
		"an exp beyond all":           {"exp": json.RawMessage("1e400")},
		"an exp beyond int64":         {"exp": json.RawMessage("9223372036854775808")},
		"from the future":             {"iat": at.Add(time.Minute).Unix()},
		"no iat":                      {"iat": nil},
		"not yet":                     {"nbf": at.Add(time.Minute).Unix()},
		"an nbf that is text":         {"nbf": "0"},
		"an nbf of null":              {"nbf": json.RawMessage("null")},
		"no jti":                      {"jti": nil},
		"no sub":                      {"sub": nil},
		"no client_id":                {"client_id": nil},
		"a sub that is a number":      {"sub": 1},
		"an empty sub":                {"sub": ""},
		"an empty family":             {"family": ""},
		"a scope that is a list":      {"scope": []string{"read"}},
		"bound to a key of a client":  {"cnf": object{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}},
		"bound to nothing in it":      {"cnf": json.RawMessage("null")},
	} {
		tokens[name] = ed(header, changed(p, change))
	}
	for name, escaped := range map[string]string{"bound, in escapes": `"\u0063nf":{}`, "not yet, in escapes": `"n\u0062f":9999999999`} {
		claims := json.RawMessage(strings.Replace(string(must(json.Marshal(p))), "{", "{"+escaped+",", 1))
		message := encode(must(json.Marshal(header))) + "." + encode(claims) // json.Marshal would take the escapes away
		tokens[name] = message + "." + encode(ed25519.Sign(edKey(), []byte(message)))
	}
	for alg, token := range map[string]string{"RS256": forge(rs, p, rsaSign), "EdDSA": ed(header, p)} {
		for i, spelling := range spellings(token) {
			tokens[fmt.Sprintf("spelling %d of %s", i+1, alg)] = spelling
		}
	}
	return tokens
}

func jwkOf(public crypto.PublicKey) object {
	return object{"kty": "OKP", "crv": "Ed25519", "x": encode(public.(ed25519.PublicKey))}
}

// tampered makes the token's user another one.
func tampered(token string) string {
	parts := strings.Split(token, ".")
	parts[1] = encode([]byte(strings.Replace(string(must(base64.RawURLEncoding.DecodeString(parts[1]))), "user-1", "user-2", 1)))
	return strings.Join(parts, ".")
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// spellings returns the other fifteen texts that a lenient decoder reads the
// same signature from, and some with padding.
func spellings(token string) []string {
	last := strings.IndexByte(alphabet, token[len(token)-1])
	var all []string
	for spare := 1; spare < 16; spare++ {
		all = append(all, token[:len(token)-1]+string(alphabet[last|spare]))
	}
	standard := strings.NewReplacer("-", "+", "_", "/").Replace(token)
	for _, one := range []string{token + "=", token + "==", standard} {
		if one != token {
			all = append(all, one)
		}
	}
	return all
}

// All of them get the same answer, which a text that is no token gets too.
func TestForgedTokensAreInvalid(t *testing.T) {
	keys := keySet(t, jws.Key{Signer: edKey(), ID: "ed"}, jws.Key{Public: rsaKey().Public(), ID: "rsa"})
	store := new(revocations)
	v := newVerifier(t, keys, nil)
	asking := newVerifier(t, keys, func(c *bearer.Config) { c.Revocations = store })
	now := time.Now()
	p := payload(t, now)
	right := map[string]string{
		"ed":                  forge(object{"alg": "EdDSA", "kid": "ed", "typ": "at+jwt"}, p, edSign(edKey())),
		"rsa":                 forge(object{"alg": "RS256", "kid": "rsa", "typ": "at+jwt"}, p, rsaSign),
		"the long typ":        forge(object{"alg": "EdDSA", "kid": "ed", "typ": "application/at+jwt"}, p, edSign(edKey())),
		"the typ in capitals": forge(object{"alg": "EdDSA", "kid": "ed", "typ": "AT+JWT"}, p, edSign(edKey())),
		"several audiences":   forge(object{"alg": "EdDSA", "kid": "ed", "typ": "at+jwt"}, changed(p, object{"aud": []string{"x", audience}}), edSign(edKey())),
		"an nbf that is over": forge(object{"alg": "EdDSA", "kid": "ed", "typ": "at+jwt"}, changed(p, object{"nbf": now.Unix()}), edSign(edKey())),
	}
	for name, token := range right { // or nothing that follows says anything; and now they are remembered
		if got := ask(v, []string{"read"}, "/", "Bearer "+token); got.StatusCode != 204 {
			t.Fatalf("%s: a right token is answered with %d", name, got.StatusCode)
		}
	}
	first := ask(v, nil, "/", "Bearer abc")
	for name, token := range forgeries(t, keys, now) {
		for _, v := range []*bearer.Verifier{v, asking} {
			got := ask(v, []string{"read"}, "/", "Bearer "+token)
			if got.StatusCode != 401 || got.ran || got.body != first.body ||
				got.Header.Get("WWW-Authenticate") != `Bearer realm="api", error="invalid_token", scope="read"`+found || len(got.Header) != len(first.Header) {
				t.Errorf("%s: %d, %q, %v (handler ran: %t), want 401 invalid_token", name, got.StatusCode, got.body, got.Header, got.ran)
			}
		}
	}
	if n := store.asked.Load(); n != 0 {
		t.Errorf("the store was asked %d times about forged tokens, want never", n)
	}
	if n := bearer.Remembered(v); n != len(right) {
		t.Errorf("%d tokens are remembered, want the %d right ones", n, len(right))
	}
}

func TestLineBreaksAreAnotherSpelling(t *testing.T) {
	keys := edKeys(t)
	v := newVerifier(t, keys, nil)
	token := access(t, keys, good(start))
	wantVerdict(t, v, token, start, "good")
	for _, other := range []string{token + "\n", "\n" + token, token[:10] + "\r\n" + token[10:], token[:len(token)-3] + "\n" + token[len(token)-3:], " " + token, token + " "} {
		wantVerdict(t, v, other, start, "invalid")
	}
}

func TestTokenTypeJWT(t *testing.T) {
	keys := edKeys(t)
	v := newVerifier(t, keys, func(c *bearer.Config) { c.TokenType = jws.TypeJWT })
	wantVerdict(t, v, sign(t, keys, jws.TypeJWT, good(start)), start, "good")
	wantVerdict(t, v, sign(t, keys, jws.TypeAccessToken, good(start)), start, "invalid")
}
