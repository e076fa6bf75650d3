package diagnosis_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// atAPI provokes each row of the second table.
var atAPI = []provocation{
	{"no header, as after a redirect to another host", func(t *testing.T) answer {
		return newServer(t, nil).api("", nil)
	}},
	{"quotes around the token", func(t *testing.T) answer {
		s := newServer(t, nil)
		return s.api(`Bearer "`+s.accessToken()+`"`, nil)
	}},
	{"a refresh token", func(t *testing.T) answer {
		s := newServer(t, nil)
		token, _ := s.redeem(s.newCode("reports")).body["refresh_token"].(string)
		return s.api("Bearer "+token, nil)
	}},
	{"a token of a replica that has drawn its own key", func(t *testing.T) answer {
		return newServer(t, nil).api("Bearer "+newServer(t, nil).accessToken(), nil)
	}},
	{"a token that was changed", func(t *testing.T) answer {
		s := newServer(t, nil)
		token := s.accessToken()
		signature := token[strings.LastIndexByte(token, '.')+1:]
		return s.api("Bearer "+strings.TrimSuffix(token, signature)+strings.Repeat("A", len(signature)), nil)
	}},
	{"an API that expects another typ", func(t *testing.T) answer {
		s := newServer(t, nil)
		return s.api("Bearer "+s.accessToken(), func(c *bearer.Config) { c.TokenType = jws.TypeJWT })
	}},
	{"an API with a slash behind its issuer", func(t *testing.T) answer {
		s := newServer(t, nil)
		return s.api("Bearer "+s.accessToken(), func(c *bearer.Config) { c.Issuer = issuer + "/" })
	}},
	{"an API with another audience", func(t *testing.T) answer {
		s := newServer(t, nil)
		return s.api("Bearer "+s.accessToken(), func(c *bearer.Config) { c.Audience = "orders" })
	}},
	{"a token after its hour", func(t *testing.T) answer {
		s := newServer(t, nil)
		token := s.accessToken()
		time.Sleep(2 * time.Hour)
		return s.api("Bearer "+token, nil)
	}},
	{"a clock that is behind by a minute", func(t *testing.T) answer {
		s := newServer(t, nil)
		return s.api("Bearer "+s.signedAt(time.Now().Add(time.Minute)), nil)
	}},
	{"a token with a certificate, at an API that looks at none", func(t *testing.T) answer {
		c := newCertified(t)
		c.change(func(client *storage.Client) { client.Certificate.Bound = true })
		c.shows("any.test")
		return c.api("Bearer "+c.accessToken(), nil)
	}},
	{"a session that was ended", func(t *testing.T) answer {
		s := newServer(t, nil)
		got := s.redeem(s.newCode("reports")).body
		access, _ := got["access_token"].(string)
		refresh, _ := got["refresh_token"].(string)
		r := s.request(url.Values{"token": {refresh}, "client_id": {"reports"}, "client_secret": {s.secret}}.Encode())
		r.URL.Path = "/connect/revocation"
		if a := s.send(r); a.status != 200 {
			t.Fatalf("revocation: %d %s", a.status, a.line)
		}
		return s.api("Bearer "+access, nil)
	}},
	{"a route that wants another scope", func(t *testing.T) answer {
		s := newServer(t, nil)
		s.change(func(c *storage.Client) { c.Scope = []string{"write"} })
		return s.api("Bearer "+s.accessToken(), nil)
	}},
	{"a database that does not answer", func(t *testing.T) answer {
		s := newServer(t, nil)
		return s.api("Bearer "+s.accessToken(), func(c *bearer.Config) {
			c.Revocations = bearer.RevocationsFunc(func(context.Context, string, string) (bool, error) {
				return false, errors.New("dial tcp: connection refused")
			})
		})
	}},
}
