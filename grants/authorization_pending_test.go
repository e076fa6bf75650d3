package grants_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

func TestApprove(t *testing.T) {
	a, err := page(t).Read(get(right("scope", "read write", "resource", "https://api.test/").Encode()))
	wantRequest(t, a, err)
	claims := map[string]any{"tenant": "t1"}
	record, answer, err := a.Approve(grants.Approval{Subject: "user:1", Scope: []string{"write"}, AuthTime: at.Add(-time.Hour), Claims: claims, Lifetime: 2 * time.Minute}, at)
	if err != nil {
		t.Fatal(err)
	}
	query, ok := strings.CutPrefix(answer.URL(), "https://c1.test/cb?code=ac_")
	q, err := url.ParseQuery("code=ac_" + query)
	if !ok || err != nil || q.Get("state") != "s t&é" || q.Get("iss") != issuer || len(q) != 3 {
		t.Fatalf("the answer is %s, want code, state and iss", answer.URL())
	}
	want := &storage.Credential{
		Digest:          storage.PresentedSecret(q.Get("code")).Digest(storage.KindAuthorizationCode),
		Kind:            storage.KindAuthorizationCode,
		Family:          record.Family,
		Issuer:          issuer,
		ClientID:        "c1",
		Subject:         "user:1",
		Scope:           []string{"write"},
		Audience:        []string{"https://api.test"},
		Claims:          fmt.Appendf(nil, `{"auth_time":%d,"tenant":"t1"}`, at.Add(-time.Hour).Unix()),
		RedirectURI:     "https://c1.test/cb",
		PKCE:            storage.PKCES256,
		Challenge:       challenge,
		IssuedAt:        at,
		ExpiresAt:       at.Add(2 * time.Minute),
		FamilyExpiresAt: at.Add(2 * time.Minute),
	}
	if !reflect.DeepEqual(record, want) {
		t.Errorf("got  %+v\nwant %+v", record, want)
	}
	if len(claims) != 1 {
		t.Errorf("Approve changed the claims of the host to %v", claims)
	}
}

func TestApproveRefuses(t *testing.T) {
	a, err := page(t).Read(get(right("scope", "read write").Encode()))
	wantRequest(t, a, err)
	a.Scope[0], a.Audience, a.RedirectURI, a.State = "admin:x", []string{"https://evil.test"}, "https://evil.test/", "other"
	a.Client.ID, a.Client.Scope[0], a.Client.AuthMethod = "other", "admin:x", "unknown"
	for _, c := range []struct {
		name string
		by   grants.Approval
		code string
	}{
		{"a scope that was not requested", grants.Approval{Subject: "u1", Scope: []string{"read", "admin:x"}}, "invalid_scope"},
		{"a scope that nobody knows", grants.Approval{Subject: "u1", Scope: []string{"root"}}, "invalid_scope"},
		{"no subject", grants.Approval{Scope: []string{"read"}}, "server_error"},
		{"a claim that the endpoint sets", grants.Approval{Subject: "u1", Claims: map[string]any{"sub": "u2"}}, "server_error"},
		{"a lifetime beyond ten minutes", grants.Approval{Subject: "u1", Lifetime: time.Hour}, "server_error"},
	} {
		record, answer, err := a.Approve(c.by, at)
		if record != nil || answer != nil {
			t.Errorf("%s: got %+v and %v, want neither", c.name, record, answer)
		}
		q := wantTold(t, err, "https://c1.test/cb?", c.code)
		if q.Get("state") != "s t&é" {
			t.Errorf("%s: the state is %q, want that of the request", c.name, q.Get("state"))
		}
	}
	record, answer, err := a.Approve(grants.Approval{Subject: "u1"}, at)
	if err != nil || len(record.Scope) != 0 || record.Audience != nil || !strings.HasPrefix(answer.URL(), "https://c1.test/cb?") {
		t.Errorf("no scope: got %+v to %v and error %v, want none, and nothing that the host has changed", record, answer, err)
	}
}

