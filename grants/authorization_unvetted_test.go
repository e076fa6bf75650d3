package grants_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// unvetted is the page where nobody has vetted any client.
func unvetted(t *testing.T) grants.AuthorizationEndpoint {
	e := page(t)
	known := e.Clients
	e.Clients = clientsFunc(func(ctx context.Context, id string) (*storage.Client, error) {
		c, err := known.Client(ctx, id)
		if err == nil {
			c.Unvetted = true
		}
		return c, err
	})
	return e
}

// No error sends a browser to a client that nobody has vetted, unless the user has
// clicked: else a link to this server would lead wherever a phisher likes.
func TestU12(t *testing.T) {
	e := unvetted(t)
	stays := func(t *testing.T, err error, status int, sentence string) {
		t.Helper()
		var fault *grants.AuthorizationError
		if !errors.As(err, &fault) || fault.Answer != nil || fault.Click == nil || !strings.HasPrefix(fault.Click.URL(), "https://c1.test/cb?error=") {
			t.Fatalf("got %v, want an error for the user, and an answer for a click", err)
		}
		w := httptest.NewRecorder()
		e.Answer(w, httptest.NewRequest("GET", "/", nil), nil, err)
		if w.Code != status || w.Header().Get("Location") != "" || !strings.Contains(w.Body.String(), sentence) {
			t.Errorf("got %d to %q with %q, want %d with %q", w.Code, w.Header().Get("Location"), w.Body, status, sentence)
		}
	}
	read := func(changes ...string) (*grants.PendingAuthorization, error) {
		return e.Read(httptest.NewRequest("GET", "/?"+right(changes...).Encode(), nil))
	}
	for _, changes := range [][]string{
		{"scope", "nonsense"}, {"response_type", "token"}, {"response_type", "-"}, {"code_challenge", "-"}, {"resource", "https://evil.test"},
		{"request_uri", "https://c1.test/r"}, {"prompt", "none login"}, {"+state", "second"},
	} {
		_, err := read(changes...)
		stays(t, err, http.StatusBadRequest, "For its developer: ")
		_, err = e.ReadQuery(t.Context(), right(changes...).Encode())
		stays(t, err, http.StatusBadRequest, "For its developer: ")
	}
	a, err := read("prompt", "none")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []grants.ErrorCode{grants.LoginRequired, grants.ConsentRequired, grants.InteractionRequired} {
		stays(t, a.Refuse(code), http.StatusBadRequest, string(code))
	}
	stays(t, a.Refuse(errors.New("the store is away")), http.StatusServiceUnavailable, "try again")
	a.Client.Unvetted = false // what a host writes there changes nothing
	stays(t, a.Refuse(grants.LoginRequired), http.StatusBadRequest, "login_required")

	goes := func(err error) {
		t.Helper()
		w := httptest.NewRecorder()
		e.Answer(w, httptest.NewRequest("GET", "/", nil), nil, err)
		if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "https://c1.test/cb?error=") {
			t.Errorf("%v: got %d to %q, want the client to be told", err, w.Code, w.Header().Get("Location"))
		}
	}
	goes(a.Refuse(grants.AccessDenied))                                                     // the user said no
	_, _, err = a.Approve(grants.Approval{Subject: "u1", Scope: []string{"x"}}, time.Now()) // the user said yes
	goes(err)
	if _, answer, err := a.Approve(grants.Approval{Subject: "u1", Scope: []string{"read"}}, time.Now()); err != nil || answer == nil {
		t.Errorf("an approval: %v", err)
	}
}

// A client that cannot be looked for now, for a limit of the host's, is no error of the
// server.
func TestT07PageIsLimited(t *testing.T) {
	var log strings.Builder
	e := page(t)
	e.Logger = slog.New(slog.NewTextHandler(&log, nil))
	e.Clients = clientsFunc(func(context.Context, string) (*storage.Client, error) {
		return nil, grants.RateLimited(time.Second).Because(errors.New("too many documents"))
	})
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/?"+right().Encode(), nil)
	_, err := e.Read(r)
	e.Answer(w, r, nil, err)
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || !strings.Contains(log.String(), "level=INFO") || !strings.Contains(log.String(), "too many documents") {
		t.Errorf("got %d with Retry-After %q, and the log %s", w.Code, w.Header().Get("Retry-After"), log.String())
	}
}
