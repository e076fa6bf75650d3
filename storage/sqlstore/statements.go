package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// statement is a text that the store says to its database.
type statement struct {
	text     string
	db       *sql.DB
	prepared *sql.Stmt // nil if the store prepares nothing
}

// statements are all that a store says.
type statements struct {
	credential, createCredential, spend, repeat, revoke *statement
	createdBy, spentBy                                  *statement
	confirmCreated, confirmSpent                        *statement

	client, listClients, listSecrets          *statement
	clientExists, createClient                *statement
	deleteClient, deleteSecrets, createSecret *statement
	holdClient, holdSecrets, updateClient     *statement
	updateSecret, deleteSecret                *statement

	apiKey, apiKeyExists, apiKeyIDExists             *statement
	createAPIKey, deleteAPIKey                       *statement
	revokeAPIKey, revokeAPIKeysOfSubject             *statement
	expireAPIKey                                     *statement
	apiKeysOfClient, apiKeysOfSubject                *statement
	apiKeyWithoutSubject                             *statement
	endsOf, familiesEnding                           *statement
	revokeFamiliesOf, revokeFamiliesOfClient         *statement
	revokeFamilyOf, familyExists                     *statement
	expired, release, forget, remove, lookAgain      *statement
	expiredFamilies, removeFamily, lookAgainAtFamily *statement
	expiredDenied, undeny                            *statement

	revokeToken, revoked               *statement
	signingKeys, createSigningKey      *statement
	signingKeyExists, deleteSigningKey *statement
}

// entry is the text of a statement, for every dialect, and where the statement is kept.
type entry struct {
	to   **statement
	text string
}

