package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// statements are all that a store says to its database, prepared.
type statements struct {
	credential, createCredential, spend, repeat, revoke *sql.Stmt
	createdBy, spentBy                                  *sql.Stmt

	client, listClients, listSecrets                    *sql.Stmt
	clientExists, createClient                          *sql.Stmt
	deleteClient, deleteSecrets, disableClient          *sql.Stmt
	createSecret, addSecret, secretExists, expireSecret *sql.Stmt
	holdClient, holdSecrets, updateClient               *sql.Stmt
	updateSecret, deleteSecret                          *sql.Stmt

	apiKey, apiKeyExists, createAPIKey, deleteAPIKey   *sql.Stmt
	revokeAPIKey, apiKeysOfClient, apiKeysOfSubject    *sql.Stmt
	grantsOf, revokeGrantsOf, revokeGrantsOfClient     *sql.Stmt
	expired, release, forget, remove, lookAgain        *sql.Stmt
	expiredFamilies, removeFamily, lookAgainAtFamily   *sql.Stmt
	expiredReplay, removeReplay, expiredDenied, undeny *sql.Stmt

	revokeToken, revoked               *sql.Stmt
	signingKeys, createSigningKey      *sql.Stmt
	signingKeyExists, deleteSigningKey *sql.Stmt
}

// prepared is a statement and where it is kept.
type prepared struct {
	to   **sql.Stmt
	text string
}

