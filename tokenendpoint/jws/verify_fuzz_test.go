package jws_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/go-jose/go-jose/v4"
)

// FuzzVerify compares Verify with go-jose: go-jose accepts every token that Verify
// accepts, with the same payload; Verify refuses a token that go-jose accepts only
// for a known reason. Unusual headers are signed by the genuine key,
// so that the signature does not hide the verdict on the header, and tokens are
// spoiled in one place.
func FuzzVerify(f *testing.F) {
	good := `{"alg":"EdDSA","kid":"EdDSA","typ":"at+jwt"}`
	f.Add(good, []byte(payload), "", uint16(0), uint8(0))
	for _, text := range []string{
		`{"alg":"none","kid":"EdDSA","typ":"at+jwt"}`, `{"alg":"ES256","kid":"EdDSA","typ":"at+jwt"}`, `{"alg":"EdDSA","kid":"ES256","typ":"at+jwt"}`,
		`{"alg":"EdDSA","kid":"EdDSA","typ":"application/AT+JWT"}`, `{"alg":"EdDSA","kid":"EdDSA","typ":"JWT"}`, `{"alg":"EdDSA","kid":"EdDSA"}`,
		`{"alg":"EdDSA","kid":"EdDSA","typ":"at+jwt","crit":["b64"],"b64":false}`, `{"alg":"EdDSA","kid":"EdDSA","typ":"at+jwt","b64":null}`, `{"alg":"EdDSA","kid":"EdDSA","typ":"at+jwt","b64":false}`,
		`{"alg":"EdDSA","kid":"EdDSA","typ":"at+jwt","crit":[]}`, `{"alg":"EdDSA","kid":"EdDSA","typ":"at+jwt","crit":null}`,
		`{"ALG":"EdDSA","Kid":"EdDSA","tYp":"at+jwt"}`, `{"alg":"none","alg":"EdDSA","kid":"EdDSA","typ":"at+jwt"}`, `{"alg":"EdDSA","alg":null,"kid":"EdDSA","typ":"at+jwt"}`,
		" {\"\\u0061lg\" : \"EdDSA\" ,\"kid\":\"EdDSA\",\"typ\":\"at\\u002bjwt\"}\n", good + good, good[1:], `[]`, `null`, "", `{"alg":"EdDSA","kid":"EdDSA","typ":"at+jwt","":"\xff"}`,
	} {
		f.Add(text, []byte(payload), "", uint16(0), uint8(0))
	}
	for i, splice := range []string{"\n", "=", ".", "A", " ", "\r\n", "..", "%", "-", "\x00"} {
		f.Add(good, []byte(`{"sub":"u12"}`), splice, uint16(31*i), uint8(i%3))
	}
	f.Fuzz(func(t *testing.T, text string, body []byte, splice string, at uint16, cut uint8) {
		token := signRaw(genuineKey(jws.EdDSA), text, string(body))
		if splice != "" || cut > 0 {
			from := int(at) % (len(token) + 1)
			to := min(from+int(cut), len(token))
			token = token[:from] + splice + token[to:]
		}
		got, key, err := jws.Verify(t.Context(), genuine(), token, jws.TypeAccessToken, start)
		want, head := goJoseVerifies(t, token)
		switch {
		case err != nil && !errors.Is(err, jws.ErrInvalid):
			t.Fatalf("Verify = %v, want ErrInvalid", err)
		case err == nil && head != nil && (!bytes.Equal(got, want) || head.KeyID != key.ID() || head.Algorithm != key.Algorithm()):
			t.Fatalf("Verify(%q) = %q by %s, go-jose has %q by %s", token, got, key.ID(), want, head.KeyID)
		case err == nil && head == nil && plain(text):
			t.Fatalf("Verify(%q) = %q, go-jose refuses it", token, got)
		case err != nil && head != nil && !odd(token, head):
			t.Fatalf("Verify(%q) = %v, go-jose accepts it", token, err)
		}
	})
}

// goJoseVerifies returns the payload and the header as go-jose reads them, or nil.
func goJoseVerifies(t *testing.T, token string) ([]byte, *jose.Header) {
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA})
	if err != nil {
		return nil, nil
	}
	body, err := parsed.Verify(joseKeys(t, genuine().JWKS()))
	if err != nil {
		return nil, nil
	}
	return body, &parsed.Signatures[0].Header
}

// plain reports whether a header has neither a name twice, of which Verify takes
// the last one, nor one that go-jose reads and Verify does not.
func plain(header string) bool {
	d := json.NewDecoder(strings.NewReader(header))
	if _, err := d.Token(); err != nil {
		return true
	}
	seen := map[string]bool{"jwk": true, "x5c": true, "nonce": true}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return true
		}
		if seen[name] {
			return false
		}
		seen[name] = true
		var value json.RawMessage
		if d.Decode(&value) != nil || bytes.Contains(value, []byte("{")) { // names may be there twice, deeper
			return false
		}
	}
	return true
}

