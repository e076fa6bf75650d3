package clientauth_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// For every fault of an assertion, and whether its client exists or not, one signature is
// verified (R4, R31): that of the client's key, or that of a decoy.
func TestR31Assertions(t *testing.T) {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	store := new(memory.Store)
	for _, c := range []*storage.Client{
		{ID: "keyed", AuthMethod: storage.PrivateKeyJWT, Assertion: storage.ClientAssertion{
			JWKS: []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"` + encode(public) + `"}]}`),
		}},
		{ID: "secret"},
	} {
		if err := store.PutClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	assertions := &clientauth.Assertions{Issuer: "https://as.test"}
	s := &clientauth.Secrets{Clients: store, Assertions: assertions}
	paid := ""
	assertions.ObserveDecoys(func(algorithm string) { paid += algorithm })
	for _, tt := range []struct{ header, algorithm string }{
		{`{"alg":"EdDSA","kid":"k"}`, "EdDSA"}, {`{"alg":"EdDSA"}`, "EdDSA"}, {`{"alg":"EdDSA","kid":"other"}`, "EdDSA"}, {`{"alg":"EdDSA","kid":""}`, "EdDSA"},
		{`{"alg":"EdDSA","kid":"k","typ":"at+jwt"}`, "EdDSA"}, {`{"alg":"RS256","kid":"k"}`, "RS256"}, {`{"alg":"PS256"}`, "PS256"}, {`{"alg":"ES256","kid":"k"}`, "ES256"},
		{`{"alg":"none"}`, ""}, {`{"alg":"HS256"}`, ""}, {`null`, ""}, {`{`, ""},
	} {
		for _, id := range []string{"keyed", "secret", "nobody"} {
			want := tt.algorithm
			if id == "keyed" && (tt.header == `{"alg":"EdDSA","kid":"k"}` || tt.header == `{"alg":"EdDSA"}`) {
				want = "" // its own key has been tried
			}
			paid = ""
			text := encode([]byte(tt.header)) + "." + encode([]byte(`{"sub":"`+id+`"}`)) + "." + encode(make([]byte, 64))
			_, err := s.ValidateClient(t.Context(), clientauth.Request{ID: id, Method: storage.PrivateKeyJWT, Assertion: storage.PresentedSecret(text), Time: time.Now()})
			if !errors.Is(err, grants.InvalidClient) || paid != want {
				t.Errorf("%s of %s: got %v after a decoy for %q, want a refusal after one for %q", tt.header, id, err, paid, want)
			}
		}
	}
}
