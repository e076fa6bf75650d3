package main

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/bearer"
)

// Telemetry turns the events of the endpoint into metrics and spans. This is the part
// to copy.
//
// Every attribute of a metric has few values, and a stranger cannot add one: endpoints,
// outcomes, steps and reasons are constants of the library, grant types are those of
// the configuration, error codes stand in source code. Nobody's sub, token or address
// is in a metric. Each client would be a time series, so only the listed ones are
// named.
type Telemetry struct {
	// Clients are the clients that metrics and spans name. The rest is "other".
	Clients []string

	tracer   trace.Tracer
	requests metric.Int64Counter
	duration metric.Float64Histogram
	steps    metric.Float64Histogram
	api      metric.Int64Counter
}

const scope = "github.com/contit/oauth"

// seconds are the bounds of the histograms: a token takes a millisecond, or as long as
// a database does; Config.Timeout is two seconds.
var seconds = []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}

// NewTelemetry makes the instruments.
func NewTelemetry(traces trace.TracerProvider, metrics metric.MeterProvider, clients ...string) (*Telemetry, error) {
	t := &Telemetry{Clients: clients, tracer: traces.Tracer(scope)}
	m := metrics.Meter(scope)
	var err error
	if t.requests, err = m.Int64Counter("oauth.requests",
		metric.WithDescription("Requests to the token, revocation and introspection endpoints.")); err != nil {
		return nil, err
	}
	if t.duration, err = m.Float64Histogram("oauth.request.duration", metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(seconds...),
		metric.WithDescription("How long a request took.")); err != nil {
		return nil, err
	}
	if t.steps, err = m.Float64Histogram("oauth.step.duration", metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(seconds...),
		metric.WithDescription("How long a step of a request took.")); err != nil {
		return nil, err
	}
	t.api, err = m.Int64Counter("oauth.api.requests", metric.WithDescription("Requests to routes behind RequireToken."))
	return t, err
}

// A step is a part of a request, and how long it took.
type step struct {
	name string
	took time.Duration
}

// stepsOf are the steps that a request came to, in their order.
func stepsOf(e tokenendpoint.Event) []step {
	return slices.DeleteFunc([]step{
		{"read", e.Read}, {"authenticate", e.Authenticate}, {"decide", e.Decide}, {"judge", e.Judge},
		{"hook", e.Hook}, {"sign", e.Sign}, {"commit", e.Commit}, {"respond", e.Respond},
	}, func(s step) bool { return s.took == 0 })
}

// Observe is Config.Observe. It is called when the answer has been written, so the spans
// lie in the past.
func (t *Telemetry) Observe(ctx context.Context, e tokenendpoint.Event) {
	endpoint, outcome := attribute.String("endpoint", string(e.Endpoint)), attribute.String("outcome", string(e.Outcome))
	grant := attribute.String("grant_type", e.GrantType)
	client := attribute.String("client", t.client(e.ClientID))
	code := attribute.String("error", string(e.Error))

	t.requests.Add(ctx, 1, metric.WithAttributes(endpoint, outcome, grant, client, code))
	t.duration.Record(ctx, e.Total.Seconds(), metric.WithAttributes(endpoint, outcome, grant))
	for _, s := range stepsOf(e) {
		t.steps.Record(ctx, s.took.Seconds(), metric.WithAttributes(endpoint, attribute.String("step", s.name)))
	}

	end := time.Now()
	at := end.Add(-e.Total)
	ctx, span := t.tracer.Start(ctx, "oauth "+string(e.Endpoint), trace.WithTimestamp(at), trace.WithAttributes(
		outcome, grant, client, code, attribute.Int("http.response.status_code", e.Status)))
	for _, s := range stepsOf(e) {
		_, child := t.tracer.Start(ctx, s.name, trace.WithTimestamp(at))
		at = at.Add(s.took)
		child.End(trace.WithTimestamp(at))
	}
	fail(span, e.Outcome == tokenendpoint.Failed, e.ErrorID)
	span.End(trace.WithTimestamp(end))
}

// ObserveBearer is Config.ObserveBearer. A request to the API has a span already, and
// the check of its token is too short for one of its own.
func (t *Telemetry) ObserveBearer(ctx context.Context, e bearer.Event) {
	outcome, reason := attribute.String("outcome", string(e.Outcome)), attribute.String("reason", string(e.Reason))
	t.api.Add(ctx, 1, metric.WithAttributes(outcome, reason, attribute.String("client", t.client(e.ClientID))))
	span := trace.SpanFromContext(ctx)
	span.SetAttributes(attribute.String("token.outcome", string(e.Outcome)), attribute.String("token.reason", string(e.Reason)))
	fail(span, e.Outcome == bearer.Failed, e.ErrorID)
}

// fail marks the span of an outage or a defect. A refusal is no failure: the endpoint
// did what it should. The log has the cause under the error id.
func fail(span trace.Span, failed bool, errorID string) {
	if !failed {
		return
	}
	span.SetStatus(codes.Error, "the server failed")
	span.SetAttributes(attribute.String("error_id", errorID))
}

// client names a listed client.
func (t *Telemetry) client(id string) string {
	switch {
	case id == "":
		return ""
	case slices.Contains(t.Clients, id):
		return id
	}
	return "other"
}
