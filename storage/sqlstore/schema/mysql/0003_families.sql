-- With these indexes the database finds the families of a subject, and the end
-- of each chain, without reading the credentials spent before.

ALTER TABLE {}credentials DROP KEY subject, DROP KEY family,
	ADD KEY ends (subject, family, expires_at, issued_at), ADD KEY members (family, issued_at);

INSERT IGNORE INTO {}schema_version (version, works_with) VALUES (3, 1);
