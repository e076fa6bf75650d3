package integration_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

func TestUpdateClient(t *testing.T) {
	onStores(t, func(t *testing.T, s *sqlstore.Store) {
		ctx := t.Context()
		must(t, "CreateClient", s.CreateClient(ctx, &storage.Client{ID: "other", Secrets: []storage.ClientSecret{{ID: "a", Hash: "test:h"}}}))
		must(t, "CreateClient", s.CreateClient(ctx, &storage.Client{ID: "c", Secrets: []storage.ClientSecret{{ID: "1"}, {ID: "2"}, {ID: "3"}}}))
		want := &storage.Client{
			ID: "c", AuthMethod: "https://example.test/m", Disabled: true, GrantTypes: []string{"g"}, Scope: []string{"s"}, DefaultScope: []string{"d"},
			Audience: []string{"a"}, RedirectURIs: []string{"https://app.test/r"}, PKCENotRequired: true, RefreshNotRotated: true, BasicNotEncoded: true,
			AccessTokenLifetime: 1 * time.Second, RefreshTokenLifetime: 2 * time.Second, RefreshTokenIdle: 3 * time.Second,
			RefreshGrace: 4 * time.Second,
			Secrets:      []storage.ClientSecret{{ID: "3", Hash: "test:new", NotBefore: start, ExpiresAt: start.Add(time.Hour)}, {ID: "4"}, {ID: "1"}},
		}
		wanted := func(what string) {
			t.Helper()
			if got, err := s.Client(ctx, "c"); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("Client after %s: got %+v and error %v, want %+v", what, got, err, want)
			}
		}
		to := func(to storage.Client) func(*storage.Client) error {
			return func(c *storage.Client) error { *c = to; c.Secrets = slices.Clone(to.Secrets); return nil }
		}
		must(t, "UpdateClient", s.UpdateClient(ctx, "c", to(*want)))
		wanted("UpdateClient of everything")
		must(t, "UpdateClient", s.UpdateClient(ctx, "c", func(*storage.Client) error { return nil }))
		wanted("UpdateClient that changes nothing")

		refused := errors.New("database is locked") // as an error that would be tried again
		calls := 0
		err := s.UpdateClient(ctx, "c", func(c *storage.Client) error { calls++; c.Scope, c.Secrets[0].Hash = nil, "x"; return refused })
		if err != refused || calls != 1 {
			t.Errorf("UpdateClient that refuses: got error %v after %d calls, want %v, as it is, after one", err, calls, refused)
		}
		renamed, twins, broken := *want, *want, *want
		renamed.ID, broken.AuthMethod = "d", "\xff"
		twins.Secrets = []storage.ClientSecret{{ID: "1"}, {ID: "1"}}
		wantOutage(t, "UpdateClient of the ID", s.UpdateClient(ctx, "c", to(renamed)))
		wantOutage(t, "UpdateClient with secrets that share an ID", s.UpdateClient(ctx, "c", to(twins)))
		wantOutage(t, "UpdateClient with what is no text", s.UpdateClient(ctx, "c", to(broken)))
		wanted("UpdateClients that were refused")
		for _, id := range []string{"d", "C", "", "c\x00"} {
			wantErr(t, fmt.Sprintf("UpdateClient of %q", id), s.UpdateClient(ctx, id, to(*want)), storage.ErrNotFound)
		}
		if got, err := s.Client(ctx, "other"); err != nil || got.Disabled || len(got.Secrets) != 1 {
			t.Errorf("another client: got %+v and error %v, want it as it was", got, err)
		}
	})
}

// Changes that meet are all made: none overwrites another.
func TestUpdatesOfAClientMeet(t *testing.T) {
	onStores(t, func(t *testing.T, s *sqlstore.Store) {
		ctx := t.Context()
		must(t, "CreateClient", s.CreateClient(ctx, &storage.Client{ID: "c", Secrets: []storage.ClientSecret{{ID: "old"}}}))
		reading := make(chan struct{})
		var once, done sync.WaitGroup
		once.Add(1)
		first := sync.OnceFunc(func() { close(reading); once.Wait() })
		update := func(change func(c *storage.Client)) {
			done.Go(func() {
				if err := s.UpdateClient(ctx, "c", func(c *storage.Client) error { change(c); first(); return nil }); err != nil {
					t.Errorf("UpdateClient: got error %v, want none", err)
				}
			})
		}
		update(func(c *storage.Client) { c.Secrets = append(c.Secrets, storage.ClientSecret{ID: "new"}) })
		<-reading // and the others find the client held
		update(func(c *storage.Client) { c.Scope = append(c.Scope, "one") })
		update(func(c *storage.Client) { c.Scope = append(c.Scope, "two") })
		done.Go(func() {
			if err := s.UpdateClient(ctx, "c", func(c *storage.Client) error { return c.ExpireSecret("old", start) }); err != nil {
				t.Errorf("ExpireSecret: got error %v, want none", err)
			}
		})
		time.Sleep(50 * time.Millisecond)
		once.Done()
		done.Wait()
		c, err := s.Client(ctx, "c")
		must(t, "Client", err)
		if len(c.Scope) != 2 || len(c.Secrets) != 2 || !c.Secrets[0].ExpiresAt.Equal(start) {
			t.Errorf("Client: got %+v, want both scopes and both secrets, the old one expired", c)
		}
	})
}
