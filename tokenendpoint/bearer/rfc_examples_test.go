package bearer_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// The access token that RFC 9068 §3 prints is good where it is meant for. A key of the
// test's signs its header and its payload, since nobody has the RFC's.
func TestRFC9068Example(t *testing.T) {
	const (
		header  = `{"typ":"at+JWT","alg":"RS256","kid":"RjEwOwOA"}`
		payload = `{
     "iss": "https://authorization-server.example.com/",
     "sub": "5ba552d67",
     "aud":   "https://rs.example.com/",
     "exp": 1639528912,
     "iat": 1618354090,
     "jti" : "dbe39bf3a3ba4238a513f51d6e1691c4",
     "client_id": "s6BhdRkqt3",
     "scope": "openid profile reademail"
   }`
	)
	encode := base64.RawURLEncoding.EncodeToString
	message := encode([]byte(header)) + "." + encode([]byte(payload))
	digest := sha256.Sum256([]byte(message))
	token := message + "." + encode(must(rsaKey().Sign(rand.Reader, digest[:], crypto.SHA256)))
	keys := keySet(t, jws.Key{Signer: rsaKey(), ID: "RjEwOwOA"})
	within := time.Unix(1618354090, 0).Add(time.Hour)
	for _, tt := range []struct {
		name   string
		change func(*bearer.Config)
		at     time.Time
		want   string
	}{
		{"where it is meant for", func(*bearer.Config) {}, within, ""},
		{"at another API", func(c *bearer.Config) { c.Audience = "https://rs.example.com" }, within, "it is for another audience"},
		{"of another issuer", func(c *bearer.Config) { c.Issuer = "https://authorization-server.example.com" }, within, "it is of another issuer"},
		{"where the type is JWT", func(c *bearer.Config) { c.TokenType = jws.TypeJWT }, within, `its typ is "at+JWT"`},
		{"after its exp", func(*bearer.Config) {}, time.Unix(1639528912, 0).Add(time.Minute), "it expired at 2021-12-15T00:41:52Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newVerifier(t, keys, func(c *bearer.Config) {
				c.Issuer, c.Audience = "https://authorization-server.example.com/", "https://rs.example.com/"
				tt.change(c)
			})
			claims, err := v.Verify(t.Context(), token, tt.at)
			switch {
			case tt.want != "":
				if !errors.Is(err, jws.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
			case err != nil:
				t.Error(err)
			case claims.Subject != "5ba552d67" || claims.ClientID != "s6BhdRkqt3" || claims.ID != "dbe39bf3a3ba4238a513f51d6e1691c4" ||
				!slices.Equal(claims.Scope, []string{"openid", "profile", "reademail"}):
				t.Errorf("got %+v", claims)
			}
		})
	}
}
