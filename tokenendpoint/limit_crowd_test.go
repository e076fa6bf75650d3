package tokenendpoint_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// atOnce sends n requests whose last bytes are sent at once, and returns how many
// got which status.
func atOnce(h http.Handler, n int, request func(i int) *http.Request) map[int]int {
	var mu sync.Mutex
	statuses := map[int]int{}
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		r := request(i)
		all.Go(func() {
			<-start
			w := serve(h, r)
			mu.Lock()
			defer mu.Unlock()
			statuses[w.Code]++
		})
	}
	close(start)
	all.Wait()
	return statuses
}

// The limit bounds the judged requests, however many requests are under way
// together and however long it takes to judge one.
func TestD34(t *testing.T) {
	t.Parallel()
	const judging = 200 * time.Millisecond
	judged := new(atomic.Int64)
	slowly := func() { judged.Add(1); time.Sleep(judging) }
	slowClients := func(c *tokenendpoint.Config) {
		secrets := &clientauth.Secrets{Clients: c.Storage}
		c.ClientValidator = tokenendpoint.ClientValidatorFunc(func(ctx context.Context, s clientauth.Request) (*storage.Client, error) {
			slowly()
			return secrets.ValidateClient(ctx, s)
		})
	}
	slowGrant := func(c *tokenendpoint.Config) {
		c.Grants["own"] = grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) {
			slowly()
			return nil, grants.InvalidGrant
		})
	}
	// The Limiter of a host counts as the endpoint does, but answers slowly.
	shared := func(c *tokenendpoint.Config) {
		slowClients(c)
		var mu sync.Mutex
		failed, begin := 0, time.Now()
		c.Limiter = tokenendpoint.LimiterFunc(func(context.Context, tokenendpoint.Attempt) (time.Duration, func(context.Context), error) {
			time.Sleep(10 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			if failed >= 300+int(time.Since(begin)/time.Second) {
				return time.Second, nil, nil
			}
			failed++
			return 0, func(context.Context) { mu.Lock(); failed--; mu.Unlock() }, nil
		})
	}
	down := func(c *tokenendpoint.Config) {
		slowClients(c)
		c.Limiter = tokenendpoint.LimiterFunc(func(context.Context, tokenendpoint.Attempt) (time.Duration, func(context.Context), error) {
			time.Sleep(10 * time.Millisecond)
			return 0, nil, errDown
		})
	}
	for _, tt := range []struct {
		name, secret, form string
		change             func(*tokenendpoint.Config)
		status             int
	}{
		{"a validator", "wrong", "grant_type=client_credentials&n=", slowClients, http.StatusUnauthorized},
		{"a host's grant of typed codes", "", "grant_type=own&code=", slowGrant, http.StatusBadRequest},
		{"a host's Limiter", "wrong", "grant_type=client_credentials&n=", shared, http.StatusUnauthorized},
		{"a host's Limiter that is down", "wrong", "grant_type=client_credentials&n=", down, http.StatusUnauthorized},
	} {
		for _, n := range []int{602, 1203} {
			if n > 602 && strings.Contains(tt.name, "Limiter") {
				continue // a Limiter answers the same at both sizes
			}
			t.Run(fmt.Sprint(tt.name, "/", n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := goodConfig(t)
					c.Logger = discard
					secret := aClient(t, c)
					tt.change(&c)
					h := newHandler(t, c)
					if tt.secret != "" {
						secret = tt.secret
					}
					judged.Store(0)
					begin, statuses := time.Now(), map[int]int{}
					for range 20 {
						for status, k := range atOnce(h, n, func(i int) *http.Request { return asked("c1", secret, tt.form+fmt.Sprint(i)) }) {
							statuses[status] += k
						}
					}
					most := 300 + int64(time.Since(begin)/time.Second)
					if got := judged.Load(); got < 300 || got > most {
						t.Errorf("%d guesses were judged in %v, want 300 to %d; the answers were %v", got, time.Since(begin), most, statuses)
					}
					if got := int64(statuses[tt.status]); got != judged.Load() || statuses[tt.status]+statuses[http.StatusTooManyRequests] != 20*n {
						t.Errorf("the answers were %v for %d that were judged of %d, want %d for them and else 429", statuses, judged.Load(), 20*n, tt.status)
					}
				})
			})
		}
	}
}

