package endpointtest

import (
	"crypto/rand"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// edit shows the endpoint another registration of p, until heal.
func (f *fixture) edit(p *party, change func(*storage.Client)) {
	f.store.set(func(s *spy) {
		s.editClient = func(c *storage.Client) {
			if c.ID == p.id {
				change(c)
			}
		}
	})
}

// restore undoes edit.
func (f *fixture) restore() { f.store.set(func(s *spy) { s.editClient = nil }) }

// mint stores a single-use credential of p for u1, read and write, without
// asking whether p could have got it. Its audience is recorded.
func (f *fixture) mint(p *party, kind, prefix string) string {
	f.Helper()
	secret, at := storage.NewSecret(prefix), time.Now().UTC().Truncate(time.Microsecond)
	c := &storage.Credential{
		Digest: secret.Digest(kind), Kind: kind, Family: rand.Text(),
		ClientID: p.id, Subject: "u1", Scope: []string{"read", "write"}, Audience: []string{audience},
		IssuedAt: at, ExpiresAt: at.Add(time.Minute), FamilyExpiresAt: at.Add(time.Hour),
	}
	if kind == storage.KindAuthorizationCode {
		c.RedirectURI, c.PKCE, c.Challenge = "https://app.test/cb", storage.PKCES256, challenge(verifier)
	}
	if err := f.store.CreateCredential(f.Context(), c); err != nil {
		f.Fatalf("storing a credential: %v", err)
	}
	return f.secret(secret.Reveal())
}

// plant stores a code whose record is changed by edit first, into one that
// grants.NewAuthorizationCode would not make.
func (f *fixture) plant(p *party, edit func(*storage.Credential)) string {
	f.Helper()
	code, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
		Client:              p.record,
		Subject:             "u1",
		RedirectURI:         p.redirectURI,
		Scope:               []string{"read", "write"},
		CodeChallenge:       challenge(verifier),
		CodeChallengeMethod: storage.PKCES256,
	}, time.Now())
	if err != nil {
		f.Fatalf("making a code: %v", err)
	}
	edit(record)
	if err := f.store.CreateCredential(f.Context(), record); err != nil {
		f.Fatalf("storing a code: %v", err)
	}
	return f.secret(code.Reveal())
}

// codeDigest is the key of a code in the store.
func codeDigest(code string) storage.Digest {
	return storage.PresentedSecret(code).Digest(storage.KindAuthorizationCode)
}

// stored reads a credential past the spy.
func (f *fixture) stored(d storage.Digest) *storage.Credential {
	f.Helper()
	c, err := f.store.Store.Credential(f.Context(), d)
	if err != nil {
		f.Fatalf("reading a credential: %v", err)
	}
	return c
}

// storedKey reads an API key past the spy.
func (f *fixture) storedKey(key string) *storage.APIKey {
	f.Helper()
	k, err := f.store.Store.APIKey(f.Context(), storage.PresentedSecret(key).Digest(storage.KindAPIKey))
	if err != nil {
		f.Fatalf("reading an API key: %v", err)
	}
	return k
}

// record is what the store holds of a refresh token.
func (f *fixture) record(token string) *storage.Credential {
	f.Helper()
	d := storage.PresentedSecret(token).Digest(storage.KindRefreshToken)
	c, err := f.store.Store.Credential(f.Context(), d)
	if err != nil {
		f.Fatalf("looking for a refresh token: %v", err)
	}
	return c
}
