package assertion_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// The claims of an assertion, row by row.
func TestClaims(t *testing.T) {
	key := newSigner(t, "k1")
	v := newVerifier(t, client(t, key))
	set := func(name string, value any) map[string]any { return map[string]any{name: value} }
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for _, tt := range []struct {
		name    string
		changes map[string]any
		want    string // in the cause; empty: it is good
	}{
		{"E01_good", nil, ""},
		{"E02_aud is the issuer, as a string", set("aud", server), ""},
		{"E03_aud is the token endpoint", set("aud", server+"/connect/token"), "aud is not https://as.test, byte"},
		{"E04_aud is a list with another server", set("aud", []string{server, "https://evil.test"}), "aud is a list"},
		{"E05_aud is a list of one", set("aud", []string{server}), "aud is a list"},
		{"E06_aud with a slash", set("aud", server+"/"), "aud is not https://as.test, byte"},
		{"E06_aud in other letters", set("aud", "https://AS.test"), "aud is not https://as.test, byte"},
		{"E06_aud with http", set("aud", "http://as.test"), "aud is not https://as.test, byte"},
		{"E06_aud with a port", set("aud", server+":443"), "aud is not https://as.test, byte"},
		{"E06_aud is a prefix", set("aud", "https://as.tes"), "aud is not https://as.test, byte"},
		{"E06_aud has it as a prefix", set("aud", server+".evil.test"), "aud is not https://as.test, byte"},
		{"E06_aud is another endpoint", set("aud", server+"/connect/introspect"), "aud is not https://as.test, byte"},
		{"E07_no aud", set("aud", nil), "aud names another server too, or none"},
		{"E07_an empty aud", set("aud", ""), "aud is not https://as.test, byte"},
		{"E07_aud is a number", set("aud", 7), "neither a string nor a list"},
		{"E07_aud is null", set("aud", json.RawMessage("null")), "neither a string nor a list"},
		{"E07_aud is nested", set("aud", []any{[]string{server}}), "a member that is no string"},
		{"E07_an empty list", set("aud", []string{}), "aud is a list"},
		{"E08_no iss", set("iss", nil), "iss is another"},
		{"E08_another iss", set("iss", "c2"), "iss is another"},
		{"E08_iss is a number", set("iss", 1), "iss is no string"},
		{"E08_no sub", set("sub", nil), "no sub"},
		{"E08_another sub", set("sub", "c2"), "sub is another"},
		{"E09_no exp", set("exp", nil), "no exp"},
		{"E10_expired 5 minutes ago", set("exp", at(-5*time.Minute)), "expired 5m0s ago"},
		{"E10_expired within the leeway", set("exp", at(-29*time.Second)), ""},
		{"E10_expired at the end of the leeway", set("exp", at(-30*time.Second)), "expired 30s ago"},
		{"E11_exp two days ahead", set("exp", at(48*time.Hour)), "exp is more than 5m0s ahead"},
		{"E11_exp at the bound", set("exp", at(5*time.Minute+30*time.Second)), ""},
		{"E11_exp beyond the bound", set("exp", at(5*time.Minute+31*time.Second)), "exp is more than 5m0s ahead"},
		{"E12_iat 8 s ahead", set("iat", at(8*time.Second)), ""},
		{"E12_nbf 10 s ahead", set("nbf", at(10*time.Second)), ""},
		{"E13_iat 90 s ahead", set("iat", at(90*time.Second)), "iat is 1m30s ahead"},
		{"E13_nbf 61 s ahead", set("nbf", at(61*time.Second)), "nbf is 1m1s ahead"},
		{"E14_iat a day old", set("iat", at(-24*time.Hour)), "iat is more than 5m0s ago"},
		{"E14_no iat", set("iat", nil), ""},
		{"E15_exp is a string", set("exp", "1796040000"), "exp is no number"},
		{"E15_exp is 1e300", set("exp", json.RawMessage("1e300")), "exp is no number"},
		{"E15_exp is negative", set("exp", -1), "exp is no number"},
		{"E15_exp is null", set("exp", json.RawMessage("null")), "exp is no number"},
		{"E15_exp has a fraction", set("exp", float64(at(time.Minute))+0.5), ""},
		{"E15_E21_exp has a fraction, which does not count", set("exp", float64(at(-30*time.Second))+0.9), "expired 30s ago"},
		{"E16_no jti", set("jti", nil), "no jti"},
		{"E16_an empty jti", set("jti", ""), "no jti"},
		{"E16_jti is a number", set("jti", 7), "jti is no string"},
		{"S08_cnf", set("cnf", map[string]string{"jkt": "x"}), "constraint cnf"},
		{"S08_authorization_details", set("authorization_details", []any{}), "constraint authorization_details"},
		{"a further claim", set("email", "a@b.test"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := v.Verify(t.Context(), key.sign(t, good(tt.changes)), now)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v, want it to be good", err)
			case tt.want == "" && (got.Issuer != "c1" || got.Subject != "c1"):
				t.Errorf("got %+v", got)
			case tt.want != "" && (!errors.Is(err, assertion.ErrInvalid) || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want ErrInvalid with %q", err, tt.want)
			}
		})
	}
}

