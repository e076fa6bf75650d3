package jws_test

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// freshKey is a key that is no other.
func freshKey() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(nil)
	return must(key, err)
}

func staticKeys(t testing.TB, jwks ...string) *jws.StaticKeys {
	t.Helper()
	keys, err := jws.ParseJWKS([]byte(`{"keys":[` + strings.Join(jwks, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// Tokens of another party verify by the kid, or by the only keys that fit.
func TestE27(t *testing.T) {
	const payload = `{"sub":"c1"}`
	mine := jws.Key{Signer: edKey(), ID: "mine"}
	signed := func(header string) string { return signRaw(mine, header, payload) }
	own := string(newKeySet(t, mine).JWKS())
	own = own[len(`{"keys":[`) : len(own)-len(`]}`)]
	withoutID := strings.Replace(own, `"kid":"mine",`, "", 1)
	other := func(id string) string {
		text := string(newKeySet(t, jws.Key{Signer: freshKey(), ID: id}).JWKS())
		return text[len(`{"keys":[`) : len(text)-len(`]}`)]
	}
	es := members(t, jws.ES256, nil)

	noKID := signed(`{"alg":"EdDSA","typ":"JWT"}`)
	for _, tt := range []struct {
		name  string
		keys  []string
		token string
		want  error
	}{
		{"the kid of the key", []string{own}, signed(`{"alg":"EdDSA","kid":"mine"}`), nil},
		{"an unknown kid, though the key is there", []string{own}, signed(`{"alg":"EdDSA","kid":"other"}`), jws.ErrUnknownKey},
		{"an empty kid", []string{own}, signed(`{"alg":"EdDSA","kid":""}`), jws.ErrUnknownKey},
		{"a kid that is null", []string{own}, signed(`{"alg":"EdDSA","kid":null}`), jws.ErrUnknownKey},
		{"a kid that is a number", []string{own}, signed(`{"alg":"EdDSA","kid":1}`), jws.ErrMalformed},
		{"the kid of another key", []string{own, other("b")}, signed(`{"alg":"EdDSA","kid":"b"}`), jws.ErrSignature},
		{"no kid, one key", []string{own}, noKID, nil},
		{"no kid, one key without kid", []string{withoutID}, noKID, nil},
		{"no kid, one key for the algorithm", []string{es, own}, noKID, nil},
		{"no kid, the fourth of four keys", []string{other("a"), other("b"), other("c"), own}, noKID, nil},
		{"no kid, the fifth of five keys", []string{other("a"), other("b"), other("c"), other("d"), own}, noKID, jws.ErrSignature},
		{"no kid, no key for the algorithm", []string{es}, noKID, jws.ErrAlgorithm},
		{"no kid, another key", []string{other("a")}, noKID, jws.ErrSignature},
		{"no typ", []string{own}, signed(`{"alg":"EdDSA","kid":"mine"}`), nil},
		{"a wanted typ in full", []string{own}, signed(`{"alg":"EdDSA","kid":"mine","typ":"application/jwt"}`), nil},
		{"another typ", []string{own}, signed(`{"alg":"EdDSA","kid":"mine","typ":"at+jwt"}`), jws.ErrType},
		{"an empty typ", []string{own}, signed(`{"alg":"EdDSA","kid":"mine","typ":""}`), jws.ErrType},
		{"a typ that is null", []string{own}, signed(`{"alg":"EdDSA","kid":"mine","typ":null}`), jws.ErrType},
		{"an algorithm that is not listed", []string{es}, signed(`{"alg":"ES256"}`), jws.ErrAlgorithm},
		{"none", []string{own}, signed(`{"alg":"none"}`), jws.ErrAlgorithm},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, key, err := jws.VerifyForeign(t.Context(), staticKeys(t, tt.keys...), tt.token, []string{"", jws.TypeJWT}, []string{jws.EdDSA, jws.RS256}, time.Now())
			if !errors.Is(err, tt.want) || tt.want != nil && !errors.Is(err, jws.ErrInvalid) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if tt.want == nil && (string(got) != payload || key == nil) {
				t.Errorf("got %s by %v, want the payload and the key", got, key)
			}
		})
	}
}

// A token without kid verifies by remote keys too, which are fetched when they are
// due and not for each such token.
func TestS10(t *testing.T) {
	s := &jwksServer{answer: saying(200, string(newKeySet(t, jws.Key{Signer: edKey(), ID: "k"}).JWKS()))}
	r := newRemoteWith(t, s, nil)
	token := signRaw(jws.Key{Signer: edKey()}, `{"alg":"EdDSA"}`, `{}`)
	for range 3 {
		if _, _, err := jws.VerifyForeign(t.Context(), r, token, []string{""}, nil, start); err != nil {
			t.Fatal(err)
		}
	}
	bad := signRaw(jws.Key{Signer: freshKey()}, `{"alg":"EdDSA"}`, `{}`)
	for range 100 {
		if _, _, err := jws.VerifyForeign(t.Context(), r, bad, []string{""}, nil, start); !errors.Is(err, jws.ErrSignature) {
			t.Fatalf("another's token: %v", err)
		}
	}
	if got := s.count(); got != 1 {
		t.Errorf("the keys were fetched %d times, want once", got)
	}
	s.set(saying(500, ""))
	fresh := newRemoteWith(t, s, nil)
	if _, _, err := jws.VerifyForeign(t.Context(), fresh, token, []string{""}, nil, start); err == nil || errors.Is(err, jws.ErrInvalid) {
		t.Errorf("keys that cannot be fetched: %v, want an outage", err)
	}
}

// ParseJWKS names every key that cannot be used.
func TestParseJWKS(t *testing.T) {
	es := members(t, jws.ES256, nil)
	for _, tt := range []struct {
		name, document string
		want           []string
	}{
		{"no JSON", `keys`, []string{"not a key set"}},
		{"no keys", `{}`, []string{"not a key set"}},
		{"an empty list", `{"keys":[]}`, []string{"no key for signatures"}},
		{"keys for encryption alone", `{"keys":[` + members(t, jws.ES256, map[string]any{"use": "enc"}) + `]}`, []string{"no key for signatures"}},
		{"two faults", `{"keys":[` + privateJWK(t, signingKey(jws.ES256)) + `,` + es + `,` + members(t, jws.EdDSA, map[string]any{"crv": "X25519"}) + `]}`, []string{"key 0: it is private", "key 2: it is malformed"}},
		{"one id twice", `{"keys":[` + es + `,` + members(t, jws.EdDSA, nil) + `]}`, []string{"key 1: another key has its id"}},
		{"too long", strings.Repeat(" ", 64<<10) + `{"keys":[` + es + `]}`, []string{"over 65536 bytes"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := jws.ParseJWKS([]byte(tt.document))
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
		})
	}
}
