-- A credential is good at the issuer that made it. '*' is for credentials from
-- before the column existed, and for those that a replica of the version before
-- still adds: they are good at each issuer that shares the table
-- (storage.AnyIssuer).

ALTER TABLE {}credentials ADD COLUMN
	issuer TEXT COLLATE "C" NOT NULL DEFAULT '*';

INSERT INTO {}schema_version (version, works_with) VALUES (2, 1);
