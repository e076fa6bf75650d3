package jws_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/contit/oauth/storage"
)

// shelf is a storage.SigningKeys in memory, whose faults are at hand.
type shelf struct {
	mu    sync.Mutex
	rows  []*storage.SigningKey
	calls []string

	list, create, delete func(context.Context) error // before it is done
	created              func() error                // after it is done
}

var _ storage.SigningKeys = (*shelf)(nil)

func (s *shelf) call(ctx context.Context, name string, fault func(context.Context) error) error {
	s.mu.Lock()
	s.calls = append(s.calls, name)
	s.mu.Unlock()
	if fault != nil {
		if err := fault(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *shelf) SigningKeys(ctx context.Context) ([]*storage.SigningKey, error) {
	if err := s.call(ctx, "list", s.list); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := make([]*storage.SigningKey, len(s.rows))
	for i, r := range s.rows {
		rows[i] = r.Clone()
	}
	return rows, nil
}

func (s *shelf) CreateSigningKey(ctx context.Context, k *storage.SigningKey) error {
	if err := s.call(ctx, "create", s.create); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		if r.Turn == k.Turn || r.ID == k.ID {
			return storage.ErrExists
		}
	}
	s.rows = append(s.rows, k.Clone())
	slices.SortFunc(s.rows, func(a, b *storage.SigningKey) int { return cmp.Compare(a.Turn, b.Turn) })
	if s.created != nil {
		return s.created()
	}
	return nil
}

func (s *shelf) DeleteSigningKey(ctx context.Context, turn int64) error {
	if err := s.call(ctx, "delete", s.delete); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = slices.DeleteFunc(s.rows, func(r *storage.SigningKey) bool { return r.Turn == turn })
	return nil
}

// took returns the calls since the last time.
func (s *shelf) took() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

// turns returns the turns that are there.
func (s *shelf) turns() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var turns []int64
	for _, r := range s.rows {
		turns = append(turns, r.Turn)
	}
	return turns
}

// ids returns the ids that are there.
func (s *shelf) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, r := range s.rows {
		ids = append(ids, r.ID)
	}
	return ids
}

var errOutage = errors.New("the store is down")

func fails(context.Context) error { return errOutage }
