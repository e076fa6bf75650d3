package clientmetadata

import (
	"context"
	"errors"
	"hash/maphash"
	"net/url"
	"sync"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/brake"
	"github.com/contit/oauth/tokenendpoint/internal/publicnet"
)

const (
	// refusedFor is how long an answer that is no document stands.
	refusedFor = time.Minute
	// pause is the time between two attempts while a server is down.
	pause = 10 * time.Second
	// servesFor is how long a copy serves while the server is down.
	servesFor = 24 * time.Hour
	// budgetInterval is the time in which a host may be asked once more.
	budgetInterval = 6 * time.Second
)

var errManyDocuments = errors.New("clientmetadata: too many documents are asked for at once: one that is not here cannot be fetched now")

// errBudget is a verdict, and no outage: strangers that name thousands of documents are
// answered with 429, and fill no log at error level.
var errBudget = grants.RateLimited(budgetInterval).Because(errManyDocuments)

// cache keeps documents by their URL.
type cache struct {
	size    int
	hosts   *brake.Table // attempts by host
	attempt *brake.Table // attempts in all

	mu      sync.Mutex
	entries map[string]*entry
}

// entry is the state of one URL.
type entry struct {
	fetching chan struct{} // holds one element while a caller fetches

	// These are under the lock of the cache.
	paid     bool // the budget has been spent for its first attempt
	document *metadata
	until    time.Time // the document is fresh until then
	serves   time.Time // it serves until then, if the server is down
	err      error     // of the last attempt
	again    time.Time // the next attempt after an error
	used     time.Time
}

func newCache(size int) cache {
	return cache{
		size: size, entries: make(map[string]*entry),
		hosts: brake.New(10, budgetInterval), attempt: brake.New(100, 600*time.Millisecond),
	}
}

// get returns the document of a URL, and fetches it if it is due.
func (c *cache) get(ctx context.Context, id string, at time.Time, fetch func(context.Context, string) (*metadata, time.Duration, error)) (*metadata, error) {
	e := c.entry(id, at)
	if e == nil {
		return nil, errBudget
	}
	if m, err, known := c.known(e, at); known {
		return m, err
	}
	select {
	case e.fetching <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-e.fetching }()
	if m, err, known := c.known(e, at); known { // fetched while this caller waited
		return m, err
	}
	if !c.pay(e, id) {
		return c.failed(e, at, errBudget)
	}
	m, age, err := fetchFor(ctx, id, fetch)
	if err != nil {
		return c.failed(e, at, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e.document, e.err = m, nil
	e.until, e.serves = at.Add(age), at.Add(age+servesFor)
	return m, nil
}

// fetchFor makes an attempt. The document serves all callers, so the attempt goes on if
// the request that makes it hangs up; but it ends with the time that the caller has.
func fetchFor(ctx context.Context, id string, fetch func(context.Context, string) (*metadata, time.Duration, error)) (*metadata, time.Duration, error) {
	attempt, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if end, ok := ctx.Deadline(); ok {
		attempt, cancel = context.WithDeadline(attempt, end)
		defer cancel()
	}
	return fetch(attempt, id)
}

// name returns the name in a document that is here.
func (c *cache) name(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[id]; e != nil && e.document != nil {
		return e.document.ClientName
	}
	return ""
}

// entry finds the entry of a URL, or makes room for one. The budget pays for the room
// as for the attempt, so that a flood of URLs takes no more places than it gets
// attempts: not that of a document, nor that of one which is just being fetched.
func (c *cache) entry(id string, at time.Time) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[id]
	if e == nil {
		if !c.mayFetch(id) {
			return nil
		}
		c.makeRoom()
		e = &entry{fetching: make(chan struct{}, 1), paid: true}
		c.entries[id] = e
	}
	e.used = at
	return e
}

// makeRoom drops the entry that was not used for longest, and one without a document
// before one with.
func (c *cache) makeRoom() {
	for len(c.entries) >= max(c.size, 1) {
		first := ""
		for id, e := range c.entries {
			if first == "" || e.before(c.entries[first]) {
				first = id
			}
		}
		delete(c.entries, first)
	}
}

func (e *entry) before(other *entry) bool {
	if (e.document == nil) != (other.document == nil) {
		return e.document == nil
	}
	return e.used.Before(other.used)
}

// known returns the answer that needs no attempt to fetch, if there is one.
func (c *cache) known(e *entry, at time.Time) (m *metadata, err error, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case e.document != nil && at.Before(e.until):
		return e.document, nil, true
	case e.err != nil && at.Before(e.again):
		m, err = c.standing(e, at)
		return m, err, true
	}
	return nil, nil, false
}

// standing is the answer after an attempt that failed: the copy, if there is one.
func (c *cache) standing(e *entry, at time.Time) (*metadata, error) {
	if e.document != nil && at.Before(e.serves) {
		return e.document, nil
	}
	return nil, e.err
}

// failed notes an attempt that failed. If the server has said that there is no document
// any more, the copy goes: otherwise it would serve again while the server is down later.
func (c *cache) failed(e *entry, at time.Time, err error) (*metadata, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.err, e.again = err, at.Add(pause)
	if errors.Is(err, storage.ErrNotFound) {
		e.document, e.again = nil, at.Add(refusedFor)
	}
	return c.standing(e, at)
}

// pay spends the budget for an attempt, unless the room of the entry was paid for and
// nothing was fetched since.
func (c *cache) pay(e *entry, id string) bool {
	c.mu.Lock()
	paid := e.paid
	e.paid = false
	c.mu.Unlock()
	return paid || c.mayFetch(id)
}

// mayFetch spends the budget of a host, and that of all.
func (c *cache) mayFetch(id string) bool {
	u, err := url.Parse(id)
	if err != nil {
		return false
	}
	var host, all brake.Reservation
	if host.Try(c.hosts, slotOf(publicnet.Host(u))) > 0 {
		return false
	}
	if all.Try(c.attempt, 0) > 0 {
		host.Settle(false)
		return false
	}
	host.Settle(true)
	all.Settle(true)
	return true
}

var seed = maphash.MakeSeed()

// slotOf is the slot of a host. The seed is random, so that no attacker can choose a slot.
func slotOf(host string) brake.Slot { return brake.Slot(maphash.String(seed, host)) }
