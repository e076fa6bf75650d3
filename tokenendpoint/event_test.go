package tokenendpoint_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// outcomes are one request for each way to end.
var outcomes = []struct {
	name    string
	outcome tokenendpoint.Outcome
	level   slog.Level
	status  int
	code    grants.ErrorCode
	request func(o *observed) string // the body
}{
	{"a token", tokenendpoint.Issued, slog.LevelDebug, 200, "",
		func(*observed) string { return "grant_type=client_credentials" }},
	{"a code", tokenendpoint.Issued, slog.LevelDebug, 200, "", (*observed).code},
	{"a refresh", tokenendpoint.Issued, slog.LevelDebug, 200, "", (*observed).refresh},
	{"a refresh whose answer was lost", tokenendpoint.Repeated, slog.LevelDebug, 200, "", func(o *observed) string {
		r := o.refresh()
		ask(o.handler, o.secret, r)
		return r
	}},
	{"a replay", tokenendpoint.Replayed, slog.LevelWarn, 400, "invalid_grant", func(o *observed) string {
		r := o.refresh()
		ask(o.handler, o.secret, r)
		time.Sleep(time.Minute)
		return r
	}},
	{"a code that was used", tokenendpoint.Replayed, slog.LevelWarn, 400, "invalid_grant", func(o *observed) string {
		r := o.code()
		ask(o.handler, o.secret, r)
		time.Sleep(3 * time.Second)
		return r
	}},
	{"a code that was used a moment ago", tokenendpoint.Refused, slog.LevelInfo, 400, "invalid_grant", func(o *observed) string {
		r := o.code()
		ask(o.handler, o.secret, r)
		return r
	}},
	{"no grant_type", tokenendpoint.Refused, slog.LevelInfo, 400, "invalid_request", func(*observed) string { return "" }},
	{"a wrong secret", tokenendpoint.Refused, slog.LevelInfo, 401, "invalid_client", func(o *observed) string {
		o.secret = "wrong"
		return "grant_type=client_credentials"
	}},
	{"a body that is too long", tokenendpoint.Refused, slog.LevelInfo, 413, "invalid_request",
		func(*observed) string { return strings.Repeat("a", 1<<20) }},
	{"too many failures", tokenendpoint.Limited, slog.LevelInfo, 429, "temporarily_unavailable", func(o *observed) string {
		o.wait = time.Second
		return "grant_type=client_credentials"
	}},
	{"a store that is down", tokenendpoint.Failed, slog.LevelError, 503, "temporarily_unavailable", func(o *observed) string {
		o.down = errors.New("connection refused")
		return "grant_type=client_credentials"
	}},
	{"a hook that panics", tokenendpoint.Failed, slog.LevelError, 500, "server_error", func(o *observed) string {
		o.hook = func(context.Context, *grants.Request, *grants.Authorization) error { panic("connection refused") }
		return o.code()
	}},
	{"a store that gave up by itself", tokenendpoint.Failed, slog.LevelError, 503, "temporarily_unavailable", func(o *observed) string {
		o.down = context.Canceled // and the client is still there
		return "grant_type=client_credentials"
	}},
}

func TestEventAndLineOfARequest(t *testing.T) {
	for _, tt := range outcomes {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newObserved(t)
				body := tt.request(o)
				o.forget()
				w := ask(o.handler, o.secret, body)
				e, line, level := o.one()
				if e.Outcome != tt.outcome || level != tt.level || e.Status != tt.status || e.Error != tt.code || w.Code != tt.status {
					t.Errorf("got %s %s %d %s and the response %d, want %s %s %d %s",
						e.Outcome, level, e.Status, e.Error, w.Code, tt.outcome, tt.level, tt.status, tt.code)
				}
				checkLine(t, e, line)
				if (e.ErrorID != "") != (tt.status >= 500) || !strings.Contains(w.Body.String(), e.ErrorID) {
					t.Errorf("the error id is %q and the response %s, want one and the same for a fault", e.ErrorID, w.Body)
				}
				if tt.status >= 500 && (e.Cause == nil || strings.Contains(w.Body.String(), "refused")) {
					t.Errorf("the cause is %v and the response %s, want a cause that the client does not see", e.Cause, w.Body)
				}
				if !e.Time.Equal(time.Now()) || e.Time.Location() != time.UTC {
					t.Errorf("the event's time is %s, want %s in UTC", e.Time, time.Now())
				}
			})
		})
	}
}

