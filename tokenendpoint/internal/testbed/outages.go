package testbed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// ErrOutage is the error of a store that is away.
var ErrOutage = errors.New("testbed: the database is away")

// Fault is a step of the store that fails, before it has its effect or after.
type Fault struct {
	Method string
	After  bool
}

func (x Fault) String() string {
	if x.After {
		return x.Method + "_after_its_effect"
	}
	return x.Method + "_before_its_effect"
}

// BreakStore makes the store fail at x.
func (f *Fixture) BreakStore(x Fault) {
	if !x.After {
		f.Store.FailWith(x.Method, ErrOutage)
		return
	}
	f.Store.Set(func(s *Spy) {
		s.After = func(method string) error {
			if method == x.Method {
				return ErrOutage
			}
			return nil
		}
	})
}

// OutageOf makes some methods of the store fail.
func OutageOf(methods ...string) func(context.Context, string) error {
	return func(_ context.Context, method string) error {
		if slices.Contains(methods, method) {
			return ErrOutage
		}
		return nil
	}
}

// PanicText is the value with which the callbacks of these rules panic. No
// client gets to see it.
const PanicText = "a host's own mistake"

// PanicIn makes a method of the store panic, with a nil pointer if with is nil.
func (f *Fixture) PanicIn(method string, with any) {
	f.Store.Set(func(s *Spy) {
		s.Before = func(_ context.Context, m string) error {
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

// Broken asserts the answer to a request during which a callback panics.
func (r *Reply) Broken(what string) {
	r.T.Helper()
	r.RefusedWith(http.StatusInternalServerError, "server_error")
	for _, s := range []string{PanicText, "goroutine", ".go:", "runtime"} {
		if strings.Contains(r.Body, s) {
			r.T.Errorf("%s panics: the body is %s, want nothing of the panic in it", what, r.Body)
		}
	}
}

// Outages are errors that say nothing about a credential, even if they mean
// something elsewhere.
func Outages() map[string]error {
	return map[string]error{
		"db down":           errors.New("db down"),
		"deadline exceeded": context.DeadlineExceeded,
		"canceled":          fmt.Errorf("pool: %w", context.Canceled),
		"no rows":           fmt.Errorf("find: %w", sql.ErrNoRows),
	}
}

// WithRefreshEverywhere makes every grant write.
func WithRefreshEverywhere(c *tokenendpoint.Config) {
	WithOwnGrants(c)
	c.Grants[grants.TypeClientCredentials] = grants.ClientCredentials{Refresh: true}
	c.Grants[grants.TypeAPIKey] = grants.APIKey{Refresh: true}
}

// FailNth makes the n-th call of a method fail, counted from one.
func (s *Spy) FailNth(method string, n int, err error) {
	var calls atomic.Int64
	s.Set(func(s *Spy) {
		s.Before = func(_ context.Context, m string) error {
			if m == method && calls.Add(1) == int64(n) {
				return err
			}
			return nil
		}
	})
}
