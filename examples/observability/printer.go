package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// printer prints spans for people, each when it ends: the steps of a request come
// before the request.
type printer struct {
	mu sync.Mutex
	w  io.Writer
}

var _ sdktrace.SpanExporter = (*printer)(nil)

// ExportSpans prints a line for each span.
func (p *printer) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range spans {
		failed := ""
		if s.Status().Code == codes.Error {
			failed = " failed"
		}
		if _, err := fmt.Fprintf(p.w, "%s %-20s %10v%s\n", s.SpanContext().TraceID().String()[:8], s.Name(), s.EndTime().Sub(s.StartTime()).Round(time.Microsecond), failed); err != nil {
			return err
		}
	}
	return nil
}

// Shutdown does nothing: nothing is kept.
func (*printer) Shutdown(context.Context) error { return nil }
