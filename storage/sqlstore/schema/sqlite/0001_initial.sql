-- Instants are microseconds since 1970, durations are microseconds, NULL is
-- the zero instant. Lists are JSON; NULL is the nil list. Digests are SHA-256.

CREATE TABLE {}schema_version (
	version    INTEGER NOT NULL PRIMARY KEY,
	works_with INTEGER NOT NULL -- the oldest version whose library may use this schema
);

CREATE TABLE {}clients (
	id                     TEXT NOT NULL PRIMARY KEY,
	auth_method            TEXT NOT NULL,
	disabled               INTEGER NOT NULL,
	grant_types            TEXT,
	scope                  TEXT,
	default_scope          TEXT,
	audience               TEXT,
	redirect_uris          TEXT,
	pkce_not_required      INTEGER NOT NULL,
	refresh_not_rotated    INTEGER NOT NULL,
	access_token_lifetime  INTEGER NOT NULL,
	refresh_token_lifetime INTEGER NOT NULL,
	refresh_token_idle     INTEGER NOT NULL
);

CREATE TABLE {}client_secrets (
	client_id  TEXT NOT NULL,
	id         TEXT NOT NULL,
	position   INTEGER NOT NULL,
	hash       TEXT NOT NULL,
	not_before INTEGER,
	expires_at INTEGER,
	PRIMARY KEY (client_id, id)
);

-- A row is the record of a credential (kind is not NULL), and also the mark
-- that its parent was spent (parent is not NULL). See Store.Spend.
CREATE TABLE {}credentials (
	digest            BLOB NOT NULL PRIMARY KEY,
	kind              TEXT,
	family            TEXT NOT NULL,
	client_id         TEXT NOT NULL,
	subject           TEXT NOT NULL,
	scope             TEXT,
	audience          TEXT,
	claims            BLOB,
	api_key           BLOB,
	redirect_uri      TEXT NOT NULL,
	pkce              TEXT NOT NULL,
	challenge         TEXT NOT NULL,
	issued_at         INTEGER,
	expires_at        INTEGER,
	family_expires_at INTEGER,
	max_uses          INTEGER NOT NULL,
	delete_after      INTEGER NOT NULL, -- when DeleteExpired looks at the row
	receipt           INTEGER NOT NULL, -- drawn by the call that added the row

	parent                   BLOB UNIQUE,
	parent_spent_at          INTEGER,
	parent_salt              BLOB,
	parent_uses              INTEGER,
	parent_max_uses          INTEGER,
	parent_family_expires_at INTEGER
);
CREATE INDEX {}credentials_family ON {}credentials (family);
CREATE INDEX {}credentials_subject ON {}credentials (subject, family);
CREATE INDEX {}credentials_delete_after ON {}credentials (delete_after);

CREATE TABLE {}revoked_families (
	family       TEXT NOT NULL PRIMARY KEY,
	delete_after INTEGER NOT NULL -- 0 until DeleteExpired has looked at it
);
CREATE INDEX {}revoked_families_delete_after ON {}revoked_families (delete_after);

CREATE TABLE {}api_keys (
	digest     BLOB NOT NULL PRIMARY KEY,
	id         TEXT NOT NULL UNIQUE,
	client_id  TEXT NOT NULL,
	subject    TEXT NOT NULL,
	scope      TEXT,
	audience   TEXT,
	created_at INTEGER,
	expires_at INTEGER,
	revoked_at INTEGER
);
CREATE INDEX {}api_keys_client_id ON {}api_keys (client_id, id);
CREATE INDEX {}api_keys_subject ON {}api_keys (subject, id);

-- Replicas that rotate at once agree by turn: one of them inserts it.
CREATE TABLE {}signing_keys (
	turn         INTEGER NOT NULL PRIMARY KEY,
	id           TEXT NOT NULL UNIQUE,
	announced_at INTEGER,
	sealed       BLOB NOT NULL, -- the private key, under the key-encryption key
	sealed_with  INTEGER NOT NULL -- the version of the key-encryption key
);

CREATE TABLE {}denied_tokens (
	digest     BLOB NOT NULL PRIMARY KEY, -- of the jti
	expires_at INTEGER NOT NULL
);
CREATE INDEX {}denied_tokens_expires_at ON {}denied_tokens (expires_at);

INSERT INTO {}schema_version (version, works_with) VALUES (1, 1);
