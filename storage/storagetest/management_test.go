package storagetest_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/storagetest"
)

func TestManagementOfMemory(t *testing.T) {
	s := new(memory.Store) // one for all rules
	storagetest.RunManagement(t, func(testing.TB) storagetest.Management { return s })
}

// The author of a store tests the methods with which a host manages clients,
// keys and families.
func ExampleRunManagement() {
	TestManagement := func(t *testing.T) {
		storagetest.RunManagement(t, func(t testing.TB) storagetest.Management { return new(memory.Store) })
	}
	_ = TestManagement
}

// managed is a store that is broken where one of its functions is set.
type managed struct {
	directory
	createClient func(s *memory.Store, ctx context.Context, c *storage.Client) error
	updateClient func(s *memory.Store, ctx context.Context, id string, change func(*storage.Client) error) error
	listClients  func(s *memory.Store, ctx context.Context, p storage.Page) ([]*storage.Client, error)
	createAPIKey func(s *memory.Store, ctx context.Context, k *storage.APIKey) error
	keysOf       func(s *memory.Store, ctx context.Context, subject string, p storage.Page) ([]*storage.APIKey, error)
	revokeAPIKey func(s *memory.Store, ctx context.Context, subject, id string, at time.Time) error
	listFamilies func(s *memory.Store, ctx context.Context, subject string, at time.Time, p storage.Page) ([]storage.Family, error)
	expireAPIKey func(s *memory.Store, ctx context.Context, subject, id string, at time.Time) error
	revokeOne    func(s *memory.Store, ctx context.Context, subject, family string) error
	revokeAll    func(s *memory.Store, ctx context.Context, subject string) error
	revokeOf     func(s *memory.Store, ctx context.Context, subject, clientID string) error
	end          func(s *memory.Store, ctx context.Context, subject string, at time.Time) error
}

// CreateClient is broken.
func (m managed) CreateClient(ctx context.Context, c *storage.Client) error {
	if m.createClient != nil {
		return m.createClient(m.Store, ctx, c)
	}
	return m.Store.CreateClient(ctx, c)
}

// UpdateClient is broken.
func (m managed) UpdateClient(ctx context.Context, id string, change func(*storage.Client) error) error {
	if m.updateClient != nil {
		return m.updateClient(m.Store, ctx, id, change)
	}
	return m.Store.UpdateClient(ctx, id, change)
}

// ListClients is broken.
func (m managed) ListClients(ctx context.Context, p storage.Page) ([]*storage.Client, error) {
	if m.listClients != nil {
		return m.listClients(m.Store, ctx, p)
	}
	return m.Store.ListClients(ctx, p)
}

// CreateAPIKey is broken.
func (m managed) CreateAPIKey(ctx context.Context, k *storage.APIKey) error {
	if m.createAPIKey != nil {
		return m.createAPIKey(m.Store, ctx, k)
	}
	return m.Store.CreateAPIKey(ctx, k)
}

// ListAPIKeysOfSubject is broken.
func (m managed) ListAPIKeysOfSubject(ctx context.Context, subject string, p storage.Page) ([]*storage.APIKey, error) {
	if m.keysOf != nil {
		return m.keysOf(m.Store, ctx, subject, p)
	}
	return m.Store.ListAPIKeysOfSubject(ctx, subject, p)
}

// RevokeAPIKey is broken.
func (m managed) RevokeAPIKey(ctx context.Context, subject, id string, at time.Time) error {
	if m.revokeAPIKey != nil {
		return m.revokeAPIKey(m.Store, ctx, subject, id, at)
	}
	return m.Store.RevokeAPIKey(ctx, subject, id, at)
}

// ExpireAPIKey is broken.
func (m managed) ExpireAPIKey(ctx context.Context, subject, id string, at time.Time) error {
	if m.expireAPIKey != nil {
		return m.expireAPIKey(m.Store, ctx, subject, id, at)
	}
	return m.Store.ExpireAPIKey(ctx, subject, id, at)
}

