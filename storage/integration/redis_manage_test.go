package integration_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
)

func TestRedisClients(t *testing.T) {
	eachMode(t, func(b *bench) {
		ctx := t.Context()
		wantVerdict(t, "CreateClient", b.CreateClient(ctx, &storage.Client{ID: "b", Scope: []string{"first"}}), nil)
		wantVerdict(t, "CreateClient, again", b.CreateClient(ctx, &storage.Client{ID: "b"}), storage.ErrExists)
		wantVerdict(t, "PutClient", b.PutClient(ctx, &storage.Client{ID: "a"}), nil)
		wantVerdict(t, "UpdateClient", b.UpdateClient(ctx, "a", func(c *storage.Client) error { c.Disabled = true; return nil }), nil)
		wantVerdict(t, "UpdateClient that changes nothing", b.UpdateClient(ctx, "a", func(*storage.Client) error { return nil }), nil)
		wantVerdict(t, "UpdateClient of none", b.UpdateClient(ctx, "c", func(*storage.Client) error { return nil }), storage.ErrNotFound)
		refused := errors.New("refused")
		wantVerdict(t, "UpdateClient that refuses", b.UpdateClient(ctx, "b", func(c *storage.Client) error { c.Scope = nil; return refused }), refused)
		if err := b.UpdateClient(ctx, "b", func(c *storage.Client) error { c.ID = "d"; return nil }); err == nil {
			t.Error("UpdateClient of the ID: got no error, want one")
		}
		if err := b.UpdateClient(ctx, "b", func(c *storage.Client) error { c.Secrets = make([]storage.ClientSecret, 2); return nil }); err == nil {
			t.Error("UpdateClient that makes two secrets with one ID: got no error, want one")
		}
		all, err := b.ListClients(ctx, storage.Page{})
		if err != nil || len(all) != 2 || all[0].ID != "a" || !all[0].Disabled || all[1].ID != "b" || len(all[1].Scope) != 1 {
			t.Errorf("ListClients: got %+v and error %v, want a, disabled, and b as it was created", all, err)
		}
	})
}

func TestRedisListsManyClients(t *testing.T) {
	eachMode(t, func(b *bench) {
		const many = 1500 // more than one page
		for i := range many {
			wantVerdict(t, "PutClient", b.PutClient(t.Context(), &storage.Client{ID: fmt.Sprintf("client-%04d", i)}), nil)
		}
		all, err := b.ListClients(t.Context(), storage.Page{Limit: 2 * many})
		if err != nil || len(all) != many || all[0].ID != "client-0000" || all[many-1].ID != "client-1499" {
			t.Errorf("ListClients: got %d clients and error %v, want %d, in order", len(all), err, many)
		}
	})
}

// Changes that meet are all made: none overwrites another.
func TestRedisUpdatesOfAClientMeet(t *testing.T) {
	eachMode(t, func(b *bench) {
		wantVerdict(t, "PutClient", b.PutClient(t.Context(), &storage.Client{ID: "c"}), nil)
		var done sync.WaitGroup
		for i := range 6 {
			done.Go(func() {
				wantVerdict(t, "UpdateClient", b.UpdateClient(t.Context(), "c", func(c *storage.Client) error {
					c.Secrets = append(c.Secrets, storage.ClientSecret{ID: fmt.Sprint(i)})
					return nil
				}), nil)
			})
		}
		done.Wait()
		c, err := b.Client(t.Context(), "c")
		if err != nil || len(c.Secrets) != 6 {
			t.Errorf("Client: got %+v and error %v, want six secrets", c, err)
		}
	})
}

