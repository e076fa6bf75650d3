package tokenendpoint_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// asserted is a client_credentials request that shows an assertion and names no
// client.
func asserted(text string) *testbed.Request {
	return testbed.Form("grant_type", "client_credentials").AssertedBy(text)
}

// Clients show themselves by a key, at every grant and endpoint.
func TestClientAssertion(t *testing.T) {
	for name, rule := range map[string]func(f *testbed.Fixture, k *testbed.Keyed){
		"E01_E02_good": func(f *testbed.Fixture, k *testbed.Keyed) {
			f.Send(asserted(k.Assertion(nil))).Tokens()
			f.Send(asserted(k.Assertion(nil)).With("client_id", k.ID)).Tokens()
			f.Send(asserted(k.Assertion(nil)).JSON()).Tokens()
		},
		"E01_every_grant": func(f *testbed.Fixture, k *testbed.Keyed) {
			first := f.Send(f.Redeem(k.Party, f.Code(k.Party)).Without("client_id").AssertedBy(k.Assertion(nil))).Tokens()
			f.Send(testbed.Refresh(k.Party, first.RefreshToken).Without("client_id").AssertedBy(k.Assertion(nil))).Tokens()
			f.Send(testbed.PresentKey(k.Party, f.APIKey(k.Party)).Without("client_id").AssertedBy(k.Assertion(nil))).Refused("invalid_request") // J15
			access := f.Send(asserted(k.Assertion(nil))).Tokens().AccessToken
			f.Send(testbed.Introspect(k.Party, access).Without("client_id").AssertedBy(k.Assertion(nil))).Active()
			f.Send(testbed.Revoke(k.Party, access).Without("client_id").AssertedBy(k.Assertion(nil))).Ended()
			f.Send(testbed.Introspect(k.Party, access).Without("client_id").AssertedBy(k.Assertion(nil))).Inactive()
		},
		"E03_E05_R25_lenient": func(f *testbed.Fixture, k *testbed.Keyed) {
			old := f.NewKeyed(k.Algorithm, func(c *storage.Client) { c.Assertion.Lenient = true })
			for _, aud := range []any{testbed.Issuer + testbed.TokenPath, []string{testbed.Issuer}, []string{testbed.Issuer + testbed.TokenPath}} {
				f.Send(asserted(k.Assertion(map[string]any{"aud": aud}))).Unauthorized()
				f.Send(asserted(old.Assertion(map[string]any{"aud": aud}))).Tokens()
			}
			f.Send(asserted(old.Assertion(map[string]any{"aud": []string{testbed.Issuer, "https://evil.test"}}))).Unauthorized()
			f.Send(asserted(old.Assertion(map[string]any{"aud": testbed.Issuer + testbed.RevocationPath}))).Unauthorized()
		},
		"E08_another_client": func(f *testbed.Fixture, k *testbed.Keyed) {
			other := f.NewKeyed(k.Algorithm, func(c *storage.Client) { c.Assertion.JWKS = testbed.PublicKeys(k.Algorithm, 1) })
			for _, changes := range []map[string]any{{"sub": nil}, {"iss": nil}, {"iss": other.ID}, {"sub": other.ID}, {"iss": other.ID, "sub": other.ID}, {"sub": 1}} {
				f.Send(asserted(k.Assertion(changes))).Unauthorized()
			}
		},
		"E17_E18_a_replay": func(f *testbed.Fixture, k *testbed.Keyed) {
			text := k.Assertion(nil)
			f.Send(asserted(text)).Tokens()
			f.Send(asserted(text)).Unauthorized()
			f.Send(testbed.Revoke(k.Party, "x").Without("client_id").AssertedBy(text)).Unauthorized()
			for _, spelling := range spellings(text) {
				if got := f.Send(asserted(spelling)); got.Status != http.StatusUnauthorized && got.Status != http.StatusBadRequest {
					t.Errorf("another spelling of it: got %d %s", got.Status, got.Body)
				}
			}
			if got := f.Logged(); !strings.Contains(got, "assertion was used before") {
				t.Errorf("the log does not say that the assertion was used before: %s", got)
			}
		},
		"E20_the_same_jti_of_two_clients": func(f *testbed.Fixture, k *testbed.Keyed) {
			other := f.NewKeyed(k.Algorithm)
			f.Send(asserted(k.Assertion(map[string]any{"jti": "one"}))).Tokens()
			f.Send(asserted(other.Assertion(map[string]any{"jti": "one"}))).Tokens()
			f.Send(asserted(k.Assertion(map[string]any{"jti": "one"}))).Unauthorized()
		},
		"E22_the_store_is_away": func(f *testbed.Fixture, k *testbed.Keyed) {
			text := k.Assertion(nil)
			f.BreakStore(testbed.Fault{Method: "CreateCredential"})
			f.Send(asserted(text)).Unavailable()
			f.Store.Set(func(s *testbed.Spy) { s.Before, s.After = nil, nil })
			f.Send(asserted(text)).Tokens()
		},
		"E25_another_algorithm": func(f *testbed.Fixture, k *testbed.Keyed) {
			strict := f.NewKeyed(jws.RS256, func(c *storage.Client) { c.Assertion.Algorithm = jws.ES256 })
			f.Send(asserted(strict.Assertion(nil))).Unauthorized()
		},
		"E26_E39_S12_another_key_writes_nothing": func(f *testbed.Fixture, k *testbed.Keyed) {
			changes := map[string]any{"jti": "fresh"}
			f.Send(asserted(k.Another().Assertion(changes))).Unauthorized()
			f.Send(asserted(k.Assertion(changes))).Tokens()
		},
		"E35_half_an_assertion": func(f *testbed.Fixture, k *testbed.Keyed) {
			r := asserted(k.Assertion(nil))
			f.Send(r.Without("client_assertion_type")).Refused("invalid_request")
			f.Send(r.Without("client_assertion")).Refused("invalid_request")
			f.Send(r.With("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")).Refused("invalid_request")
			f.Send(r.Basic(k.ID, "secret")).Refused("invalid_request")
			f.Send(r.And("client_secret", "secret")).Refused("invalid_request")
			f.Send(r).Tokens()
		},
		"E36_another_client_id": func(f *testbed.Fixture, k *testbed.Keyed) {
			f.Send(asserted(k.Assertion(nil)).With("client_id", f.C1.ID)).Unauthorized()
			f.Send(asserted(k.Assertion(nil)).With("client_id", f.NewKeyed(k.Algorithm).ID)).Unauthorized()
		},
		"E38_another_token_of_ours": func(f *testbed.Fixture, k *testbed.Keyed) {
			access := f.Send(asserted(k.Assertion(nil))).Tokens().AccessToken
			f.Send(asserted(access).With("client_id", k.ID)).Unauthorized()
		},
		"R31_what_a_stranger_learns": func(f *testbed.Fixture, k *testbed.Keyed) {
			f.Send(testbed.ClientCredentials(k.Party).Basic(k.ID, testbed.WrongSecret)).Unauthorized() // it has no secret
			f.Send(asserted(k.Assertion(map[string]any{"sub": f.C1.ID, "iss": f.C1.ID}))).Unauthorized()
			f.Send(asserted(k.Assertion(map[string]any{"sub": "nobody", "iss": "nobody"}))).Unauthorized()
			off := f.NewKeyed(k.Algorithm, func(c *storage.Client) { c.Disabled = true })
			f.Send(asserted(off.Assertion(nil))).Unauthorized()
			pub := f.NewKeyed(k.Algorithm, func(c *storage.Client) { c.AuthMethod, c.Assertion = storage.AuthNone, storage.ClientAssertion{} })
			f.Send(asserted(pub.Assertion(nil))).Unauthorized()
		},
		"a_refused_grant_uses_nothing_up": func(f *testbed.Fixture, k *testbed.Keyed) {
			only := f.NewKeyed(k.Algorithm, func(c *storage.Client) { c.GrantTypes = []string{"refresh_token"} })
			text := only.Assertion(nil)
			f.Send(asserted(text)).Refused("unauthorized_client")
			f.Send(testbed.Form("grant_type", "refresh_token", "refresh_token", "x").AssertedBy(text)).Refused("invalid_grant")
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, algorithm := range []string{jws.ES256, jws.EdDSA, jws.RS256, jws.PS256} {
				t.Run(algorithm, func(t *testing.T) {
					f := testbed.New(t, openMemory, testbed.WithAssertions)
					rule(f, f.NewKeyed(algorithm))
				})
			}
		})
	}
}