// A client of whose requests many come at once waits for the outcome of those
// that came before: it is not refused for failures that never happen.
func TestD34CrowdOfRightSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := goodConfig(t)
		c.Logger = discard
		secret, secrets := aClient(t, c), &clientauth.Secrets{Clients: c.Storage}
		c.ClientValidator = tokenendpoint.ClientValidatorFunc(func(ctx context.Context, s clientauth.Request) (*storage.Client, error) {
			time.Sleep(200 * time.Millisecond)
			return secrets.ValidateClient(ctx, s)
		})
		h := newHandler(t, c)
		for range 3 {
			if got := atOnce(h, 2000, func(int) *http.Request { return asked("c1", secret, "grant_type=client_credentials") }); got[http.StatusOK] != 2000 {
				t.Fatalf("2000 right secrets at once were answered with %v, want 200 for all", got)
			}
		}
		for range 300 {
			if w := ask(h, "wrong", "grant_type=client_credentials"); w.Code != http.StatusUnauthorized {
				t.Fatalf("a wrong secret after them: got %d %s, want 401", w.Code, w.Body)
			}
		}
		// When wrong secrets use up the limit, the endpoint refuses right ones,
		// too.
		got := atOnce(h, 1000, func(i int) *http.Request {
			return asked("c1", []string{secret, "wrong"}[i%2], "grant_type=client_credentials")
		})
		if got[http.StatusUnauthorized]+got[http.StatusTooManyRequests] < 500 || got[http.StatusServiceUnavailable] > 0 {
			t.Errorf("wrong and right secrets by turns were answered with %v", got)
		}
	})
}

// Requests with made-up clients crowd their network. Then they cost nothing, get
// the answer of wrong secrets, and keep no client out that exists.
func TestD35(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := goodConfig(t)
		c.Logger = discard
		o := new(observedCrowd)
		c.Observe = o.observe
		secret := aClient(t, c)
		var free, paid atomic.Int64
		secrets := &clientauth.Secrets{Clients: c.Storage}
		c.ClientValidator = tokenendpoint.ClientValidatorFunc(func(ctx context.Context, s clientauth.Request) (*storage.Client, error) {
			if got := s.Network.String(); got != "192.0.2.1/32" && got != "198.51.100.7/32" {
				t.Errorf("the validator is told the network %s, want that of the request", got)
			}
			if s.ID != "c1" && s.Crowded {
				free.Add(1)
			} else if s.ID != "c1" {
				paid.Add(1)
			}
			return secrets.ValidateClient(ctx, s)
		})
		h := newHandler(t, c)
		madeUp := 0
		attack := func(n int) map[int]int {
			return atOnce(h, n, func(int) *http.Request {
				madeUp++
				return asked(fmt.Sprint("ghost-", madeUp), "wrong", "grant_type=client_credentials")
			})
		}
		for second := range 60 {
			statuses := attack(300)
			if w := ask(h, secret, "grant_type=client_credentials"); w.Code != http.StatusOK {
				t.Fatalf("second %d: a good client got %d %s, want 200; the others %v", second, w.Code, w.Body, statuses)
			}
			time.Sleep(time.Second)
		}
		if got := paid.Load(); got > 300+60 {
			t.Errorf("%d made-up clients were paid for in a minute, want 360 at most", got)
		}
		if free.Load()+paid.Load() != 300*60 {
			t.Errorf("%d and %d of %d made-up clients were looked at", free.Load(), paid.Load(), 300*60)
		}
		// Known and unknown clients get the same answer.
		attack(300)
		o.forget()
		known := ask(h, "wrong", "grant_type=client_credentials")
		unknown := serve(h, asked("ghost", "wrong", "grant_type=client_credentials"))
		if known.Code != http.StatusTooManyRequests || known.Body.String() != unknown.Body.String() || known.Code != unknown.Code ||
			fmt.Sprint(known.Header()) != fmt.Sprint(unknown.Header()) {
			t.Errorf("in a crowded network a wrong secret is answered with %d %v %s, and an unknown client with %d %v %s, want one 429",
				known.Code, known.Header(), known.Body, unknown.Code, unknown.Header(), unknown.Body)
		}
		for i, want := range []string{"no live secret", "no such client"} {
			e := o.events[i]
			if e.Outcome != tokenendpoint.Limited || !strings.Contains(e.Cause.Error(), want) || !strings.Contains(e.Cause.Error(), "every name") {
				t.Errorf("the event is %s because %v, want %s because of both the network and: %s", e.Outcome, e.Cause, tokenendpoint.Limited, want)
			}
		}
		// From elsewhere nothing has changed.
		r := asked("c1", "wrong", "grant_type=client_credentials")
		r.RemoteAddr = "198.51.100.7:1"
		if w := serve(h, r); w.Code != http.StatusUnauthorized {
			t.Errorf("a wrong secret from elsewhere: got %d, want 401", w.Code)
		}
	})
}

