// Command observability serves an endpoint and an API with OpenTelemetry traces and
// metrics for Prometheus:
//
//	go run ./examples/observability
//
// A host takes telemetry.go from here, dashboard.json for Grafana and alerts.yml for
// Prometheus.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "the `address` to listen on")
	flag.Parse()
	if err := run(*addr); err != nil {
		fmt.Fprintln(os.Stderr, "observability:", err)
		os.Exit(1)
	}
}

// run serves until Ctrl-C.
func run(addr string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	traces, err := newTraces(ctx)
	if err != nil {
		return err
	}
	defer traces.Shutdown(context.WithoutCancel(ctx)) // it sends the last spans
	hash, err := clientauth.Hash(storage.PresentedSecret(clientSecret))
	if err != nil {
		return err
	}
	store := new(memory.Store)
	if err := store.PutClient(ctx, client(hash)); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	base := "http://" + listener.Addr().String()
	handler, err := newServer(base, store, traces, nil)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Printf("The token endpoint is %s/connect/token, the API %s/orders.\nThe metrics are at %s/metrics. Ctrl-C ends it.\n\n", base, base, base)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return server.Close()
	}
}

// newTraces sends spans to the collector that the environment names in the usual
// variable, or prints them.
func newTraces(ctx context.Context) (*sdktrace.TracerProvider, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
		return sdktrace.NewTracerProvider(sdktrace.WithSyncer(&printer{w: os.Stdout})), nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	return sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter)), nil
}