// spellings are texts that a lax decoder takes for the same assertion: with another
// last character whose unused bits differ, and with a line break.
func spellings(text string) []string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	list := []string{strings.Replace(text, ".", "\n.", 1), text + "=", text + "\n"}
	raw, _ := base64.RawURLEncoding.DecodeString(text[strings.LastIndexByte(text, '.')+1:])
	for _, c := range alphabet {
		other := text[:len(text)-1] + string(c)
		got, err := base64.RawURLEncoding.DecodeString(other[strings.LastIndexByte(other, '.')+1:])
		if err == nil && other != text && slices.Equal(got, raw) {
			list = append(list, other)
		}
	}
	return list
}

// Of 50 requests that show one assertion at once, one succeeds.
func TestE19(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.WithAssertions)
	for range 20 {
		k := f.NewKeyed(jws.ES256) // the limit counts the failures of a client
		oneOfFifty(f, asserted(k.Assertion(nil)), http.StatusUnauthorized)
	}
}

// oneOfFifty sends a request fifty times at once. One gets tokens, and the others are
// refused.
func oneOfFifty(f *testbed.Fixture, r *testbed.Request, refusal int) {
	f.Helper()
	var tokens, refused atomic.Int64
	testbed.Crowd(50, func(int) {
		switch f.Send(r).Status {
		case http.StatusOK:
			tokens.Add(1)
		case refusal, http.StatusTooManyRequests: // the network fails often in this test
			refused.Add(1)
		}
	})
	if tokens.Load() != 1 || refused.Load() != 49 {
		f.Fatalf("%d got tokens and %d were refused, want 1 and 49", tokens.Load(), refused.Load())
	}
}

