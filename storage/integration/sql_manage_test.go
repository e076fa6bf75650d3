package integration_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// onStores runs a test on a store on every server.
func onStores(t *testing.T, f func(t *testing.T, s *sqlstore.Store)) {
	onServers(t, func(t *testing.T, s server) { f(t, s.newStore(t, s.open(t))) })
}

func must(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: got error %v, want none", what, err)
	}
}

func TestClients(t *testing.T) {
	onStores(t, func(t *testing.T, s *sqlstore.Store) {
		ctx := t.Context()
		c := &storage.Client{ID: "b", Scope: []string{"read"}, Secrets: []storage.ClientSecret{{ID: "2", Hash: "test:h2"}, {ID: "1", Hash: "test:h1"}}}
		must(t, "CreateClient", s.CreateClient(ctx, c))
		wantErr(t, "CreateClient again", s.CreateClient(ctx, &storage.Client{ID: "b"}), storage.ErrExists)
		twins := &storage.Client{ID: "t", Secrets: []storage.ClientSecret{{ID: "1"}, {ID: "1"}}}
		wantOutage(t, "CreateClient with secrets that share an ID", s.CreateClient(ctx, twins))
		wantErr(t, "a client that was refused", client(t, s, "t"), storage.ErrNotFound)
		for _, id := range []string{"", "a\nb", "a\x00b", "\xff"} {
			wantOutage(t, fmt.Sprintf("CreateClient of %q", id), s.CreateClient(ctx, &storage.Client{ID: id}))
		}

		c.Scope, c.Secrets = []string{"write"}, c.Secrets[:1]
		must(t, "PutClient", s.PutClient(ctx, c))
		got, err := s.Client(ctx, "b")
		must(t, "Client", err)
		if !slices.Equal(got.Scope, c.Scope) || !slices.Equal(got.Secrets, c.Secrets) {
			t.Errorf("Client after PutClient: got %+v, want %+v", got, c)
		}

		disabled := func(yes bool) func(*storage.Client) error {
			return func(c *storage.Client) error { c.Disabled = yes; return nil }
		}
		must(t, "disabling", s.UpdateClient(ctx, "b", disabled(true)))
		must(t, "disabling again", s.UpdateClient(ctx, "b", disabled(true)))
		if got, _ := s.Client(ctx, "b"); !got.Disabled {
			t.Error("Client after it was disabled: got enabled, want disabled")
		}
		must(t, "enabling", s.UpdateClient(ctx, "b", disabled(false)))
		if got, _ := s.Client(ctx, "b"); got.Disabled {
			t.Error("Client after it was enabled: got disabled, want enabled")
		}
		wantErr(t, "disabling an unknown one", s.UpdateClient(ctx, "B", disabled(true)), storage.ErrNotFound)
		wantErr(t, "disabling what cannot be", s.UpdateClient(ctx, "b\x00", disabled(true)), storage.ErrNotFound)
	})
}

func client(t testing.TB, s *sqlstore.Store, id string) error {
	_, err := s.Client(t.Context(), id)
	return err
}

