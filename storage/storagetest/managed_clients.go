package storagetest

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/contit/oauth/storage"
)

var managedClientRules = []rule[ManagedClients]{
	{"CreateClient adds a client once", docManagedClients, createClientOnce},
	{"PutClient replaces a client whole", docManagedClients, putClientReplaces},
	{"UpdateClient changes a client, and nothing if its function fails", docManagedClients, updateClientChanges},
	{"UpdateClient keeps the ID, and finds no other client", docManagedClients, updateClientKeepsID},
	{"updates of one client that meet are all made", docManagedClients, updatesMeet},
	{"a client that fails its Check comes in by no way", docManagedClients, checkedOnTheWayIn},
	{"clients are listed in pages by the bytes of their IDs", docPage, clientPages},
	{"an ended context changes no client", docPackage, managedClientContext},
}

func createClientOnce(t *tester, s ManagedClients) {
	want := filledClient(t)
	t.wantErr("CreateClient of a new client", s.CreateClient(t.ctx, want), nil)
	t.wantErr("CreateClient of an ID that is taken", s.CreateClient(t.ctx, &storage.Client{ID: want.ID}), storage.ErrExists)
	t.wantSame("a client, after another was refused,", t.findClient(s, want.ID), want)
}

func putClientReplaces(t *tester, s ManagedClients) {
	want := filledClient(t)
	t.putClient(s, want)
	want.Scope, want.Disabled, want.Secrets = []string{"other"}, false, want.Secrets[:1]
	t.wantErr("PutClient of a client that is there", s.PutClient(t.ctx, want), nil)
	t.wantSame("a client that was replaced", t.findClient(s, want.ID), want)
}

func updateClientChanges(t *tester, s ManagedClients) {
	want, kept := filledClient(t), (*storage.Client)(nil)
	id := want.ID
	t.putClient(s, want)
	want = filledClient(t)
	want.ID = id
	t.wantErr("UpdateClient", s.UpdateClient(t.ctx, id, func(c *storage.Client) error { *c, kept = *deepCopy(want), c; return nil }), nil)
	if kept == nil {
		t.Fatalf("UpdateClient: the function was not called")
	}
	scribble(kept)
	t.wantSame("a client, after what the function got was changed,", t.findClient(s, id), want)

	refused := errors.New("refused")
	err := s.UpdateClient(t.ctx, id, func(c *storage.Client) error { c.Scope, c.Secrets = nil, nil; return refused })
	if err != refused {
		t.Errorf("UpdateClient with a function that fails: got error %v, want %v as it is", err, refused)
	}
	t.wantSame("a client whose change was refused", t.findClient(s, id), want)
	t.wantErr("UpdateClient that changes nothing", s.UpdateClient(t.ctx, id, func(*storage.Client) error { return nil }), nil)
	t.wantSame("a client that was not changed", t.findClient(s, id), want)
}

func updateClientKeepsID(t *tester, s ManagedClients) {
	want := filledClient(t)
	t.putClient(s, want)
	t.wantRefused("UpdateClient of the ID", s.UpdateClient(t.ctx, want.ID, func(c *storage.Client) error { c.ID += "-2"; return nil }))
	t.wantSame("a client that was not renamed", t.findClient(s, want.ID), want)
	for _, id := range append(broken(want.ID), "unknown-"+rand.Text(), "") {
		err := s.UpdateClient(t.ctx, id, func(*storage.Client) error { return nil })
		t.wantErr(fmt.Sprintf("UpdateClient of %q", id), err, storage.ErrNotFound)
	}
}

func updatesMeet(t *tester, s ManagedClients) {
	const callers = 6
	c := &storage.Client{ID: "met-" + rand.Text()}
	t.putClient(s, c)
	crowd(callers, func(i int) {
		err := s.UpdateClient(t.ctx, c.ID, func(c *storage.Client) error {
			c.Scope = append(c.Scope, fmt.Sprint(i))
			return c.AddSecret(storage.ClientSecret{ID: fmt.Sprint(i)})
		})
		t.wantErr("UpdateClient beside others", err, nil)
	})
	if got := t.findClient(s, c.ID); len(got.Scope) != callers || len(got.Secrets) != callers {
		t.Errorf("a client after %d updates that met: got %d scopes and %d secrets, want one of each update", callers, len(got.Scope), len(got.Secrets))
	}
}

func checkedOnTheWayIn(t *tester, s ManagedClients) {
	good := filledClient(t)
	t.putClient(s, good)
	for name, spoil := range map[string]func(c *storage.Client){
		"a scope with a space":     func(c *storage.Client) { c.Scope = []string{"a b"} },
		"a relative redirect URI":  func(c *storage.Client) { c.RedirectURIs = []string{"/callback"} },
		"secrets that share an ID": func(c *storage.Client) { c.Secrets = []storage.ClientSecret{{ID: "1"}, {ID: "1"}} },
		"an unknown auth method":   func(c *storage.Client) { c.AuthMethod = "client_secret" },
		"a grace over a day":       func(c *storage.Client) { c.RefreshGrace = storage.MaxRefreshGrace + 1 },
	} {
		bad := filledClient(t)
		spoil(bad)
		t.wantRefused("CreateClient with "+name, s.CreateClient(t.ctx, bad))
		t.wantRefused("PutClient with "+name, s.PutClient(t.ctx, bad))
		_, err := s.Client(t.ctx, bad.ID)
		t.wantErr("Client of one with "+name, err, storage.ErrNotFound)
		t.wantRefused("UpdateClient to "+name, s.UpdateClient(t.ctx, good.ID, func(c *storage.Client) error { spoil(c); return nil }))
		t.wantSame("a client that was not spoilt", t.findClient(s, good.ID), good)
	}
}

func clientPages(t *tester, s ManagedClients) {
	prefix := rand.Text() + "-"
	var want []string
	for _, id := range []string{"A", "B", "a", "a b", "b", "é"} { // by bytes
		want = append(want, prefix+id)
	}
	for i := range want { // not in their order
		c := filledClient(t)
		c.ID = want[(i*5+3)%len(want)]
		c.Secrets = c.Secrets[:i%3]
		t.putClient(s, c)
	}
	t.wantPages("ListClients", prefix, want, func(p storage.Page) (ids []string, err error) {
		clients, err := s.ListClients(t.ctx, p)
		for _, c := range clients {
			ids = append(ids, c.ID)
			if len(ids) <= len(want) {
				t.wantSame("a client in a list", c, t.findClient(s, c.ID))
			}
		}
		return ids, err
	})
}

func managedClientContext(t *tester, s ManagedClients) {
	want := filledClient(t)
	t.putClient(s, want)
	for _, ctx := range endedContexts(t.ctx) {
		fresh := filledClient(t)
		t.wantEnded("CreateClient", ctx, s.CreateClient(ctx, fresh))
		t.wantEnded("CreateClient of an ID that is taken", ctx, s.CreateClient(ctx, want))
		t.wantEnded("PutClient", ctx, s.PutClient(ctx, fresh))
		t.wantEnded("UpdateClient", ctx, s.UpdateClient(ctx, want.ID, func(c *storage.Client) error { c.Scope = nil; return nil }))
		t.wantEnded("UpdateClient of none", ctx, s.UpdateClient(ctx, fresh.ID, func(*storage.Client) error { return nil }))
		_, err := s.ListClients(ctx, storage.Page{})
		t.wantEnded("ListClients", ctx, err)
		_, err = s.Client(t.ctx, fresh.ID)
		t.wantErr("Client of one that was to be added", err, storage.ErrNotFound)
		t.wantSame("a client that was to be changed", t.findClient(s, want.ID), want)
	}
}
