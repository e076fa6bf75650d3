package integration_test

import (
	"strings"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// before makes the tables of an older version.
func before(t *testing.T, c sqlstore.Config, version int) {
	t.Helper()
	for _, m := range steps(t, c)[:version] {
		for statement := range strings.SplitSeq(m.SQL, ";\n") {
			if strings.TrimSpace(statement) != "" {
				run(t, c.DB, statement)
			}
		}
	}
}

// addAsBefore adds a credential as the first version did, which named no issuer.
func addAsBefore(t *testing.T, c sqlstore.Config, of *storage.Credential) {
	t.Helper()
	statement := table(c, `INSERT INTO {}credentials (digest, kind, family, client_id, subject, redirect_uri, pkce, challenge,
		issued_at, expires_at, family_expires_at, max_uses, delete_after, receipt)
		VALUES (?, 'refresh_token', ?, 'client', 'alice', '', '', '', ?, ?, ?, 3, 0, 1)`)
	if c.Dialect == sqlstore.Postgres {
		statement = table(c, `INSERT INTO {}credentials (digest, kind, family, client_id, subject, redirect_uri, pkce, challenge,
			issued_at, expires_at, family_expires_at, max_uses, delete_after, receipt)
			VALUES ($1, 'refresh_token', $2, 'client', 'alice', '', '', '', $3, $4, $5, 3, 0, 1)`)
	}
	run(t, c.DB, statement, of.Digest[:], of.Family, of.IssuedAt.UnixMicro(), of.ExpiresAt.UnixMicro(), of.FamilyExpiresAt.UnixMicro())
}

// Credentials from before the column of issuers are good at each issuer, and so
// are those that a replica of that version adds while replicas are replaced one
// by one.
func TestMigrateFromTheFirstVersion(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		c := s.config(t, s.open(t))
		before(t, c, 1)
		old, later, own := sample("alice"), sample("alice"), sample("alice")
		addAsBefore(t, c, old)
		_, err := sqlstore.Open(t.Context(), c)
		wantRemedy(t, "a schema of the first version", err, "the schema has version 1 and this library needs")
		wantRemedy(t, "a schema of the first version", err, "call sqlstore.Migrate")

		store := opened(t, migrated(t, c))
		addAsBefore(t, c, later)
		add(t, store, own)
		for name, of := range map[string]*storage.Credential{"one from before": old, "one of an old replica": later} {
			got := find(t, store, of)
			if got.Issuer != storage.AnyIssuer || !got.GoodAt(testIssuer) || !got.ExpiresAt.Equal(of.ExpiresAt) {
				t.Errorf("%s: got %+v, want one of the issuer %q", name, got, storage.AnyIssuer)
			}
			next := following(of)
			spend(t, store, got, next, start)
			if got := find(t, store, next); got.Issuer != testIssuer || got.GoodAt("https://other.test") {
				t.Errorf("the successor of %s: got the issuer %q, want its own, %q", name, got.Issuer, testIssuer)
			}
		}
		if got := find(t, store, own); got.Issuer != testIssuer {
			t.Errorf("a new one: got the issuer %q, want %q", got.Issuer, testIssuer)
		}
	})
}

// A schema whose version is right and whose column is missing, as a tool of the
// host's own may leave it, is found when the store is opened.
func TestOpenFindsAMissingColumn(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		c := migrated(t, s.config(t, s.open(t)))
		run(t, c.DB, table(c, `ALTER TABLE {}credentials DROP COLUMN issuer`))
		_, err := sqlstore.Open(t.Context(), c)
		wantRemedy(t, "a schema without the column issuer", err, "Migrate")
	})
}
