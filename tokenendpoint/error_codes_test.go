package tokenendpoint_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// errorRules is resource indicators, the few remaining rows of OpenID Connect,
// and errors as a contract. Row Q04 has no rule: there are no ID tokens.
var errorRules = slices.Concat(errorBodyRules, hostErrorRules, transliterationRules, whyRules)

var errorBodyRules = []rule{
	{"Q05_errors_have_two_members", errorMembers},
	{"Q05_a_page_for_each_error", errorURIs},
	{"Q06_no_input_is_echoed", noEcho},
	{"Q10_a_limited_request", limitedRequest},
}

var timedErrorRules = []rule{
	{"Q10_a_limited_request_comes_again_in_time", limitedComesAgain},
}

// errorURIs: faults and limits have an error_uri too, and a code of the host's is escaped.
func errorURIs(t *testing.T) {
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) { c.ErrorURI = "https://as.test/docs" },
		testbed.WithHook(func(_ context.Context, r *grants.Request, _ *grants.Authorization) error {
			switch r.Form["hook"] {
			case "fault":
				return grants.ServerError.Because(errors.New("broken"))
			case "limited":
				return grants.RateLimited(time.Minute)
			case "custom":
				return grants.ErrorCode("a/b c?#%").Describe("the host has its own")
			}
			return nil
		}))
	for hook, want := range map[string]struct {
		status     int
		code, page string
	}{
		"fault":   {http.StatusInternalServerError, "server_error", "server_error"},
		"limited": {http.StatusTooManyRequests, "temporarily_unavailable", "temporarily_unavailable"},
		"custom":  {http.StatusBadRequest, "a/b c?#%", "a%2Fb%20c%3F%23%25"},
	} {
		got := f.Send(testbed.ClientCredentials(f.C1).With("hook", hook))
		got.RefusedWith(want.status, want.code)
		if members, err := testbed.Members(string(got.Body)); err != nil || members["error_uri"] != "https://as.test/docs/errors/"+want.page {
			t.Errorf("%s: got %s (%v), want the page %s", hook, got.Body, err, want.page)
		}
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer no-token")
	f.Handler.RequireToken()(http.NotFoundHandler()).ServeHTTP(w, r)
	if got := w.Header().Get("WWW-Authenticate"); !strings.Contains(got, `, error_uri="https://as.test/docs/errors/invalid_token"`) {
		t.Errorf("the challenge of RequireToken is %s, want the page about its error", got)
	}
	if got := f.Handler.AuthorizationEndpoint().ErrorURI; got != "https://as.test/docs" {
		t.Errorf("the authorization endpoint has the pages %q, want those of the configuration", got)
	}
	f.BreakStore(testbed.Fault{Method: "Client"})
	got := f.Send(testbed.ClientCredentials(f.C1))
	got.Unavailable()
	if members, err := testbed.Members(string(got.Body)); err != nil || members["error_uri"] != "https://as.test/docs/errors/temporarily_unavailable" {
		t.Errorf("an outage: got %s (%v), want the page about it", got.Body, err)
	}
}

// errorMembers brings about each code. All rules check their errors with
// RefusedWith, so its assertions hold for every error.
func errorMembers(t *testing.T) {
	broken := errors.New("broken")
	f := testbed.New(t, openMemory, testbed.WithHook(func(_ context.Context, r *grants.Request, a *grants.Authorization) error {
		switch r.Form["hook"] {
		case "fault":
			return grants.ServerError.Because(broken)
		case "panic":
			panic("broken")
		case "limited":
			return grants.RateLimited(time.Minute)
		case "custom":
			return grants.ErrorCode("interaction_required").Describe("the user has to come back")
		case "quote":
			return &grants.Error{Code: grants.InvalidGrant, Description: "a \" and a \\ and a \n"}
		case "claims":
			a.Claims = map[string]any{"iss": "https://evil.test"}
		}
		return nil
	}))
	right := testbed.ClientCredentials(f.C1)
	for _, tt := range []struct {
		r      *testbed.Request
		status int
		code   string
	}{
		{right.Without("grant_type"), http.StatusBadRequest, "invalid_request"},
		{right.With("grant_type", "x"), http.StatusBadRequest, "unsupported_grant_type"},
		{right.Basic(f.C1.ID, testbed.WrongSecret), http.StatusUnauthorized, "invalid_client"},
		{right.By(f.CC).With("grant_type", "refresh_token", "refresh_token", "x"), http.StatusBadRequest, "unauthorized_client"},
		{testbed.Refresh(f.C1, "x"), http.StatusBadRequest, "invalid_grant"},
		{right.With("scope", "root"), http.StatusBadRequest, "invalid_scope"},
		{right.With("resource", "root"), http.StatusBadRequest, "invalid_target"},
		{right.With("hook", "fault"), http.StatusInternalServerError, "server_error"},
		{right.With("hook", "panic"), http.StatusInternalServerError, "server_error"},
		{right.With("hook", "claims"), http.StatusInternalServerError, "server_error"},
		{right.With("hook", "limited"), http.StatusTooManyRequests, "temporarily_unavailable"},
		{right.With("hook", "custom"), http.StatusBadRequest, "interaction_required"},
		{right.With("hook", "quote"), http.StatusBadRequest, "invalid_grant"},
		{right.With("x", strings.Repeat("a", 70_000)), http.StatusRequestEntityTooLarge, "invalid_request"},
	} {
		f.Sub(tt.code, func() {
			for _, r := range testbed.Both(tt.r) {
				f.Send(r).RefusedWith(tt.status, tt.code)
				if e := f.LastEvent(); e.Status != tt.status || string(e.Error) != tt.code {
					f.Errorf("the event says %d %s, want %d %s", e.Status, e.Error, tt.status, tt.code)
				}
			}
		})
	}
	get := right.Clone()
	get.Method = http.MethodGet
	f.Send(get).RefusedWith(http.StatusMethodNotAllowed, "invalid_request")
}