// ListFamilies is broken.
func (m managed) ListFamilies(ctx context.Context, subject string, at time.Time, p storage.Page) ([]storage.Family, error) {
	if m.listFamilies != nil {
		return m.listFamilies(m.Store, ctx, subject, at, p)
	}
	return m.Store.ListFamilies(ctx, subject, at, p)
}

// RevokeFamily is broken.
func (m managed) RevokeFamily(ctx context.Context, subject, family string) error {
	if m.revokeOne != nil {
		return m.revokeOne(m.Store, ctx, subject, family)
	}
	return m.Store.RevokeFamily(ctx, subject, family)
}

// RevokeFamilies is broken.
func (m managed) RevokeFamilies(ctx context.Context, subject string) error {
	if m.revokeAll != nil {
		return m.revokeAll(m.Store, ctx, subject)
	}
	return m.Store.RevokeFamilies(ctx, subject)
}

// RevokeFamiliesOfClient is broken.
func (m managed) RevokeFamiliesOfClient(ctx context.Context, subject, clientID string) error {
	if m.revokeOf != nil {
		return m.revokeOf(m.Store, ctx, subject, clientID)
	}
	return m.Store.RevokeFamiliesOfClient(ctx, subject, clientID)
}

// RevokeSubject is broken.
func (m managed) RevokeSubject(ctx context.Context, subject string, at time.Time) error {
	if m.end != nil {
		return m.end(m.Store, ctx, subject, at)
	}
	return m.Store.RevokeSubject(ctx, subject, at)
}

// ownerOf finds the owner of a key by its ID, as a store does that forgets to ask.
func ownerOf(s *memory.Store, ctx context.Context, id string, clients ...string) string {
	for _, c := range clients {
		keys, _ := s.ListAPIKeysOfClient(ctx, c, storage.Page{Limit: 1 << 20})
		for _, k := range keys {
			if k.ID == id {
				return k.Owner()
			}
		}
	}
	return ""
}

