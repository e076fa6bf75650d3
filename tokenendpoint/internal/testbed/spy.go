package testbed

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/storagetest"
)

// Spy is a store that counts its calls, can be told to fail, and shows the
// endpoint records other than those it holds.
type Spy struct {
	storagetest.Store

	mu     sync.Mutex
	calls  map[string]int
	Before func(ctx context.Context, method string) error // nil: nothing
	After  func(method string) error                      // nil: nothing; its error replaces success

	EditClient     func(*storage.Client)
	EditCredential func(*storage.Credential)
	EditAPIKey     func(*storage.APIKey)
}

// The methods of a store, as [Spy] names them.
const (
	CallClient           = "Client"
	CallCreateCredential = "CreateCredential"
	CallCredential       = "Credential"
	CallSpend            = "Spend"
	CallRevoke           = "Revoke"
	CallAPIKey           = "APIKey"
	CallRevokeToken      = "RevokeToken"
	CallRevoked          = "Revoked"
)

// Writes are the methods that change something.
var Writes = []string{CallCreateCredential, CallSpend, CallRevoke, CallRevokeToken}

// NewSpy watches a store.
func NewSpy(s storagetest.Store) *Spy { return &Spy{Store: s, calls: make(map[string]int)} }

// Set changes the spy while the endpoint is served.
func (s *Spy) Set(change func(s *Spy)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// FailWith makes one method fail, or all of them if method is empty.
func (s *Spy) FailWith(method string, err error) {
	s.Set(func(s *Spy) {
		s.Before = func(_ context.Context, m string) error {
			if method == "" || m == method {
				return err
			}
			return nil
		}
	})
}

// Heal undoes FailWith.
func (s *Spy) Heal() { s.Set(func(s *Spy) { s.Before, s.After = nil, nil }) }

// Counted returns how often each method was called since the last time.
func (s *Spy) Counted() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := maps.Clone(s.calls)
	clear(s.calls)
	return c
}

func (s *Spy) enter(ctx context.Context, method string) error {
	s.mu.Lock()
	s.calls[method]++
	before := s.Before
	s.mu.Unlock()
	if before != nil {
		return before(ctx, method)
	}
	return nil
}

func (s *Spy) leave(method string, err error) error {
	s.mu.Lock()
	after := s.After
	s.mu.Unlock()
	if err == nil && after != nil {
		return after(method)
	}
	return err
}

// edited shows a record as the spy was told to.
func edited[R any](s *Spy, r *R, err error, edit func(s *Spy) func(*R)) (*R, error) {
	s.mu.Lock()
	change := edit(s)
	s.mu.Unlock()
	if err == nil && change != nil {
		change(r)
	}
	return r, err
}

func (s *Spy) Client(ctx context.Context, id string) (*storage.Client, error) {
	if err := s.enter(ctx, CallClient); err != nil {
		return nil, err
	}
	c, err := s.Store.Client(ctx, id)
	return edited(s, c, s.leave(CallClient, err), func(s *Spy) func(*storage.Client) { return s.EditClient })
}

func (s *Spy) CreateCredential(ctx context.Context, c *storage.Credential) error {
	if err := s.enter(ctx, CallCreateCredential); err != nil {
		return err
	}
	return s.leave(CallCreateCredential, s.Store.CreateCredential(ctx, c))
}

func (s *Spy) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	if err := s.enter(ctx, CallCredential); err != nil {
		return nil, err
	}
	c, err := s.Store.Credential(ctx, d)
	return edited(s, c, s.leave(CallCredential, err), func(s *Spy) func(*storage.Credential) { return s.EditCredential })
}

func (s *Spy) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	if err := s.enter(ctx, CallSpend); err != nil {
		return err
	}
	return s.leave(CallSpend, s.Store.Spend(ctx, old, next, at))
}

func (s *Spy) Revoke(ctx context.Context, family string) error {
	if err := s.enter(ctx, CallRevoke); err != nil {
		return err
	}
	return s.leave(CallRevoke, s.Store.Revoke(ctx, family))
}

func (s *Spy) RevokeToken(ctx context.Context, id string, expiresAt time.Time) error {
	if err := s.enter(ctx, CallRevokeToken); err != nil {
		return err
	}
	return s.leave(CallRevokeToken, s.Store.RevokeToken(ctx, id, expiresAt))
}

func (s *Spy) Revoked(ctx context.Context, id, family string) (bool, error) {
	if err := s.enter(ctx, CallRevoked); err != nil {
		return false, err
	}
	revoked, err := s.Store.Revoked(ctx, id, family)
	return revoked, s.leave(CallRevoked, err)
}

func (s *Spy) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	if err := s.enter(ctx, CallAPIKey); err != nil {
		return nil, err
	}
	k, err := s.Store.APIKey(ctx, d)
	return edited(s, k, s.leave(CallAPIKey, err), func(s *Spy) func(*storage.APIKey) { return s.EditAPIKey })
}

// OneLook are the calls of the store for a key that could be one.
var OneLook = map[string]int{CallClient: 1, CallAPIKey: 1}
