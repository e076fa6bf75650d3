package jws

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"
)

// RemoteConfig is all that a [Remote] can be told. [NewRemote] copies it.
type RemoteConfig struct {
	// URL is where the server publishes its JWKS, the jwks_uri of its metadata:
	// https, or http for a loopback address. It is required.
	URL string
	// Client fetches it, say through a proxy. It is copied, follows no redirect
	// and keeps no cookies. If nil, one of its own over http.DefaultTransport.
	Client *http.Client
	// Logger is told when keys cannot be fetched, and when they can again, and
	// of keys that are of no use. If nil, slog.Default().
	Logger *slog.Logger
}

// Remote is the keys that another server publishes. It is [Keys], safe for
// concurrent use; only [NewRemote] makes one that works.
//
// It starts no goroutine. Whoever needs a key when the keys are due fetches
// them, one at a time and for 5 seconds at most, and then even if it has no
// more use for them, since others wait. Those whose key is there do not wait.
//
// The keys are due when the max-age of the answer has passed: between a second
// and an hour, 5 minutes if there is none, and 30 seconds if the answer is not
// to be stored. They are due, too, when a token names a key that is not there,
// but only when the last attempt was 30 seconds ago, or max-age if that is
// less, however many tokens name however many keys. A key that is not there
// after a successful attempt is [ErrUnknownKey]; after one that failed it is an
// outage.
//
// While the server is down, the keys that there are serve for a day. As long as
// there are none, every use is an outage, and the next attempt is a second away.
type Remote struct {
	url    string
	client http.Client
	logger *slog.Logger

	current  atomic.Pointer[fetched]
	fetching chan struct{} // of one place: who has it fetches
}

var _ Keys = (*Remote)(nil)

const (
	fetchTimeout = 5 * time.Second
	// fetchPause is the least time between two attempts when there are keys,
	// unless their max-age is less; firstPause when there are none.
	fetchPause = 30 * time.Second
	firstPause = time.Second

	defaultMaxAge = 5 * time.Minute
	minMaxAge     = time.Second
	maxMaxAge     = time.Hour
	// keptFor is how long keys serve while the server is down.
	keptFor = 24 * time.Hour
)

// NewRemote returns the keys that are published at a URL. It fetches nothing
// yet. Its error names every fault of the configuration.
func NewRemote(c RemoteConfig) (*Remote, error) {
	if err := checkJWKSURL(c.URL); err != nil {
		return nil, err
	}
	r := &Remote{url: c.URL, logger: c.Logger, fetching: make(chan struct{}, 1)}
	if c.Client != nil {
		r.client = *c.Client
	}
	// A redirect would let whoever can make the server send one choose the keys.
	r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r.client.Jar = nil
	if r.logger == nil {
		r.logger = slog.Default()
	}
	r.current.Store(new(fetched))
	return r, nil
}

func checkJWKSURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return errors.New("jws: RemoteConfig.URL is missing")
	case err != nil, u.Host == "", u.User != nil, u.Fragment != "":
		return errors.New("jws: RemoteConfig.URL is not a URL without user and fragment")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return errors.New("jws: RemoteConfig.URL is http: only a loopback address may be")
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("jws: RemoteConfig.URL is not an https URL")
	}
	return nil
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// fetched is what a Remote knows at a time. It does not change.
type fetched struct {
	keys    []*PublicKey
	etag    string
	useless string // why keys of the document are not among keys, for the log

	at     time.Time     // when what gave the keys was asked for; zero if there are none
	maxAge time.Duration // from then on

	tried time.Time // when the last attempt began
	err   error     // how it ended
}

func (f *fetched) key(id string) *PublicKey {
	for _, k := range f.keys {
		if k.ID() == id {
			return k
		}
	}
	return nil
}

// usableUntil is the zero time if there are no keys.
func (f *fetched) usableUntil() time.Time {
	if f.at.IsZero() {
		return f.at
	}
	return f.at.Add(keptFor)
}

func (f *fetched) usable(at time.Time) bool { return at.Before(f.usableUntil()) }

func (f *fetched) due(at time.Time) bool { return at.Sub(f.at) >= f.maxAge }

// mayTry reports whether the last attempt is long enough ago.
func (f *fetched) mayTry(at time.Time) bool {
	pause := firstPause
	if f.usable(at) {
		pause = min(fetchPause, f.maxAge)
	}
	return f.tried.IsZero() || at.Sub(f.tried) >= pause
}

var errNotFetched = errors.New("jws: the keys could not be fetched")

// find returns the key as well as it is known.
func (f *fetched) find(id string, at time.Time) (*PublicKey, error) {
	if f.usable(at) {
		if k := f.key(id); k != nil {
			return k, nil
		}
		if f.err == nil {
			return nil, ErrUnknownKey
		}
	}
	if f.err == nil {
		return nil, errNotFetched
	}
	return nil, fmt.Errorf("%w: %w", errNotFetched, f.err)
}

// PublicKey returns a key of the server, as [Keys] says.
func (r *Remote) PublicKey(ctx context.Context, id string, at time.Time) (*PublicKey, error) {
	if id == "" {
		return nil, ErrUnknownKey // a key without an id is not kept
	}
	f := r.current.Load()
	found := f.usable(at) && f.key(id) != nil
	if found && !f.due(at) || !f.mayTry(at) {
		return f.find(id, at)
	}
	if found {
		select {
		case r.fetching <- struct{}{}:
		default: // somebody is at it
			return f.find(id, at)
		}
	} else {
		select {
		case r.fetching <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	defer func() { <-r.fetching }()
	if now := r.current.Load(); now != f { // while this one waited
		return now.find(id, at)
	}
	if err := ctx.Err(); err != nil && !found {
		return nil, err
	}
	return r.refresh(ctx, f, at).find(id, at)
}

// refresh makes an attempt to fetch what follows f. A panic of the client
// changes nothing.
func (r *Remote) refresh(ctx context.Context, f *fetched, at time.Time) *fetched {
	// The keys are for all who wait, and not only for the one whose request
	// brings them: that it hangs up must not fail the others.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	next, err := r.fetch(bounded, f)
	if err != nil {
		next = new(*f)
		next.err = err
	} else {
		next.at = at
	}
	next.tried = at
	r.log(ctx, f, next)
	r.current.Store(next)
	return next
}

func (r *Remote) log(ctx context.Context, before, now *fetched) {
	switch {
	case now.err != nil && before.err == nil:
		r.logger.ErrorContext(ctx, "remote keys cannot be fetched", "url", r.url, "cause", now.err.Error(), "usable_until", now.usableUntil())
	case now.err == nil && before.err != nil:
		r.logger.InfoContext(ctx, "remote keys are fetched again", "url", r.url)
	}
	if now.err == nil && now.useless != before.useless && now.useless != "" {
		r.logger.WarnContext(ctx, "remote keys are of no use", "url", r.url, "cause", now.useless, "keys", len(now.keys))
	}
}