// checkLine compares the line with the event: the line leaves empty fields out.
func checkLine(t *testing.T, e tokenendpoint.Event, line map[string]string) {
	t.Helper()
	cause := ""
	if e.Cause != nil {
		cause = e.Cause.Error()
	}
	for key, want := range map[string]string{
		"msg": "token request", "outcome": string(e.Outcome), "grant_type": e.GrantType, "client_id": e.ClientID,
		"sub": e.Subject, "family": e.Family, "jti": e.TokenID, "api_key_id": e.APIKeyID,
		"error": string(e.Error), "error_id": e.ErrorID, "cause": cause, "total": e.Total.String(),
	} {
		got, there := line[key]
		if got != want || there != (want != "") {
			t.Errorf("the line has %s=%q, want %q", key, got, want)
		}
	}
}

func TestEventTellsWhatWasIssued(t *testing.T) {
	o := newObserved(t)
	response, claims := token(t, ask(o.handler, o.secret, o.code()))
	e, _, _ := o.one()
	refresh, _ := response["refresh_token"].(string)
	record, err := o.store.Credential(t.Context(), storage.PresentedSecret(refresh).Digest(storage.KindRefreshToken))
	if err != nil {
		t.Fatal(err)
	}
	if e.GrantType != "authorization_code" || e.ClientID != "c1" || e.Subject != "u1" || e.Family != record.Family ||
		e.TokenID != claims["jti"] || !slices.Equal(e.Scope, []string{"read"}) || e.Error != "" || e.Cause != nil {
		t.Errorf("the event is %+v, want the issued token: %v", e, claims)
	}
}

// A code of a client that may not refresh gives an access token alone. The event says
// why, since New knows no clients and cannot warn of it.
func TestEventTellsWhyNoRefreshTokenWentAlong(t *testing.T) {
	o := newObserved(t)
	err := o.store.UpdateClient(t.Context(), "c1", func(c *storage.Client) error {
		c.GrantTypes = slices.DeleteFunc(c.GrantTypes, func(g string) bool { return g == grants.TypeRefreshToken })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	response, _ := token(t, ask(o.handler, o.secret, o.code()))
	e, _, _ := o.one()
	if response["refresh_token"] != nil || e.Outcome != tokenendpoint.Issued || e.Cause == nil || !strings.Contains(e.Cause.Error(), "not registered for refresh_token") {
		t.Errorf("got %v, and the event %s because of %v, want no refresh token and the reason", response, e.Outcome, e.Cause)
	}

	o = newObserved(t) // a grant that asks for no refresh token has nothing to say
	token(t, ask(o.handler, o.secret, "grant_type=client_credentials"))
	if e, _, _ := o.one(); e.Cause != nil {
		t.Errorf("client_credentials: the cause is %v, want none", e.Cause)
	}
}

// A client that hangs up before the endpoint has changed anything loses nothing.
func TestEventOfAnAbandonedRequest(t *testing.T) {
	o := newObserved(t)
	body := o.code()
	ctx, cancel := context.WithCancel(t.Context())
	o.hook = func(ctx context.Context, _ *grants.Request, _ *grants.Authorization) error {
		cancel()
		return ctx.Err()
	}
	r := httptest.NewRequestWithContext(ctx, "POST", "/connect/token", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("c1", o.secret)
	o.handler.ServeHTTP(httptest.NewRecorder(), r)
	if e, line, level := o.one(); e.Outcome != tokenendpoint.Abandoned || level != slog.LevelInfo || line["outcome"] != "abandoned" {
		t.Errorf("got %s at level %s, want abandoned at info", e.Outcome, level)
	}
	o.hook = nil
	if w := ask(o.handler, o.secret, body); w.Code != 200 {
		t.Errorf("the code afterwards: got %d %s, want 200", w.Code, w.Body)
	}
}

// slowBody takes five seconds to arrive.
type slowBody struct{ io.Reader }

func (b slowBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if n > 0 {
		time.Sleep(5 * time.Second)
	}
	return n, err
}

func TestEventTellsHowLongTheStepsTook(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name                                                                  string
		secret                                                                string
		read, authenticate, decide, judge, hook, sign, commit, respond, total time.Duration
	}{
		{"all of them", "", 5 * s, s, 0, 0, 2 * s, 3 * s, 4 * s, 0, 15 * s},
		{"up to the refusal", "wrong", 5 * s, s, 0, 0, 0, 0, 0, 0, 6 * s},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newObserved(t)
				body := o.code()
				o.times = steps{client: s, hook: 2 * s, signer: 3 * s, spend: 4 * s}
				r := httptest.NewRequest("POST", "/connect/token", slowBody{strings.NewReader(body)})
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.SetBasicAuth("c1", o.secret+tt.secret)
				o.handler.ServeHTTP(httptest.NewRecorder(), r)
				e, _, _ := o.one()
				got := []time.Duration{e.Read, e.Authenticate, e.Decide, e.Judge, e.Hook, e.Sign, e.Commit, e.Respond, e.Total}
				want := []time.Duration{tt.read, tt.authenticate, tt.decide, tt.judge, tt.hook, tt.sign, tt.commit, tt.respond, tt.total}
				if !slices.Equal(got, want) {
					t.Errorf("the steps took %v, want %v", got, want)
				}
			})
		})
	}
}

