-- The database of the site as it was before OAuth.

CREATE TABLE users (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	email text NOT NULL UNIQUE,
	name text NOT NULL,
	password_hash text NOT NULL, -- bcrypt
	locked boolean NOT NULL DEFAULT false
);

CREATE TABLE sessions (
	cookie_sha256 bytea PRIMARY KEY,
	user_id bigint NOT NULL REFERENCES users,
	login_at timestamptz NOT NULL,
	ends_at timestamptz NOT NULL
);

CREATE TABLE personal_tokens (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	user_id bigint NOT NULL REFERENCES users,
	name text NOT NULL,
	token_sha256 bytea NOT NULL UNIQUE,
	scopes text[] NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz,
	revoked_at timestamptz,
	last_used_at timestamptz
);

CREATE TABLE oauth_apps (
	app_key text PRIMARY KEY,
	name text NOT NULL,
	kind text NOT NULL CHECK (kind IN ('service', 'web', 'native')),
	secret_sha256 text, -- hexadecimal; a native app has none
	redirect_uris text[] NOT NULL DEFAULT '{}',
	scopes text[] NOT NULL,
	suspended boolean NOT NULL DEFAULT false
);

CREATE TABLE audit (
	at timestamptz NOT NULL DEFAULT now(),
	what text NOT NULL,
	subject text NOT NULL,
	app text NOT NULL
);

INSERT INTO users (email, name, password_hash) VALUES
	('ada@example.com', 'Ada', '$2a$10$T.Q5N5GX0kSrfp0s9jX3s.anX0zKWiNVE95YQntLDhnmPXOu5idF2'), -- ada's password
	('bob@example.com', 'Bob', '$2a$10$O5U0SqjEtu9D8fN0RMr9DuUBID6anhwBs3G0xXuRzjGXnzdY/F64i'); -- bob's password

INSERT INTO personal_tokens (user_id, name, token_sha256, scopes, expires_at, revoked_at)
SELECT id, token.name, sha256(token.text::bytea), '{profile,notes}', token.expires_at, token.revoked_at
FROM users, (VALUES
	('laptop', 'np_0123456789abcdef0123456789abcdef01234567', NULL, NULL),
	('old laptop', 'np_1123456789abcdef0123456789abcdef01234567', NULL, now() - interval '1 day'),
	('holiday', 'np_2123456789abcdef0123456789abcdef01234567', now() - interval '1 day', NULL)
) AS token (name, text, expires_at, revoked_at)
WHERE email = 'ada@example.com';

INSERT INTO oauth_apps (app_key, name, kind, secret_sha256, redirect_uris, scopes, suspended) VALUES
	('nightly-report', 'Nightly report', 'service', encode(sha256('7c1f0a5e93b24d68'), 'hex'), '{}', '{notes}', false),
	('calendar', 'Calendar', 'web', encode(sha256('5b8e2d40a7196cf3'), 'hex'), '{https://calendar.example.com/callback}', '{profile,notes}', false),
	('reader', 'Reader', 'native', NULL, '{http://127.0.0.1/callback}', '{profile,notes}', false),
	('spammer', 'Spammer', 'service', encode(sha256('e0a94c7b5d8213f6'), 'hex'), '{}', '{notes}', true);