var brokenManagement = []struct {
	name, rule string
	store      func() managed
}{
	{"overwrites", "CreateClient adds a client once", func() managed {
		return managed{createClient: func(s *memory.Store, ctx context.Context, c *storage.Client) error { return s.PutClient(ctx, c) }}
	}},
	{"never replaces", "PutClient replaces a client whole", func() managed {
		return managed{directory: directory{putClient: func(s *memory.Store, ctx context.Context, c *storage.Client) error {
			if _, err := s.Client(ctx, c.ID); err == nil {
				return nil
			}
			return s.PutClient(ctx, c)
		}}}
	}},
	{"writes what failed", "UpdateClient changes a client, and nothing if its function fails", func() managed {
		return managed{updateClient: func(s *memory.Store, ctx context.Context, id string, change func(*storage.Client) error) error {
			var failed error
			err := s.UpdateClient(ctx, id, func(c *storage.Client) error { failed = change(c); return nil })
			if err == nil {
				err = failed
			}
			return err
		}}
	}},
	{"adds what it does not find", "UpdateClient keeps the ID, and finds no other client", func() managed {
		return managed{updateClient: func(s *memory.Store, ctx context.Context, id string, change func(*storage.Client) error) error {
			if _, err := s.Client(ctx, id); err != nil {
				return nil
			}
			return s.UpdateClient(ctx, id, change)
		}}
	}},
	{"reads, then puts", "updates of one client that meet are all made", func() managed {
		return managed{updateClient: func(s *memory.Store, ctx context.Context, id string, change func(*storage.Client) error) error {
			c, err := s.Client(ctx, id)
			if err == nil {
				time.Sleep(time.Millisecond)
				err = change(c)
			}
			if err == nil {
				err = s.PutClient(ctx, c)
			}
			return err
		}}
	}},
	{"takes anything", "a client that fails its Check comes in by no way", func() managed {
		return managed{createClient: func(s *memory.Store, ctx context.Context, c *storage.Client) error {
			good := c.Clone()
			good.Scope, good.RedirectURIs, good.Secrets, good.AuthMethod = nil, nil, nil, ""
			good.Assertion, good.Certificate = storage.ClientAssertion{}, storage.ClientCertificate{}
			return s.CreateClient(ctx, good)
		}}
	}},
	{"starts at the limit", "clients are listed in pages by the bytes of their IDs", func() managed {
		return managed{listClients: func(s *memory.Store, ctx context.Context, p storage.Page) ([]*storage.Client, error) {
			all, err := s.ListClients(ctx, storage.Page{After: p.After, Limit: 1 << 20})
			slices.Reverse(all)
			return all[:min(len(all), p.Size())], err
		}}
	}},
	{"ignores the context", "an ended context changes no client", func() managed {
		return managed{createClient: func(s *memory.Store, ctx context.Context, c *storage.Client) error {
			return s.CreateClient(context.WithoutCancel(ctx), c)
		}}
	}},

	{"replaces keys", "CreateAPIKey adds a key once by digest and by ID", func() managed {
		return managed{createAPIKey: func(s *memory.Store, ctx context.Context, k *storage.APIKey) error { return s.PutAPIKey(ctx, k) }}
	}},
	{"revokes at its own time", "an API key is revoked, once, at the instant", func() managed {
		return managed{revokeAPIKey: func(s *memory.Store, ctx context.Context, subject, id string, at time.Time) error {
			return s.RevokeAPIKey(ctx, subject, id, time.Now())
		}}
	}},
	{"revokes by the ID alone", "J18: an API key is revoked by nobody but its owner", func() managed {
		clients := new([]string)
		return managed{
			createAPIKey: func(s *memory.Store, ctx context.Context, k *storage.APIKey) error {
				*clients = append(*clients, k.ClientID)
				return s.CreateAPIKey(ctx, k)
			},
			revokeAPIKey: func(s *memory.Store, ctx context.Context, _, id string, at time.Time) error {
				return s.RevokeAPIKey(ctx, ownerOf(s, ctx, id, *clients...), id, at)
			},
		}
	}},
	{"prolongs a key", "an API key ends sooner, and never later, at its owner's wish", func() managed {
		return managed{expireAPIKey: func(s *memory.Store, ctx context.Context, subject, id string, at time.Time) error {
			keys, err := s.ListAPIKeysOfSubject(ctx, subject, storage.Page{})
			for _, k := range keys {
				if k.ID == id && k.RevokedAt.IsZero() && !at.IsZero() {
					k.ExpiresAt = at
					return s.PutAPIKey(ctx, k)
				}
			}
			return cmp.Or(err, s.ExpireAPIKey(ctx, subject, id, at))
		}}
	}},
	{"compares the field", "an API key without a subject belongs to its Owner", func() managed {
		return managed{keysOf: func(s *memory.Store, ctx context.Context, subject string, p storage.Page) ([]*storage.APIKey, error) {
			keys, err := s.ListAPIKeysOfSubject(ctx, subject, p)
			return slices.DeleteFunc(keys, func(k *storage.APIKey) bool { return k.Subject != subject }), err
		}}
	}},
	{"hides dead keys", "the API keys of a subject and of a client are listed in pages", func() managed {
		return managed{keysOf: func(s *memory.Store, ctx context.Context, subject string, p storage.Page) ([]*storage.APIKey, error) {
			keys, err := s.ListAPIKeysOfSubject(ctx, subject, p)
			return slices.DeleteFunc(keys, func(k *storage.APIKey) bool { return !k.RevokedAt.IsZero() }), err
		}}
	}},
	{"takes an end for not found", "an ended context changes no API key", func() managed {
		return managed{revokeAPIKey: func(s *memory.Store, ctx context.Context, subject, id string, at time.Time) error {
			if ctx.Err() != nil {
				return storage.ErrNotFound
			}
			return s.RevokeAPIKey(ctx, subject, id, at)
		}}
	}},

	{"forgets the use", "a family is listed as its live credential, with its history", func() managed {
		return managed{listFamilies: func(s *memory.Store, ctx context.Context, subject string, at time.Time, p storage.Page) ([]storage.Family, error) {
			all, err := s.ListFamilies(ctx, subject, at, p)
			for i := range all {
				all[i].LastUsedAt = time.Time{}
			}
			return all, err
		}}
	}},
	{"lists what has expired", "a family that is spent, expired, revoked or another's is not listed", func() managed {
		return managed{listFamilies: func(s *memory.Store, ctx context.Context, subject string, _ time.Time, p storage.Page) ([]storage.Family, error) {
			return s.ListFamilies(ctx, subject, time.Time{}, p)
		}}
	}},
	{"hides what is idle", "a refresh token past its ExpiresAt is listed until its family ends", func() managed {
		return managed{listFamilies: func(s *memory.Store, ctx context.Context, subject string, at time.Time, p storage.Page) ([]storage.Family, error) {
			all, err := s.ListFamilies(ctx, subject, at, p)
			return slices.DeleteFunc(all, func(f storage.Family) bool { return !f.ExpiresAt.After(at) }), err
		}}
	}},
	{"lists each credential", "families are listed in pages by their IDs, each once", func() managed {
		return managed{listFamilies: func(s *memory.Store, ctx context.Context, subject string, at time.Time, p storage.Page) ([]storage.Family, error) {
			all, err := s.ListFamilies(ctx, subject, at, p)
			var twice []storage.Family
			for _, f := range all {
				twice = append(twice, f, f)
			}
			return twice[:min(len(twice), p.Size())], err
		}}
	}},
	{"ends another user's", "RevokeFamily ends one family of the subject, and knows nobody else's", func() managed {
		return managed{revokeOne: func(s *memory.Store, ctx context.Context, subject, family string) error {
			if err := s.RevokeFamily(ctx, subject, family); !errors.Is(err, storage.ErrNotFound) {
				return err
			}
			return errors.Join(s.Revoke(ctx, family), storage.ErrNotFound)
		}}
	}},
	{"leaves what was used", "RevokeFamilies ends every family of the subject and of nobody else", func() managed {
		return managed{revokeAll: func(s *memory.Store, ctx context.Context, subject string) error {
			all, err := s.ListFamilies(ctx, subject, time.Time{}, storage.Page{})
			for _, f := range all {
				if f.LastUsedAt.IsZero() {
					err = s.Revoke(ctx, f.ID)
				}
			}
			return err
		}}
	}},
	{"ends all clients", "RevokeFamiliesOfClient leaves the families of other clients", func() managed {
		return managed{revokeOf: func(s *memory.Store, ctx context.Context, subject, _ string) error {
			return s.RevokeFamilies(ctx, subject)
		}}
	}},
	{"leaves the keys", "RevokeSubject ends the subject's API keys and families, and nobody else's", func() managed {
		return managed{end: func(s *memory.Store, ctx context.Context, subject string, _ time.Time) error {
			return s.RevokeFamilies(ctx, subject)
		}}
	}},
	{"does nothing for nobody", "the empty subject cannot be revoked", func() managed {
		return managed{end: func(s *memory.Store, ctx context.Context, subject string, at time.Time) error {
			if subject == "" {
				return nil
			}
			return s.RevokeSubject(ctx, subject, at)
		}}
	}},
	{"revokes for callers that left", "an ended context changes no family", func() managed {
		return managed{revokeAll: func(s *memory.Store, ctx context.Context, subject string) error {
			return s.RevokeFamilies(context.WithoutCancel(ctx), subject)
		}}
	}},
}

func TestRejectsBrokenManagement(t *testing.T) {
	rules := make(map[string]storagetest.ManagementRule)
	for _, r := range storagetest.ManagementRules() {
		rules[r.Name] = r
	}
	failed := make(map[string]bool)
	for _, b := range brokenManagement {
		t.Run(b.name, func(t *testing.T) {
			r, ok := rules[b.rule]
			if !ok {
				t.Fatalf("the suite has no rule %q", b.rule)
			}
			failed[b.rule] = true
			s := b.store()
			s.Store = new(memory.Store)
			wantRejectedBy(t, b.rule, func(tb testing.TB) { r.Check(tb, s) })
		})
	}
	for name, r := range rules {
		if !failed[name] {
			t.Errorf("rule %q: no broken store fails it", name)
		}
		if got := recorded(t, func(tb testing.TB) { r.Check(tb, managed{directory: directory{Store: new(memory.Store)}}) }); len(got) > 0 {
			t.Errorf("rule %q about a good store: got failures %q, want none", name, got)
		}
	}
}
