-- A credential is good at the issuer that made it. '*' is for credentials from
-- before the column existed, and for those that a replica of the version before
-- still adds: they are good at each issuer that shares the table
-- (storage.AnyIssuer). MySQL has no ADD COLUMN IF NOT EXISTS: Migrate leaves
-- the statement out if the column is there, since a migration may have broken
-- off here.

ALTER TABLE {}credentials ADD COLUMN
	issuer VARBINARY(512) NOT NULL DEFAULT '*';

INSERT IGNORE INTO {}schema_version (version, works_with) VALUES (2, 1);