// noEcho puts into each parameter text that would do harm in a page, a terminal,
// a log or a header.
func noEcho(t *testing.T) {
	f := testbed.New(t, openMemory)
	names := []string{
		"grant_type", "scope", "client_id", "client_secret", "code", "redirect_uri", "code_verifier",
		"refresh_token", "api_key", "resource", "client_assertion", "client_assertion_type", "unknown",
	}
	values := []string{
		"<script>alert(1)</script>", "\x1b[31mred\a", "a\r\nSet-Cookie: x=y", "${jndi:ldap://evil}",
		"%3Cscript%3E", "\u202eevil", `"},"access_token":"x`,
	}
	requests := []*testbed.Request{
		testbed.ClientCredentials(f.C1), testbed.Refresh(f.C1, "rt_x"), f.Redeem(f.C1, "ac_x"), testbed.PresentKey(f.C1, "x"),
		testbed.Form("grant_type", "client_credentials"),
	}
	for _, value := range values {
		for _, name := range names {
			text := value
			if name != "grant_type" { // so that no secret equals an identifier
				text = name + value
			}
			for _, r := range requests {
				noneOf(f.Send(r.With(name, text)), value, "<script", "evil")
				noneOf(f.Send(r.With(name, text).JSON()), value, "<script", "evil")
			}
		}
	}
	r := testbed.ClientCredentials(f.C1).Set("Authorization", "<script>").Set("X-Api-Key", "<script>").Set("Origin", "<script>")
	noneOf(f.Send(r), "<script")
}

// noneOf asserts that a response has none of the texts. Success is left out:
// there, an unknown parameter was ignored.
func noneOf(r *testbed.Reply, texts ...string) {
	r.T.Helper()
	if r.Status == http.StatusOK {
		return
	}
	r.Envelope()
	whole := r.Body
	for name, values := range r.Header {
		whole += "\n" + name + ": " + strings.Join(values, ",")
	}
	for _, text := range texts {
		if strings.Contains(whole, text) {
			r.T.Errorf("%s: the response %s echoes %q", r.Sent.Text(), whole, text)
		}
	}
}

// limitedRequest is the answer to a client that comes too often, by the count of
// a host's own: R17.
func limitedRequest(t *testing.T) {
	l := new(testbed.Limiter)
	f := testbed.New(t, openMemory, testbed.WithLimiter(l), testbed.WithOwnGrants)
	p := f.NewWideClient()
	l.Answer(1500*time.Millisecond, nil)
	for _, w := range testbed.Ways() {
		f.Sub(w.Name, func() {
			right := w.Request(f, p)
			f.Store.Counted()
			for _, r := range testbed.Both(right) {
				got := f.Send(r)
				got.Limited()
				if after := got.Header.Get("Retry-After"); after != "2" {
					f.Errorf("Retry-After is %s, want 2", after)
				}
				if e := f.LastEvent(); e.Outcome != tokenendpoint.Limited {
					f.Errorf("the outcome is %s, want %s", e.Outcome, tokenendpoint.Limited)
				}
			}
			f.Asked(nil)
			l.Answer(0, nil)
			f.Send(right).Tokens()
			l.Answer(1500*time.Millisecond, nil)
		})
	}
}

func limitedComesAgain(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	wrong := testbed.ClientCredentials(f.C1.Showing(testbed.WrongSecret))
	for range testbed.AtOnce {
		f.Send(wrong).Unauthorized()
	}
	got := f.Send(testbed.ClientCredentials(f.C1))
	got.Limited()
	wait, err := time.ParseDuration(got.Header.Get("Retry-After") + "s")
	if err != nil || wait > 2*time.Second {
		t.Fatalf("Retry-After is %q, want a second or two", got.Header.Get("Retry-After"))
	}
	time.Sleep(wait)
	f.Send(testbed.ClientCredentials(f.C1)).Tokens()
}
