package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"io"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	prometheusexporter "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// newServer mounts an endpoint and an API that are observed, and /metrics. A host has
// /metrics at an address of its own, that strangers cannot reach.
func newServer(base string, store *memory.Store, traces trace.TracerProvider, change func(*tokenendpoint.Config)) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	exporter, err := prometheusexporter.New(prometheusexporter.WithRegisterer(registry))
	if err != nil {
		return nil, err
	}
	metrics := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))
	telemetry, err := NewTelemetry(traces, metrics, clientID)
	if err != nil {
		return nil, err
	}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: signer})
	if err != nil {
		return nil, err
	}
	config := tokenendpoint.Config{
		Issuer:      base,
		Audience:    []string{"https://api.example.com"},
		Keys:        keys,
		Storage:     store,
		Revocations: store,

		Observe:       telemetry.Observe,
		ObserveBearer: telemetry.ObserveBearer,
	}
	if change != nil {
		change(&config)
	}
	endpoint, err := tokenendpoint.New(config)
	if err != nil {
		return nil, err
	}
	orders := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "[]\n") })
	mux := http.NewServeMux()
	for _, r := range endpoint.Routes() { // each by its path, which then names the span of a request
		mux.Handle(r.Path, r.Handler)
	}
	mux.Handle("GET /orders", endpoint.RequireToken("read")(orders))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	// otelhttp makes the span of a request, below which the endpoint's spans lie.
	return otelhttp.NewHandler(mux, "http", otelhttp.WithTracerProvider(traces), otelhttp.WithMeterProvider(metrics),
		otelhttp.WithFilter(func(r *http.Request) bool { return r.URL.Path != "/metrics" })), nil
}

const (
	clientID     = "my-app-id"
	clientSecret = "my-app-secret"
)

// client is the client of the example.
func client(secretHash string) *storage.Client {
	return &storage.Client{
		ID:         clientID,
		Secrets:    []storage.ClientSecret{{ID: "1", Hash: secretHash}},
		GrantTypes: []string{"client_credentials"},
		Scope:      []string{"read"},
	}
}
