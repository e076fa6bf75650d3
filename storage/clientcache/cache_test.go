package clientcache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/clientcache"
)

const staleness = 8 * time.Second

// database is a store of clients that counts its questions.
type database struct {
	clients map[string]*storage.Client
	asked   int
	err     error
}

func newDatabase(ids ...string) *database {
	d := &database{clients: make(map[string]*storage.Client)}
	for _, id := range ids {
		d.clients[id] = &storage.Client{ID: id, Scope: []string{"read"}}
	}
	return d
}

// Client implements [storage.Clients].
func (d *database) Client(_ context.Context, id string) (*storage.Client, error) {
	d.asked++
	if d.err != nil {
		return nil, d.err
	}
	c, ok := d.clients[id]
	if !ok {
		return nil, storage.ErrNotFound
	}
	return c.Clone(), nil
}

// wantAsked asks the cache, and checks its answer and how often it asked the database.
func wantAsked(t *testing.T, what string, c *clientcache.Cache, d *database, id string, asked int, err error) *storage.Client {
	t.Helper()
	before := d.asked
	client, got := c.Client(t.Context(), id)
	if !errors.Is(got, err) || (client != nil) != (err == nil) {
		t.Errorf("%s: got %v and error %v, want error %v", what, client, got, err)
	}
	if n := d.asked - before; n != asked {
		t.Errorf("%s: the store was asked %d times, want %d", what, n, asked)
	}
	return client
}

func TestNewRefuses(t *testing.T) {
	for _, tt := range []struct {
		name    string
		clients storage.Clients
		config  clientcache.Config
		want    []string
	}{
		{"no clients", nil, clientcache.Config{}, []string{"no clients"}},
		{"parts without clients", storage.Parts{}, clientcache.Config{}, []string{"no clients"}},
		{"a negative staleness", newDatabase(), clientcache.Config{Staleness: -1}, []string{"Staleness"}},
		{"a long staleness", newDatabase(), clientcache.Config{Staleness: 10*time.Minute + 1}, []string{"Staleness"}},
		{"what is unknown for longer", newDatabase(), clientcache.Config{UnknownFor: 6 * time.Second}, []string{"UnknownFor"}},
		{"a negative size", newDatabase(), clientcache.Config{Size: -1}, []string{"Size"}},
		{"all at once", nil, clientcache.Config{Staleness: -1, Size: -1}, []string{"no clients", "Staleness", "Size"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := clientcache.New(tt.clients, tt.config)
			if c != nil || err == nil {
				t.Fatalf("New: got %v and error %v, want an error alone", c, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("New: got error %v, want it to name %q", err, want)
				}
			}
		})
	}
	if _, err := clientcache.New(newDatabase(), clientcache.Config{Staleness: time.Millisecond}); err != nil {
		t.Errorf("New with a staleness below UnknownFor's default: got error %v, want none", err)
	}
}

func TestAChangeIsSeenWithinStaleness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase("app")
		c := newCache(t, d, clientcache.Config{Staleness: staleness})
		wantAsked(t, "the first request", c, d, "app", 1, nil)
		d.clients["app"].Disabled = true // by another process
		time.Sleep(staleness*3/4 - 1)
		if got := wantAsked(t, "a request in the first three quarters", c, d, "app", 0, nil); got.Disabled {
			t.Error("the cache did not remember the client")
		}
		time.Sleep(staleness/4 + 1)
		if got := wantAsked(t, "a request after Staleness", c, d, "app", 1, nil); !got.Disabled {
			t.Error("a client that was disabled one Staleness ago was not seen as disabled")
		}
		delete(d.clients, "app")
		time.Sleep(staleness)
		wantAsked(t, "a request after the client was deleted", c, d, "app", 1, storage.ErrNotFound)
	})
}

func TestLivesDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		for i := range 100 {
			ids = append(ids, fmt.Sprint("app-", i))
		}
		d := newDatabase(ids...)
		c := newCache(t, d, clientcache.Config{Staleness: staleness})
		for _, id := range ids {
			wantAsked(t, "the first request", c, d, id, 1, nil)
		}
		time.Sleep(staleness * 7 / 8)
		for _, id := range ids {
			if _, err := c.Client(t.Context(), id); err != nil {
				t.Errorf("Client: %v", err)
			}
		}
		if again := d.asked - len(ids); again < 20 || again > 80 {
			t.Errorf("in the middle of the last quarter %d of 100 clients were asked for again, want about half", again)
		}
	})
}

func TestUnknownIsRememberedForLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		c := newCache(t, d, clientcache.Config{Staleness: staleness, UnknownFor: 2 * time.Second})
		wantAsked(t, "the first request", c, d, "app", 1, storage.ErrNotFound)
		d.clients["app"] = &storage.Client{ID: "app"} // by another process
		time.Sleep(2*time.Second - 1)
		wantAsked(t, "a request before UnknownFor", c, d, "app", 0, storage.ErrNotFound)
		time.Sleep(time.Nanosecond)
		wantAsked(t, "a request after UnknownFor", c, d, "app", 1, nil)

		c = newCache(t, d, clientcache.Config{UnknownFor: -1})
		for range 2 {
			wantAsked(t, "a request with a negative UnknownFor", c, d, "none", 1, storage.ErrNotFound)
		}
	})
}

