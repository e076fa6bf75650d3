package clientauth

import (
	"errors"
	"hash/maphash"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/brake"
	"github.com/contit/oauth/tokenendpoint/internal/publicnet"
)

// keyFetches sends the requests for the keys of registrations. Where clients register
// themselves, a stranger has as many registrations as it likes, and each names a
// jwks_uri. So one host is asked 60 times a minute for all registrations that are
// unproven: no assertion of theirs was good yet. A proven registration has its keys
// where it says, and is held to the pauses of jws.Remote alone.
type keyFetches struct {
	client http.Client
	hosts  *brake.Table // requests for unproven registrations, by host
	seed   maphash.Seed // nobody can choose whose count a host shares
}

func newKeyFetches(client *http.Client) *keyFetches {
	if client == nil {
		client = publicnet.Client()
	}
	return &keyFetches{*client, brake.New(60, time.Second), maphash.MakeSeed()}
}

// of returns the HTTP client for one registration.
func (k *keyFetches) of(proven *atomic.Bool) *http.Client {
	client := k.client
	next := client.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	client.Transport = budgeted{k, proven, next}
	return &client
}

var errKeyBudget = errors.New("clientauth: this host is asked too often for the keys of clients that have not authenticated yet")

type budgeted struct {
	*keyFetches
	proven *atomic.Bool
	next   http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (b budgeted) RoundTrip(r *http.Request) (*http.Response, error) {
	if !b.proven.Load() {
		var room brake.Reservation
		if room.Try(b.hosts, brake.Slot(maphash.String(b.seed, publicnet.Host(r.URL)))) > 0 {
			return nil, errKeyBudget
		}
		room.Settle(true)
	}
	return b.next.RoundTrip(r)
}
