package storage

import (
	"encoding/json"
	"net/url"
)

// ClientAssertion is the part of a registration for a client that shows an assertion
// (RFC 7523 §2.2) and no secret. Either the client has a key of its own, which JWKS or
// JWKSURI names. Or Issuer vouches for the client, such as the platform on which it runs,
// and Claims say for which workload. Exactly one of JWKS, JWKSURI and Issuer is set.
type ClientAssertion struct {
	// JWKS is the JWK Set of the client's public keys, as JSON (RFC 7591 §2, jwks).
	JWKS []byte
	// JWKSURI is the https URL at which the client publishes its JWK Set (RFC 7591 §2,
	// jwks_uri).
	JWKSURI string
	// Algorithm is the only alg of the client's assertions (OpenID Connect Registration
	// 1.0 §2, token_endpoint_auth_signing_alg). If empty, the key decides.
	Algorithm string
	// Lenient accepts the URL of the token endpoint as "aud", and a list of one, as
	// libraries from before RFC 9700 send them.
	Lenient bool
	// Issuer is the "iss" of another party that vouches for the client, one of those
	// that clientauth.Assertions trusts.
	Issuer string
	// Claims are the claims that an assertion of Issuer must have, as a JSON object:
	// each member is a claim with its whole value. An object leads into a claim that is
	// an object. At least one claim is neither iss nor aud.
	Claims []byte
}

// check names every fault.
func (a *ClientAssertion) check(fault func(format string, args ...any)) {
	var members map[string]json.RawMessage
	if a.JWKS != nil && (json.Unmarshal(a.JWKS, &members) != nil || members["keys"] == nil) {
		fault("Assertion.JWKS is no JWK Set (RFC 7517 §5)")
	}
	if u, err := url.Parse(a.JWKSURI); a.JWKSURI != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "") {
		fault("Assertion.JWKSURI must be an https URL without user and fragment")
	}
	sources := 0
	for _, set := range []bool{a.JWKS != nil, a.JWKSURI != "", a.Issuer != ""} {
		if set {
			sources++
		}
	}
	if sources > 1 {
		fault("Assertion has more than one of JWKS, JWKSURI and Issuer")
	}
	if (a.Issuer != "") != (a.Claims != nil) {
		fault("Assertion.Issuer and Assertion.Claims come together: without Claims, every assertion of the issuer would be the client's")
	}
	if a.hasPrivateKey() {
		fault("Assertion.JWKS has a private or symmetric key: keep public keys alone")
	}
	a.checkClaims(fault)
}

func (a *ClientAssertion) checkClaims(fault func(format string, args ...any)) {
	if a.Claims == nil {
		return
	}
	var claims map[string]json.RawMessage
	if json.Unmarshal(a.Claims, &claims) != nil || claims == nil {
		fault("Assertion.Claims is no JSON object")
		return
	}
	delete(claims, "iss")
	delete(claims, "aud")
	if len(claims) == 0 {
		fault("Assertion.Claims has no claim beside iss and aud: every assertion of the issuer would be the client's")
	}
}

// hasPrivateKey reports whether a key of the JWKS has a private member (RFC 7518 §6).
func (a *ClientAssertion) hasPrivateKey() bool {
	var set struct {
		Keys []map[string]json.RawMessage `json:"keys"`
	}
	if a.JWKS == nil || json.Unmarshal(a.JWKS, &set) != nil {
		return false
	}
	for _, key := range set.Keys {
		for _, member := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if _, there := key[member]; there {
				return true
			}
		}
	}
	return false
}

// checkAssertion checks that the parts of a registration fit together. A host's own
// ClientValidator may know further methods, which have a URI as their name.
func (c *Client) checkAssertion(fault func(format string, args ...any)) {
	c.Assertion.check(fault)
	set := c.Assertion.JWKS != nil || c.Assertion.JWKSURI != "" || c.Assertion.Issuer != ""
	switch {
	case c.AuthMethod == PrivateKeyJWT && !set:
		fault("Assertion has none of JWKS, JWKSURI and Issuer, and its AuthMethod is private_key_jwt")
	case c.AuthMethod == SelfSignedTLSClientAuth && (!set || c.Assertion.Issuer != ""):
		fault("Assertion has neither JWKS nor JWKSURI, and its AuthMethod is self_signed_tls_client_auth: one of them has the key of its certificate")
	case c.AuthMethod != PrivateKeyJWT && c.AuthMethod != SelfSignedTLSClientAuth && set && !isAbsoluteURI(c.AuthMethod):
		fault("Assertion is set, and its AuthMethod is not private_key_jwt")
	}
}