func TestAFloodOfUnknownPushesOutNoClient(t *testing.T) {
	d := newDatabase("a", "b", "c")
	c := newCache(t, d, clientcache.Config{Staleness: 10 * time.Minute, UnknownFor: 10 * time.Minute, Size: 3})
	for _, id := range []string{"a", "b", "c"} {
		wantAsked(t, "the first request", c, d, id, 1, nil)
	}
	for i := range 3 * clientcache.MostUnknown {
		wantAsked(t, "a request of the flood", c, d, fmt.Sprint("unknown-", i), 1, storage.ErrNotFound)
	}
	for _, id := range []string{"a", "b", "c"} {
		wantAsked(t, "a client after the flood", c, d, id, 0, nil)
	}
	wantAsked(t, "the last of the flood", c, d, fmt.Sprint("unknown-", 3*clientcache.MostUnknown-1), 0, storage.ErrNotFound)
	if known, unknown, asked := c.Kept(); known != 3 || unknown != clientcache.MostUnknown || asked != 0 {
		t.Errorf("the cache has %d clients, %d unknown identifiers and %d questions, want 3, %d and 0", known, unknown, asked, clientcache.MostUnknown)
	}
}

// crowded is a cache with four places, and a database with "busy" and a hundred others.
func crowded(t *testing.T) (c *clientcache.Cache, d *database, others []string) {
	t.Helper()
	for i := range 100 {
		others = append(others, fmt.Sprint("app-", i))
	}
	d = newDatabase(append(others, "busy")...)
	return newCache(t, d, clientcache.Config{Staleness: 10 * time.Minute, Size: 4}), d, others
}

func TestMoreClientsThanSize(t *testing.T) {
	c, d, others := crowded(t)
	wantAsked(t, "the first request of the busy client", c, d, "busy", 1, nil)
	for _, id := range others {
		wantAsked(t, "a client that is used all the time", c, d, "busy", 0, nil)
		wantAsked(t, "a client that is used once", c, d, id, 1, nil)
	}
	if known, _, _ := c.Kept(); known != 4 {
		t.Errorf("the cache has %d clients, want 4", known)
	}
	wantAsked(t, "the busy client in the end", c, d, "busy", 0, nil)
	wantAsked(t, "the client that was used last", c, d, others[99], 0, nil)
	for _, id := range others[:50] {
		if got := wantAsked(t, "a client that lost its place", c, d, id, 1, nil); got != nil && got.ID != id {
			t.Errorf("asked for %s, got the client %s", id, got.ID)
		}
	}
}

func TestForgottenPlacesAreTakenAgain(t *testing.T) {
	c, d, others := crowded(t)
	wantAsked(t, "the first request of the busy client", c, d, "busy", 1, nil)
	for i, id := range others {
		wantAsked(t, "a client that is used all the time", c, d, "busy", 0, nil)
		wantAsked(t, "a client that is used once", c, d, id, 1, nil)
		if i > 0 {
			c.Forget(others[i-1])
		}
	}
	if known, _, _ := c.Kept(); known != 4 {
		t.Errorf("the cache has %d clients, want 4", known)
	}
}

func TestAnOutageIsNotRemembered(t *testing.T) {
	d := newDatabase("app")
	c := newCache(t, d, clientcache.Config{})
	d.err = errors.New("the database is down")
	for range 2 {
		wantAsked(t, "a request in an outage", c, d, "app", 1, d.err)
	}
	d.err = nil
	wantAsked(t, "a request after it", c, d, "app", 1, nil)
	d.err = errors.New("the database is down")
	wantAsked(t, "a request in an outage of a client that is here", c, d, "app", 0, nil)
}

func TestForget(t *testing.T) {
	d := newDatabase("app", "other")
	c := newCache(t, d, clientcache.Config{})
	for _, id := range []string{"app", "other"} {
		wantAsked(t, "the first request", c, d, id, 1, nil)
	}
	wantAsked(t, "an unknown one", c, d, "none", 1, storage.ErrNotFound)
	for _, id := range []string{"app", "none", "never-seen"} {
		c.Forget(id)
	}
	wantAsked(t, "a client that was forgotten", c, d, "app", 1, nil)
	wantAsked(t, "an unknown one that was forgotten", c, d, "none", 1, storage.ErrNotFound)
	wantAsked(t, "another client", c, d, "other", 0, nil)
}

func TestEachCallerGetsACopy(t *testing.T) {
	d := newDatabase("app")
	c := newCache(t, d, clientcache.Config{})
	for range 3 {
		got, err := c.Client(t.Context(), "app")
		if err != nil || got.Disabled || !slices.Equal(got.Scope, []string{"read"}) {
			t.Fatalf("Client: got %v and error %v, want it as the store has it", got, err)
		}
		got.Disabled, got.Scope[0] = true, "admin"
	}
}

// TestAnotherIDIsNotRemembered has a store that ignores case. The endpoint refuses such
// an answer; the cache must not keep one for each spelling.
func TestAnotherIDIsNotRemembered(t *testing.T) {
	d := newDatabase("app")
	d.clients["APP"] = d.clients["app"]
	c := newCache(t, d, clientcache.Config{})
	for range 2 {
		if got := wantAsked(t, "another spelling", c, d, "APP", 1, nil); got.ID != "app" {
			t.Errorf("got the ID %q, want that of the row", got.ID)
		}
	}
	if known, _, _ := c.Kept(); known != 0 {
		t.Errorf("the cache has %d clients, want none", known)
	}
}

func TestAStoreThatAnswersNothing(t *testing.T) {
	c := newCache(t, silent{}, clientcache.Config{})
	if got, err := c.Client(t.Context(), "app"); got != nil || err != nil {
		t.Errorf("got %v and error %v, want what the store answers", got, err)
	}
}

type silent struct{}

func (silent) Client(context.Context, string) (*storage.Client, error) { return nil, nil }
