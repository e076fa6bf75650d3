package storagetest

import (
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/contit/oauth/storage"
)

var managedAPIKeyRules = []rule[ManagedAPIKeys]{
	{"CreateAPIKey adds a key once by digest and by ID", docManagedAPIKeys, createAPIKeyOnce},
	{"an API key is revoked, once, at the instant", docManagedAPIKeys, revokeAPIKeyOnce},
	{"J18: an API key is revoked by nobody but its owner", docManagedAPIKeys, revokeAPIKeyOfOwner},
	{"an API key ends sooner, and never later, at its owner's wish", docManagedAPIKeys, expireAPIKey},
	{"an API key without a subject belongs to its Owner", docManagedAPIKeys, revokeAPIKeyOfNoSubject},
	{"the API keys of a subject and of a client are listed in pages", docManagedAPIKeys, apiKeyPages},
	{"an ended context changes no API key", docPackage, managedAPIKeyContext},
}

func (t *tester) createAPIKey(s ManagedAPIKeys, change func(k *storage.APIKey)) *storage.APIKey {
	t.Helper()
	k := filledAPIKey(t)
	k.RevokedAt = time.Time{}
	if change != nil {
		change(k)
	}
	t.wantErr("CreateAPIKey of a new key", s.CreateAPIKey(t.ctx, k), nil)
	return k
}

// wantAPIKey reports a key that is not as it must be.
func (t *tester) wantAPIKey(s storage.APIKeys, what string, want *storage.APIKey) {
	t.Helper()
	got, err := s.APIKey(t.ctx, want.Digest)
	if err != nil || got == nil {
		t.Fatalf("APIKey of %s: got error %v, want it", what, err)
	}
	t.wantSame(what, got, want)
}

func createAPIKeyOnce(t *tester, s ManagedAPIKeys) {
	want := t.createAPIKey(s, nil)
	sameDigest, sameID := filledAPIKey(t), filledAPIKey(t)
	sameDigest.Digest, sameID.ID = want.Digest, want.ID
	t.wantErr("CreateAPIKey of a digest that is taken", s.CreateAPIKey(t.ctx, sameDigest), storage.ErrExists)
	t.wantErr("CreateAPIKey of an ID that is taken", s.CreateAPIKey(t.ctx, sameID), storage.ErrExists)
	t.wantErr("CreateAPIKey again", s.CreateAPIKey(t.ctx, want), storage.ErrExists)
	t.wantAPIKey(s, "a key, after others were refused,", want)
	_, err := s.APIKey(t.ctx, sameID.Digest)
	t.wantErr("APIKey of a key that was refused", err, storage.ErrNotFound)

	noDigest, noID := filledAPIKey(t), filledAPIKey(t)
	noDigest.Digest, noID.ID = storage.Digest{}, ""
	t.wantRefused("CreateAPIKey without a digest", s.CreateAPIKey(t.ctx, noDigest))
	t.wantRefused("CreateAPIKey without an ID", s.CreateAPIKey(t.ctx, noID))
}

func revokeAPIKeyOnce(t *tester, s ManagedAPIKeys) {
	want, other := t.createAPIKey(s, nil), t.createAPIKey(s, nil)
	t.wantRefused("RevokeAPIKey at the zero time", s.RevokeAPIKey(t.ctx, want.Subject, want.ID, time.Time{}))
	t.wantAPIKey(s, "a key that was not revoked", want)
	want.RevokedAt = time.Unix(0, 0).UTC() // an instant like any other
	t.wantErr("RevokeAPIKey", s.RevokeAPIKey(t.ctx, want.Subject, want.ID, want.RevokedAt), nil)
	t.wantErr("RevokeAPIKey again", s.RevokeAPIKey(t.ctx, want.Subject, want.ID, now()), nil)
	t.wantAPIKey(s, "a key that was revoked twice", want)
	t.wantAPIKey(s, "a key that was not revoked", other)
	for _, id := range append(broken(want.ID), "unknown-"+rand.Text(), "") {
		t.wantErr(fmt.Sprintf("RevokeAPIKey of %q", id), s.RevokeAPIKey(t.ctx, want.Subject, id, now()), storage.ErrNotFound)
	}
}

