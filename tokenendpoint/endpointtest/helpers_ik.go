package endpointtest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"maps"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// strict is the configuration without a grace window.
func strict(c *tokenendpoint.Config) { c.RefreshGrace = -1 }

// withGrant puts a grant into the configuration.
func withGrant(name string, g grants.Grant) option {
	return func(c *tokenendpoint.Config) {
		c.Grants = maps.Clone(c.Grants)
		c.Grants[name] = g
	}
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

// works asserts that a refresh token can be used, and returns its successor.
func (f *fixture) works(p *party, token string) string {
	f.Helper()
	return f.send(refresh(p, token)).tokens().refreshToken
}

// dead asserts that refresh tokens cannot be used. Name the newest first: to
// present an old one may be what ends the family.
func (f *fixture) dead(p *party, tokens ...string) {
	f.Helper()
	for _, token := range tokens {
		f.send(refresh(p, token)).refused("invalid_grant")
	}
}

// outcome asserts how the last request ended.
func (f *fixture) outcome(want tokenendpoint.Outcome) {
	f.Helper()
	if got := f.lastEvent().Outcome; got != want {
		f.Errorf("the event's outcome is %q, want %q", got, want)
	}
}

// checksummed completes a prefix and a body with the checksum that fits.
func checksummed(text string) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text)))
	return text + base64.RawURLEncoding.EncodeToString(sum)
}