type observedCrowd struct {
	mu     sync.Mutex
	events []tokenendpoint.Event
}

func (o *observedCrowd) observe(_ context.Context, e tokenendpoint.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, e)
}

func (o *observedCrowd) forget() { o.events = nil }

// A few guesses with each of many clients that exist are bounded by their
// network: 3000 at once and ten more each second. A request that succeeds, or
// fails for another reason, gives its place back.
func TestD34ManyClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := goodConfig(t)
		c.Logger = discard
		secret := aClient(t, c)
		var judged int
		c.ClientValidator = tokenendpoint.ClientValidatorFunc(func(_ context.Context, s clientauth.Request) (*storage.Client, error) {
			judged++
			switch {
			case s.ID == "c1":
				return c.Storage.Client(context.Background(), s.ID)
			case strings.HasPrefix(s.ID, "ghost"):
				return nil, storage.ErrNotFound
			case strings.HasPrefix(s.ID, "outage"):
				return nil, errDown
			case strings.HasPrefix(s.ID, "public"):
				return &storage.Client{ID: s.ID, AuthMethod: storage.AuthNone}, nil
			}
			return nil, grants.InvalidClient
		})
		h := newHandler(t, c)
		send := func(kind string, n int) map[int]int {
			statuses := map[int]int{}
			for i := range n {
				statuses[serve(h, asked(fmt.Sprint(kind, i), "wrong", "grant_type=client_credentials")).Code]++
			}
			return statuses
		}
		send("client", 2000)
		send("ghost", 5000)  // crowded: they cost nothing
		send("outage", 5000) // nor does this
		send("public", 5000)
		for range 5000 {
			for name, value := range map[string]string{"a malformed header": "Basic !", "no secret": "Basic YzE6"} {
				r := asked("c1", "", "grant_type=client_credentials")
				r.Header.Set("Authorization", value)
				if w := serve(h, r); w.Code != http.StatusTooManyRequests {
					t.Fatalf("%s in a crowded network: got %d %s, want 429", name, w.Code, w.Body)
				}
			}
		}
		time.Sleep(time.Minute) // the count of c1 itself falls
		send("client", 600)     // the failures that the network has forgotten meanwhile
		if w := ask(h, secret, "grant_type=client_credentials"); w.Code != http.StatusOK {
			t.Fatalf("a right secret: got %d %s, want 200", w.Code, w.Body)
		}
		judged = 0
		if got := send("other", 2000); judged != 1000 || got[http.StatusTooManyRequests] != 2000 {
			t.Errorf("%d of 2000 guesses were judged after 2000, and answered with %v, want 1000 and 429 for all", judged, got)
		}
		if w := ask(h, secret, "grant_type=client_credentials"); w.Code != http.StatusTooManyRequests {
			t.Errorf("beyond the bound a right secret got %d, want 429", w.Code)
		}
		time.Sleep(5 * time.Second)
		judged = 0
		if send("again", 2000); judged != 50 {
			t.Errorf("%d guesses were judged after five seconds, want 50", judged)
		}
		r := asked("c1", secret, "grant_type=client_credentials")
		r.RemoteAddr = "198.51.100.7:1"
		token(t, serve(h, r))
	})
}

// A validator that panics leaves nothing reserved.
func TestD34Panic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := goodConfig(t)
		c.Logger = discard
		secret, secrets, broken := aClient(t, c), &clientauth.Secrets{Clients: c.Storage}, true
		c.ClientValidator = tokenendpoint.ClientValidatorFunc(func(ctx context.Context, s clientauth.Request) (*storage.Client, error) {
			if broken {
				panic("the validator")
			}
			return secrets.ValidateClient(ctx, s)
		})
		h := newHandler(t, c)
		for range 1000 {
			if w := ask(h, secret, "grant_type=client_credentials"); w.Code != http.StatusInternalServerError {
				t.Fatalf("got %d %s, want 500", w.Code, w.Body)
			}
		}
		broken = false
		token(t, ask(h, secret, "grant_type=client_credentials"))
	})
}
