package tokenendpoint_test

import (
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/storage/memory"
)

// The count of failures is made of instants. When the clock is set back, they
// lie in the future. Nobody may be locked out until they come: a client that is
// told to wait waits no longer than at any other time, and is then served.
func TestLimitAfterTheClockWasSetBack(t *testing.T) {
	const atOnce = 300
	guess := func(t *testing.T, h http.Handler) {
		t.Helper()
		for range atOnce {
			if w := ask(h, "wrong", "grant_type=client_credentials"); w.Code != http.StatusUnauthorized {
				t.Fatalf("a wrong secret: got %d %s, want 401", w.Code, w.Body)
			}
		}
		if w := ask(h, "wrong", "grant_type=client_credentials"); w.Code != http.StatusTooManyRequests {
			t.Fatalf("a wrong secret too many: got %d %s, want 429", w.Code, w.Body)
		}
	}
	for _, back := range []time.Duration{time.Second, 4 * time.Minute, 6 * time.Minute, time.Hour, 20 * 365 * 24 * time.Hour} {
		t.Run(back.String(), func(t *testing.T) {
			c := goodConfig(t)
			c.Logger = discard
			secret, h := aClient(t, c), newHandler(t, c)
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(back)
				guess(t, h)
			})
			synctest.Test(t, func(t *testing.T) { // begins when the other did
				for range 70 {
					w := ask(h, secret, "grant_type=client_credentials")
					if w.Code == http.StatusTooManyRequests {
						wait, err := time.ParseDuration(w.Header().Get("Retry-After") + "s")
						if err != nil || wait > (atOnce+1)*time.Second {
							t.Fatalf("Retry-After is %q, want %d at most", w.Header().Get("Retry-After"), atOnce+1)
						}
						time.Sleep(wait)
						w = ask(h, secret, "grant_type=client_credentials")
					}
					token(t, w)
					time.Sleep(time.Minute)
				}
			})
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(10 * time.Hour)
				guess(t, h)
			})
		})
	}
}

// A handler takes memory by use.
func TestHandlerIsSmall(t *testing.T) {
	c := goodConfig(t)
	c.Logger, c.Revocations = discard, c.Storage.(*memory.Store)
	handlers := make([]http.Handler, 100)
	before := heap()
	for i := range handlers {
		handlers[i] = newHandler(t, c)
	}
	if each := (heap() - before) / int64(len(handlers)); each > 32<<10 {
		t.Errorf("a handler that nobody asks takes %d KiB, want less than 32", each>>10)
	}
	runtime.KeepAlive(handlers)
}
