package integration_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
)

// testIssuer is the issuer of every endpoint here.
const testIssuer = "https://as.test"

// start is the present of these tests, in the precision of the store.
var start = time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)

// sample is a new refresh token of a family of its own.
func sample(subject string) *storage.Credential {
	return &storage.Credential{
		Digest: storage.NewSecret("").Digest("test"), Kind: storage.KindRefreshToken, Family: rand.Text(),
		Issuer: testIssuer, ClientID: "client", Subject: subject, Scope: []string{"read"}, Claims: []byte(`{}`), MaxUses: 3,
		IssuedAt: start, ExpiresAt: start.Add(time.Hour), FamilyExpiresAt: start.Add(24 * time.Hour),
	}
}

// following is the successor of c.
func following(c *storage.Credential) *storage.Credential {
	next := sample(c.Subject)
	next.Family, next.ClientID, next.FamilyExpiresAt = c.Family, c.ClientID, c.FamilyExpiresAt
	return next
}

// add creates credentials.
func add(t testing.TB, s storage.Credentials, all ...*storage.Credential) {
	t.Helper()
	for _, c := range all {
		if err := s.CreateCredential(t.Context(), c); err != nil {
			t.Fatalf("CreateCredential: %v", err)
		}
	}
}

// spend reads a credential and spends it.
func spend(t testing.TB, s storage.Credentials, c, next *storage.Credential, at time.Time) {
	t.Helper()
	old := find(t, s, c)
	old.Salt = []byte("salt")
	if err := s.Spend(t.Context(), old, next, at); err != nil {
		t.Fatalf("Spend: %v", err)
	}
}

func find(t testing.TB, s storage.Credentials, c *storage.Credential) *storage.Credential {
	t.Helper()
	found, err := s.Credential(t.Context(), c.Digest)
	if err != nil {
		t.Fatalf("Credential: %v", err)
	}
	return found
}

// wantGone reports a credential that is still there.
func wantGone(t testing.TB, s storage.Credentials, what string, c *storage.Credential) {
	t.Helper()
	_, err := s.Credential(t.Context(), c.Digest)
	wantErr(t, what, err, storage.ErrNotFound)
}

func wantErr(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

// wantOutage reports an error that is none, or a verdict.
func wantOutage(t testing.TB, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: got no error, want one", what)
	}
	for _, verdict := range []error{storage.ErrNotFound, storage.ErrExists, storage.ErrSpent} {
		if errors.Is(err, verdict) {
			t.Errorf("%s: got %v, which is a verdict, want an outage", what, err)
		}
	}
}

func isVerdict(err error) bool {
	return errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrExists) || errors.Is(err, storage.ErrSpent)
}