func TestRedisAPIKeys(t *testing.T) {
	eachMode(t, func(b *bench) {
		ctx, at := t.Context(), time.Now().UTC()
		digest := func(n byte) storage.Digest { return storage.Digest{n} }
		put := func(n byte, id, client string) error {
			return b.PutAPIKey(ctx, &storage.APIKey{Digest: digest(n), ID: id, ClientID: client, Subject: "alice", CreatedAt: at.Add(time.Duration(n))})
		}
		wantVerdict(t, "a new key", put(1, "k1", "a"), nil)
		wantVerdict(t, "the same key again", put(1, "k1", "a"), nil)
		wantVerdict(t, "another key with the ID of the first", put(2, "k1", "a"), storage.ErrExists)
		wantVerdict(t, "the first key, with another ID", put(1, "k\u00e9<2>", "a"), nil)
		wantVerdict(t, "another key with the ID that became free", put(2, "k1", "a"), nil)
		wantVerdict(t, "a key of another client", put(3, "k3", "b"), nil)

		wantVerdict(t, "RevokeAPIKey", b.RevokeAPIKey(ctx, "alice", "k1", at), nil)
		wantVerdict(t, "RevokeAPIKey, again", b.RevokeAPIKey(ctx, "alice", "k1", at.Add(time.Hour)), nil)
		wantVerdict(t, "RevokeAPIKey of none", b.RevokeAPIKey(ctx, "alice", "k2", at), storage.ErrNotFound)
		if k, err := b.APIKey(ctx, digest(2)); err != nil || !k.RevokedAt.Equal(at) {
			t.Errorf("APIKey: got %+v and error %v, want it revoked at %v", k, err, at)
		}
		b.wantKeys("a", "k1", "k\u00e9<2>")
		b.wantKeys("b", "k3")
		b.wantKeys("c")
		wantVerdict(t, "a key that moves to another client", put(1, "k\u00e9<2>", "b"), nil)
		b.wantKeys("a", "k1")
		b.wantKeys("b", "k3", "k\u00e9<2>")
		wantVerdict(t, "a revoked key that is put again", put(2, "k1", "a"), nil)
		if k, err := b.APIKey(ctx, digest(2)); err != nil || !k.RevokedAt.IsZero() {
			t.Errorf("APIKey: got %+v and error %v, want it as it was put", k, err)
		}
	})
}

func TestRedisCreateAPIKey(t *testing.T) {
	eachMode(t, func(b *bench) {
		ctx, at := t.Context(), time.Now().UTC()
		create := func(n byte, id, client string) error {
			return b.CreateAPIKey(ctx, &storage.APIKey{Digest: storage.Digest{n}, ID: id, ClientID: client, Subject: "alice", CreatedAt: at.Add(time.Duration(n))})
		}
		wantVerdict(t, "a new key", create(1, "k1", "a"), nil)
		wantVerdict(t, "another new key", create(2, "k2", "a"), nil)
		wantVerdict(t, "RevokeAPIKey", b.RevokeAPIKey(ctx, "alice", "k1", at), nil)
		wantVerdict(t, "a key with a digest that is taken", create(1, "k3", "b"), storage.ErrExists)
		wantVerdict(t, "a key with an ID that is taken", create(3, "k1", "b"), storage.ErrExists)
		b.wantKeys("a", "k1", "k2")
		b.wantKeys("b")
		if k, err := b.APIKey(ctx, storage.Digest{1}); err != nil || k.ID != "k1" || k.ClientID != "a" || !k.RevokedAt.Equal(at) {
			t.Errorf("APIKey: got %+v and error %v, want k1 of a, revoked at %v", k, err, at)
		}
		if k, err := b.APIKey(ctx, storage.Digest{3}); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("APIKey of a key that was refused: got %+v and error %v, want %v", k, err, storage.ErrNotFound)
		}
	})
}

func (b *bench) wantKeys(client string, want ...string) {
	b.t.Helper()
	keys, err := b.ListAPIKeysOfClient(b.t.Context(), client, storage.Page{})
	var got []string
	for _, k := range keys {
		got = append(got, k.ID)
	}
	if err != nil || !slices.Equal(got, want) {
		b.t.Errorf("ListAPIKeysOfClient(%q): got %q and error %v, want %q", client, got, err, want)
	}
}

// A damaged record takes none of the readable signing keys away (R38, P21). It
// is listed, so that the server can say which turn does not open.
func TestRedisDamagedSigningKey(t *testing.T) {
	eachMode(t, func(b *bench) {
		good := signingKey(1)
		must(t, "CreateSigningKey", b.CreateSigningKey(t.Context(), good))
		for field, record := range map[string]string{"t:2": "garbage", "t:3": "", "t:x": "garbage"} {
			if err := b.rdb.HSet(t.Context(), b.prefix+"signing_keys", field, record).Err(); err != nil {
				t.Fatal(err)
			}
		}
		keys, err := b.SigningKeys(t.Context())
		must(t, "SigningKeys", err)
		if len(keys) != 3 || keys[0].ID != good.ID || keys[1].Turn != 2 || keys[1].Sealed != nil || keys[2].Turn != 3 {
			t.Errorf("SigningKeys beside damaged records: got %v, want the good key, and the turns of two that open nowhere", keys)
		}
		must(t, "DeleteSigningKey of a damaged one", b.DeleteSigningKey(t.Context(), 2))
	})
}