// A panic of the host's Observe or slog.Handler comes after the answer and
// takes nothing away from it.
func TestPanicInObserve(t *testing.T) {
	o := newObserved(t, func(c *tokenendpoint.Config) {
		c.Observe = func(context.Context, tokenendpoint.Event) { panic("no metrics today") }
	})
	token(t, ask(o.handler, o.secret, "grant_type=client_credentials"))
	var messages []string
	for _, line := range o.lines {
		messages = append(messages, line.Level.String()+" "+line.Message)
	}
	slices.Sort(messages)
	if want := []string{"DEBUG token request", "ERROR token request: Observe panicked"}; !slices.Equal(messages, want) {
		t.Errorf("the log has %q, want %q", messages, want)
	}
}

// panicking is a slog.Handler that always panics.
type panicking struct{ *observed }

func (panicking) Handle(context.Context, slog.Record) error { panic("no log today") }

func TestPanicInTheLogger(t *testing.T) {
	o := newObserved(t)
	o.handler = newObserved(t, func(c *tokenendpoint.Config) {
		c.Storage, c.Logger, c.Observe = o.store, slog.New(panicking{o}), o.observe
	}).handler
	token(t, ask(o.handler, o.secret, "grant_type=client_credentials"))
	if len(o.events) != 1 {
		t.Errorf("there are %d events, want one", len(o.events))
	}
}

// The endpoint makes no record that the logger does not want.
func TestLoggerLevel(t *testing.T) {
	var o *observed
	log := &strings.Builder{}
	o = newObserved(t, func(c *tokenendpoint.Config) {
		c.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	token(t, ask(o.handler, o.secret, "grant_type=client_credentials"))
	ask(o.handler, "wrong", "grant_type=client_credentials")
	if log.Len() != 0 || len(o.events) != 2 {
		t.Errorf("the log has %q and there are %d events, want no line and two events", log, len(o.events))
	}
}

// A hook or a grant that outlasts the Timeout is named, and not the signer,
// which has no time left.
func TestSlowHostIsNamed(t *testing.T) {
	const slow = 2 * time.Minute
	for name, change := range map[string]func(*tokenendpoint.Config){
		"hook": func(c *tokenendpoint.Config) {
			c.Hook = func(context.Context, *grants.Request, *grants.Authorization) error { time.Sleep(slow); return nil }
		},
		"grant": func(c *tokenendpoint.Config) {
			c.Grants[grants.TypeClientCredentials] = grants.Func(func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
				time.Sleep(slow)
				return grants.ClientCredentials{}.Authorize(ctx, r)
			})
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newObserved(t, change)
			if w := ask(o.handler, o.secret, "grant_type=client_credentials"); w.Code != http.StatusServiceUnavailable {
				t.Errorf("a slow %s: got %d, want 503", name, w.Code)
			}
			want := "tokenendpoint: " + name + ": context deadline exceeded"
			if e, line, _ := o.one(); line["cause"] != want || e.Hook != map[string]time.Duration{"hook": slow}[name] {
				t.Errorf("a slow %s: the cause is %q and the hook took %s, want %q", name, line["cause"], e.Hook, want)
			}
		})
	}
}