// However many assertions name however many keys, the keys that a client publishes
// are fetched once in 30 seconds, and known keys keep working (E40).
func TestE40(t *testing.T) {
	var fetches atomic.Int64
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetches.Add(1)
		w.Write(testbed.PublicKeys(jws.ES256, 0))
	}))
	defer served.Close()
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) {
		c.Limiter = tokenendpoint.LimiterFunc(func(context.Context, tokenendpoint.Attempt) (time.Duration, func(context.Context), error) {
			return 0, nil, nil
		})
		c.ClientAssertions = &clientauth.Assertions{HTTP: &http.Client{Transport: redirected(served.URL)}}
	})
	k := f.NewKeyed(jws.ES256, func(c *storage.Client) {
		c.Assertion = storage.ClientAssertion{JWKSURI: "https://pkj.test/jwks.json"}
	})
	f.Send(asserted(k.Assertion(nil))).Tokens()
	header := func(kid string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"` + kid + `"}`))
	}
	for i := range 1000 {
		_, rest, _ := strings.Cut(k.Assertion(nil), ".")
		if got := f.Send(asserted(header(fmt.Sprint(i)) + "." + rest)); got.Status != http.StatusUnauthorized && got.Status != http.StatusTooManyRequests {
			t.Fatalf("an unknown key: got %d %s", got.Status, got.Body)
		}
	}
	f.Send(asserted(k.Assertion(nil))).Tokens()
	if got := fetches.Load(); got != 1 {
		t.Errorf("the keys were fetched %d times, want once", got)
	}
	// By itself the validator connects to public addresses alone.
	plain := testbed.New(t, openMemory, testbed.WithAssertions)
	inside := plain.NewKeyed(jws.ES256, func(c *storage.Client) {
		c.Assertion = storage.ClientAssertion{JWKSURI: strings.Replace(served.URL, "http:", "https:", 1)}
	})
	plain.Send(asserted(inside.Assertion(nil))).Unavailable()
	if got := fetches.Load(); got != 1 {
		t.Errorf("a private address was asked for keys")
	}
}

// redirected sends every request to one server.
type redirected string

func (to redirected) RoundTrip(r *http.Request) (*http.Response, error) {
	u, err := url.Parse(string(to))
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = u.Scheme, u.Host
	return http.DefaultTransport.RoundTrip(r)
}

// A host's validator that was written for secrets never sees a request that shows
// something else: it could take it for one that shows nothing, whose client it returns.
func TestValidatorOfDecodedSecrets(t *testing.T) {
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) {
		secrets := &clientauth.Secrets{Clients: c.Storage}
		c.ClientValidator = tokenendpoint.ClientValidatorFunc(func(ctx context.Context, r clientauth.Request) (*storage.Client, error) {
			if r.Secret.Empty() {
				r.Method = storage.AuthNone
			}
			return secrets.ValidateClient(ctx, r)
		})
	})
	f.Send(testbed.ClientCredentials(f.C1)).Tokens()
	f.Send(asserted("e30.e30.e30").With("client_id", f.C1.ID)).Unauthorized()
	f.Send(asserted("e30.e30.e30").With("client_id", "nobody")).Unauthorized()
	plain := f.NewWideClient(func(c *storage.Client) { c.BasicNotEncoded = true })
	f.Send(testbed.ClientCredentials(plain)).Tokens()
	undecodable := "Basic " + base64.StdEncoding.EncodeToString([]byte(plain.ID+":%"))
	f.Send(testbed.ClientCredentials(plain).Unsigned().Set("Authorization", undecodable)).Unauthorized()
	if got := f.Logged(); !strings.Contains(got, "AuthMethods") {
		t.Errorf("the log does not say what the validator lacks: %s", got)
	}
}

// The limit counts wrong assertions as it counts wrong secrets.
func TestD34Assertions(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.WithAssertions)
	k := f.NewKeyed(jws.EdDSA)
	limited := 0
	for range 400 {
		if f.Send(asserted(k.Another().Assertion(nil))).Status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited < 90 || limited > 100 {
		t.Errorf("%d of 400 wrong assertions were limited, want those beyond 300", limited)
	}
}

// The token of a Kubernetes service account is used again and again, until the kubelet
// renews it. No record is kept of it.
func TestS05(t *testing.T) {
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) {
		keys, err := jws.ParseJWKS(testbed.PublicKeys(jws.RS256, 0))
		if err != nil {
			t.Fatal(err)
		}
		cluster := assertion.Kubernetes()
		cluster.Issuer = "https://kubernetes.default.svc"
		c.ClientValidator = &clientauth.Secrets{Clients: c.Storage, Assertions: &clientauth.Assertions{
			Issuer: c.Issuer, Issuers: []assertion.Config{cluster.Config(c.Issuer, keys)},
		}}
	})
	pod := f.NewKeyed(jws.RS256, func(c *storage.Client) {
		c.Assertion = storage.ClientAssertion{
			Issuer: "https://kubernetes.default.svc", Claims: []byte(`{"kubernetes.io":{"namespace":"shop","serviceaccount":{"name":"web"}}}`),
		}
	})
	claims := map[string]any{
		"iss": "https://kubernetes.default.svc", "sub": "system:serviceaccount:shop:web", "aud": []string{f.Issuer}, "exp": time.Now().Add(time.Hour).Unix(),
		"kubernetes.io": map[string]any{"namespace": "shop", "serviceaccount": map[string]any{"name": "web", "uid": "u"}},
	}
	f.Store.FailWith("CreateCredential", testbed.ErrOutage)
	token := pod.Assertion(claims)
	for range 3 {
		f.Send(asserted(token).With("client_id", pod.ID)).Tokens()
	}
	claims["kubernetes.io"] = map[string]any{"namespace": "shop", "serviceaccount": map[string]any{"name": "db"}}
	f.Send(asserted(pod.Assertion(claims)).With("client_id", pod.ID)).Unauthorized()
}

// A platform vouches for a workload, which has no secret (S13).
func TestS13(t *testing.T) {
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) {
		keys, err := jws.ParseJWKS(testbed.PublicKeys(jws.RS256, 0))
		if err != nil {
			t.Fatal(err)
		}
		c.ClientAssertions = &clientauth.Assertions{Issuers: []assertion.Config{assertion.GitHubActions().Config(c.Issuer, keys)}}
	})
	workload := f.NewKeyed(jws.RS256, func(c *storage.Client) {
		c.Assertion = storage.ClientAssertion{
			Issuer: assertion.GitHubActions().Issuer, Claims: []byte(`{"repository_id":"74","environment":"prod"}`),
		}
	})
	claims := func(changes map[string]any) map[string]any {
		c := map[string]any{"iss": assertion.GitHubActions().Issuer, "sub": "repo:octo-org/octo-repo:environment:prod", "repository_id": "74", "environment": "prod"}
		for name, value := range changes {
			c[name] = value
		}
		return c
	}
	ask := func(changes map[string]any) *testbed.Reply {
		return f.Send(asserted(workload.Assertion(claims(changes))).With("client_id", workload.ID))
	}
	ask(nil).Tokens()
	for name, changes := range map[string]map[string]any{
		"another repository":  {"repository_id": "75"},
		"another environment": {"environment": "test"},
		"a fork":              {"environment": nil},
		"another issuer":      {"iss": "https://evil.test"},
		"another audience":    {"aud": "https://other.test"},
		"an old token":        {"exp": time.Now().Add(-time.Minute).Unix()},
	} {
		t.Run(name, func(t *testing.T) { ask(changes).Unauthorized() })
	}
	f.Send(asserted(workload.Another().Assertion(claims(nil))).With("client_id", workload.ID)).Unauthorized()
	f.Send(asserted(workload.Assertion(claims(nil)))).Unauthorized() // its sub is no client

	strange := f.NewKeyed(jws.RS256, func(c *storage.Client) {
		c.Assertion = storage.ClientAssertion{Issuer: "https://gitlab.com", Claims: []byte(`{"project_id":"20"}`)}
	})
	f.Send(asserted(workload.Assertion(claims(nil))).With("client_id", strange.ID)).Unavailable()
}
