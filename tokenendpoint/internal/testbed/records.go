package testbed

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// Edit shows the endpoint another registration of p, until heal.
func (f *Fixture) Edit(p *Party, change func(*storage.Client)) {
	f.Store.Set(func(s *Spy) {
		s.EditClient = func(c *storage.Client) {
			if c.ID == p.ID {
				change(c)
			}
		}
	})
}

// Restore undoes edit.
func (f *Fixture) Restore() { f.Store.Set(func(s *Spy) { s.EditClient = nil }) }

// CodeWith stores a code with claims that no code is made with, as a host could
// that writes the record by itself.
func (f *Fixture) CodeWith(p *Party, claims map[string]any) string {
	f.Helper()
	code := f.Code(p)
	b, err := json.Marshal(claims)
	if err != nil {
		f.Fatal(err)
	}
	f.Store.Set(func(s *Spy) {
		s.EditCredential = func(c *storage.Credential) {
			if c.Digest.Equal(CodeDigest(code)) {
				c.Claims = b
			}
		}
	})
	return code
}

// Mint stores a single-use credential of p for u1, read and write, without
// asking whether p could have got it. Its audience is recorded.
func (f *Fixture) Mint(p *Party, kind, prefix string) string {
	f.Helper()
	secret, at := storage.NewSecret(prefix), time.Now().UTC().Truncate(time.Microsecond)
	c := &storage.Credential{
		Digest: secret.Digest(kind), Kind: kind, Family: rand.Text(),
		Issuer: f.Issuer, ClientID: p.ID, Subject: "u1", Scope: []string{"read", "write"}, Audience: []string{Audience},
		IssuedAt: at, ExpiresAt: at.Add(time.Minute), FamilyExpiresAt: at.Add(time.Hour),
	}
	if kind == storage.KindAuthorizationCode {
		c.RedirectURI, c.PKCE, c.Challenge = "https://app.test/cb", storage.PKCES256, Challenge(Verifier)
	}
	if err := f.Store.CreateCredential(f.Context(), c); err != nil {
		f.Fatalf("storing a credential: %v", err)
	}
	return f.Secret(secret.Reveal())
}

// Plant stores a code whose record is changed by edit first, into one that
// grants.NewAuthorizationCode would not make.
func (f *Fixture) Plant(p *Party, edit func(*storage.Credential)) string {
	f.Helper()
	code, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
		Issuer:              f.Issuer,
		Client:              p.Record,
		Subject:             "u1",
		RedirectURI:         p.RedirectURI,
		Scope:               []string{"read", "write"},
		CodeChallenge:       Challenge(Verifier),
		CodeChallengeMethod: storage.PKCES256,
	}, time.Now())
	if err != nil {
		f.Fatalf("making a code: %v", err)
	}
	edit(record)
	if err := f.Store.CreateCredential(f.Context(), record); err != nil {
		f.Fatalf("storing a code: %v", err)
	}
	return f.Secret(code.Reveal())
}

// CodeDigest is the key of a code in the store.
func CodeDigest(code string) storage.Digest {
	return storage.PresentedSecret(code).Digest(storage.KindAuthorizationCode)
}

// Stored reads a credential past the spy.
func (f *Fixture) Stored(d storage.Digest) *storage.Credential {
	f.Helper()
	c, err := f.Store.Store.Credential(f.Context(), d)
	if err != nil {
		f.Fatalf("reading a credential: %v", err)
	}
	return c
}

// StoredKey reads an API key past the spy.
func (f *Fixture) StoredKey(key string) *storage.APIKey {
	f.Helper()
	k, err := f.Store.Store.APIKey(f.Context(), storage.PresentedSecret(key).Digest(storage.KindAPIKey))
	if err != nil {
		f.Fatalf("reading an API key: %v", err)
	}
	return k
}

// Record returns the record of a refresh token in the store.
func (f *Fixture) Record(token string) *storage.Credential {
	f.Helper()
	d := storage.PresentedSecret(token).Digest(storage.KindRefreshToken)
	c, err := f.Store.Store.Credential(f.Context(), d)
	if err != nil {
		f.Fatalf("looking for a refresh token: %v", err)
	}
	return c
}
