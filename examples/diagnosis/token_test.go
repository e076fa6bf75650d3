package diagnosis_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// atTokenEndpoint provokes each row of the first table.
var atTokenEndpoint = []provocation{
	{"a client_id that was never registered", func(t *testing.T) answer {
		return newServer(t, nil).post("grant_type", "client_credentials", "client_id", "report", "client_secret", "cs_x")
	}},
	{"a secret with one letter too many", func(t *testing.T) answer {
		s := newServer(t, nil)
		return s.post("grant_type", "client_credentials", "client_id", "reports", "client_secret", s.secret+" ")
	}},
	{"a secret that has expired", func(t *testing.T) answer {
		s := newServer(t, nil)
		s.change(func(c *storage.Client) { c.Secrets[0].ExpiresAt = time.Now().Add(time.Hour) })
		time.Sleep(2 * time.Hour)
		return s.asReports("grant_type", "client_credentials")
	}},
	{"a secret in the body of a client registered for Basic", func(t *testing.T) answer {
		s := newServer(t, nil)
		s.change(func(c *storage.Client) { c.AuthMethod = storage.ClientSecretBasic })
		return s.asReports("grant_type", "client_credentials")
	}},
	{"Basic without form-encoding", func(t *testing.T) answer {
		s := newServer(t, nil)
		s.change(func(c *storage.Client) { c.Secrets = []storage.ClientSecret{chosen(t, "p+s")} })
		r := s.request("grant_type=client_credentials")
		r.SetBasicAuth("reports", "p+s")
		return s.send(r)
	}},
	{"no secret", func(t *testing.T) answer {
		return newServer(t, nil).post("grant_type", "client_credentials", "client_id", "reports")
	}},
	{"a secret of a public client", func(t *testing.T) answer {
		return newServer(t, nil).post("grant_type", "authorization_code", "code", "ac_x", "client_id", "phone", "client_secret", "cs_x")
	}},
	{"a disabled client", func(t *testing.T) answer {
		s := newServer(t, nil)
		s.change(func(c *storage.Client) { c.Disabled = true })
		return s.asReports("grant_type", "client_credentials")
	}},
	{"a header that a proxy has cut", func(t *testing.T) answer {
		s := newServer(t, nil)
		r := s.request("grant_type=client_credentials")
		r.Header.Set("Authorization", "Basic")
		return s.send(r)
	}},
	{"an assertion for the token endpoint, as clients were taught once", func(t *testing.T) answer {
		k := newKeyed(t, withAssertions)
		return k.show(k.assertion(issuer + "/connect/token"))
	}},
	{"an assertion where the host has set nothing for it", func(t *testing.T) answer {
		k := newKeyed(t, nil)
		return k.show(k.assertion(issuer))
	}},
	{"an assertion that a client keeps", func(t *testing.T) answer {
		k := newKeyed(t, withAssertions)
		assertion := k.assertion(issuer)
		if first := k.show(assertion); first.status != http.StatusOK {
			t.Fatalf("the first use gets %d: %s", first.status, first.line)
		}
		return k.show(assertion)
	}},
	{"a code of another database", func(t *testing.T) answer {
		code := newServer(t, nil).newCode("reports")
		return newServer(t, nil).redeem(code)
	}},
	{"a code that was cut", func(t *testing.T) answer {
		s := newServer(t, nil)
		code := s.newCode("reports")
		return s.redeem(code[:len(code)-1])
	}},
	{"a code after its minute", func(t *testing.T) answer {
		s := newServer(t, nil)
		code := s.newCode("reports")
		time.Sleep(2 * time.Minute)
		return s.redeem(code)
	}},
	{"a code of another client", func(t *testing.T) answer {
		s := newServer(t, nil)
		s.put(&storage.Client{ID: "other", AuthMethod: storage.AuthNone, GrantTypes: []string{grants.TypeAuthorizationCode}, RedirectURIs: []string{callback}})
		return s.redeem(s.newCode("other"))
	}},
	{"another redirect_uri", func(t *testing.T) answer {
		s := newServer(t, nil)
		return s.redeem(s.newCode("reports"), "redirect_uri", callback+"/")
	}},
	{"the verifier of another login", func(t *testing.T) answer {
		s := newServer(t, nil)
		return s.redeem(s.newCode("reports"), "code_verifier", strings.Repeat("v", 43))
	}},
	{"no verifier", func(t *testing.T) answer {
		s := newServer(t, nil)
		return s.redeem(s.newCode("reports"), "code_verifier", "")
	}},
	{"a proxy that repeats a request", func(t *testing.T) answer {
		s := newServer(t, nil)
		code := s.newCode("reports")
		s.redeem(code)
		return s.redeem(code)
	}},
	{"a code that is used again later", func(t *testing.T) answer {
		s := newServer(t, nil)
		code := s.newCode("reports")
		s.redeem(code)
		time.Sleep(time.Minute)
		return s.redeem(code)
	}},
	{"a refresh token that was not replaced by its successor", func(t *testing.T) answer {
		s := newServer(t, nil)
		first := s.redeem(s.newCode("reports")).body["refresh_token"]
		second := s.refresh(first).body["refresh_token"]
		s.refresh(second)
		return s.refresh(first)
	}},
	{"a refresh after a replay", func(t *testing.T) answer {
		s := newServer(t, nil)
		code := s.newCode("reports")
		first := s.redeem(code).body["refresh_token"]
		time.Sleep(time.Minute)
		s.redeem(code)
		return s.refresh(first)
	}},
	{"an endpoint whose issuer was renamed", func(t *testing.T) answer {
		s := newServer(t, nil)
		token := s.redeem(s.newCode("reports")).body["refresh_token"]
		s.endpoint = s.newEndpoint(func(c *tokenendpoint.Config) { c.Issuer, c.AuthorizationEndpoint = "https://id.example.com", "" })
		return s.refresh(token)
	}},
	{"a grant that the client is not registered for", func(t *testing.T) answer {
		s := newServer(t, nil)
		s.change(func(c *storage.Client) { c.GrantTypes = []string{grants.TypeRefreshToken} })
		return s.asReports("grant_type", "client_credentials")
	}},
	{"a grant that the endpoint does not have", func(t *testing.T) answer {
		return newServer(t, nil).asReports("grant_type", "password")
	}},
	{"a scope that the client does not have", func(t *testing.T) answer {
		return newServer(t, nil).asReports("grant_type", "client_credentials", "scope", "write")
	}},
	{"a resource that the endpoint does not have", func(t *testing.T) answer {
		return newServer(t, nil).asReports("grant_type", "client_credentials", "resource", "https://other.example.com")
	}},
	{"middleware that reads the body", func(t *testing.T) answer {
		s := newServer(t, nil)
		middleware := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.ParseForm()
			s.endpoint.ServeHTTP(w, r)
		})
		return s.ask(middleware, s.request("grant_type=client_credentials"))
	}},
	{"curl -d with JSON", func(t *testing.T) answer {
		s := newServer(t, nil)
		return s.send(s.request(`{"grant_type":"client_credentials"}`))
	}},
	{"a redirect that turned POST into GET", func(t *testing.T) answer {
		s := newServer(t, nil)
		r := s.request("")
		r.Method = http.MethodGet
		return s.send(r)
	}},
	{"a client that guesses on and on", func(t *testing.T) (a answer) {
		s := newServer(t, nil)
		for range 301 {
			a = s.post("grant_type", "client_credentials", "client_id", "reports", "client_secret", "cs_x")
		}
		return a
	}},
	{"a hook that fails", func(t *testing.T) answer {
		s := newServer(t, func(c *tokenendpoint.Config) {
			c.Hook = func(context.Context, *grants.Request, *grants.Authorization) error {
				return errors.New("users: connection refused")
			}
		})
		return s.asReports("grant_type", "client_credentials")
	}},
	{"a database that does not answer", func(t *testing.T) answer {
		s := newServer(t, nil)
		s.endpoint = s.newEndpoint(func(c *tokenendpoint.Config) { c.Storage = brokenStore{s.store} })
		return s.asReports("grant_type", "client_credentials")
	}},
}

// brokenStore cannot find clients.
type brokenStore struct{ storage.Storage }

func (brokenStore) Client(context.Context, string) (*storage.Client, error) {
	return nil, errors.New("dial tcp: connection refused")
}
