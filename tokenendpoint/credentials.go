package tokenendpoint

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

var (
	errTwoMechanisms = grants.InvalidRequest.Describe("there is more than one way of client authentication") // RFC 6749 §2.3
	errTwoClients    = grants.InvalidRequest.Describe("client_id differs from the Authorization header")
	errHalfAssertion = grants.InvalidRequest.Describe("client_assertion and client_assertion_type come together")
	errNoClientID    = grants.InvalidRequest.Describe("client_id is missing")

	errScheme    = errors.New("tokenendpoint: Authorization has another scheme than Basic")
	errBasic     = errors.New("tokenendpoint: Authorization is malformed")
	errAssertion = errors.New("tokenendpoint: client assertions are not supported")
)

// readCredentials finds what a request shows of its client, in the
// Authorization header or in the body, never both (RFC 6749 §2.3), and takes
// it out of the form. What cannot be read as credentials is shown all the
// same: bad is then why the client cannot be authenticated by it.
func readCredentials(r *http.Request, p *parameters, at time.Time) (c clientauth.Credentials, bad error, err error) {
	c = clientauth.Credentials{
		ID:     p.form["client_id"],
		Method: storage.AuthNone,
		Time:   at,
		HTTP:   r,
	}
	secret, inBody := p.take("client_secret")
	_, assertion := p.take("client_assertion")
	_, assertionType := p.take("client_assertion_type")
	header := r.Header["Authorization"]
	switch {
	case len(header) > 1,
		len(header) == 1 && (inBody || assertion),
		inBody && assertion:
		return c, nil, errTwoMechanisms
	case assertion != assertionType:
		return c, nil, errHalfAssertion
	case assertion:
		return c, errAssertion, nil
	case inBody:
		c.Method, c.Secret = storage.ClientSecretPost, storage.PresentedSecret(secret)
	case len(header) == 1:
		c.Method = storage.ClientSecretBasic
		id, password, bad := parseBasic(header[0])
		switch {
		case bad != nil:
			return c, bad, nil
		case c.ID != "" && c.ID != id:
			return c, nil, errTwoClients
		}
		c.ID, c.Secret = id, storage.PresentedSecret(password)
	}
	return c, nil, nil
}

// take removes a parameter.
func (p *parameters) take(name string) (value string, ok bool) {
	value, ok = p.form[name]
	delete(p.form, name)
	return value, ok
}

// parseBasic reads an Authorization header (RFC 7617 §2) whose user-id and
// password are form-encoded first (RFC 6749 §2.3.1, which BasicAuth of net/http
// does not decode). There is no second, looser reading.
func parseBasic(header string) (id, password string, err error) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", errScheme
	}
	var buf [512]byte
	decoded, err := base64.StdEncoding.Strict().AppendDecode(buf[:0], []byte(encoded))
	if err != nil || strings.ContainsAny(encoded, "\r\n") { // base64 would skip them
		return "", "", errBasic
	}
	id, password, colon := strings.Cut(string(decoded), ":")
	id, ok1 := unescape(id)
	password, ok2 := unescape(password)
	if !colon || !ok1 || !ok2 || id == "" || !isText(id) || !isText(password) {
		return "", "", errBasic
	}
	return id, password, nil
}

func isText(s string) bool {
	return checkValue(text, s) == nil && utf8.ValidString(s)
}
