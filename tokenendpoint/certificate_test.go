package tokenendpoint_test

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/contit/oauth/tokenendpoint/mtls"
)

// billing is a certificate of the CA that has the name of the client of these tests.
func billing(n int) tls.Certificate {
	return testbed.Certificate(n, x509.Certificate{DNSNames: []string{"billing.test"}})
}

// byName registers a client that authenticates by that name.
func byName(f *testbed.Fixture, changes ...func(*storage.Client)) *testbed.Party {
	f.Helper()
	return f.NewWideClient(append([]func(*storage.Client){func(c *storage.Client) {
		c.AuthMethod, c.Secrets, c.Certificate.SANDNS = storage.TLSClientAuth, nil, "billing.test"
	}}, changes...)...)
}

// byKey registers a client that authenticates by the key number n, in a certificate of its own.
func byKey(f *testbed.Fixture, n int, changes ...func(*storage.Client)) *testbed.Party {
	f.Helper()
	return f.NewWideClient(append([]func(*storage.Client){func(c *storage.Client) {
		c.AuthMethod, c.Secrets, c.Assertion.JWKS = storage.SelfSignedTLSClientAuth, nil, testbed.PublicKeys(jws.ES256, n)
	}}, changes...)...)
}

func bound(c *storage.Client) { c.Certificate.Bound = true }

// of is a client_credentials request that shows nothing but the client_id.
func of(p *testbed.Party) *testbed.Request {
	return testbed.Form("grant_type", "client_credentials", "client_id", p.ID)
}

// thumbprintOf is the cnf of a token, or empty.
func thumbprintOf(t *testing.T, token string) string {
	t.Helper()
	_, claims := testbed.Decode(t, token)
	cnf, _ := claims["cnf"].(map[string]any)
	thumbprint, _ := cnf["x5t#S256"].(string)
	return thumbprint
}

