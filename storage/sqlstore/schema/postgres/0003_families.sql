-- With these indexes the database finds the families of a subject, and the end
-- of each chain, without reading the credentials spent before. On a table of
-- many millions of rows, make these indexes before with CREATE INDEX
-- CONCURRENTLY: this step skips indexes that exist, and no query waits for
-- them.

CREATE INDEX IF NOT EXISTS {}credentials_ends ON {}credentials (subject, family, expires_at, issued_at);
CREATE INDEX IF NOT EXISTS {}credentials_members ON {}credentials (family, issued_at);
DROP INDEX IF EXISTS {}credentials_subject;
DROP INDEX IF EXISTS {}credentials_family;

INSERT INTO {}schema_version (version, works_with) VALUES (3, 1);
