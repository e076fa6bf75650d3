package endpointtest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
)

// errorRules is resource indicators, what is left of OpenID Connect, and errors
// as a contract. Row Q04 has no rule: there are no ID tokens.
var errorRules = slices.Concat(errorBodyRules, hostErrorRules, transliterationRules, outageRules)

var errorBodyRules = []rule{
	{"Q05_errors_have_two_members", errorMembers},
	{"Q06_no_input_is_echoed", noEcho},
	{"Q10_a_limited_request", limitedRequest},
}

var timedErrorRules = []rule{
	{"Q09_a_store_that_hangs", hangingStore},
	{"Q10_a_limited_request_comes_again_in_time", limitedComesAgain},
}

// errorMembers brings about each code. What refusedWith asserts of the response
// holds for every error in all rules.
func errorMembers(t *testing.T, open opener) {
	broken := errors.New("broken")
	f := newFixture(t, open, withHook(func(_ context.Context, r *grants.Request, a *grants.Authorization) error {
		switch r.Form["hook"] {
		case "fault":
			return grants.ServerError.Because(broken)
		case "panic":
			panic("broken")
		case "limited":
			return grants.RateLimited(time.Minute)
		case "custom":
			return grants.Code("interaction_required").Describe("the user has to come back")
		case "quote":
			return &grants.Error{Code: grants.InvalidGrant, Description: "a \" and a \\ and a \n"}
		case "claims":
			a.Claims = map[string]any{"iss": "https://evil.test"}
		}
		return nil
	}))
	right := clientCredentials(f.c1)
	for _, tt := range []struct {
		r      *request
		status int
		code   string
	}{
		{right.without("grant_type"), http.StatusBadRequest, "invalid_request"},
		{right.with("grant_type", "x"), http.StatusBadRequest, "unsupported_grant_type"},
		{right.basic(f.c1.id, wrongSecret), http.StatusUnauthorized, "invalid_client"},
		{right.by(f.cc).with("grant_type", "refresh_token", "refresh_token", "x"), http.StatusBadRequest, "unauthorized_client"},
		{refresh(f.c1, "x"), http.StatusBadRequest, "invalid_grant"},
		{right.with("scope", "root"), http.StatusBadRequest, "invalid_scope"},
		{right.with("resource", "root"), http.StatusBadRequest, "invalid_target"},
		{right.with("hook", "fault"), http.StatusInternalServerError, "server_error"},
		{right.with("hook", "panic"), http.StatusInternalServerError, "server_error"},
		{right.with("hook", "claims"), http.StatusInternalServerError, "server_error"},
		{right.with("hook", "limited"), http.StatusTooManyRequests, "temporarily_unavailable"},
		{right.with("hook", "custom"), http.StatusBadRequest, "interaction_required"},
		{right.with("hook", "quote"), http.StatusBadRequest, "invalid_grant"},
		{right.with("x", strings.Repeat("a", 70_000)), http.StatusRequestEntityTooLarge, "invalid_request"},
	} {
		f.sub(tt.code, func() {
			for _, r := range both(tt.r) {
				f.send(r).refusedWith(tt.status, tt.code)
				if e := f.lastEvent(); e.Status != tt.status || string(e.Error) != tt.code {
					f.Errorf("the event says %d %s, want %d %s", e.Status, e.Error, tt.status, tt.code)
				}
			}
		})
	}
	get := right.clone()
	get.method = http.MethodGet
	f.send(get).refusedWith(http.StatusMethodNotAllowed, "invalid_request")
}

// noEcho puts into each parameter what would do harm in a page, a terminal, a
// log or a header.
func noEcho(t *testing.T, open opener) {
	f := newFixture(t, open)
	names := []string{
		"grant_type", "scope", "client_id", "client_secret", "code", "redirect_uri", "code_verifier",
		"refresh_token", "api_key", "resource", "client_assertion", "client_assertion_type", "unknown",
	}
	values := []string{
		"<script>alert(1)</script>", "\x1b[31mred\a", "a\r\nSet-Cookie: x=y", "${jndi:ldap://evil}",
		"%3Cscript%3E", "\u202eevil", `"},"access_token":"x`,
	}
	requests := []*request{
		clientCredentials(f.c1), refresh(f.c1, "rt_x"), f.redeem(f.c1, "ac_x"), presentKey(f.c1, "x"),
		form("grant_type", "client_credentials"),
	}
	for _, value := range values {
		for _, name := range names {
			text := value
			if name != "grant_type" { // so that no secret is what an identifier is, too
				text = name + value
			}
			for _, r := range requests {
				noneOf(f.send(r.with(name, text)), value, "<script", "evil")
				noneOf(f.send(r.with(name, text).json()), value, "<script", "evil")
			}
		}
	}
	r := clientCredentials(f.c1).set("Authorization", "<script>").set("X-Api-Key", "<script>").set("Origin", "<script>")
	noneOf(f.send(r), "<script")
}

// noneOf asserts that a response has none of the texts. Success is left out:
// there, an unknown parameter was ignored.
func noneOf(r *reply, texts ...string) {
	r.t.Helper()
	if r.status == http.StatusOK {
		return
	}
	r.envelope()
	whole := r.body
	for name, values := range r.header {
		whole += "\n" + name + ": " + strings.Join(values, ",")
	}
	for _, text := range texts {
		if strings.Contains(whole, text) {
			r.t.Errorf("%s: the response %s echoes %q", r.sent.text(), whole, text)
		}
	}
}

// limitedRequest is what a client sees that comes too often, for the count of a
// host's own: R17.
func limitedRequest(t *testing.T, open opener) {
	l := new(limiter)
	f := newFixture(t, open, withLimiter(l), withOwnGrants)
	p := f.newWideClient()
	l.answer(1500*time.Millisecond, nil)
	for _, w := range ways() {
		f.sub(w.name, func() {
			right := w.request(f, p)
			f.store.counted()
			for _, r := range both(right) {
				got := f.send(r)
				got.limited()
				if after := got.header.Get("Retry-After"); after != "2" {
					f.Errorf("Retry-After is %s, want 2", after)
				}
				if e := f.lastEvent(); e.Outcome != tokenendpoint.Limited {
					f.Errorf("the outcome is %s, want %s", e.Outcome, tokenendpoint.Limited)
				}
			}
			f.asked(nil)
			l.answer(0, nil)
			f.send(right).tokens()
			l.answer(1500*time.Millisecond, nil)
		})
	}
}

func limitedComesAgain(t *testing.T, open opener) {
	f := newTimed(t, open)
	wrong := clientCredentials(f.c1.showing(wrongSecret))
	for range atOnce {
		f.send(wrong).unauthorized()
	}
	got := f.send(clientCredentials(f.c1))
	got.limited()
	wait, err := time.ParseDuration(got.header.Get("Retry-After") + "s")
	if err != nil || wait > 2*time.Second {
		t.Fatalf("Retry-After is %q, want a second or two", got.header.Get("Retry-After"))
	}
	time.Sleep(wait)
	f.send(clientCredentials(f.c1)).tokens()
}
