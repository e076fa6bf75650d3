package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// failing is a store that fails when it is told to.
type failing struct {
	*memory.Store
	down atomic.Bool
}

var errDown = errors.New("the database is down")

func (f *failing) Client(ctx context.Context, id string) (*storage.Client, error) {
	if f.down.Load() {
		return nil, errDown
	}
	return f.Store.Client(ctx, id)
}

func (f *failing) Revoked(ctx context.Context, id, family string) (bool, error) {
	if f.down.Load() {
		return false, errDown
	}
	return f.Store.Revoked(ctx, id, family)
}

// host is the example with a store that can fail.
type host struct {
	*testing.T
	url     string
	secret  string
	store   *failing
	limited atomic.Bool // nobody may guess now
	spans   *tracetest.InMemoryExporter
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{T: t, store: &failing{Store: new(memory.Store)}, spans: tracetest.NewInMemoryExporter()}
	secret, hash := clientauth.NewSecret()
	h.secret = secret.Reveal()
	for _, id := range []string{clientID, "not-listed"} {
		c := client(hash)
		c.ID, c.GrantTypes = id, []string{grants.TypeClientCredentials, grants.TypeRefreshToken}
		if err := h.store.PutClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // New takes it: the endpoint's refusals are wanted here
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(h.spans))
	handler, err := newServer("http://127.0.0.1", h.store.Store, traces, func(c *tokenendpoint.Config) {
		c.Storage, c.Revocations, c.Limiter = h.store, h.store, tokenendpoint.LimiterFunc(h.reserve)
		c.RevocationStaleness = -1
		c.RefreshGrace = -1
		c.Grants = map[string]grants.Grant{
			grants.TypeClientCredentials: grants.ClientCredentials{Refresh: true},
			grants.TypeRefreshToken:      grants.RefreshToken{},
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

// reserve is a [tokenendpoint.Limiter].
func (h *host) reserve(context.Context, tokenendpoint.Attempt) (time.Duration, func(context.Context), error) {
	if h.limited.Load() {
		return time.Second, nil, nil
	}
	return 0, nil, nil
}

// post sends a form as a client, and returns the status and the body.
func (h *host) post(id, secret, path string, form url.Values) (int, string) {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), http.MethodPost, h.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		h.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(id, secret)
	return h.do(r)
}

func (h *host) orders(token string) int {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), http.MethodGet, h.url+"/orders", nil)
	if err != nil {
		h.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	status, _ := h.do(r)
	return status
}

func (h *host) do(r *http.Request) (int, string) {
	h.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		h.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		h.Fatal(err)
	}
	return response.StatusCode, string(b)
}

func (h *host) want(what string, got, want int) {
	h.Helper()
	if got != want {
		h.Fatalf("%s: got %d, want %d", what, got, want)
	}
}

// everything sends requests that end in each way which the dashboard shows.
func (h *host) everything() {
	h.Helper()
	ask := url.Values{"grant_type": {"client_credentials"}}
	status, body := h.post(clientID, h.secret, "/connect/token", ask)
	h.want("a request for a token", status, http.StatusOK)
	token, refresh := member(h.T, body, "access_token"), member(h.T, body, "refresh_token")
	status, _ = h.post("not-listed", h.secret, "/connect/token", ask)
	h.want("another client", status, http.StatusOK)
	status, _ = h.post(clientID, "wrong", "/connect/token", ask)
	h.want("a wrong secret", status, http.StatusUnauthorized)
	status, _ = h.post(clientID, h.secret, "/connect/token", url.Values{"grant_type": {"made up " + strings.Repeat("x", 50)}})
	h.want("a made-up grant", status, http.StatusBadRequest)
	again := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}
	status, _ = h.post(clientID, h.secret, "/connect/token", again)
	h.want("a refresh", status, http.StatusOK)
	status, _ = h.post(clientID, h.secret, "/connect/introspect", url.Values{"token": {token}})
	h.want("an introspection", status, http.StatusOK)
	h.want("the API", h.orders(token), http.StatusOK)
	h.want("the API without a token", h.orders("nonsense"), http.StatusUnauthorized)
	h.limited.Store(true)
	status, _ = h.post(clientID, "wrong", "/connect/token", ask)
	h.want("a limited request", status, http.StatusTooManyRequests)
	h.limited.Store(false)
	h.store.down.Store(true)
	status, _ = h.post(clientID, h.secret, "/connect/token", ask)
	h.want("an outage", status, http.StatusServiceUnavailable)
	h.want("an outage of the API", h.orders(token), http.StatusServiceUnavailable)
	h.store.down.Store(false)
	status, _ = h.post(clientID, h.secret, "/connect/token", again)
	h.want("a replay", status, http.StatusBadRequest)
	status, _ = h.post(clientID, h.secret, "/connect/revocation", url.Values{"token": {token}})
	h.want("a revocation", status, http.StatusOK)
}

func member(t *testing.T, body, name string) string {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(body), &members); err != nil {
		t.Fatal(err)
	}
	text, _ := members[name].(string)
	return text
}