func (s *statements) all() []prepared {
	return []prepared{
		{&s.credential, credentialSQL},
		{&s.createCredential, createCredentialSQL},
		{&s.spend, spendSQL},
		{&s.repeat, repeatSQL},
		{&s.revoke, revokeSQL},
		{&s.createdBy, `SELECT receipt FROM {}credentials WHERE digest = ? {share}`},
		{&s.spentBy, spentBySQL},

		{&s.client, `SELECT ` + clientColumns + `, ` + secretColumns + ` FROM {}clients c
			LEFT JOIN {}client_secrets s ON s.client_id = c.id WHERE c.id = ?`},
		{&s.listClients, `SELECT ` + clientColumns + ` FROM {}clients c WHERE c.id > ? ORDER BY c.id LIMIT ?`},
		{&s.listSecrets, `SELECT ` + secretColumns + ` FROM {}client_secrets s WHERE s.client_id BETWEEN ? AND ?`},
		{&s.clientExists, `SELECT 1 FROM {}clients WHERE id = ?`},
		{&s.createClient, createClientSQL},
		{&s.deleteClient, `DELETE FROM {}clients WHERE id = ?`},
		{&s.deleteSecrets, `DELETE FROM {}client_secrets WHERE client_id = ?`},
		{&s.disableClient, `UPDATE {}clients SET disabled = ? WHERE id = ?`},
		{&s.createSecret, `INSERT INTO {}client_secrets (client_id, id, position, hash, not_before, expires_at) VALUES (?, ?, ?, ?, ?, ?)`},
		{&s.addSecret, addSecretSQL},
		{&s.secretExists, `SELECT 1 FROM {}client_secrets WHERE client_id = ? AND id = ?`},
		{&s.expireSecret, `UPDATE {}client_secrets SET expires_at = ?
			WHERE client_id = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)`},
		{&s.holdClient, `UPDATE {}clients SET disabled = disabled WHERE id = ?`},
		{&s.holdSecrets, `UPDATE {}client_secrets SET position = position WHERE client_id = ?`},
		{&s.updateClient, `UPDATE {}clients SET auth_method = ?, disabled = ?, grant_types = ?, scope = ?, default_scope = ?,
			audience = ?, redirect_uris = ?, pkce_not_required = ?, refresh_not_rotated = ?,
			access_token_lifetime = ?, refresh_token_lifetime = ?, refresh_token_idle = ? WHERE id = ?`},
		{&s.updateSecret, `UPDATE {}client_secrets SET position = ?, hash = ?, not_before = ?, expires_at = ?
			WHERE client_id = ? AND id = ?`},
		{&s.deleteSecret, `DELETE FROM {}client_secrets WHERE client_id = ? AND id = ?`},

		{&s.apiKey, `SELECT ` + apiKeyColumns + ` FROM {}api_keys WHERE digest = ?`},
		{&s.apiKeyExists, `SELECT 1 FROM {}api_keys WHERE id = ?`},
		{&s.createAPIKey, `INSERT INTO {}api_keys (` + apiKeyColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) {or ignore}`},
		{&s.deleteAPIKey, `DELETE FROM {}api_keys WHERE digest = ?`},
		{&s.revokeAPIKey, `UPDATE {}api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL`},
		{&s.apiKeysOfClient, `SELECT ` + apiKeyColumns + ` FROM {}api_keys WHERE client_id = ? AND id > ? ORDER BY id LIMIT ?`},
		{&s.apiKeysOfSubject, `SELECT ` + apiKeyColumns + ` FROM {}api_keys WHERE subject = ? AND id > ? ORDER BY id LIMIT ?`},

		{&s.grantsOf, grantsOfSQL},
		{&s.revokeGrantsOf, revokeGrants("")},
		{&s.revokeGrantsOfClient, revokeGrants("AND c.client_id = ?")},

		{&s.expired, expiredSQL},
		{&s.release, releaseSQL + "{parents}"},
		{&s.forget, `UPDATE {}credentials SET kind = NULL, subject = '', claims = NULL, delete_after = 0 WHERE ` + inBatch("digest")},
		{&s.remove, `DELETE FROM {}credentials WHERE ` + inBatch("digest")},
		{&s.lookAgain, `UPDATE {}credentials SET delete_after = ? WHERE digest = ?`},
		{&s.expiredFamilies, expiredFamiliesSQL},
		{&s.removeFamily, `DELETE FROM {}revoked_families WHERE family = ? AND delete_after = ? AND NOT EXISTS
			(SELECT 1 FROM {}credentials c WHERE c.family = ?)`},
		{&s.lookAgainAtFamily, `UPDATE {}revoked_families SET delete_after = ? WHERE family = ? AND delete_after = ?`},
		{&s.expiredReplay, `SELECT digest FROM {}replay WHERE expires_at < ? ORDER BY expires_at LIMIT ?`},
		{&s.removeReplay, `DELETE FROM {}replay WHERE ` + inBatch("digest")},
		{&s.expiredDenied, `SELECT digest FROM {}denied_tokens WHERE expires_at < ? ORDER BY expires_at LIMIT ?`},
		{&s.undeny, `DELETE FROM {}denied_tokens WHERE expires_at < ? AND ` + inBatch("digest")},

		{&s.revokeToken, revokeTokenSQL},
		{&s.revoked, revokedSQL},
		{&s.signingKeys, `SELECT ` + signingKeyColumns + ` FROM {}signing_keys ORDER BY turn`},
		{&s.createSigningKey, `INSERT INTO {}signing_keys (` + signingKeyColumns + `) VALUES (?, ?, ?, ?, ?) {or ignore}`},
		{&s.signingKeyExists, `SELECT 1 FROM {}signing_keys WHERE turn = ? OR id = ?`},
		{&s.deleteSigningKey, `DELETE FROM {}signing_keys WHERE turn = ?`},
	}
}

// batchSize is how many rows a transaction of DeleteExpired deals with.
const batchSize = 100

func inBatch(column string) string {
	return column + " IN (?" + strings.Repeat(", ?", batchSize-1) + ")"
}

// prepare also finds a schema that is not what its version says.
func (s *Store) prepare(ctx context.Context) error {
	for _, p := range s.prepared() {
		text := s.dialect.text(p.text, s.prefix)
		st, err := s.db.PrepareContext(ctx, text)
		if err != nil {
			return fmt.Errorf("sqlstore: the tables with the prefix %q are not those that Migrate makes: %s: %w",
				s.prefix, firstWords(text), err)
		}
		*p.to = st
	}
	return nil
}

func firstWords(statement string) string {
	return strings.Join(strings.Fields(statement)[:3], " ")
}
