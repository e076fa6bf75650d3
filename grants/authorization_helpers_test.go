package grants_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

// clientsFunc is a function that is storage.Clients.
type clientsFunc func(ctx context.Context, id string) (*storage.Client, error)

func (f clientsFunc) Client(ctx context.Context, id string) (*storage.Client, error) {
	return f(ctx, id)
}

// page is the authorization endpoint of these tests, with the clients c1, several, bare
// and off.
func page(t testing.TB) grants.AuthorizationEndpoint {
	t.Helper()
	store := new(memory.Store)
	several := client()
	several.ID, several.RedirectURIs = "several", []string{"https://c1.test/cb", "https://c1.test/other?x=%7E&y", "https://c1.test/empty?", "com.example.app:/cb", "http://localhost/cb"}
	bare := client()
	bare.ID, bare.GrantTypes = "bare", []string{grants.TypeRefreshToken}
	off := client()
	off.ID, off.Disabled = "off", true
	for _, c := range []*storage.Client{client(), several, bare, off} {
		if err := store.PutClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	return grants.AuthorizationEndpoint{
		Issuer:   issuer,
		Clients:  store,
		Audience: []string{"https://api.test", "https://other.test/x"},
		Logger:   slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// right is a request that is right. The changes come in turn, a name and a value: a
// value of "-" takes the parameter out, and a name that begins with "+" repeats it.
func right(changes ...string) url.Values {
	q := url.Values{
		"response_type":         {"code"},
		"client_id":             {"c1"},
		"redirect_uri":          {"https://c1.test/cb"},
		"scope":                 {"read"},
		"state":                 {"s t&é"},
		"code_challenge":        {challenge},
		"code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		name, value := changes[i], changes[i+1]
		switch {
		case value == "-":
			q.Del(name)
		case name[0] == '+':
			q.Add(name[1:], value)
		default:
			q.Set(name, value)
		}
	}
	return q
}

// get is a GET of the page with a query.
func get(query string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/authorize", nil)
	r.URL.RawQuery = query
	return r
}

// post is a POST of the page with a body.
func post(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/authorize", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// wantShown asserts that err is for the eyes of the user, and that the answer goes
// nowhere.
func wantShown(t *testing.T, e grants.AuthorizationEndpoint, err error, status int) *grants.AuthorizationError {
	t.Helper()
	fault, ok := errors.AsType[*grants.AuthorizationError](err)
	if !ok || fault.Answer != nil || fault.Status != status || fault.Sentence == "" {
		t.Fatalf("got error %+v, want one that is shown to the user with %d", err, status)
	}
	w := httptest.NewRecorder()
	e.Answer(w, get(""), nil, err)
	if w.Code != status || w.Header().Get("Location") != "" || !strings.Contains(w.Body.String(), fault.Sentence) {
		t.Errorf("the answer is %d to %q with %q, want %d, no address and the sentence", w.Code, w.Header().Get("Location"), w.Body, status)
	}
	return fault
}

// wantTold asserts that err goes to the client, with the state and the issuer, and
// returns the parameters of the answer.
func wantTold(t *testing.T, err error, redirect, code string) url.Values {
	t.Helper()
	fault, ok := errors.AsType[*grants.AuthorizationError](err)
	if !ok || fault.Answer == nil {
		t.Fatalf("got error %+v, want one that goes to the client", err)
	}
	query, ok := strings.CutPrefix(fault.Answer.URL(), redirect)
	q, err := url.ParseQuery(query)
	if !ok || err != nil || q.Get("error") != code || q.Get("iss") != issuer || q.Has("code") {
		t.Fatalf("the answer is %s, want %s with the error %s and iss", fault.Answer.URL(), redirect, code)
	}
	return q
}

// wantRequest asserts that the request is right.
func wantRequest(t *testing.T, a *grants.PendingAuthorization, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("got error %v, want a request that is right", err)
	}
}
