package integration_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// identityProvider is the issuer of the assertions that are grants.
const identityProvider = "https://idp.test"

// assertionsTo adds to the endpoint of a child what takes assertions: clients with a
// key, and an identity provider with the key of this JWK Set.
func assertionsTo(c *tokenendpoint.Config, clients storage.Clients, jwks string) error {
	keys, err := jws.ParseJWKS([]byte(jwks))
	if err != nil {
		return err
	}
	bearer, err := assertion.NewJWTBearer(assertion.TrustedIssuer{
		Config: assertion.Config{Issuer: identityProvider, Keys: keys, Audience: []string{testIssuer}},
		Authorize: func(_ context.Context, _ *grants.Request, claims *assertion.Claims) (*grants.Authorization, error) {
			return &grants.Authorization{Subject: claims.Subject, Scope: []string{"read"}}, nil
		},
	})
	if err != nil {
		return err
	}
	c.Grants[assertion.TypeJWTBearer] = bearer
	c.ClientValidator = &clientauth.Secrets{Clients: clients, Assertions: &clientauth.Assertions{Issuer: testIssuer}}
	return nil
}

// signer signs assertions by one key.
type signer struct {
	key  jws.Key
	jwks string
}

func newSigner(t testing.TB) signer {
	t.Helper()
	private := faultKey()
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return signer{
		key:  jws.Key{Signer: private, ID: "k1"},
		jwks: fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":%q,"y":%q}]}`, encode(point[1:33]), encode(point[33:])),
	}
}

// assertion makes one of an issuer for the endpoint of these tests.
func (s signer) assertion(t testing.TB, issuer, subject string) string {
	t.Helper()
	keys, err := jws.NewKeySet(s.key)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	payload, err := json.Marshal(map[string]any{
		"iss": issuer, "sub": subject, "aud": testIssuer, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := keys.AppendSigned(t.Context(), nil, jws.TypeJWT, payload, now)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Two processes on one database are shown 50 copies of one assertion at once: one copy
// gets tokens, whether the assertion is how the client authenticates (RFC 7523 §2.2)
// or the grant (§2.1).
func TestE19_S04_ProcessesRaceForAnAssertion(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, s server) {
		b := newFaultBed(t, s)
		by := newSigner(t)
		b.client.GrantTypes = append(b.client.GrantTypes, assertion.TypeJWTBearer)
		keyed := &storage.Client{
			ID: "keyed", AuthMethod: storage.PrivateKeyJWT, Assertion: storage.ClientAssertion{JWKS: []byte(by.jwks)},
			GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"read"},
		}
		for _, c := range []*storage.Client{b.client, keyed} {
			if err := b.store.PutClient(t.Context(), c); err != nil {
				t.Fatalf("PutClient: %v", err)
			}
		}
		how := tuning{Timeout: 10 * time.Second, Vouchers: by.jwks}
		at := []string{b.newChild(how, 0).url, b.newChild(how, 0).url}
		for range 4 {
			b.raceForAssertion(at, "as client authentication", http.StatusUnauthorized, "invalid_client", url.Values{
				"grant_type": {grants.TypeClientCredentials}, "client_id": {keyed.ID},
				"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
				"client_assertion":      {by.assertion(t, keyed.ID, keyed.ID)},
			})
			b.raceForAssertion(at, "as a grant", http.StatusBadRequest, "invalid_grant", url.Values{
				"grant_type": {assertion.TypeJWTBearer}, "assertion": {by.assertion(t, identityProvider, "alice")},
			})
		}
	})
}

// raceForAssertion sends 50 copies of a request at once, and wants one success.
func (b *faultBed) raceForAssertion(at []string, what string, status int, code string, form url.Values) {
	b.Helper()
	const racers = 50
	won := 0
	for _, r := range race(racers, at, func(at string) *reply {
		own := make(url.Values, len(form))
		for name, values := range form {
			own[name] = values
		}
		return b.post(at, own)
	}) {
		switch {
		case r.ok():
			won++
		case r.err != nil || r.status != status || r.body.Error != code:
			b.Errorf("an assertion %s: got status %d with error %q (%v), want %d %s or the one success", what, r.status, r.body.Error, r.err, status, code)
		}
	}
	if won != 1 {
		b.Errorf("an assertion %s got tokens %d times in two processes, want once", what, won)
	}
}