func revokeAPIKeyOfOwner(t *tester, s ManagedAPIKeys) {
	want := t.createAPIKey(s, nil)
	stranger := t.createAPIKey(s, nil)
	for _, subject := range append(broken(want.Subject), stranger.Subject, want.ClientID, "api_key:"+want.ID, "") {
		t.wantErr(fmt.Sprintf("RevokeAPIKey by the subject %q", subject), s.RevokeAPIKey(t.ctx, subject, want.ID, now()), storage.ErrNotFound)
	}
	t.wantAPIKey(s, "a key that others wanted to revoke", want)
}

func expireAPIKey(t *tester, s ManagedAPIKeys) {
	at := now().Add(time.Hour)
	endless := t.createAPIKey(s, func(k *storage.APIKey) { k.ExpiresAt = time.Time{} })
	later := t.createAPIKey(s, func(k *storage.APIKey) { k.ExpiresAt = at.Add(time.Hour) })
	sooner := t.createAPIKey(s, func(k *storage.APIKey) { k.ExpiresAt = at.Add(-time.Minute) })
	revoked := t.createAPIKey(s, func(k *storage.APIKey) { k.ExpiresAt, k.RevokedAt = time.Time{}, k.CreatedAt })
	nobodys := t.createAPIKey(s, func(k *storage.APIKey) { k.Subject, k.ExpiresAt = "", time.Time{} })
	other := t.createAPIKey(s, nil)
	t.wantRefused("ExpireAPIKey at the zero time", s.ExpireAPIKey(t.ctx, later.Subject, later.ID, time.Time{}))
	for _, id := range append(broken(later.ID), "unknown-"+rand.Text(), "") {
		t.wantErr(fmt.Sprintf("ExpireAPIKey of %q", id), s.ExpireAPIKey(t.ctx, later.Subject, id, at), storage.ErrNotFound)
	}
	for _, subject := range append(broken(later.Subject), other.Subject, later.ClientID, "api_key:"+later.ID, "") {
		t.wantErr(fmt.Sprintf("ExpireAPIKey by the subject %q", subject), s.ExpireAPIKey(t.ctx, subject, later.ID, at), storage.ErrNotFound)
	}
	t.wantAPIKey(s, "a key that others wanted to end", later)
	for _, k := range []*storage.APIKey{endless, later, sooner, revoked, nobodys} {
		t.wantErr("ExpireAPIKey", s.ExpireAPIKey(t.ctx, k.Owner(), k.ID, at), nil)
		t.wantErr("ExpireAPIKey again, later", s.ExpireAPIKey(t.ctx, k.Owner(), k.ID, at.Add(time.Minute)), nil)
	}
	endless.ExpiresAt, later.ExpiresAt, nobodys.ExpiresAt = at, at, at
	t.wantAPIKey(s, "a key that had no end", endless)
	t.wantAPIKey(s, "a key that was to end later", later)
	t.wantAPIKey(s, "a key that ends sooner", sooner)
	t.wantAPIKey(s, "a key that is revoked", revoked)
	t.wantAPIKey(s, "a key without a subject, with an end,", nobodys)
	t.wantAPIKey(s, "another key", other)
	later.RevokedAt = now()
	t.wantErr("RevokeAPIKey of a key with a new end", s.RevokeAPIKey(t.ctx, later.Subject, later.ID, later.RevokedAt), nil)
	t.wantAPIKey(s, "a key that got an end and was revoked", later)
}

func revokeAPIKeyOfNoSubject(t *tester, s ManagedAPIKeys) {
	want := t.createAPIKey(s, func(k *storage.APIKey) { k.Subject = "" })
	t.createAPIKey(s, func(k *storage.APIKey) { k.Subject = "" })
	t.wantErr("RevokeAPIKey by the empty subject", s.RevokeAPIKey(t.ctx, "", want.ID, now()), storage.ErrNotFound)
	t.wantAPIKey(s, "a key without a subject", want)
	for subject, ids := range map[string][]string{want.Owner(): {want.ID}, "": nil} {
		t.wantPages(fmt.Sprintf("ListAPIKeysOfSubject(%q)", subject), "", ids, t.apiKeysOfSubject(s, subject))
		if keys, err := s.ListAPIKeysOfSubject(t.ctx, subject, storage.Page{}); err != nil || len(keys) != len(ids) {
			t.Errorf("ListAPIKeysOfSubject(%q): got %d keys and error %v, want %d", subject, len(keys), err, len(ids))
		}
	}
	want.RevokedAt = now()
	t.wantErr("RevokeAPIKey by the key's Owner", s.RevokeAPIKey(t.ctx, want.Owner(), want.ID, want.RevokedAt), nil)
	t.wantAPIKey(s, "a key without a subject, revoked,", want)
}

