package tokenendpoint_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var authorizationEndpointRules = []rule{
	{"U06_a_resource_that_the_page_takes_is_the_audience_of_the_token", u06},
	{"U06_R29_the_page_and_the_endpoint_have_the_same_grants", u06Grants},
	{"U01_U11_the_page_finds_the_clients_of_the_validator", u01},
}

// asks is an authorization request of a party.
func asks(p *testbed.Party, more string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/authorize", nil)
	r.URL.RawQuery = url.Values{
		"response_type": {"code"}, "client_id": {p.ID}, "redirect_uri": {p.RedirectURI}, "state": {"s"},
		"code_challenge": {testbed.Challenge(testbed.Verifier)}, "code_challenge_method": {"S256"},
	}.Encode() + more
	return r
}

func u06(t *testing.T) {
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) { c.Audience = []string{testbed.Audience, testbed.OtherAudience} })
	a, err := f.Handler.AuthorizationEndpoint().Read(asks(f.C1, "&scope=read+write+offline_access&resource="+url.QueryEscape(testbed.OtherAudience)))
	if err != nil {
		t.Fatal(err)
	}
	record, answer, err := a.Approve(grants.Approval{Subject: "user:1", Scope: []string{"read"}, AuthTime: time.Now()}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Store.CreateCredential(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(answer.URL())
	if err != nil || to.Query().Get("iss") != testbed.Issuer {
		t.Fatalf("the answer is %s, want the iss of the endpoint", answer.URL())
	}
	reply := f.Send(f.Redeem(f.C1, f.Secret(to.Query().Get("code")))).Scoped("read")
	_, claims := testbed.Decode(t, reply.AccessToken)
	if claims["sub"] != "user:1" || claims["aud"] != testbed.OtherAudience || claims["auth_time"] == nil {
		t.Errorf("the claims are %v, want the user, the one audience that was asked for, and auth_time", claims)
	}
	reply = f.Send(testbed.Refresh(f.C1, reply.RefreshToken)).Tokens()
	if _, claims := testbed.Decode(t, reply.AccessToken); claims["aud"] != testbed.OtherAudience {
		t.Errorf("the audience after a refresh is %v, want that of the request", claims["aud"])
	}
}

func u06Grants(t *testing.T) {
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) { delete(c.Grants, grants.TypeRefreshToken) })
	e := f.Handler.AuthorizationEndpoint()
	_, err := e.Read(asks(f.C1, "&scope=read+offline_access"))
	if !errors.Is(err, grants.InvalidScope) {
		t.Errorf("offline_access where there is no refresh_token: got error %v, want invalid_scope", err)
	}
	f = testbed.New(t, openMemory, func(c *tokenendpoint.Config) { delete(c.Grants, grants.TypeAuthorizationCode) })
	e = f.Handler.AuthorizationEndpoint()
	_, err = e.Read(asks(f.C1, ""))
	if !errors.Is(err, grants.UnsupportedResponseType) {
		t.Errorf("a request where there is no authorization_code: got error %v, want unsupported_response_type", err)
	}
	if err := e.Check(); err != nil {
		t.Errorf("Check: got error %v, want none", err)
	}
	if slices.Contains(e.GrantTypes, grants.TypeAuthorizationCode) {
		t.Errorf("the grants are %q, want those of the configuration", e.GrantTypes)
	}
}

func u01(t *testing.T) {
	outage := errors.New("the directory is away")
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) {
		secrets := &clientauth.Secrets{Clients: c.Storage}
		c.ClientValidator = tokenendpoint.ClientValidatorFunc(func(ctx context.Context, r clientauth.Request) (*storage.Client, error) {
			if r.HTTP.Header.Get("X") != "" || r.HTTP.URL.Path != "" || !r.Secret.Empty() || r.Method != storage.AuthNone {
				return nil, errors.New("a request that is not empty")
			}
			switch r.ID {
			case "away":
				return nil, outage
			case "hangs":
				<-ctx.Done()
				return nil, ctx.Err()
			case "elsewhere":
				return nil, storage.ErrNotFound
			}
			return secrets.ValidateClient(ctx, r)
		})
	})
	e := f.Handler.AuthorizationEndpoint()
	for _, p := range []*testbed.Party{f.C1, f.Pub} {
		if a, err := e.Read(asks(p, "")); err != nil || a.Client.ID != p.ID {
			t.Errorf("%s: got %+v and error %v, want the client", p.ID, a, err)
		}
	}
	for id, want := range map[string]int{"nobody": 400, "elsewhere": 400, f.Off.ID: 400, "away": 503} {
		_, err := e.Read(asks(&testbed.Party{ID: id, RedirectURI: f.C1.RedirectURI}, ""))
		fault, ok := errors.AsType[*grants.AuthorizationError](err)
		if !ok || fault.Answer != nil || fault.Status != want {
			t.Errorf("%s: got error %+v, want one that is shown with %d", id, err, want)
		}
		if id == "away" && (!errors.Is(err, outage) || strings.Contains(fault.Sentence, "away")) {
			t.Errorf("an outage: got error %v and %q, want the cause for the log alone", err, fault.Sentence)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := e.Read(asks(&testbed.Party{ID: "hangs"}, "").WithContext(t.Context()))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2*time.Second {
			t.Errorf("a validator that hangs: got error %v after %s, want Config.Timeout, 2s", err, time.Since(start))
		}
	})
}
