package jws_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// rfcExample is a signed text that an RFC prints, with the keys that verify it there.
type rfcExample struct {
	Name       string            `json:"name"`
	Keys       []json.RawMessage `json:"keys"`
	Token      string            `json:"token"`
	KeyID      string            `json:"key_id"`      // the thumbprint that the RFC prints, or empty
	KeyRefused string            `json:"key_refused"` // why ParseJWKS takes no such key; empty if it does
	Refused    string            `json:"refused"`     // why VerifyForeign takes no such token; empty if it does
}

// The examples of RFC 7515, RFC 7520 and RFC 8037 verify, or are refused for a reason
// that this package states: it has no symmetric keys, no curves but P-256 and Ed25519,
// no hashes but SHA-256, and reads the compact serialization alone.
func TestRFCExamples(t *testing.T) {
	text, err := os.ReadFile("testdata/rfc_examples.json")
	if err != nil {
		t.Fatal(err)
	}
	var examples []rfcExample
	if err := json.Unmarshal(text, &examples); err != nil {
		t.Fatal(err)
	}
	if len(examples) != 17 {
		t.Errorf("there are %d examples, want 17", len(examples))
	}
	for _, e := range examples {
		t.Run(e.Name, func(t *testing.T) {
			document := must(json.Marshal(map[string]any{"keys": e.Keys}))
			keys, err := jws.ParseJWKS(document)
			if e.KeyRefused != "" {
				if err == nil || !strings.Contains(err.Error(), e.KeyRefused) {
					t.Errorf("ParseJWKS: got %v, want %q in it", err, e.KeyRefused)
				}
				keys = staticKeys(t, members(t, jws.ES256, nil)) // some key that is taken
			} else if err != nil {
				t.Fatal(err)
			}
			_, key, err := jws.VerifyForeign(t.Context(), keys, e.Token, []string{"", jws.TypeJWT}, nil, start)
			switch {
			case e.Refused != "":
				if !errors.Is(err, jws.ErrInvalid) || !strings.Contains(err.Error(), e.Refused) {
					t.Errorf("got %v, want ErrInvalid with %q in it", err, e.Refused)
				}
				return
			case err != nil:
				t.Fatal(err)
			case e.KeyID != "" && key.ID() != e.KeyID:
				t.Errorf("the key is %s, want its thumbprint %s", key.ID(), e.KeyID)
			}
			// Verify is for the tokens of this library's endpoint, which say their type.
			if _, _, err := jws.Verify(t.Context(), keys, e.Token, jws.TypeJWT, start); !errors.Is(err, jws.ErrType) {
				t.Errorf("Verify: got %v, want ErrType: no example has a typ", err)
			}
			// One bit of the signed text, and one of the signature.
			for i, c := range []byte(e.Token) {
				if c == '.' {
					broken := e.Token[:i+1] + flip(e.Token[i+1]) + e.Token[i+2:]
					if _, _, err := jws.VerifyForeign(t.Context(), keys, broken, []string{"", jws.TypeJWT}, nil, start); !errors.Is(err, jws.ErrInvalid) {
						t.Errorf("changed at %d: got %v, want ErrInvalid", i+1, err)
					}
				}
			}
		})
	}
}

// flip returns another letter of base64url.
func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}