func (t *tester) apiKeysOfSubject(s storage.ManagedAPIKeys, subject string) func(p storage.Page) ([]string, error) {
	return func(p storage.Page) ([]string, error) {
		keys, err := s.ListAPIKeysOfSubject(t.ctx, subject, p)
		return idsOf(keys), err
	}
}

func idsOf(keys []*storage.APIKey) (ids []string) {
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	return ids
}

func apiKeyPages(t *tester, s ManagedAPIKeys) {
	subject, client := "subject-"+rand.Text(), "client-"+rand.Text()
	var mine, clients []string
	found := make(map[string]*storage.APIKey)
	for i := range 7 {
		k := t.createAPIKey(s, func(k *storage.APIKey) {
			if i%2 == 0 {
				k.Subject = subject
			}
			if i%3 == 0 {
				k.ClientID = client
			}
			if i == 0 { // dead ones are listed too
				k.ExpiresAt, k.RevokedAt = k.CreatedAt.Add(-time.Hour), k.CreatedAt
			}
		})
		found[k.ID] = k
		if k.Subject == subject {
			mine = append(mine, k.ID)
		}
		if k.ClientID == client {
			clients = append(clients, k.ID)
		}
	}
	slices.Sort(mine)
	slices.Sort(clients)
	t.wantPages("ListAPIKeysOfSubject", "", mine, t.apiKeysOfSubject(s, subject))
	t.wantPages("ListAPIKeysOfClient", "", clients, func(p storage.Page) ([]string, error) {
		keys, err := s.ListAPIKeysOfClient(t.ctx, client, p)
		return idsOf(keys), err
	})
	keys, err := s.ListAPIKeysOfSubject(t.ctx, subject, storage.Page{})
	if err != nil || len(keys) != len(mine) {
		t.Fatalf("ListAPIKeysOfSubject: got %d keys and error %v, want %d", len(keys), err, len(mine))
	}
	for _, k := range keys {
		t.wantSame("a key in a list", k, found[k.ID])
	}
	keys, err = s.ListAPIKeysOfClient(t.ctx, client, storage.Page{})
	if err != nil || len(keys) != len(clients) {
		t.Fatalf("ListAPIKeysOfClient: got %d keys and error %v, want %d", len(keys), err, len(clients))
	}
}

func managedAPIKeyContext(t *tester, s ManagedAPIKeys) {
	want := t.createAPIKey(s, nil)
	for _, ctx := range endedContexts(t.ctx) {
		fresh := filledAPIKey(t)
		t.wantEnded("CreateAPIKey", ctx, s.CreateAPIKey(ctx, fresh))
		t.wantEnded("CreateAPIKey of a key that is there", ctx, s.CreateAPIKey(ctx, want))
		t.wantEnded("RevokeAPIKey", ctx, s.RevokeAPIKey(ctx, want.Subject, want.ID, now()))
		t.wantEnded("RevokeAPIKey of none", ctx, s.RevokeAPIKey(ctx, want.Subject, fresh.ID, now()))
		t.wantEnded("RevokeAPIKey by the empty subject", ctx, s.RevokeAPIKey(ctx, "", want.ID, now()))
		t.wantEnded("ExpireAPIKey", ctx, s.ExpireAPIKey(ctx, want.Subject, want.ID, now()))
		t.wantEnded("ExpireAPIKey by the empty subject", ctx, s.ExpireAPIKey(ctx, "", want.ID, now()))
		_, err := s.ListAPIKeysOfSubject(ctx, want.Subject, storage.Page{})
		t.wantEnded("ListAPIKeysOfSubject", ctx, err)
		_, err = s.ListAPIKeysOfSubject(ctx, "", storage.Page{})
		t.wantEnded("ListAPIKeysOfSubject of nobody", ctx, err)
		_, err = s.ListAPIKeysOfClient(ctx, want.ClientID, storage.Page{})
		t.wantEnded("ListAPIKeysOfClient", ctx, err)
		_, err = s.APIKey(t.ctx, fresh.Digest)
		t.wantErr("APIKey of one that was to be added", err, storage.ErrNotFound)
		t.wantAPIKey(s, "a key that was to be revoked", want)
	}
}
