package clientcache

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/contit/oauth/storage"
)

// Config is the configuration of a [Cache]. [New] copies it.
type Config struct {
	// Staleness bounds how old a client may be that a request gets: a change that
	// another process has made is seen that much later, at most. If zero, five seconds;
	// at most ten minutes. The cache asks for a client again after three quarters of
	// Staleness, or a little later: replicas that began together do not ask together.
	Staleness time.Duration

	// UnknownFor bounds for how long an identifier stays unknown that the store did not
	// have, such as one that is registered a moment later. If zero, one second, or
	// Staleness if that is less; at most Staleness. If negative, the store is asked
	// each time.
	UnknownFor time.Duration

	// Size is how many clients are remembered. If zero, 10 000; such a client takes one
	// or two kilobytes. If there are more clients, the store is asked for those that
	// were used least lately.
	Size int
}

const (
	mostStale = 10 * time.Minute
	// mostUnknown is how many unknown identifiers are remembered, by their digests. They
	// have a place of their own: a flood of them pushes out no client.
	mostUnknown = 4096
)

// checked returns c with its defaults, or all that is wrong with it.
func (c Config) checked() (Config, error) {
	var errs []error
	switch {
	case c.Staleness == 0:
		c.Staleness = 5 * time.Second
	case c.Staleness < 0 || c.Staleness > mostStale:
		errs = append(errs, errors.New("clientcache: Config.Staleness is negative or over ten minutes"))
	}
	switch {
	case c.UnknownFor == 0:
		c.UnknownFor = min(time.Second, c.Staleness)
	case c.UnknownFor > c.Staleness:
		errs = append(errs, errors.New("clientcache: Config.UnknownFor is longer than Config.Staleness"))
	}
	switch {
	case c.Size == 0:
		c.Size = 10_000
	case c.Size < 0:
		errs = append(errs, errors.New("clientcache: Config.Size is negative"))
	}
	return c, errors.Join(errs...)
}

// Cache is a [storage.Clients] that remembers the answers of another one. Each caller gets
// a copy of its own.
//
// Callers that want one client at the same time wait for one question to the store. The
// context of the caller that asks ends only its own call: the others ask again, by one
// of them. An outage is the answer for all callers that waited for it, and is not
// remembered.
//
// A Cache is safe for concurrent use, and starts no goroutine. Only [New] makes a working
// one.
type Cache struct {
	clients storage.Clients
	config  Config

	mu      sync.Mutex
	known   known
	unknown unknown
	asked   map[string]*question // that no answer has come to yet
}

var _ storage.Clients = (*Cache)(nil)

// question is asked of the store by one caller, for all that want to know.
type question struct {
	at     time.Time     // before it was asked
	answer chan struct{} // closed when the rest is set
	client *storage.Client
	err    error
	void   bool // its caller left before an answer came
}

var (
	errNoClients = errors.New("clientcache: there are no clients to remember: New got nil")
	errNotMade   = errors.New("clientcache: the cache was not made by New")
)

// New returns a cache of the clients of a store.
func New(clients storage.Clients, c Config) (*Cache, error) {
	c, err := c.checked()
	if parts, split := clients.(storage.Parts); split {
		clients = parts.Clients
	}
	if clients == nil {
		err = errors.Join(errNoClients, err)
	}
	if err != nil {
		return nil, err
	}
	return &Cache{clients: clients, config: c, asked: make(map[string]*question)}, nil
}

// Client implements [storage.Clients].
func (c *Cache) Client(ctx context.Context, id string) (*storage.Client, error) {
	if c.clients == nil {
		return nil, errNotMade
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		client, q, mine, err := c.find(id)
		switch {
		case q == nil && err == nil:
			return client.Clone(), nil // what is remembered does not change, so the others need not wait for the copy
		case q == nil:
			return nil, err
		case mine:
			return c.ask(ctx, id, q)
		}
		select {
		case <-q.answer:
			if !q.void {
				return q.result()
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// find returns the remembered answer. If there is none, it returns the question to wait
// for, or to ask if it is mine. time.Now is read here since it only measures a duration,
// and this clock cannot be set back.
func (c *Cache) find(id string) (client *storage.Client, q *question, mine bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if client := c.known.get(id, now); client != nil {
		return client, nil, false, nil
	}
	if c.config.UnknownFor > 0 && c.unknown.has(id, now) {
		return nil, nil, false, storage.ErrNotFound
	}
	// A question that is older than Staleness may have read an older record, too.
	if q := c.asked[id]; q != nil && now.Sub(q.at) < c.config.Staleness {
		return nil, q, false, nil
	}
	q = &question{at: now, answer: make(chan struct{}), void: true}
	c.asked[id] = q
	return nil, q, true, nil
}

// ask asks the store. If the store panics, another caller asks again.
func (c *Cache) ask(ctx context.Context, id string, q *question) (*storage.Client, error) {
	defer c.settle(id, q)
	client, err := c.clients.Client(ctx, id)
	q.client, q.err = client, err
	q.void = err != nil && !errors.Is(err, storage.ErrNotFound) && ctx.Err() != nil
	return q.result()
}

// result returns the answer, with a client of the caller's own.
func (q *question) result() (*storage.Client, error) {
	if q.err != nil || q.client == nil {
		return nil, q.err
	}
	return q.client.Clone(), nil
}

// settle remembers an answer, unless the client was to be forgotten meanwhile, and tells
// the callers that wait. A client that came for another identifier is not remembered: a
// database that ignores case would have as many answers as a stranger can spell one
// identifier.
func (c *Cache) settle(id string, q *question) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(q.answer)
	if c.asked[id] != q {
		return
	}
	delete(c.asked, id)
	switch {
	case q.void:
	case errors.Is(q.err, storage.ErrNotFound) && c.config.UnknownFor > 0:
		c.unknown.add(id, q.at.Add(c.config.UnknownFor))
	case q.err == nil && q.client != nil && q.client.ID == id:
		// Jitter is no secret, so it needs no crypto/rand.
		life := c.config.Staleness - rand.N(c.config.Staleness/4+1)
		c.known.add(q.client, q.at.Add(life), c.config.Size)
	}
}

// Forget makes the next request ask the store for a client. Call it after a change has
// returned, even with an error: the store may have changed the client all the same.
func (c *Cache) Forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known.remove(id)
	c.unknown.remove(id)
	delete(c.asked, id) // its answer may be from before the change
}

// ServerMetadata returns what the clients of the store say for the metadata of the
// endpoint, as those of package clientmetadata do, or nil. Package tokenendpoint calls
// it.
func (c *Cache) ServerMetadata() map[string]any {
	if s, says := c.clients.(interface{ ServerMetadata() map[string]any }); says {
		return s.ServerMetadata()
	}
	return nil
}

// Opened returns an error for a Cache that was not made by [New], and for one around a
// store that was not opened. Package tokenendpoint calls it.
func (c *Cache) Opened() error {
	if c.clients == nil {
		return errNotMade
	}
	if s, says := c.clients.(interface{ Opened() error }); says {
		return s.Opened()
	}
	return nil
}
