package endpointtest

import (
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

const day = 24 * time.Hour

// slowly makes a hook that takes nine seconds the first time.
func slowly() grants.Hook {
	var once sync.Once
	return func(context.Context, *grants.Request, *grants.Authorization) error {
		once.Do(func() { time.Sleep(9 * time.Second) })
		return nil
	}
}

// patient lets the hook of slowly finish.
func patient(c *tokenendpoint.Config) { c.Timeout = time.Minute }

// strict is the configuration without a grace window.
func strict(c *tokenendpoint.Config) { c.RefreshGrace = -1 }

// codeReuseWindow is Config.CodeReuseWindow.
func codeReuseWindow(d time.Duration) option {
	return func(c *tokenendpoint.Config) { c.CodeReuseWindow = d }
}

// chain stores a refresh token of p and its successors, all but the last of
// them used, each as long ago as used says. It returns them all, the live one
// last. So a rule about the past needs no clock of its own.
func (f *fixture) chain(p *party, used ...time.Duration) []string {
	f.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	secret := storage.NewSecret(grants.RefreshTokenPrefix)
	c := &storage.Credential{
		Digest:          secret.Digest(storage.KindRefreshToken),
		Kind:            storage.KindRefreshToken,
		Family:          rand.Text(),
		ClientID:        p.id,
		Subject:         "u1",
		Scope:           []string{"read", "write"},
		IssuedAt:        now.Add(-time.Hour),
		ExpiresAt:       now.Add(time.Hour),
		FamilyExpiresAt: now.Add(2 * time.Hour),
		MaxUses:         101,
	}
	if err := f.store.CreateCredential(f.Context(), c); err != nil {
		f.Fatalf("storing a refresh token: %v", err)
	}
	tokens := []string{f.secret(secret.Reveal())}
	for _, ago := range used {
		c.Salt = []byte(rand.Text())
		secret = secret.Derive(grants.RefreshTokenPrefix, c.Salt)
		next := c.Clone()
		next.Digest, next.Salt = secret.Digest(storage.KindRefreshToken), nil
		if err := f.store.Spend(f.Context(), c, next, now.Add(-ago)); err != nil {
			f.Fatalf("storing a used refresh token: %v", err)
		}
		c = next
		tokens = append(tokens, f.secret(secret.Reveal()))
	}
	return tokens
}

// timed runs a rule in a bubble.
func timed(t *testing.T, r rule, open opener) {
	synctest.Test(t, func(t *testing.T) { r.test(t, open) })
}
