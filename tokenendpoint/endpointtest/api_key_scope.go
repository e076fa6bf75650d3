package endpointtest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

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

// j06 locks the owner of a key, of whom only the host knows.
func j06(t *testing.T, open opener) {
	var owner switchable
	f := newFixture(t, open, withGrant(grants.TypeAPIKey, grants.APIKey{Hook: owner.hook}))
	key := f.apiKey(f.c1)
	unknown := f.send(presentKey(f.c1, storage.NewSecret("ck_test_").Reveal()))
	f.spellings(func(as spelling) {
		f.send(as(presentKey(f.c1, key))).tokens()
		owner.say(grants.InvalidGrant.Because(errors.New("the owner is locked")))
		locked := f.send(as(presentKey(f.c1, key)))
		locked.refused("invalid_grant")
		f.wantAlike(map[string]*reply{"owner locked": locked, "unknown key": unknown})
		owner.say(errOutage)
		f.send(as(presentKey(f.c1, key))).unavailable()
		owner.say(nil)
		f.send(as(presentKey(f.c1, key))).tokens()
	})
	f.sub("the host is not asked about a key that is dead", func() {
		asked := owner.asked
		f.send(presentKey(f.c1, f.apiKey(f.c1, func(k *storage.APIKey) { k.ExpiresAt = time.Now() }))).refused("invalid_grant")
		f.send(presentKey(f.c1, f.apiKey(f.c1, func(k *storage.APIKey) { k.RevokedAt = time.Now() }))).refused("invalid_grant")
		f.send(presentKey(f.c2, key)).refused("invalid_grant")
		if owner.asked != asked {
			f.Errorf("the hook was asked %d times more, want none", owner.asked-asked)
		}
	})
}

func j07(t *testing.T, open opener) {
	f := newFixture(t, open)
	readOnly := f.apiKey(f.c1, func(k *storage.APIKey) { k.Scope = []string{"read"} })
	wider := f.apiKey(f.c1, func(k *storage.APIKey) { k.Scope = []string{"read", "root"} })
	root := f.apiKey(f.c1, func(k *storage.APIKey) { k.Scope = []string{"root"} })
	f.spellings(func(as spelling) {
		for _, c := range []struct{ name, key, scope, want string }{
			{"none asked", readOnly, "", "read"},
			{"all asked", readOnly, "read", "read"},
			{"more than the key's", readOnly, "write", ""},
			{"some more than the key's", readOnly, "read write", ""},
			{"the client's, not the key's", readOnly, "admin:x", ""},
			{"narrower than the key's", f.apiKey(f.c1), "write", "write"},
			{"the key's, in another order and twice", f.apiKey(f.c1), "write read write", "read write"},
			{"a key wider than its client", wider, "", "read"},
			{"the key's, not the client's", wider, "root", ""},
			{"nothing in common with the client", root, "", ""},
		} {
			r := presentKey(f.c1, c.key)
			if c.scope != "" {
				r = r.with("scope", c.scope)
			}
			f.sub(c.name, func() {
				if c.want == "" {
					f.send(as(r)).refused("invalid_scope")
					return
				}
				got := f.send(as(r)).tokens()
				if got.scope != c.want || got.claims["scope"] != c.want {
					f.Errorf("scope is %q and in the token %v, want %q", got.scope, got.claims["scope"], c.want)
				}
			})
		}
	})
	f.sub("a key without scope", func() {
		key := f.apiKey(f.c1, func(k *storage.APIKey) { k.Scope = nil })
		got := f.send(presentKey(f.c1, key)).tokens()
		if _, ok := got.claims["scope"]; ok || got.scope != "" {
			f.Errorf("scope is %q and in the token %v, want none", got.scope, got.claims["scope"])
		}
		f.send(presentKey(f.c1, key).with("scope", "read")).refused("invalid_scope")
	})
}

// j08: nothing about a key is remembered between two requests.
func j08(t *testing.T, open opener) {
	var project switchable
	f := newFixture(t, open, withGrant(grants.TypeAPIKey, grants.APIKey{Hook: project.hook}))
	key := f.apiKey(f.c1)
	id := f.storedKey(key).ID
	use := func() *reply { return f.send(presentKey(f.c1, key)) }
	for range 3 {
		use().tokens()
	}
	if project.asked != 3 || project.keys[2] != id {
		t.Errorf("the hook was asked %d times, of the keys %q; want 3 times, of %q", project.asked, project.keys, id)
	}
	f.sub("the project behind the key is disabled", func() {
		project.say(grants.InvalidGrant)
		use().refused("invalid_grant")
		project.say(nil)
		use().tokens()
	})
	for name, edit := range map[string]func(*storage.APIKey){
		"the key is revoked":            func(k *storage.APIKey) { k.RevokedAt = time.Now() },
		"the key is made to end":        func(k *storage.APIKey) { k.ExpiresAt = time.Now() },
		"the key is given to another":   func(k *storage.APIKey) { k.ClientID = f.c2.id },
		"the store answers with others": func(k *storage.APIKey) { k.Digest[0] ^= 1 },
	} {
		f.sub(name, func() {
			f.store.set(func(s *spy) { s.editAPIKey = edit })
			if r := use(); name == "the store answers with others" {
				wantServerError(r)
			} else {
				r.refused("invalid_grant")
			}
			f.store.set(func(s *spy) { s.editAPIKey = nil })
			use().tokens()
		})
	}
	f.sub("the client is disabled", func() {
		f.store.set(func(s *spy) { s.editClient = func(c *storage.Client) { c.Disabled = true } })
		use().unauthorized()
		f.store.set(func(s *spy) { s.editClient = nil })
		use().tokens()
	})
	f.sub("the scope of the client is taken away", func() {
		f.store.set(func(s *spy) { s.editClient = func(c *storage.Client) { c.Scope = []string{"read"} } })
		if got := use().tokens(); got.scope != "read" {
			f.Errorf("scope is %q, want read", got.scope)
		}
		f.store.set(func(s *spy) { s.editClient = nil })
	})
	f.sub("the store is away", func() {
		for _, method := range []string{mClient, mAPIKey} {
			f.store.failWith(method, errOutage)
			use().unavailable()
			f.store.heal()
			use().tokens()
		}
	})
}
