-- A client has a grace of its own for repeated refreshes, in microseconds. A
-- replica of the version before adds clients without one, and takes it from a
-- client that it puts anew.

ALTER TABLE {}clients ADD COLUMN
	refresh_grace BIGINT NOT NULL DEFAULT 0;

INSERT IGNORE INTO {}schema_version (version, works_with) VALUES (5, 1);
