package testbed

// Showing is the client with another secret.
func (p *Party) Showing(secret string) *Party {
	q := *p
	q.Secret = secret
	return &q
}

// Named is the client under another identifier.
func (p *Party) Named(id string) *Party {
	q := *p
	q.ID = id
	return &q
}

// Post authenticates as p in the body.
func (r *Request) Post(p *Party) *Request {
	return r.With("client_id", p.ID, "client_secret", p.Secret)
}

// Posted is the request CC of a client whose secret is in the body.
func Posted(p *Party) *Request {
	return Form("grant_type", "client_credentials", "client_id", p.ID, "client_secret", p.Secret)
}

// Unsigned removes the Authorization header.
func (r *Request) Unsigned() *Request {
	c := r.Clone()
	c.Header.Del("Authorization")
	return c
}

// WrongSecret looks like one that was drawn, and is nobody's.
const WrongSecret = "cs_wrong-secret-of-nobody-0123456789"

// Assertion is a client_assertion that no key has signed.
const Assertion = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJjMSIsInN1YiI6ImMxIn0.c2lnbmF0dXJl"

// Asserted adds the parameters of a client assertion to the request.
func (r *Request) Asserted() *Request {
	return r.AssertedBy(Assertion)
}
