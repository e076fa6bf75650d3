-- A client may show its secret in Basic without form-encoding it. A replica of the
-- version before adds clients that may not.

ALTER TABLE {}clients ADD COLUMN
	basic_not_encoded BOOLEAN NOT NULL DEFAULT FALSE;

INSERT IGNORE INTO {}schema_version (version, works_with) VALUES (6, 1);
