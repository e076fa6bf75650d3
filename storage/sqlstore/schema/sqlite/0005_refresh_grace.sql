-- A client has a grace of its own for repeated refreshes, in microseconds. A
-- replica of the version before adds clients without one, and takes it from a
-- client that it puts anew.

ALTER TABLE {}clients ADD COLUMN
	refresh_grace INTEGER NOT NULL DEFAULT 0;

INSERT INTO {}schema_version (version, works_with) VALUES (5, 1);