func (s *statements) all() []entry {
	return []entry{
		{&s.credential, credentialSQL},
		{&s.createCredential, createCredentialSQL},
		{&s.spend, spendSQL},
		{&s.repeat, repeatSQL},
		{&s.revoke, revokeSQL},
		{&s.createdBy, `SELECT receipt FROM {}credentials WHERE digest = ? {share}`},
		{&s.spentBy, spentBySQL},

		{&s.client, `SELECT ` + clientColumns.names("c.") + `, ` + secretColumns + ` FROM {}clients c
			LEFT JOIN {}client_secrets s ON s.client_id = c.id WHERE c.id = ?`},
		{&s.listClients, `SELECT ` + clientColumns.names("c.") + ` FROM {}clients c WHERE c.id > ? ORDER BY c.id LIMIT ?`},
		{&s.listSecrets, `SELECT ` + secretColumns + ` FROM {}client_secrets s WHERE s.client_id BETWEEN ? AND ?`},
		{&s.clientExists, `SELECT 1 FROM {}clients WHERE id = ?`},
		{&s.createClient, `INSERT INTO {}clients (` + clientColumns.names("") + `) VALUES (` + clientColumns.placeholders() + `) {or ignore}`},
		{&s.deleteClient, `DELETE FROM {}clients WHERE id = ?`},
		{&s.deleteSecrets, `DELETE FROM {}client_secrets WHERE client_id = ?`},
		{&s.createSecret, `INSERT INTO {}client_secrets (client_id, id, position, hash, not_before, expires_at) VALUES (?, ?, ?, ?, ?, ?)`},
		{&s.holdClient, `UPDATE {}clients SET disabled = disabled WHERE id = ?`},
		{&s.holdSecrets, `UPDATE {}client_secrets SET position = position WHERE client_id = ?`},
		{&s.updateClient, `UPDATE {}clients SET ` + clientColumns[1:].assignments() + ` WHERE id = ?`},
		{&s.updateSecret, `UPDATE {}client_secrets SET position = ?, hash = ?, not_before = ?, expires_at = ?
			WHERE client_id = ? AND id = ?`},
		{&s.deleteSecret, `DELETE FROM {}client_secrets WHERE client_id = ? AND id = ?`},

		{&s.apiKey, `SELECT ` + apiKeyColumns.names("") + ` FROM {}api_keys WHERE digest = ?`},
		{&s.apiKeyExists, `SELECT 1 FROM {}api_keys WHERE id = ? AND subject IN (?, ?)`},
		{&s.apiKeyIDExists, `SELECT 1 FROM {}api_keys WHERE id = ?`},
		{&s.createAPIKey, `INSERT INTO {}api_keys (` + apiKeyColumns.names("") + `) VALUES (` + apiKeyColumns.placeholders() + `) {or ignore}`},
		{&s.deleteAPIKey, `DELETE FROM {}api_keys WHERE digest = ?`},
		{&s.revokeAPIKey, `UPDATE {}api_keys SET revoked_at = ? WHERE id = ? AND subject IN (?, ?) AND revoked_at IS NULL`},
		{&s.expireAPIKey, `UPDATE {}api_keys SET expires_at = ? WHERE id = ? AND subject IN (?, ?) AND revoked_at IS NULL
			AND (expires_at IS NULL OR expires_at > ?)`},
		{&s.revokeAPIKeysOfSubject, `UPDATE {}api_keys SET revoked_at = ? WHERE subject = ? AND revoked_at IS NULL`},
		{&s.apiKeysOfClient, `SELECT ` + apiKeyColumns.names("") + ` FROM {}api_keys WHERE client_id = ? AND id > ? ORDER BY id LIMIT ?`},
		{&s.apiKeysOfSubject, `SELECT ` + apiKeyColumns.names("") + ` FROM {}api_keys WHERE subject = ? AND id > ? ORDER BY id LIMIT ?`},

		{&s.apiKeyWithoutSubject, `SELECT ` + apiKeyColumns.names("") + ` FROM {}api_keys WHERE id = ? AND subject = ''`},

		{&s.endsOf, endsOfSQL},
		{&s.familiesEnding, familiesSQL},
		{&s.revokeFamiliesOf, revokeFamiliesSQL("", "")},
		{&s.revokeFamiliesOfClient, revokeFamiliesSQL("", "AND l.client_id = ?")},
		{&s.revokeFamilyOf, revokeFamiliesSQL("AND f.family = ?", "")},
		{&s.familyExists, `SELECT 1 FROM {}credentials f {by ends} WHERE f.subject = ? AND f.family = ? LIMIT 1`},

		{&s.expired, expiredSQL},
		{&s.release, releaseSQL + "{parents}"},
		{&s.forget, `UPDATE {}credentials SET kind = NULL, subject = '', claims = NULL, delete_after = 0 WHERE ` + inBatch("digest")},
		{&s.remove, `DELETE FROM {}credentials WHERE ` + inBatch("digest")},
		{&s.lookAgain, `UPDATE {}credentials SET delete_after = ? WHERE digest = ?`},
		{&s.expiredFamilies, expiredFamiliesSQL},
		{&s.removeFamily, `DELETE FROM {}revoked_families WHERE family = ? AND delete_after = ? AND NOT EXISTS
			(SELECT 1 FROM {}credentials c WHERE c.family = ?)`},
		{&s.lookAgainAtFamily, `UPDATE {}revoked_families SET delete_after = ? WHERE family = ? AND delete_after = ?`},
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

// prepare also finds a schema that does not match its version.
func (s *Store) prepare(ctx context.Context) error {
	for _, e := range s.entries() {
		st := &statement{text: s.dialect.text(e.text, s.prefix), db: s.db}
		*e.to = st
		var err error
		if s.unprepared {
			err = st.explain(ctx)
		} else {
			st.prepared, err = s.db.PrepareContext(ctx, st.text)
		}
		if err != nil {
			return fmt.Errorf("sqlstore: the tables with the prefix %q are not those that Migrate makes, or the user may not use them: %s: %w",
				s.prefix, firstWords(st.text), explained(err))
		}
	}
	return nil
}

func firstWords(statement string) string {
	return strings.Join(strings.Fields(statement)[:3], " ")
}
