-- An API key has a name that its owner gave it. A replica of the version before
-- adds keys without one.

ALTER TABLE {}api_keys ADD COLUMN
	name TEXT NOT NULL DEFAULT '';

INSERT INTO {}schema_version (version, works_with) VALUES (4, 1);
