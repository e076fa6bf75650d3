package endpointtest

// showing is the client with another secret.
func (p *party) showing(secret string) *party {
	q := *p
	q.secret = secret
	return &q
}

// named is the client under another identifier.
func (p *party) named(id string) *party {
	q := *p
	q.id = id
	return &q
}

// post authenticates as p in the body.
func (r *request) post(p *party) *request {
	return r.with("client_id", p.id, "client_secret", p.secret)
}

// posted is the request CC of a client whose secret is in the body.
func posted(p *party) *request {
	return form("grant_type", "client_credentials", "client_id", p.id, "client_secret", p.secret)
}

// unsigned removes the Authorization header.
func (r *request) unsigned() *request {
	c := r.clone()
	c.header.Del("Authorization")
	return c
}

// wrongSecret looks like one that was drawn, and is nobody's.
const wrongSecret = "cs_wrong-secret-of-nobody-0123456789"

// assertion is a client_assertion as a client would send it. Nobody verifies
// it: this library has no assertions yet.
const assertion = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJjMSIsInN1YiI6ImMxIn0.c2lnbmF0dXJl"

func (r *request) asserted() *request {
	return r.with("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", assertion)
}