// Clients authenticate by the certificate that they show in the TLS handshake.
func TestClientCertificate(t *testing.T) {
	for name, rule := range map[string]func(t *testing.T, f *testbed.Fixture){
		"M01_a_name_of_the_CA": func(t *testing.T, f *testbed.Fixture) {
			p := byName(f)
			f.Send(of(p).Shows(billing(0))).Tokens()
			f.Send(of(p).JSON().Shows(billing(1))).Tokens() // the name counts, and not the key
			f.Send(of(p)).Refused("invalid_request")        // R3: nothing at all
			for what, c := range map[string]tls.Certificate{
				"another name":                 testbed.Certificate(0, x509.Certificate{DNSNames: []string{"other.test"}, Subject: pkix.Name{CommonName: "billing.test"}}),
				"no CA has signed it":          testbed.SelfSigned(0, x509.Certificate{DNSNames: []string{"billing.test"}}),
				"it is for servers":            testbed.Certificate(0, x509.Certificate{DNSNames: []string{"billing.test"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}),
				"it has expired":               testbed.Certificate(0, x509.Certificate{DNSNames: []string{"billing.test"}, NotAfter: time.Now().Add(-time.Minute)}),
				"the name is another's prefix": testbed.Certificate(0, x509.Certificate{DNSNames: []string{"billing.test.evil.test"}}),
			} {
				t.Log(what)
				f.Send(of(p).Shows(c)).Unauthorized()
			}
			if got := f.Logged(); !strings.Contains(got, "leads to none of Certificates.Roots") || !strings.Contains(got, "does not have the name of its registration") {
				t.Errorf("the log does not say why: %s", got)
			}
			f.Send(of(byName(f, func(c *storage.Client) { c.Disabled = true })).Shows(billing(0))).Unauthorized()
			f.Send(of(p).With("client_id", "nobody").Shows(billing(0))).Unauthorized()
			f.Send(of(f.C1).Shows(billing(0))).Unauthorized() // it has a secret
		},
		"M01_every_endpoint": func(t *testing.T, f *testbed.Fixture) {
			p, c := byName(f), billing(0)
			first := f.Send(f.Redeem(p, f.Code(p)).Unsigned().With("client_id", p.ID).Shows(c)).Tokens()
			f.Send(testbed.Refresh(p, first.RefreshToken).Unsigned().With("client_id", p.ID).Shows(c)).Tokens()
			f.Send(testbed.Refresh(p, first.RefreshToken).Unsigned().With("client_id", p.ID)).Unauthorized()
			f.Send(testbed.Introspect(p, first.AccessToken).Unsigned().With("client_id", p.ID).Shows(c)).Active()
			f.Send(testbed.Introspect(p, first.AccessToken).Unsigned().With("client_id", p.ID)).Unauthorized()
			f.Send(testbed.Revoke(p, first.AccessToken).Unsigned().With("client_id", p.ID).Shows(c)).Ended()
			f.Send(testbed.PresentKey(p, f.APIKey(p)).Unsigned().With("client_id", p.ID).Shows(c)).Tokens()
			f.Send(testbed.PresentKey(p, f.APIKey(p)).Unsigned().With("client_id", p.ID)).Tokens() // R8: the key stands for it
		},
		"M02_a_key_of_its_own": func(t *testing.T, f *testbed.Fixture) {
			p := byKey(f, 0)
			f.Send(of(p).Shows(testbed.SelfSigned(0, x509.Certificate{}))).Tokens()
			f.Send(of(p).Shows(testbed.SelfSigned(0, x509.Certificate{NotAfter: time.Now().Add(-time.Hour)}))).Tokens() // nobody vouches for the rest
			f.Send(of(p).Shows(testbed.SelfSigned(1, x509.Certificate{}))).Unauthorized()
			f.Send(of(p).Shows(billing(1))).Unauthorized()
			f.Send(of(byName(f)).Shows(testbed.SelfSigned(0, x509.Certificate{}))).Unauthorized()
		},
		"M06_a_malformed_name": func(t *testing.T, f *testbed.Fixture) {
			_, key, err := ed25519.GenerateKey(nil)
			if err != nil {
				t.Fatal(err)
			}
			template := x509.Certificate{SerialNumber: big.NewInt(1), ExtraExtensions: []pkix.Extension{
				{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: []byte("\x30\x04\x82\x02a\xff")}, // a dNSName that is no ASCII
			}}
			der, err := x509.CreateCertificate(nil, &template, &template, key.Public(), key)
			if err != nil {
				t.Fatal(err)
			}
			malformed := tls.Certificate{Leaf: &x509.Certificate{Raw: der}}
			f.Send(of(byName(f)).Shows(malformed)).Unauthorized()
			f.Send(of(byKey(f, 0)).Shows(malformed)).Unauthorized()
			f.Send(testbed.ClientCredentials(f.C1).Shows(malformed)).Tokens() // it is not looked at
		},
		"M07_no_client_id": func(t *testing.T, f *testbed.Fixture) {
			byName(f)
			f.Send(testbed.Form("grant_type", "client_credentials").Shows(billing(0))).Refused("invalid_request")
		},
		"D20_a_secret_beside_it_is_another_method": func(t *testing.T, f *testbed.Fixture) {
			p := byName(f)
			f.Send(of(p).Basic(p.ID, testbed.WrongSecret).Shows(billing(0))).Unauthorized()
			f.Send(of(p).With("client_secret", testbed.WrongSecret).Shows(billing(0))).Unauthorized()
			f.Send(testbed.ClientCredentials(f.C1).Shows(billing(0))).Tokens() // and a certificate beside a secret does no harm
		},
		"Q09_the_proxy_is_in_trouble": func(t *testing.T, f *testbed.Fixture) {
			f.Send(of(byName(f)).Set(testbed.CertificateHeader, "(null)")).Unavailable()
		},
	} {
		t.Run(name, func(t *testing.T) { rule(t, testbed.New(t, openMemory, testbed.WithCertificates)) })
	}
}

// A header that no proxy of the host's has sent is as if absent, and so is every header
// where the certificate is that of the connection.
func TestM05ForgedHeader(t *testing.T) {
	for _, source := range []mtls.Source{mtls.Connection, mtls.Header(testbed.CertificateHeader, netip.MustParsePrefix("10.0.0.0/8")), mtls.Header("X-Other")} {
		f := testbed.New(t, openMemory, testbed.WithCertificates, func(c *tokenendpoint.Config) { c.ClientCertificate = source })
		f.Send(of(byName(f)).Shows(billing(0)).Set("X-SSL-Client-Cert", "x")).Refused("invalid_request")
		p := byName(f)
		f.Send(f.Redeem(p, f.Code(p)).Shows(billing(0))).Unauthorized()
		f.Send(testbed.ClientCredentials(f.NewWideClient(bound)).Shows(billing(0))).Refused("invalid_request")
	}
}

// Tokens are bound to the certificate of the request that they came with.
func TestBoundTokens(t *testing.T) {
	for name, rule := range map[string]func(t *testing.T, f *testbed.Fixture){
		"M03_the_token_says_so": func(t *testing.T, f *testbed.Fixture) {
			for _, p := range []*testbed.Party{byName(f, bound), f.NewWideClient(bound)} {
				r := of(p).Shows(billingOnce)
				if p.Secret != "" {
					r = r.Basic(p.ID, p.Secret)
				}
				want := mtls.Thumbprint(billingOnce.Leaf)
				access := f.Send(r).Tokens().AccessToken
				if got := thumbprintOf(t, access); got != want {
					t.Errorf("cnf is %q, want %q", got, want)
				}
				q := testbed.Form("token", access, "client_id", p.ID).Shows(billingOnce).To(testbed.IntrospectionPath)
				if p.Secret != "" {
					q = q.Basic(p.ID, p.Secret)
				}
				cnf, _ := f.Send(q).Active()["cnf"].(map[string]any)
				if cnf["x5t#S256"] != want {
					t.Errorf("introspection says %v, want %q", cnf, want)
				}
			}
			if got := thumbprintOf(t, f.Send(of(byName(f)).Shows(billing(0))).Tokens().AccessToken); got != "" {
				t.Errorf("a client that did not ask for it: cnf is %q", got)
			}
			p := f.NewWideClient(bound)
			f.Send(testbed.ClientCredentials(p)).Refused("invalid_request") // without a certificate
		},
		"M03_the_middleware_looks": func(t *testing.T, f *testbed.Fixture) {
			p := byName(f, bound)
			access := f.Send(of(p).Shows(billingOnce)).Tokens().AccessToken
			api := f.Handler.RequireToken("read")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
			ask := func(c *tls.Certificate) int {
				sent := testbed.Form()
				if c != nil {
					sent = sent.Shows(*c)
				}
				r := httptest.NewRequest("GET", "https://api.test/orders", nil)
				r.Header, r.RemoteAddr = sent.Header, "127.0.0.1:1"
				r.Header.Set("Authorization", "Bearer "+access)
				w := httptest.NewRecorder()
				api.ServeHTTP(w, r)
				return w.Code
			}
			other := billing(0) // the same name and key
			for _, want := range []struct {
				c      *tls.Certificate
				status int
			}{{&billingOnce, 204}, {&other, 401}, {nil, 401}, {&billingOnce, 204}} {
				if got := ask(want.c); got != want.status {
					t.Errorf("got %d, want %d", got, want.status)
				}
			}
		},
		"M04_a_public_client": func(t *testing.T, f *testbed.Fixture) {
			public := func(c *storage.Client) { c.AuthMethod, c.Secrets = storage.AuthNone, nil }
			p := f.NewWideClient(public, bound)
			mine, other := billingOnce, billing(0)
			redeem := func() *testbed.Request { return f.Redeem(p, f.Code(p)).Unsigned().With("client_id", p.ID) }
			refresh := func(token string) *testbed.Request {
				return testbed.Refresh(p, token).Unsigned().With("client_id", p.ID)
			}
			f.Send(redeem()).Refused("invalid_request")
			first := f.Send(redeem().Shows(mine)).Tokens()
			f.Send(refresh(first.RefreshToken).Shows(other)).Refused("invalid_grant")
			f.Send(refresh(first.RefreshToken)).Refused("invalid_grant")
			second := f.Send(refresh(first.RefreshToken).Shows(mine)).Tokens() // nothing was used up
			if second.RefreshToken == first.RefreshToken || thumbprintOf(t, second.AccessToken) != mtls.Thumbprint(mine.Leaf) {
				t.Errorf("a public client's token is rotated and bound: got %s", second.AccessToken)
			}
			f.Send(refresh(first.RefreshToken).Shows(other)).Refused("invalid_grant") // a repeat is judged alike
			f.Edit(p, func(c *storage.Client) { c.Certificate.Bound = false })        // it stays bound
			f.Send(refresh(second.RefreshToken)).Refused("invalid_grant")
			third := f.Send(refresh(second.RefreshToken).Shows(mine)).Tokens()
			f.Send(refresh(third.RefreshToken).Shows(other)).Refused("invalid_grant")

			old := f.NewWideClient(public) // a family from before
			p = old
			loose := f.Send(redeem()).Tokens()
			f.Edit(p, bound)
			next := f.Send(refresh(loose.RefreshToken).Shows(mine)).Tokens()
			f.Send(refresh(next.RefreshToken).Shows(other)).Refused("invalid_grant")
			f.Send(refresh(next.RefreshToken).Shows(mine)).Tokens()
		},
		"M04_the_claims_of_the_code_stay": func(t *testing.T, f *testbed.Fixture) {
			p := f.NewWideClient(func(c *storage.Client) { c.AuthMethod, c.Secrets = storage.AuthNone, nil }, bound)
			code := f.Code(p, func(a *grants.AuthorizationRequest) { a.Claims = map[string]any{"tenant": "blue"} })
			got := f.Send(f.Redeem(p, code).Unsigned().With("client_id", p.ID).Shows(billingOnce)).Tokens()
			for range 2 {
				got = f.Send(testbed.Refresh(p, got.RefreshToken).Unsigned().With("client_id", p.ID).Shows(billingOnce)).Tokens()
				if _, claims := testbed.Decode(t, got.AccessToken); claims["tenant"] != "blue" || thumbprintOf(t, got.AccessToken) == "" {
					t.Errorf("the claims are %v", claims)
				}
			}
		},
		"I34_a_confidential_client_keeps_its_refresh_token": func(t *testing.T, f *testbed.Fixture) {
			p := byName(f, bound)
			first := f.Send(f.Redeem(p, f.Code(p)).Unsigned().With("client_id", p.ID).Shows(billing(0))).Tokens()
			again := f.Send(testbed.Refresh(p, first.RefreshToken).Unsigned().With("client_id", p.ID).Shows(billingOnce)).Tokens()
			if again.RefreshToken != first.RefreshToken || thumbprintOf(t, again.AccessToken) != mtls.Thumbprint(billingOnce.Leaf) {
				t.Errorf("got another refresh token, or a token of another certificate")
			}
		},
	} {
		t.Run(name, func(t *testing.T) { rule(t, testbed.New(t, openMemory, testbed.WithCertificates)) })
	}
}

// billingOnce is one certificate: each call of billing makes another.
var billingOnce = billing(0)

// A client whose tokens have to be bound gets none where nobody looks at certificates.
func TestM03NobodyLooks(t *testing.T) {
	f := testbed.New(t, openMemory)
	p := f.NewWideClient(bound)
	if got := f.Send(testbed.ClientCredentials(p).Shows(billing(0))); got.Status != http.StatusInternalServerError {
		t.Errorf("got %d %s, want server_error", got.Status, got.Body)
	}
	p = byName(f)
	f.Send(f.Redeem(p, f.Code(p)).Shows(billing(0))).Unauthorized()
}

func TestNewCertificates(t *testing.T) {
	for want, change := range map[string]testbed.Option{
		"ClientCertificate is nil, and ClientValidator": func(c *tokenendpoint.Config) { c.ClientCertificate = nil },
		"MTLSBaseURL is http":                           func(c *tokenendpoint.Config) { c.MTLSBaseURL = "http://mtls.as.test" },
		"MTLSBaseURL needs": func(c *tokenendpoint.Config) {
			c.ClientCertificate, c.ClientValidator, c.MTLSBaseURL = nil, nil, "https://mtls.as.test"
		},
	} {
		c := goodConfig(t)
		testbed.WithCertificates(&c)
		change(&c)
		if _, err := tokenendpoint.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// The limit counts certificates that do not authenticate, and a certificate that does is
// let in all the same where many clients have failed.
func TestD34Certificates(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.WithCertificates)
	p, other := byName(f), byName(f)
	wrong, right := testbed.SelfSigned(0, x509.Certificate{DNSNames: []string{"billing.test"}}), billing(0)
	limited := 0
	for range 400 {
		if f.Send(of(p).Shows(wrong)).Status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited < 90 || limited > 100 {
		t.Errorf("%d of 400 wrong certificates were limited, want those beyond 300", limited)
	}
	f.Send(of(other).Shows(right)).Tokens()
}

// A token that is given again is given to the certificate that it is bound to.
func TestM03Reuse(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.WithCertificates, func(c *tokenendpoint.Config) { c.ReuseAccessTokens = time.Minute })
	p := byName(f, bound)
	other := billing(0)
	first := f.Send(of(p).Shows(billingOnce)).Tokens().AccessToken
	if got := f.Send(of(p).Shows(other)).Tokens().AccessToken; thumbprintOf(t, got) != mtls.Thumbprint(other.Leaf) {
		t.Error("another certificate got a token that is not bound to it")
	}
	if got := f.Send(of(p).Shows(billingOnce)).Tokens().AccessToken; got != first {
		t.Error("the same certificate did not get the token again")
	}
}
