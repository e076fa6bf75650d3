-- Instants are microseconds since 1970, durations are microseconds, NULL is the
-- zero instant. Lists are JSON; NULL is the nil list. Digests are SHA-256. Text
-- is binary, so that it is compared byte for byte. MySQL commits each DDL
-- statement, so this file accepts the tables that a broken off migration left.

CREATE TABLE IF NOT EXISTS {}schema_version (
	version    INTEGER NOT NULL PRIMARY KEY,
	works_with INTEGER NOT NULL -- the oldest version whose library may use this schema
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS {}clients (
	id                     VARBINARY(512) NOT NULL PRIMARY KEY,
	auth_method            VARBINARY(512) NOT NULL,
	disabled               BOOLEAN NOT NULL,
	grant_types            MEDIUMBLOB,
	scope                  MEDIUMBLOB,
	default_scope          MEDIUMBLOB,
	audience               MEDIUMBLOB,
	redirect_uris          MEDIUMBLOB,
	pkce_not_required      BOOLEAN NOT NULL,
	refresh_not_rotated    BOOLEAN NOT NULL,
	access_token_lifetime  BIGINT NOT NULL,
	refresh_token_lifetime BIGINT NOT NULL,
	refresh_token_idle     BIGINT NOT NULL
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS {}client_secrets (
	client_id  VARBINARY(512) NOT NULL,
	id         VARBINARY(512) NOT NULL,
	position   BIGINT NOT NULL,
	hash       MEDIUMBLOB NOT NULL,
	not_before BIGINT,
	expires_at BIGINT,
	PRIMARY KEY (client_id, id)
) ENGINE=InnoDB;

-- A row is the record of a credential (kind is not NULL), and also the mark
-- that its parent was spent (parent is not NULL). See Store.Spend.
CREATE TABLE IF NOT EXISTS {}credentials (
	digest            BINARY(32) NOT NULL PRIMARY KEY,
	kind              VARBINARY(512),
	family            VARBINARY(512) NOT NULL,
	client_id         VARBINARY(512) NOT NULL,
	subject           VARBINARY(512) NOT NULL,
	scope             MEDIUMBLOB,
	audience          MEDIUMBLOB,
	claims            MEDIUMBLOB,
	api_key           BINARY(32),
	redirect_uri      MEDIUMBLOB NOT NULL,
	pkce              VARBINARY(512) NOT NULL,
	challenge         MEDIUMBLOB NOT NULL,
	issued_at         BIGINT,
	expires_at        BIGINT,
	family_expires_at BIGINT,
	max_uses          BIGINT NOT NULL,
	delete_after      BIGINT NOT NULL, -- when DeleteExpired looks at the row
	receipt           BIGINT NOT NULL, -- drawn by the call that added the row

	parent                   BINARY(32) UNIQUE,
	parent_spent_at          BIGINT,
	parent_salt              MEDIUMBLOB,
	parent_uses              BIGINT,
	parent_max_uses          BIGINT,
	parent_family_expires_at BIGINT,
	KEY family (family),
	KEY subject (subject, family),
	KEY delete_after (delete_after)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS {}revoked_families (
	family       VARBINARY(512) NOT NULL PRIMARY KEY,
	delete_after BIGINT NOT NULL, -- 0 until DeleteExpired has looked at it
	KEY delete_after (delete_after)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS {}api_keys (
	digest     BINARY(32) NOT NULL PRIMARY KEY,
	id         VARBINARY(512) NOT NULL UNIQUE,
	client_id  VARBINARY(512) NOT NULL,
	subject    VARBINARY(512) NOT NULL,
	scope      MEDIUMBLOB,
	audience   MEDIUMBLOB,
	created_at BIGINT,
	expires_at BIGINT,
	revoked_at BIGINT,
	KEY client_id (client_id, id),
	KEY subject (subject, id)
) ENGINE=InnoDB;

-- Replicas that rotate at once agree by turn: one of them inserts it.
CREATE TABLE IF NOT EXISTS {}signing_keys (
	turn         BIGINT NOT NULL PRIMARY KEY,
	id           VARBINARY(512) NOT NULL UNIQUE,
	announced_at BIGINT,
	sealed       MEDIUMBLOB NOT NULL, -- the private key, under the key-encryption key
	sealed_with  BIGINT NOT NULL -- the version of the key-encryption key
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS {}denied_tokens (
	digest     BINARY(32) NOT NULL PRIMARY KEY, -- of the jti
	expires_at BIGINT NOT NULL,
	KEY expires_at (expires_at)
) ENGINE=InnoDB;

INSERT IGNORE INTO {}schema_version (version, works_with) VALUES (1, 1);
