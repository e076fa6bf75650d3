package diagnosis_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// keyed is a server with a client "keyed", which shows that it has a key
// (private_key_jwt, RFC 7523 §2.2).
type keyed struct {
	*server
	own *jws.KeySet // of the client
}

// withAssertions lets such a client in.
func withAssertions(c *tokenendpoint.Config) { c.ClientAssertions = &clientauth.Assertions{} }

func newKeyed(t *testing.T, change func(*tokenendpoint.Config)) *keyed {
	t.Helper()
	k := &keyed{own: newKeys(t)}
	k.server = newServer(t, change)
	w := httptest.NewRecorder()
	k.own.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	k.put(&storage.Client{
		ID: "keyed", AuthMethod: storage.PrivateKeyJWT, Assertion: storage.ClientAssertion{JWKS: w.Body.Bytes()},
		GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"read"},
	})
	return k
}

// assertion signs an assertion of the client for an audience.
func (k *keyed) assertion(aud string) string {
	k.t.Helper()
	payload, err := json.Marshal(map[string]any{
		"iss": "keyed", "sub": "keyed", "aud": aud, "jti": "1", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	})
	if err != nil {
		k.t.Fatal(err)
	}
	text, err := k.own.Sign(k.t.Context(), "JWT", payload, time.Now())
	if err != nil {
		k.t.Fatal(err)
	}
	return text
}

func (k *keyed) show(assertion string) answer {
	k.t.Helper()
	return k.post("grant_type", "client_credentials", "client_id", "keyed",
		"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", assertion)
}