func TestRefuse(t *testing.T) {
	a, err := page(t).Read(get(right().Encode()))
	wantRequest(t, a, err)
	if err := a.Refuse(nil); err != nil {
		t.Errorf("Refuse(nil) = %v, want nil", err)
	}
	for _, c := range []struct {
		err         error
		code, words string
	}{
		{grants.AccessDenied, "access_denied", ""},
		{grants.AccessDenied.Describe("the account is locked"), "access_denied", "the account is locked"},
		{errOutage, "temporarily_unavailable", ""},
		{grants.ServerError.Because(errOutage), "server_error", ""},
		{a.Refuse(grants.LoginRequired), "login_required", ""},
	} {
		err := a.Refuse(c.err)
		q := wantTold(t, err, "https://c1.test/cb?", c.code)
		if !errors.Is(err, c.err) || q.Get("error_description") != c.words || q.Has("error_description") != (c.words != "") {
			t.Errorf("Refuse(%v) = %v with %v, want the error and %q", c.err, err, q, c.words)
		}
	}
}

// Q05: an error that goes to the client names the page about it (RFC 6749 §4.1.2.1), and a
// code of the host's is escaped in its address.
func TestRefuseNamesThePageOfTheError(t *testing.T) {
	e := page(t)
	e.ErrorURI = "https://as.test/docs"
	a, err := e.Read(get(right().Encode()))
	wantRequest(t, a, err)
	for code, want := range map[grants.ErrorCode]string{
		grants.AccessDenied: "https://as.test/docs/errors/access_denied",
		"a/b c":             "https://as.test/docs/errors/a%2Fb%20c",
	} {
		if got := wantTold(t, a.Refuse(code), "https://c1.test/cb?", string(code)).Get("error_uri"); got != want {
			t.Errorf("%s: the page is %q, want %q", code, got, want)
		}
	}
	_, err = e.Read(get(right("scope", "admin").Encode()))
	if got := wantTold(t, err, "https://c1.test/cb?", "invalid_scope").Get("error_uri"); got != "https://as.test/docs/errors/invalid_scope" {
		t.Errorf("a request that is refused before the user has decided: the page is %q", got)
	}
	for _, wrong := range []string{"/docs", "https://as.test/docs?a", "https://as.test/#docs", "docs.as.test"} {
		e.ErrorURI = wrong
		if err := e.Check(); err == nil || !strings.Contains(err.Error(), "ErrorURI") {
			t.Errorf("Check of the ErrorURI %q: got %v, want an error about it", wrong, err)
		}
	}
}

// The address of the client stays as it was registered, byte for byte.
func TestAnswerKeepsTheRedirectURI(t *testing.T) {
	e := page(t)
	for _, c := range []struct{ name, client, uri, want string }{
		{"U07_no query", "several", "https://c1.test/cb", "https://c1.test/cb?error="},
		{"U07_a query that another encoder would write otherwise", "several", "https://c1.test/other?x=%7E&y", "https://c1.test/other?x=%7E&y&error="},
		{"U07_an empty query", "several", "https://c1.test/empty?", "https://c1.test/empty?error="},
		{"U07_a scheme of an app", "several", "com.example.app:/cb", "com.example.app:/cb?error="},
		{"U07_R28_a port of localhost", "several", "http://localhost:49152/cb", "http://localhost:49152/cb?error="},
		{"U07_the only one that is registered", "c1", "-", "https://c1.test/cb?error="},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := e.Read(get(right("client_id", c.client, "redirect_uri", c.uri).Encode()))
			wantRequest(t, a, err)
			fault := a.Refuse(grants.AccessDenied).(*grants.AuthorizationError)
			if got := fault.Answer.URL(); !strings.HasPrefix(got, c.want) || strings.Contains(got, "#") {
				t.Errorf("the answer is %s, want it to begin with %s, and no fragment", got, c.want)
			}
			record, _, err := a.Approve(grants.Approval{Subject: "u1"}, at)
			wantURI := c.uri
			if c.uri == "-" {
				wantURI = storage.NoRedirectURI // the token request has none either, RFC 6749 §4.1.3
			}
			if err != nil || record.RedirectURI != wantURI {
				t.Errorf("the record has %q and error %v, want %q", record.RedirectURI, err, wantURI)
			}
		})
	}
}

