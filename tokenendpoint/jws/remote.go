package jws

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/weburl"
)

// RemoteConfig is the configuration of a [Remote]. [NewRemote] copies it.
type RemoteConfig struct {
	// URL is where the server publishes its JWKS, the jwks_uri of its metadata:
	// https, or http for a loopback address. It is required.
	URL string
	// Client fetches the JWKS, for example through a proxy. Remote uses a copy of it
	// that follows no redirect and keeps no cookies. If nil, a client over
	// http.DefaultTransport.
	Client *http.Client
	// Logger is told when verification keys cannot be fetched, when they can again,
	// and when keys are unusable. If nil, slog.Default().
	Logger *slog.Logger
}

// Remote is the verification keys that another server publishes. It implements [Keys]
// and is safe for concurrent use; only [NewRemote] makes a working one.
//
// It starts no goroutine. When the keys are due, the first caller that needs a key
// fetches them, in 5 seconds at most. It goes on even if its own request has ended,
// since others wait. A caller whose key is there does not wait.
//
// The keys are due when the max-age of the answer has passed: between a second and an
// hour, 5 minutes if there is none, and 30 seconds if the answer must not be stored.
// They are due, too, when a token names a key that is not there, but only if the last
// attempt was 30 seconds ago, or max-age if that is less, however many tokens name
// however many keys. A key that is missing after a successful attempt is
// [ErrUnknownKey]; after a failed one it is an outage.
//
// While the server is down, the last keys serve for a day. As long as there are none,
// every use is an outage, and the next attempt is a second away.
type Remote struct {
	url    string
	client http.Client
	logger *slog.Logger

	current  atomic.Pointer[fetched]
	fetching chan struct{} // holds one element while a caller fetches
}

var _ Keys = (*Remote)(nil)

const (
	fetchTimeout = 5 * time.Second
	// fetchPause is the least time between two attempts when there are keys, unless
	// their max-age is less; firstPause is the least time when there are none.
	fetchPause = 30 * time.Second
	firstPause = time.Second

	defaultMaxAge = 5 * time.Minute
	minMaxAge     = time.Second
	maxMaxAge     = time.Hour
	// keptFor is how long keys serve while the server is down.
	keptFor = 24 * time.Hour
)

// NewRemote returns the verification keys that a server publishes at a URL. It
// fetches nothing yet. Its error names every fault of the configuration.
func NewRemote(c RemoteConfig) (*Remote, error) {
	if err := checkJWKSURL(c.URL); err != nil {
		return nil, err
	}
	r := &Remote{url: c.URL, logger: c.Logger, fetching: make(chan struct{}, 1)}
	if c.Client != nil {
		r.client = *c.Client
	}
	// An attacker that can make the server send a redirect would choose the keys.
	r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r.client.Jar = nil
	if r.logger == nil {
		r.logger = slog.Default()
	}
	r.current.Store(new(fetched))
	return r, nil
}

func checkJWKSURL(text string) error {
	if text == "" {
		return errors.New("jws: RemoteConfig.URL is missing")
	}
	u, ok := weburl.Parse(text)
	if !ok {
		return errors.New("jws: RemoteConfig.URL is not a URL without user and fragment")
	}
	if fault := weburl.SchemeFault(u); fault != "" {
		return errors.New("jws: RemoteConfig.URL " + fault)
	}
	return nil
}

// fetched is the knowledge of a Remote at a time. It does not change.
type fetched struct {
	keys    []*PublicKey
	etag    string
	useless string // the faults of the keys that were left out, for the log

	at     time.Time     // when the request for the keys began; zero if there are none
	maxAge time.Duration // counted from at

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

// usableUntil returns the zero time if there are no keys.
func (f *fetched) usableUntil() time.Time {
	if f.at.IsZero() {
		return f.at
	}
	return f.at.Add(keptFor)
}

func (f *fetched) usable(at time.Time) bool { return at.Before(f.usableUntil()) }

// due reports whether the keys are to be fetched again. If the clock has been put
// back, their age is unknown, and they are due too.
func (f *fetched) due(at time.Time) bool {
	age := at.Sub(f.at)
	return age >= f.maxAge || age < -setBack
}

// mayTry reports whether the last attempt is long enough ago.
func (f *fetched) mayTry(at time.Time) bool {
	pause := firstPause
	if f.usable(at) {
		pause = min(fetchPause, f.maxAge)
	}
	waited := at.Sub(f.tried)
	return f.tried.IsZero() || waited >= pause || waited < -setBack
}

var errNotFetched = errors.New("jws: the keys could not be fetched")

// find returns the key as it is known now.
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

// PublicKey returns a verification key of the server, as [Keys] says.
func (r *Remote) PublicKey(ctx context.Context, id string, at time.Time) (*PublicKey, error) {
	if id == "" {
		return nil, ErrUnknownKey
	}
	f, err := r.latest(ctx, at, func(f *fetched) bool { return f.key(id) != nil })
	if err != nil {
		return nil, err
	}
	return f.find(id, at)
}

// PublicKeys returns the verification keys of the server, as [KeyList] says. They are
// fetched when they are due, and no sooner for a token that none of them fits.
func (r *Remote) PublicKeys(ctx context.Context, at time.Time) ([]*PublicKey, error) {
	f, err := r.latest(ctx, at, func(*fetched) bool { return true })
	switch {
	case err != nil:
		return nil, err
	case f.usable(at):
		return f.keys, nil
	case f.err != nil:
		return nil, fmt.Errorf("%w: %w", errNotFetched, f.err)
	}
	return nil, errNotFetched
}

// latest returns the keys that are there, and fetches them first if they are due or
// not enough.
func (r *Remote) latest(ctx context.Context, at time.Time, enough func(*fetched) bool) (*fetched, error) {
	f := r.current.Load()
	found := f.usable(at) && enough(f)
	if found && !f.due(at) || !f.mayTry(at) {
		return f, nil
	}
	if found {
		select {
		case r.fetching <- struct{}{}:
		default: // another caller fetches
			return f, nil
		}
	} else {
		select {
		case r.fetching <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	defer func() { <-r.fetching }()
	if now := r.current.Load(); now != f { // fetched while this caller waited
		return now, nil
	}
	if err := ctx.Err(); err != nil && !found {
		return nil, err
	}
	return r.refresh(ctx, f, at), nil
}

// refresh makes an attempt to fetch the keys that follow f. A panic of the client
// changes nothing.
func (r *Remote) refresh(ctx context.Context, f *fetched, at time.Time) *fetched {
	// The keys serve all callers, so the attempt goes on if the request that makes it
	// hangs up.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	next, err := r.fetch(bounded, f)
	if err != nil {
		next = new(*f)
		next.err = err
		if !f.at.IsZero() && at.Sub(f.at) < -setBack { // otherwise the keys would serve for that much longer
			next.at = at
		}
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
		attrs := []any{"url", r.url, "cause", now.err.Error()}
		if !now.at.IsZero() { // otherwise no keys can serve
			attrs = append(attrs, "usable_until", now.usableUntil())
		}
		r.logger.ErrorContext(ctx, "remote keys cannot be fetched", attrs...)
	case now.err == nil && before.err != nil:
		r.logger.InfoContext(ctx, "remote keys are fetched again", "url", r.url)
	}
	if now.err == nil && now.useless != before.useless && now.useless != "" {
		r.logger.WarnContext(ctx, "remote keys are unusable", "url", r.url, "cause", now.useless, "keys", len(now.keys))
	}
}
