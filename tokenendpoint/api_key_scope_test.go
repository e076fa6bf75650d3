package tokenendpoint_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var apiKeyScopeRules = []rule{
	{"J06_owner_disabled", j06},
	{"J07_scope_within_that_of_the_key", j07},
	{"J08_what_the_key_stands_for_is_checked_each_time", j08},
}

// switchable is a hook that a rule turns over while the endpoint is served.
type switchable struct {
	mu    sync.Mutex
	err   error
	asked int
	keys  []string
}

func (s *switchable) hook(_ context.Context, r *grants.Request, _ *grants.Authorization) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	key, ok := r.APIKey()
	if !ok {
		return errors.New("the hook was not told of the API key")
	}
	s.keys = append(s.keys, key.ID)
	return s.err
}

func (s *switchable) say(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// j06 locks the owner of a key. Only the host knows the owner.
func j06(t *testing.T) {
	var owner switchable
	f := testbed.New(t, openMemory, testbed.WithGrant(grants.TypeAPIKey, grants.APIKey{Hook: owner.hook}))
	key := f.APIKey(f.C1)
	unknown := f.Send(testbed.PresentKey(f.C1, storage.NewSecret("ck_test_").Reveal()))
	f.Spellings(func(as testbed.Spelling) {
		f.Send(as(testbed.PresentKey(f.C1, key))).Tokens()
		owner.say(grants.InvalidGrant.Because(errors.New("the owner is locked")))
		locked := f.Send(as(testbed.PresentKey(f.C1, key)))
		locked.Refused("invalid_grant")
		f.WantAlike(map[string]*testbed.Reply{"owner locked": locked, "unknown key": unknown})
		owner.say(testbed.ErrOutage)
		f.Send(as(testbed.PresentKey(f.C1, key))).Unavailable()
		owner.say(nil)
		f.Send(as(testbed.PresentKey(f.C1, key))).Tokens()
	})
	f.Sub("the host is not asked about a key that is dead", func() {
		asked := owner.asked
		f.Send(testbed.PresentKey(f.C1, f.APIKey(f.C1, func(k *storage.APIKey) { k.ExpiresAt = time.Now() }))).Refused("invalid_grant")
		f.Send(testbed.PresentKey(f.C1, f.APIKey(f.C1, func(k *storage.APIKey) { k.RevokedAt = time.Now() }))).Refused("invalid_grant")
		f.Send(testbed.PresentKey(f.C2, key)).Refused("invalid_grant")
		if owner.asked != asked {
			f.Errorf("the hook was asked %d times more, want none", owner.asked-asked)
		}
	})
}

func j07(t *testing.T) {
	f := testbed.New(t, openMemory)
	readOnly := f.APIKey(f.C1, func(k *storage.APIKey) { k.Scope = []string{"read"} })
	wider := f.APIKey(f.C1, func(k *storage.APIKey) { k.Scope = []string{"read", "root"} })
	root := f.APIKey(f.C1, func(k *storage.APIKey) { k.Scope = []string{"root"} })
	f.Spellings(func(as testbed.Spelling) {
		for _, c := range []struct{ name, key, scope, want string }{
			{"none asked", readOnly, "", "read"},
			{"all asked", readOnly, "read", "read"},
			{"more than the key's", readOnly, "write", ""},
			{"some more than the key's", readOnly, "read write", ""},
			{"the client's, not the key's", readOnly, "admin:x", ""},
			{"narrower than the key's", f.APIKey(f.C1), "write", "write"},
			{"the key's, in another order and twice", f.APIKey(f.C1), "write read write", "read write"},
			{"a key wider than its client", wider, "", "read"},
			{"the key's, not the client's", wider, "root", ""},
			{"nothing in common with the client", root, "", ""},
		} {
			r := testbed.PresentKey(f.C1, c.key)
			if c.scope != "" {
				r = r.With("scope", c.scope)
			}
			f.Sub(c.name, func() {
				if c.want == "" {
					f.Send(as(r)).Refused("invalid_scope")
					return
				}
				got := f.Send(as(r)).Tokens()
				if got.Scope != c.want || got.Claims["scope"] != c.want {
					f.Errorf("scope is %q and in the token %v, want %q", got.Scope, got.Claims["scope"], c.want)
				}
			})
		}
	})
	f.Sub("a key without scope", func() {
		key := f.APIKey(f.C1, func(k *storage.APIKey) { k.Scope = nil })
		got := f.Send(testbed.PresentKey(f.C1, key)).Tokens()
		if _, ok := got.Claims["scope"]; ok || got.Scope != "" {
			f.Errorf("scope is %q and in the token %v, want none", got.Scope, got.Claims["scope"])
		}
		f.Send(testbed.PresentKey(f.C1, key).With("scope", "read")).Refused("invalid_scope")
	})
}

// j08: nothing about a key is remembered between two requests.
func j08(t *testing.T) {
	var project switchable
	f := testbed.New(t, openMemory, testbed.WithGrant(grants.TypeAPIKey, grants.APIKey{Hook: project.hook}))
	key := f.APIKey(f.C1)
	id := f.StoredKey(key).ID
	use := func() *testbed.Reply { return f.Send(testbed.PresentKey(f.C1, key)) }
	for range 3 {
		use().Tokens()
	}
	if project.asked != 3 || project.keys[2] != id {
		t.Errorf("the hook was asked %d times, of the keys %q; want 3 times, of %q", project.asked, project.keys, id)
	}
	f.Sub("the project behind the key is disabled", func() {
		project.say(grants.InvalidGrant)
		use().Refused("invalid_grant")
		project.say(nil)
		use().Tokens()
	})
	for name, edit := range map[string]func(*storage.APIKey){
		"the key is revoked":            func(k *storage.APIKey) { k.RevokedAt = time.Now() },
		"the key is made to end":        func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(-time.Minute) },
		"the key is given to another":   func(k *storage.APIKey) { k.ClientID = f.C2.ID },
		"the store answers with others": func(k *storage.APIKey) { k.Digest[0] ^= 1 },
	} {
		f.Sub(name, func() {
			f.Store.Set(func(s *testbed.Spy) { s.EditAPIKey = edit })
			if r := use(); name == "the store answers with others" {
				testbed.WantServerError(r)
			} else {
				r.Refused("invalid_grant")
			}
			f.Store.Set(func(s *testbed.Spy) { s.EditAPIKey = nil })
			use().Tokens()
		})
	}
	f.Sub("the client is disabled", func() {
		f.Store.Set(func(s *testbed.Spy) { s.EditClient = func(c *storage.Client) { c.Disabled = true } })
		use().Refused("invalid_grant")
		f.Store.Set(func(s *testbed.Spy) { s.EditClient = nil })
		use().Tokens()
	})
	f.Sub("the scope of the client is taken away", func() {
		f.Store.Set(func(s *testbed.Spy) { s.EditClient = func(c *storage.Client) { c.Scope = []string{"read"} } })
		if got := use().Tokens(); got.Scope != "read" {
			f.Errorf("scope is %q, want read", got.Scope)
		}
		f.Store.Set(func(s *testbed.Spy) { s.EditClient = nil })
	})
	f.Sub("the store is away", func() {
		for _, method := range []string{testbed.CallClient, testbed.CallAPIKey} {
			f.Store.FailWith(method, testbed.ErrOutage)
			use().Unavailable()
			f.Store.Heal()
			use().Tokens()
		}
	})
}
