package endpointtest

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/storagetest"
)

// spy is a store that counts its calls, can be told to fail, and shows the
// endpoint records other than those it holds.
type spy struct {
	storagetest.Store

	mu     sync.Mutex
	calls  map[string]int
	before func(ctx context.Context, method string) error // nil: nothing
	after  func(method string) error                      // nil: nothing; its error replaces success

	editClient     func(*storage.Client)
	editCredential func(*storage.Credential)
	editAPIKey     func(*storage.APIKey)
}

// The methods of a store, as spy names them.
const (
	mClient           = "Client"
	mCreateCredential = "CreateCredential"
	mCredential       = "Credential"
	mSpend            = "Spend"
	mRevoke           = "Revoke"
	mAPIKey           = "APIKey"
	mRevokeToken      = "RevokeToken"
	mRevoked          = "Revoked"
)

func newSpy(s storagetest.Store) *spy { return &spy{Store: s, calls: make(map[string]int)} }

// set changes the spy while the endpoint is served.
func (s *spy) set(change func(s *spy)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// failWith makes one method fail, or all of them if method is empty.
func (s *spy) failWith(method string, err error) {
	s.set(func(s *spy) {
		s.before = func(_ context.Context, m string) error {
			if method == "" || m == method {
				return err
			}
			return nil
		}
	})
}

// heal undoes failWith.
func (s *spy) heal() { s.set(func(s *spy) { s.before, s.after = nil, nil }) }

// counted returns how often each method was called since the last time.
func (s *spy) counted() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := maps.Clone(s.calls)
	clear(s.calls)
	return c
}

func (s *spy) enter(ctx context.Context, method string) error {
	s.mu.Lock()
	s.calls[method]++
	before := s.before
	s.mu.Unlock()
	if before != nil {
		return before(ctx, method)
	}
	return nil
}

func (s *spy) leave(method string, err error) error {
	s.mu.Lock()
	after := s.after
	s.mu.Unlock()
	if err == nil && after != nil {
		return after(method)
	}
	return err
}

// edited shows a record as the spy was told to.
func edited[R any](s *spy, r *R, err error, edit func(s *spy) func(*R)) (*R, error) {
	s.mu.Lock()
	change := edit(s)
	s.mu.Unlock()
	if err == nil && change != nil {
		change(r)
	}
	return r, err
}

func (s *spy) Client(ctx context.Context, id string) (*storage.Client, error) {
	if err := s.enter(ctx, mClient); err != nil {
		return nil, err
	}
	c, err := s.Store.Client(ctx, id)
	return edited(s, c, s.leave(mClient, err), func(s *spy) func(*storage.Client) { return s.editClient })
}

func (s *spy) CreateCredential(ctx context.Context, c *storage.Credential) error {
	if err := s.enter(ctx, mCreateCredential); err != nil {
		return err
	}
	return s.leave(mCreateCredential, s.Store.CreateCredential(ctx, c))
}

func (s *spy) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	if err := s.enter(ctx, mCredential); err != nil {
		return nil, err
	}
	c, err := s.Store.Credential(ctx, d)
	return edited(s, c, s.leave(mCredential, err), func(s *spy) func(*storage.Credential) { return s.editCredential })
}

func (s *spy) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	if err := s.enter(ctx, mSpend); err != nil {
		return err
	}
	return s.leave(mSpend, s.Store.Spend(ctx, old, next, at))
}

func (s *spy) Revoke(ctx context.Context, family string) error {
	if err := s.enter(ctx, mRevoke); err != nil {
		return err
	}
	return s.leave(mRevoke, s.Store.Revoke(ctx, family))
}

func (s *spy) RevokeToken(ctx context.Context, id string, expiresAt time.Time) error {
	if err := s.enter(ctx, mRevokeToken); err != nil {
		return err
	}
	return s.leave(mRevokeToken, s.Store.RevokeToken(ctx, id, expiresAt))
}

func (s *spy) Revoked(ctx context.Context, id, family string) (bool, error) {
	if err := s.enter(ctx, mRevoked); err != nil {
		return false, err
	}
	revoked, err := s.Store.Revoked(ctx, id, family)
	return revoked, s.leave(mRevoked, err)
}

func (s *spy) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	if err := s.enter(ctx, mAPIKey); err != nil {
		return nil, err
	}
	k, err := s.Store.APIKey(ctx, d)
	return edited(s, k, s.leave(mAPIKey, err), func(s *spy) func(*storage.APIKey) { return s.editAPIKey })
}
