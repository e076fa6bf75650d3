package endpointtest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/contit/oauth/storage"
)

var errOutage = errors.New("endpointtest: the database is away")

// fault is a step of the store that fails, before it has its effect or after.
type fault struct {
	method string
	after  bool
}

func (x fault) String() string {
	if x.after {
		return x.method + "_after_its_effect"
	}
	return x.method + "_before_its_effect"
}

// breakStore makes the store fail at x.
func (f *fixture) breakStore(x fault) {
	if !x.after {
		f.store.failWith(x.method, errOutage)
		return
	}
	f.store.set(func(s *spy) {
		s.after = func(method string) error {
			if method == x.method {
				return errOutage
			}
			return nil
		}
	})
}

// outageOf makes some methods of the store fail.
func outageOf(methods ...string) func(context.Context, string) error {
	return func(_ context.Context, method string) error {
		if slices.Contains(methods, method) {
			return errOutage
		}
		return nil
	}
}

// panicText is what the callbacks of these rules panic with. No client gets to
// see it.
const panicText = "a host's own mistake"

// panicIn makes a method of the store panic, with a nil pointer if with is nil.
func (f *fixture) panicIn(method string, with any) {
	f.store.set(func(s *spy) {
		s.before = func(_ context.Context, m string) error {
			switch {
			case m != method:
				return nil
			case with == nil:
				var c *storage.Client
				c.ID = ""
			}
			panic(with)
		}
	})
}

// broken asserts the answer to a request during which a callback panics.
func (r *reply) broken(what string) {
	r.t.Helper()
	r.refusedWith(http.StatusInternalServerError, "server_error")
	for _, s := range []string{panicText, "goroutine", ".go:", "runtime"} {
		if strings.Contains(r.body, s) {
			r.t.Errorf("%s panics: the body is %s, want nothing of the panic in it", what, r.body)
		}
	}
}
