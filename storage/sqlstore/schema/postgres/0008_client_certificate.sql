-- A client may show a certificate in the TLS handshake. A replica of the version before
-- refuses a client that has no other way, gives others tokens that are bound to no
-- certificate, and adds no client with one.

ALTER TABLE {}clients ADD COLUMN
	certificate TEXT;

INSERT INTO {}schema_version (version, works_with) VALUES (8, 1);
