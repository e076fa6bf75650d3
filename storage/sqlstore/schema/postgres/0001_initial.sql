-- Instants are microseconds since 1970, durations are microseconds, NULL is
-- the zero instant. Lists are JSON; NULL is the nil list. Digests are SHA-256.

CREATE TABLE {}schema_version (
	version    INTEGER NOT NULL PRIMARY KEY,
	works_with INTEGER NOT NULL -- the oldest version whose library may use this schema
);

CREATE TABLE {}clients (
	id                     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	auth_method            TEXT NOT NULL,
	disabled               BOOLEAN NOT NULL,
	grant_types            TEXT,
	scope                  TEXT,
	default_scope          TEXT,
	audience               TEXT,
	redirect_uris          TEXT,
	pkce_not_required      BOOLEAN NOT NULL,
	refresh_not_rotated    BOOLEAN NOT NULL,
	access_token_lifetime  BIGINT NOT NULL,
	refresh_token_lifetime BIGINT NOT NULL,
	refresh_token_idle     BIGINT NOT NULL
);

CREATE TABLE {}client_secrets (
	client_id  TEXT COLLATE "C" NOT NULL,
	id         TEXT COLLATE "C" NOT NULL,
	position   BIGINT NOT NULL,
	hash       TEXT NOT NULL,
	not_before BIGINT,
	expires_at BIGINT,
	PRIMARY KEY (client_id, id)
);

-- A row is the record of a credential (kind is not NULL), and also the mark
-- that its parent was spent (parent is not NULL). See Store.Spend.
CREATE TABLE {}credentials (
	digest            BYTEA NOT NULL PRIMARY KEY,
	kind              TEXT,
	family            TEXT COLLATE "C" NOT NULL,
	client_id         TEXT COLLATE "C" NOT NULL,
	subject           TEXT COLLATE "C" NOT NULL,
	scope             TEXT,
	audience          TEXT,
	claims            BYTEA,
	api_key           BYTEA,
	redirect_uri      TEXT NOT NULL,
	pkce              TEXT NOT NULL,
	challenge         TEXT NOT NULL,
	issued_at         BIGINT,
	expires_at        BIGINT,
	family_expires_at BIGINT,
	max_uses          BIGINT NOT NULL,
	delete_after      BIGINT NOT NULL, -- when DeleteExpired looks at the row
	receipt           BIGINT NOT NULL, -- drawn by the call that added the row

	parent                   BYTEA UNIQUE,
	parent_spent_at          BIGINT,
	parent_salt              BYTEA,
	parent_uses              BIGINT,
	parent_max_uses          BIGINT,
	parent_family_expires_at BIGINT
);
CREATE INDEX {}credentials_family ON {}credentials (family);
CREATE INDEX {}credentials_subject ON {}credentials (subject, family);
CREATE INDEX {}credentials_delete_after ON {}credentials (delete_after);

CREATE TABLE {}revoked_families (
	family       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	delete_after BIGINT NOT NULL -- 0 until DeleteExpired has looked at it
);
CREATE INDEX {}revoked_families_delete_after ON {}revoked_families (delete_after);

CREATE TABLE {}api_keys (
	digest     BYTEA NOT NULL PRIMARY KEY,
	id         TEXT COLLATE "C" NOT NULL UNIQUE,
	client_id  TEXT COLLATE "C" NOT NULL,
	subject    TEXT COLLATE "C" NOT NULL,
	scope      TEXT,
	audience   TEXT,
	created_at BIGINT,
	expires_at BIGINT,
	revoked_at BIGINT
);
CREATE INDEX {}api_keys_client_id ON {}api_keys (client_id, id);
CREATE INDEX {}api_keys_subject ON {}api_keys (subject, id);

-- Replicas that rotate at once agree by turn: one of them inserts it.
CREATE TABLE {}signing_keys (
	turn         BIGINT NOT NULL PRIMARY KEY,
	id           TEXT COLLATE "C" NOT NULL UNIQUE,
	announced_at BIGINT,
	sealed       BYTEA NOT NULL, -- the private key, under the key-encryption key
	sealed_with  BIGINT NOT NULL -- the version of the key-encryption key
);

CREATE TABLE {}denied_tokens (
	digest     BYTEA NOT NULL PRIMARY KEY, -- of the jti
	expires_at BIGINT NOT NULL
);
CREATE INDEX {}denied_tokens_expires_at ON {}denied_tokens (expires_at);

INSERT INTO {}schema_version (version, works_with) VALUES (1, 1);
