-- A client may show a key or a platform's assertion in place of a secret. A replica of
-- the version before refuses such a client, and adds none.

ALTER TABLE {}clients ADD COLUMN
	assertion MEDIUMBLOB;

INSERT IGNORE INTO {}schema_version (version, works_with) VALUES (7, 1);