func TestListClients(t *testing.T) {
	onStores(t, func(t *testing.T, s *sqlstore.Store) {
		want := []string{"A", "B", "a", "a b", "b", "é"} // by bytes
		for i, id := range []string{"é", "b", "a b", "B", "a", "A"} {
			c := &storage.Client{ID: id}
			for n := range i % 3 {
				c.Secrets = append(c.Secrets, storage.ClientSecret{ID: fmt.Sprint(n)})
			}
			must(t, "CreateClient", s.CreateClient(t.Context(), c))
		}
		var got []string
		page := storage.Page{Limit: 2}
		for {
			clients, err := s.ListClients(t.Context(), page)
			must(t, "ListClients", err)
			for _, c := range clients {
				got = append(got, c.ID)
				alone, _ := s.Client(t.Context(), c.ID)
				if !slices.Equal(alone.Secrets, c.Secrets) {
					t.Errorf("the secrets of %q in a list: got %v, want %v", c.ID, c.Secrets, alone.Secrets)
				}
			}
			if len(clients) < page.Limit {
				break
			}
			page.After = got[len(got)-1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("ListClients, two by two: got %q, want %q", got, want)
		}
		if all, err := s.ListClients(t.Context(), storage.Page{}); err != nil || len(all) != len(want) {
			t.Errorf("ListClients with the zero Page: got %d and error %v, want %d", len(all), err, len(want))
		}
	})
}

func TestSecrets(t *testing.T) {
	onStores(t, func(t *testing.T, s *sqlstore.Store) {
		ctx, first := t.Context(), storage.ClientSecret{ID: "z", Hash: "test:h"}
		must(t, "CreateClient", s.CreateClient(ctx, &storage.Client{ID: "c", Secrets: []storage.ClientSecret{first}}))
		second := storage.ClientSecret{ID: "a", Hash: "test:i", NotBefore: start, ExpiresAt: start.Add(time.Hour)}
		adding := func(id string, secret storage.ClientSecret) error {
			return s.UpdateClient(ctx, id, func(c *storage.Client) error { return c.AddSecret(secret) })
		}
		must(t, "AddSecret", adding("c", second))
		wantErr(t, "AddSecret again", adding("c", second), storage.ErrExists)
		wantErr(t, "AddSecret to nobody", adding("d", second), storage.ErrNotFound)
		wantOutage(t, "AddSecret that is no text", adding("c", storage.ClientSecret{ID: "\xff"}))

		expiring := func(secretID string, at time.Time) error {
			return s.UpdateClient(ctx, "c", func(c *storage.Client) error { return c.ExpireSecret(secretID, at) })
		}
		must(t, "ExpireSecret", expiring("z", start))
		must(t, "ExpireSecret later", expiring("z", start.Add(time.Hour)))
		wantErr(t, "ExpireSecret of none", expiring("y", start), storage.ErrNotFound)
		wantOutage(t, "ExpireSecret at the zero time", expiring("z", time.Time{}))
		first.ExpiresAt = start
		got, err := s.Client(ctx, "c")
		must(t, "Client", err)
		if want := []storage.ClientSecret{first, second}; !slices.Equal(got.Secrets, want) {
			t.Errorf("the secrets: got %v, want %v, in the order in which they were added", got.Secrets, want)
		}
	})
}

func TestAPIKeys(t *testing.T) {
	onStores(t, func(t *testing.T, s *sqlstore.Store) {
		ctx := t.Context()
		key := func(id, client, subject string) *storage.APIKey {
			return &storage.APIKey{Digest: storage.NewSecret("").Digest("k"), ID: id, ClientID: client, Subject: subject}
		}
		one := key("1", "c", "alice")
		must(t, "CreateAPIKey", s.CreateAPIKey(ctx, one))
		must(t, "CreateAPIKey", s.CreateAPIKey(ctx, key("2", "c", "bob")))
		must(t, "CreateAPIKey", s.CreateAPIKey(ctx, key("3", "d", "alice")))
		wantErr(t, "CreateAPIKey with an ID that is taken", s.CreateAPIKey(ctx, key("1", "d", "")), storage.ErrExists)
		wantErr(t, "PutAPIKey with an ID that is taken", s.PutAPIKey(ctx, key("1", "d", "")), storage.ErrExists)
		twin := key("4", "d", "")
		twin.Digest = one.Digest
		wantErr(t, "CreateAPIKey with a digest that is taken", s.CreateAPIKey(ctx, twin), storage.ErrExists)
		taken := key("2", "d", "")
		taken.Digest = one.Digest
		wantErr(t, "PutAPIKey of a key under another's ID", s.PutAPIKey(ctx, taken), storage.ErrExists)
		if k, err := s.APIKey(ctx, one.Digest); err != nil || k.ID != "1" {
			t.Errorf("APIKey after that: got %v and error %v, want key 1", k, err)
		}
		wantOutage(t, "CreateAPIKey without an ID", s.CreateAPIKey(ctx, key("", "d", "")))
		one.Scope = []string{"read"}
		must(t, "PutAPIKey", s.PutAPIKey(ctx, one))

		must(t, "RevokeAPIKey", s.RevokeAPIKey(ctx, "alice", "1", time.Unix(0, 0)))
		must(t, "RevokeAPIKey again", s.RevokeAPIKey(ctx, "alice", "1", start))
		if k, err := s.APIKey(ctx, one.Digest); err != nil || !k.RevokedAt.Equal(time.Unix(0, 0)) || k.RevokedAt.IsZero() || len(k.Scope) != 1 {
			t.Errorf("APIKey after RevokeAPIKey: got %+v and error %v, want it revoked at the first instant, 1970", k, err)
		}
		wantErr(t, "RevokeAPIKey of another subject's key", s.RevokeAPIKey(ctx, "alice", "2", start), storage.ErrNotFound)
		wantErr(t, "RevokeAPIKey of none", s.RevokeAPIKey(ctx, "alice", "9", start), storage.ErrNotFound)
		wantOutage(t, "RevokeAPIKey at the zero time", s.RevokeAPIKey(ctx, "alice", "2", time.Time{}))

		wantKeys(t, "those of a client", "12")(s.ListAPIKeysOfClient(ctx, "c", storage.Page{}))
		wantKeys(t, "the second page", "2")(s.ListAPIKeysOfClient(ctx, "c", storage.Page{After: "1", Limit: 1}))
		wantKeys(t, "those of a subject", "13")(s.ListAPIKeysOfSubject(ctx, "alice", storage.Page{}))
		wantKeys(t, "those of nobody", "")(s.ListAPIKeysOfSubject(ctx, "", storage.Page{}))
	})
}

// wantKeys compares the IDs of keys, of one letter each.
func wantKeys(t testing.TB, what, want string) func([]*storage.APIKey, error) {
	return func(keys []*storage.APIKey, err error) {
		t.Helper()
		got := ""
		for _, k := range keys {
			got += k.ID
		}
		if err != nil || got != want {
			t.Errorf("API keys, %s: got %q and error %v, want %q", what, got, err, want)
		}
	}
}