func TestRedirect(t *testing.T) {
	e := page(t)
	a, err := e.Read(get(right().Encode()))
	wantRequest(t, a, err)
	_, answer, err := a.Approve(grants.Approval{Subject: "u1"}, at)
	if err != nil {
		t.Fatal(err)
	}
	byCode, byError := httptest.NewRecorder(), httptest.NewRecorder()
	e.Answer(byCode, get(""), answer, nil)
	e.Answer(byError, get(""), nil, a.Refuse(grants.AccessDenied))
	for name, w := range map[string]*httptest.ResponseRecorder{"U08_a code": byCode, "U08_an error": byError} {
		t.Run(name, func(t *testing.T) {
			h := w.Header()
			if w.Code != http.StatusSeeOther || h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" ||
				!strings.HasPrefix(h.Get("Location"), "https://c1.test/cb?") || w.Body.Len() > 0 {
				t.Errorf("got %d with %v and %q, want 303, no-store, no-referrer and no body", w.Code, h, w.Body)
			}
		})
	}
	if got := byCode.Header().Get("Location"); got != answer.URL() {
		t.Errorf("the Location is %s, want %s", got, answer.URL())
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		if got := fmt.Sprintf(verb, answer) + fmt.Sprintf(verb, *answer); strings.Contains(got, "ac_") {
			t.Errorf("%s prints %s, want no code", verb, got)
		}
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "answer", answer)
	if text, err := answer.MarshalText(); err != nil || strings.Contains(log.String()+string(text), "ac_") {
		t.Errorf("the log has %s, want no code", log.String())
	}
}

// The consent page keeps the request as a query, and the answer of the user is judged
// like the request before it.
func TestQueryIsTheSameRequest(t *testing.T) {
	e := page(t)
	for _, q := range []url.Values{
		right(), right("state", "-"), right("resource", "https://api.test", "+resource", "https://other.test/x"),
		right("client_id", "several", "redirect_uri", "https://c1.test/other?x=%7E&y"), right("login_hint", "a+b&c=d;e", "prompt", "login"),
		right("redirect_uri", "-"), right("x", "1", "+x", "2"),
	} {
		a, err := e.Read(get(q.Encode()))
		wantRequest(t, a, err)
		b, err := e.ReadQuery(t.Context(), a.Query())
		wantRequest(t, b, err)
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%v: got %+v, want %+v", q, b, a)
		}
	}
	a, err := e.Read(get(right().Encode()))
	wantRequest(t, a, err)
	for _, c := range [][2]string{{"redirect_uri", "https://evil.test/"}, {"client_id", "nobody"}} {
		q, err := url.ParseQuery(a.Query())
		if err != nil {
			t.Fatal(err)
		}
		q.Set(c[0], c[1])
		_, err = e.ReadQuery(t.Context(), q.Encode())
		wantShown(t, e, err, http.StatusBadRequest)
	}
	// The registration is that of the moment of the answer.
	k := client()
	k.RedirectURIs = []string{"https://c1.test/new"}
	if err := e.Clients.(*memory.Store).PutClient(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	_, err = e.ReadQuery(t.Context(), a.Query())
	wantShown(t, e, err, http.StatusBadRequest)
}

// A client that uses two servers learns from iss whose answer it has, also if one of
// them sends its users to the other (RFC 9207, RFC 9700 §4.4).
func TestU02MixUp(t *testing.T) {
	honest := page(t)
	other := honest
	other.Issuer = "https://other.test"
	for _, e := range []grants.AuthorizationEndpoint{honest, other} {
		a, err := e.Read(get(right("iss", "https://evil.test").Encode()))
		wantRequest(t, a, err)
		record, answer, err := a.Approve(grants.Approval{Subject: "u1"}, at)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(answer.URL())
		if err != nil || !slices.Equal(u.Query()["iss"], []string{e.Issuer}) || record.Issuer != e.Issuer {
			t.Errorf("the answer is %s and the code is good at %s, want both of %s", answer.URL(), record.Issuer, e.Issuer)
		}
	}
}
