package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/contit/oauth/tokenendpoint"
)

// counters count for Prometheus.
type counters struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newCounters() *counters {
	c := &counters{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "oauth_requests_total", Help: "Requests to the token, revocation and introspection endpoints.",
		}, []string{"endpoint", "grant_type", "outcome", "error"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "oauth_request_seconds", Help: "How long a request took.",
		}, []string{"endpoint", "outcome"}),
	}
	c.registry.MustRegister(c.requests, c.seconds)
	return c
}

// count has no label that a stranger can choose: each new value would be a time series
// more. The grant_type of an event is one that the endpoint has.
func (c *counters) count(e tokenendpoint.Event) {
	c.requests.WithLabelValues(string(e.Endpoint), e.GrantType, string(e.Outcome), string(e.Error)).Inc()
	c.seconds.WithLabelValues(string(e.Endpoint), string(e.Outcome)).Observe(e.Total.Seconds())
}

func (c *counters) handler() http.Handler {
	return promhttp.HandlerFor(c.registry, promhttp.HandlerOpts{})
}
