package testbed

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// Day is 24 hours.
const Day = 24 * time.Hour

// Slowly makes a hook that takes nine seconds the first time.
func Slowly() grants.Hook {
	var once sync.Once
	return func(context.Context, *grants.Request, *grants.Authorization) error {
		once.Do(func() { time.Sleep(9 * time.Second) })
		return nil
	}
}

// Patient lets the hook of Slowly finish, and a crowd on a busy machine.
func Patient(c *tokenendpoint.Config) { c.Timeout = time.Minute }

// Strict is the configuration without a grace window.
func Strict(c *tokenendpoint.Config) { c.RefreshGrace = -1 }

// CodeReuseWindow is Config.CodeReuseWindow.
func CodeReuseWindow(d time.Duration) Option {
	return func(c *tokenendpoint.Config) { c.CodeReuseWindow = d }
}

// Chain stores a refresh token of p and its successors, all but the last of
// them used, each as long ago as used says. It returns them all, the live one
// last. So a rule about the past needs no clock of its own.
func (f *Fixture) Chain(p *Party, used ...time.Duration) []string {
	f.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	secret := storage.NewSecret(grants.RefreshTokenPrefix)
	c := &storage.Credential{
		Digest:          secret.Digest(storage.KindRefreshToken),
		Kind:            storage.KindRefreshToken,
		Family:          rand.Text(),
		Issuer:          f.Issuer,
		ClientID:        p.ID,
		Subject:         "u1",
		Scope:           []string{"read", "write"},
		IssuedAt:        now.Add(-time.Hour),
		ExpiresAt:       now.Add(time.Hour),
		FamilyExpiresAt: now.Add(2 * time.Hour),
		MaxUses:         101,
	}
	if err := f.Store.CreateCredential(f.Context(), c); err != nil {
		f.Fatalf("storing a refresh token: %v", err)
	}
	tokens := []string{f.Secret(secret.Reveal())}
	for _, ago := range used {
		c.Salt = []byte(rand.Text())
		secret = secret.Derive(grants.RefreshTokenPrefix, c.Salt)
		next := c.Clone()
		next.Digest, next.Salt = secret.Digest(storage.KindRefreshToken), nil
		if err := f.Store.Spend(f.Context(), c, next, now.Add(-ago)); err != nil {
			f.Fatalf("storing a used refresh token: %v", err)
		}
		c = next
		tokens = append(tokens, f.Secret(secret.Reveal()))
	}
	return tokens
}
