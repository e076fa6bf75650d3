-- The shop's own tables. Instants are microseconds since 1970, lists are JSON.

CREATE TABLE IF NOT EXISTS users (
	id            INTEGER PRIMARY KEY,
	email         TEXT    NOT NULL UNIQUE,
	name          TEXT    NOT NULL,
	password_hash BLOB    NOT NULL, -- bcrypt
	tier          TEXT    NOT NULL,
	locked        INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE IF NOT EXISTS orders (
	id      INTEGER PRIMARY KEY,
	user_id INTEGER NOT NULL REFERENCES users (id),
	item    TEXT    NOT NULL,
	cents   INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS orders_by_user ON orders (user_id);

CREATE TABLE IF NOT EXISTS sessions (
	cookie_hash BLOB    PRIMARY KEY, -- SHA-256: an attacker cannot log in with a stolen hash
	user_id     INTEGER NOT NULL REFERENCES users (id),
	login_at    INTEGER NOT NULL,
	ends_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS audit (
	id      INTEGER PRIMARY KEY,
	at      INTEGER NOT NULL,
	what    TEXT    NOT NULL,
	subject TEXT    NOT NULL,
	app     TEXT    NOT NULL,
	family  TEXT    NOT NULL
) STRICT;

-- The shop had a table of partner apps before it had OAuth; its columns have
-- the shop's names, and clients.go maps them.
CREATE TABLE IF NOT EXISTS clients (
	app_key               TEXT    PRIMARY KEY,
	app_name              TEXT    NOT NULL,
	login_method          TEXT    NOT NULL,
	blocked               INTEGER NOT NULL,
	allowed_grants        TEXT, -- lists: NULL is not []
	allowed_scopes        TEXT,
	default_scopes        TEXT,
	apis                  TEXT,
	return_urls           TEXT,
	without_pkce          INTEGER NOT NULL,
	keeps_refresh_token   INTEGER NOT NULL,
	sends_secret_raw      INTEGER NOT NULL,
	token_seconds         INTEGER NOT NULL,
	refresh_seconds       INTEGER NOT NULL,
	refresh_idle_seconds  INTEGER NOT NULL,
	refresh_grace_seconds INTEGER NOT NULL,
	public_keys           TEXT    NOT NULL, -- JSON, for apps that have a key and no secret
	certificates          TEXT    NOT NULL  -- JSON, for apps that show a certificate
) STRICT;

CREATE TABLE IF NOT EXISTS client_secrets (
	app_key     TEXT    NOT NULL REFERENCES clients (app_key),
	position    INTEGER NOT NULL,
	name        TEXT    NOT NULL,
	secret_hash TEXT    NOT NULL,
	valid_from  INTEGER,
	valid_until INTEGER,
	PRIMARY KEY (app_key, position)
) STRICT, WITHOUT ROWID;

-- The records of the token endpoint.

CREATE TABLE IF NOT EXISTS credentials (
	digest            BLOB    PRIMARY KEY,
	kind              TEXT    NOT NULL,
	family            TEXT    NOT NULL,
	issuer            TEXT    NOT NULL,
	client_id         TEXT    NOT NULL,
	subject           TEXT    NOT NULL,
	scope             TEXT,
	audience          TEXT,
	claims            BLOB,
	api_key           BLOB,
	redirect_uri      TEXT    NOT NULL,
	pkce              TEXT    NOT NULL,
	challenge         TEXT    NOT NULL,
	issued_at         INTEGER NOT NULL,
	expires_at        INTEGER NOT NULL,
	family_expires_at INTEGER NOT NULL,
	max_uses          INTEGER NOT NULL,
	uses              INTEGER NOT NULL,
	spent_at          INTEGER,
	salt              BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS credentials_by_family ON credentials (family);
CREATE INDEX IF NOT EXISTS credentials_by_subject ON credentials (subject, kind);
CREATE INDEX IF NOT EXISTS credentials_by_end ON credentials (max(expires_at, family_expires_at));

-- A row here is a tombstone: the family is revoked, and so is every token added to it.
CREATE TABLE IF NOT EXISTS revoked_families (
	family     TEXT    PRIMARY KEY,
	revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Access tokens that were revoked one by one, by their jti.
CREATE TABLE IF NOT EXISTS revoked_tokens (
	id         TEXT    PRIMARY KEY,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS api_keys (
	digest       BLOB    PRIMARY KEY,
	id           TEXT    NOT NULL UNIQUE,
	label        TEXT    NOT NULL,
	client_id    TEXT    NOT NULL,
	subject      TEXT    NOT NULL,
	scope        TEXT,
	audience     TEXT,
	created_at   INTEGER,
	expires_at   INTEGER,
	revoked_at   INTEGER,
	last_used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS api_keys_by_subject ON api_keys (subject);
