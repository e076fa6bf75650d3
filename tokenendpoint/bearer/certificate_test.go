package bearer_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/contit/oauth/tokenendpoint/mtls"
)

// A token with the thumbprint of a certificate is good for the client that shows it, also
// when the token is remembered, and a cnf with anything else in it is good for nobody.
func TestM03(t *testing.T) {
	mine, other := &x509.Certificate{Raw: []byte("mine")}, &x509.Certificate{Raw: []byte("other")}
	thumbprint := mtls.Thumbprint(mine)
	var shown []*x509.Certificate
	var trouble error
	var seen bearer.Event
	look := func(c *bearer.Config) {
		c.ClientCertificate = func(*http.Request) ([]*x509.Certificate, error) { return shown, trouble }
	}
	watch := func(c *bearer.Config) {
		c.Observe = func(_ context.Context, e bearer.Event) { seen = e }
	}
	at := time.Now().Truncate(time.Second)
	token := func(cnf string) string {
		payload := fmt.Sprintf(`{"iss":%q,"sub":"u","aud":%q,"client_id":"c","jti":"1","iat":%d,"exp":%d,"scope":"read"%s}`, issuer, audience, at.Unix(), at.Add(time.Hour).Unix(), cnf)
		return must(edKeys(t).Sign(t.Context(), jws.TypeAccessToken, []byte(payload), at))
	}
	ask := func(v *bearer.Verifier, token string) int {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		v.RequireToken("read")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })).ServeHTTP(w, r)
		return w.Code
	}
	looks := newVerifier(t, edKeys(t), func(c *bearer.Config) { look(c); watch(c) })
	bound := token(`,"cnf":{"x5t#S256":"` + thumbprint + `"}`)
	for _, step := range []struct {
		shown  []*x509.Certificate
		err    error
		status int
		reason bearer.Reason
	}{
		{[]*x509.Certificate{mine}, nil, 204, ""},
		{[]*x509.Certificate{other}, nil, 401, bearer.BoundToKey},
		{[]*x509.Certificate{other, mine}, nil, 401, bearer.BoundToKey}, // that of a CA is not the client's
		{nil, nil, 401, bearer.BoundToKey},
		{nil, jws.ErrInvalid, 503, bearer.Outage},
		{[]*x509.Certificate{mine}, nil, 204, ""},
	} {
		shown, trouble = step.shown, step.err
		if got := ask(looks, bound); got != step.status || step.reason != "" && seen.Reason != step.reason {
			t.Errorf("with %d certificates and %v: got %d %s, want %d %s", len(shown), trouble, got, seen.Reason, step.status, step.reason)
		}
	}
	for _, cnf := range []string{
		`,"cnf":{"x5t#S256":"` + thumbprint + `","jkt":"x"}`, `,"cnf":{"x5t#S256":""}`, `,"cnf":{"x5t#S256":1}`, `,"cnf":{}`, `,"cnf":"` + thumbprint + `"`,
		`,"\u0063nf":{"jkt":"x"}`,
	} {
		if got := ask(looks, token(cnf)); got != 401 {
			t.Errorf("%s: got %d, want 401", cnf, got)
		}
	}
	if got := ask(newVerifier(t, edKeys(t), watch), bound); got != 401 || seen.Reason != bearer.BoundToKey {
		t.Errorf("where nobody looks: got %d %s", got, seen.Reason)
	}
	if _, err := looks.Verify(t.Context(), bound, at); !errors.Is(err, jws.ErrInvalid) {
		t.Errorf("Verify: got %v, want ErrInvalid: it sees no certificate", err)
	}
}
