package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// lastRequests is how long requests that are under way may take after the stop.
const lastRequests = 10 * time.Second

// serve ends when ctx does, or when a server fails. Requests that are under way are
// answered first, since the answer of a token request may be the only copy of a token.
func serve(ctx context.Context, servers map[net.Listener]http.Handler) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	errs := make(chan error, 2*len(servers))
	var all sync.WaitGroup
	for listener, handler := range servers {
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
		all.Go(func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				errs <- err
				stop()
			}
		})
		all.Go(func() {
			<-ctx.Done()
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRequests)
			defer cancel()
			errs <- server.Shutdown(last)
		})
	}
	all.Wait()
	close(errs)
	var first error
	for err := range errs {
		first = errors.Join(first, err)
	}
	return first
}