// odd reports whether a token is one of those that Verify refuses and go-jose
// does not.
func odd(token string, head *jose.Header) bool {
	for part := range strings.SplitSeq(token, ".") {
		b, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || base64.RawURLEncoding.EncodeToString(b) != part {
			return true
		}
	}
	typ, _ := head.ExtraHeaders[jose.HeaderType].(string)
	typ = strings.ToLower(typ)
	text, _ := base64.RawURLEncoding.DecodeString(token[:strings.IndexByte(token, '.')])
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return false
	}
	_, critical := members["crit"] // which go-jose takes for absent if it is null
	_, b64 := members["b64"]
	return critical || b64 || typ != "at+jwt" && typ != "application/at+jwt" || len(token) > 64<<10
}

// FuzzAccessTokenRoundTrip reads back the text of AppendJSON.
func FuzzAccessTokenRoundTrip(f *testing.F) {
	f.Add("https://as.test", "u1", "c1", "j1", "https://api.test", "", "read write", "", "role", `"admin"`, int64(1_700_000_000), int64(3600))
	f.Add("i\"", "s\\", "c\n", "j\x00", "a\x7f", "b\u2028", "x", "f1", "n", `{"a":[1,2.50,null,true],"b":{"c":1e400}}`, int64(-1), int64(1))
	f.Add("<>", "😀", "é", "\ufffd", "a", "a", "", "\"", "", `12345678901234567890`, int64(0), int64(1<<33))
	f.Fuzz(func(t *testing.T, iss, sub, client, jti, aud1, aud2, scope, family, name, value string, iat, life int64) {
		a := jws.AccessToken{
			Issuer: iss, Subject: sub, ClientID: client, ID: jti, Audience: []string{aud1}, Family: family,
			IssuedAt: time.Unix(iat, 0).UTC(), ExpiresAt: time.Unix(iat, 0).Add(time.Duration(life) * time.Second).UTC(),
		}
		if aud2 != "" {
			a.Audience = append(a.Audience, aud2)
		}
		if scope != "" {
			a.Scope = strings.Split(scope, " ")
		}
		if name != "" {
			a.Claims = map[string]any{name: json.RawMessage(value)}
		}
		text, err := a.AppendJSON(nil)
		if err != nil {
			return
		}
		got, err := jws.ParseAccessToken(text)
		if err != nil {
			t.Fatalf("ParseAccessToken(%s) = %v, want no error", text, err)
		}
		if name != "" {
			a.Claims = map[string]any{name: numbers(t, value)}
		}
		if !reflect.DeepEqual(got, &a) {
			t.Fatalf("ParseAccessToken(%s) = %+v, want %+v", text, got, a)
		}
	})
}

// numbers reads JSON, and keeps its numbers as they are written.
func numbers(t *testing.T, text string) (v any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// FuzzParseAccessToken reads any text. A text that it accepts reads the same after it
// was written again.
func FuzzParseAccessToken(f *testing.F) {
	for _, text := range []string{claims, add(`"scope":"a b","family":"f","x":{"y":[1.0]}`), swap("aud", `["a","b"]`), claims + "}", "null", "[]", `{"iss":1}`, swap("exp", "1e9"), add(`"scope":"a  b"`),
		add(`"sub":"u2","n":0,"list":["a","b"],"e":[]`), add(`"é":"\xff"`), add(`"n":-1,"m":1.0,"k":01`), `{"a":""}`, `{"a":[""]}{}`, `{"a":12}`, `{"":"\x7f"}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, ok := jws.DecodePlain(text); ok {
			if want := numbers(t, string(text)); !reflect.DeepEqual(any(got), want) {
				t.Fatalf("without encoding/json %q is read as %v, want %v", text, got, want)
			}
		}
		a, err := jws.ParseAccessToken(text)
		if err != nil {
			if !errors.Is(err, jws.ErrInvalid) || a != nil {
				t.Fatalf("ParseAccessToken = %v, %v, want ErrInvalid", a, err)
			}
			return
		}
		if !json.Valid(text) {
			t.Fatalf("ParseAccessToken(%q) = %+v, and it is no JSON", text, a)
		}
		again, err := a.AppendJSON(nil)
		if err != nil {
			return // such as an exp before iat, which is the caller's to see
		}
		b, err := jws.ParseAccessToken(again)
		if err != nil || !reflect.DeepEqual(a, b) || !utf8.Valid(again) {
			t.Fatalf("%q is read as %+v, and when written again as %+v, %v", text, a, b, err)
		}
	})
}
