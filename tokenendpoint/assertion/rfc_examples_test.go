package assertion_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/assertion"
)

// The example of RFC 7523 §4 has no jti, and lives for an hour. It is good at a server
// that is configured for both, and refused by default. Nobody has its key, so a key of
// the test's signs what the RFC prints; its header has kid 16 and no typ.
func TestRFC7523Example(t *testing.T) {
	const payload = `{"iss":"https://jwt-idp.example.com",
     "sub":"mailto:mike@example.com",
     "aud":"https://jwt-rp.example.net",
     "nbf":1300815780,
     "exp":1300819380,
     "http://claims.example.com/member":true}`
	s := newSigner(t, "16")
	text := s.raw(`{"alg":"EdDSA","kid":"16"}`, payload)
	within := time.Unix(1300815780, 0).Add(10 * time.Minute)
	for _, tt := range []struct {
		name   string
		change func(*assertion.Config)
		at     time.Time
		want   string
	}{
		{"as a server is configured for it", func(*assertion.Config) {}, within, ""},
		{"without a life of an hour", func(c *assertion.Config) { c.MaxLifetime = 0 }, within, "its exp is more than 5m0s ahead"},
		{"to be used once", func(c *assertion.Config) { c.Reusable = false }, within, "it has no jti"},
		{"at another server", func(c *assertion.Config) { c.Audience = []string{server} }, within, "its aud is not " + server},
		{"before its nbf", func(*assertion.Config) {}, time.Unix(1300815780, 0).Add(-time.Minute), "its exp is more than 1h0m0s ahead"},
		{"after its exp", func(*assertion.Config) {}, time.Unix(1300819380, 0).Add(time.Minute), "it expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := assertion.Config{
				Issuer: "https://jwt-idp.example.com", Keys: keys(t, s), Audience: []string{"https://jwt-rp.example.net"},
				MaxLifetime: time.Hour, Reusable: true,
			}
			tt.change(&c)
			v, err := assertion.New(c)
			if err != nil {
				t.Fatal(err)
			}
			claims, err := v.Verify(t.Context(), text, tt.at)
			switch {
			case tt.want != "":
				if !errors.Is(err, assertion.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
			case err != nil:
				t.Error(err)
			case claims.Subject != "mailto:mike@example.com":
				t.Errorf("the subject is %q", claims.Subject)
			default:
				if member, _ := claims.Claim("http://claims.example.com/member"); string(member) != "true" {
					t.Errorf("its member is %s, want true", member)
				}
			}
		})
	}
}
