-- With these indexes the database finds the families of a subject, and the end
-- of each chain, without reading the credentials spent before.

CREATE INDEX {}credentials_ends ON {}credentials (subject, family, expires_at, issued_at);
CREATE INDEX {}credentials_members ON {}credentials (family, issued_at);
DROP INDEX {}credentials_subject;
DROP INDEX {}credentials_family;

INSERT INTO {}schema_version (version, works_with) VALUES (3, 1);