// scrape returns the series of /metrics after everything has happened, as Prometheus
// reads them.
func scrape(t *testing.T) (all []labels.Labels) {
	t.Helper()
	h := newHost(t)
	h.everything()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, body := h.do(r)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	samples, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{Timestamp: model.Now()}, slices.Collect(maps.Values(families))...)
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range samples {
		names := map[string]string{}
		for name, value := range sample.Metric {
			names[string(name)] = string(value)
		}
		all = append(all, labels.FromMap(names))
	}
	return all
}

// TestAttributesAreBounded: no time series has a client that is not listed, a subject, a
// token or a text that a stranger made up.
func TestAttributesAreBounded(t *testing.T) {
	values := map[string]map[string]bool{}
	for _, l := range scrape(t) {
		if !strings.HasPrefix(l.Get("__name__"), "oauth_") {
			continue
		}
		l.Range(func(label labels.Label) {
			if values[label.Name] == nil {
				values[label.Name] = map[string]bool{}
			}
			values[label.Name][label.Value] = true
		})
	}
	for name, want := range map[string][]string{
		"client":     {"", clientID, "other"},
		"endpoint":   {"introspection", "revocation", "token"},
		"grant_type": {"", "client_credentials", "refresh_token"},
		"error":      {"", "invalid_client", "invalid_grant", "temporarily_unavailable", "unsupported_grant_type"},
		"outcome":    {"admitted", "failed", "introspected", "issued", "limited", "refused", "replayed", "revoked"},
		"reason":     {"", "not_a_token", "outage"},
		"step":       {"authenticate", "commit", "decide", "hook", "judge", "read", "respond", "sign"},
	} {
		if got := slices.Sorted(maps.Keys(values[name])); !slices.Equal(got, want) {
			t.Errorf("%s has the values %q, want %q", name, got, want)
		}
		delete(values, name)
	}
	for name := range values {
		if !slices.Contains([]string{"__name__", "le", "otel_scope_name", "otel_scope_version", "otel_scope_schema_url"}, name) {
			t.Errorf("there is a label %s with the values %q, want none that is not listed here", name, slices.Sorted(maps.Keys(values[name])))
		}
	}
}

// TestSpans: a request has a span with a span for each step, in their order and one
// after the other; only an outage is an error.
func TestSpans(t *testing.T) {
	h := newHost(t)
	ask := url.Values{"grant_type": {"client_credentials"}}
	for _, c := range []struct {
		name, secret string
		down         bool
		status       int
		code         codes.Code
		steps        string
	}{
		{"issued", h.secret, false, http.StatusOK, codes.Unset, "read authenticate decide judge hook sign commit respond"},
		{"refused", "wrong", false, http.StatusUnauthorized, codes.Unset, "read authenticate respond"},
		{"failed", h.secret, true, http.StatusServiceUnavailable, codes.Error, "read authenticate respond"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.spans.Reset()
			h.store.down.Store(c.down)
			status, body := h.post(clientID, c.secret, "/connect/token", ask)
			if status != c.status {
				t.Fatalf("got %d %s, want %d", status, body, c.status)
			}
			spans := h.spans.GetSpans()
			request := find(t, spans, "oauth token")
			outer := find(t, spans, "POST /connect/token")
			if request.Parent.SpanID() != outer.SpanContext.SpanID() {
				t.Error("the span of the endpoint is not below the span of the request")
			}
			if request.Status.Code != c.code {
				t.Errorf("the status is %v, want %v", request.Status.Code, c.code)
			}
			var steps []string
			at := request.StartTime
			for _, s := range spans {
				if s.Parent.SpanID() != request.SpanContext.SpanID() {
					continue
				}
				steps = append(steps, s.Name)
				if s.StartTime.Before(at) || s.EndTime.Before(s.StartTime) || s.EndTime.After(request.EndTime) {
					t.Errorf("%s lasts from %v to %v, want it after the step before, and within %v to %v", s.Name, s.StartTime, s.EndTime, request.StartTime, request.EndTime)
				}
				at = s.EndTime
			}
			if got := strings.Join(steps, " "); got != c.steps {
				t.Errorf("the steps are %s, want %s", got, c.steps)
			}
			if id := attributeOf(request, "error_id"); (id != "") != c.down || !strings.Contains(body, id) {
				t.Errorf("the error id is %q, and the answer is %s", id, body)
			}
			for _, s := range spans {
				if text := fmt.Sprintf("%+v", s); strings.Contains(text, h.secret) {
					t.Errorf("a span has the secret: %s", text)
				}
			}
		})
	}
}

func find(t *testing.T, spans tracetest.SpanStubs, name string) tracetest.SpanStub {
	t.Helper()
	for _, s := range spans {
		if s.Name == name {
			return s
		}
	}
	var names []string
	for _, s := range spans {
		names = append(names, s.Name)
	}
	t.Fatalf("the spans are %q, want one that is called %s", names, name)
	return tracetest.SpanStub{}
}

func attributeOf(s tracetest.SpanStub, key string) string {
	for _, a := range s.Attributes {
		if string(a.Key) == key {
			return a.Value.AsString()
		}
	}
	return ""
}