// The form and the signature of an assertion, row by row.
func TestForm(t *testing.T) {
	key, second := newSigner(t, "k1"), newSigner(t, "k2")
	payload, err := json.Marshal(good(nil))
	if err != nil {
		t.Fatal(err)
	}
	body := string(payload)
	header := func(members string) string { return `{"alg":"EdDSA","kid":"k1"` + members + `}` }
	encode := base64.RawURLEncoding.EncodeToString
	embedded := encode(second.key.Public().(ed25519.PublicKey))
	for _, tt := range []struct{ name, text string }{
		{"E23_none", encode([]byte(`{"alg":"none"}`)) + "." + encode(payload) + "."},
		{"E23_nOnE", encode([]byte(`{"alg":"nOnE","kid":"k1"}`)) + "." + encode(payload) + "."},
		{"E23_an empty signature", strings.TrimRight(key.raw(header(""), body), "-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")},
		{"E24_HS256", key.raw(`{"alg":"HS256","kid":"k1"}`, body)},
		{"E25_another algorithm", key.raw(`{"alg":"RS256","kid":"k1"}`, body)},
		{"E26_another's key", second.raw(header(""), body)},
		{"E28_a key in the header", second.raw(header(`,"jwk":{"kty":"OKP","crv":"Ed25519","x":"`+embedded+`"}`), body)},
		{"E28_the address of a key in the header", second.raw(header(`,"jku":"https://evil.test/jwks"`), body)},
		{"E29_crit", key.raw(header(`,"crit":["x"],"x":1`), body)},
		{"E30_b64", key.raw(header(`,"b64":false`), body)},
		{"E30_JSON serialization", `{"payload":"` + encode(payload) + `","signatures":[]}`},
		{"E31_a JWE", strings.Repeat(encode([]byte(`{"alg":"PBES2-HS256+A128KW"}`))+".", 4) + "x"},
		{"E32_a mebibyte", strings.Repeat("a", 1<<20)},
		{"E32_a mebibyte of dots", strings.Repeat(".", 1<<20)},
		{"E33_null", key.raw(header(""), "null")},
		{"E33_a list", key.raw(header(""), "[]")},
		{"E33_no JSON", key.raw(header(""), "claims")},
		{"E33_a claim twice", key.raw(header(""), `{"sub":"c2",`+body[1:])},
		{"E33_a claim twice, one escaped", key.raw(header(""), `{"\u0073ub":"c2",`+body[1:])},
		{"E33_something behind the claims", key.raw(header(""), body+"{}")},
		{"E34_the header is null", key.raw("null", body)},
		{"E37_S06_an access token", key.raw(header(`,"typ":"at+jwt"`), body)},
		{"E37_a DPoP proof", key.raw(header(`,"typ":"dpop+jwt"`), body)},
		{"E37_a request object", key.raw(header(`,"typ":"oauth-authz-req+jwt"`), body)},
		{"a space before it", " " + key.raw(header(""), body)},
		{"E18_a line break in it", strings.Replace(key.raw(header(""), body), ".", ".\n", 1)},
		{"nothing", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newVerifier(t, client(t, key))
			if got, err := v.Verify(t.Context(), tt.text, now); !errors.Is(err, assertion.ErrInvalid) {
				t.Errorf("got %+v, %v, want ErrInvalid", got, err)
			} else if strings.Contains(err.Error(), "evil") {
				t.Errorf("the cause repeats the assertion: %v", err)
			}
		})
	}
	for _, typ := range []string{"", `,"typ":"JWT"`, `,"typ":"jwt"`, `,"typ":"client-authentication+jwt"`} {
		if _, err := newVerifier(t, client(t, key)).Verify(t.Context(), key.raw(header(typ), body), now); err != nil {
			t.Errorf("E37_a header with %q: %v", typ, err)
		}
	}
	c := client(t, key)
	c.Algorithms = []string{jws.ES256}
	if _, err := newVerifier(t, c).Verify(t.Context(), key.raw(header(""), body), now); !errors.Is(err, assertion.ErrInvalid) {
		t.Errorf("E25_an algorithm that is not registered: %v", err)
	}
}

// keysDown are keys that cannot be had.
type keysDown struct{}

var errDown = errors.New("down")

func (keysDown) PublicKey(context.Context, string, time.Time) (*jws.PublicKey, error) {
	return nil, errDown
}
func (keysDown) PublicKeys(context.Context, time.Time) ([]*jws.PublicKey, error) { return nil, errDown }

// Keys that cannot be had are an outage, and no verdict on the assertion.
func TestS11(t *testing.T) {
	key := newSigner(t, "k1")
	c := client(t, key)
	c.Keys = keysDown{}
	v := newVerifier(t, c)
	for name, header := range map[string]string{"with a kid": `{"alg":"EdDSA","kid":"k1"}`, "without": `{"alg":"EdDSA"}`} {
		if _, err := v.Verify(t.Context(), key.raw(header, `{}`), now); err == nil || errors.Is(err, assertion.ErrInvalid) || !errors.Is(err, errDown) {
			t.Errorf("%s: got %v, want an outage", name, err)
		}
	}
}

// New names every fault of a configuration.
func TestNew(t *testing.T) {
	_, err := assertion.New(assertion.Config{
		Keys: (*jws.StaticKeys)(nil), Algorithms: []string{"HS256"}, Types: []string{}, Audience: []string{""}, MaxLifetime: -1,
	})
	for _, want := range []string{"Issuer is missing", "Keys are missing", `"HS256"`, "Types is empty", "Audience is missing", "MaxLifetime is negative"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
