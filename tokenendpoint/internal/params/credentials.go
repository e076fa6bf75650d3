package params

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	assertions "github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// ErrTwoMechanisms refuses a client that authenticates in two ways at once (RFC 6749
// §2.3).
var ErrTwoMechanisms = grants.InvalidRequest.Describe("there is more than one way of client authentication")

// AssertionType is the only client_assertion_type (RFC 7523 §2.2).
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

var (
	errTwoClients    = grants.InvalidRequest.Describe("client_id differs from the Authorization header")
	errAssertionType = grants.InvalidRequest.Describe("client_assertion_type is not supported")
	errHalfAssertion = grants.InvalidRequest.Describe("client_assertion and client_assertion_type come together")

	errNoSubject = errors.New("tokenendpoint: the request has no client_id, and its client_assertion no sub")
	errBasic     = errors.New("tokenendpoint: Authorization is malformed")
	errUnencoded = errors.New("tokenendpoint: the client did not form-encode its Basic credentials (RFC 6749 §2.3.1): they have a % that begins no escape of a text")
)

// Credentials finds the credentials that a request shows of its client, in the
// Authorization header or in the body, never both (RFC 6749 §2.3), and takes
// them out of the form. If they cannot be read, bad is the reason why they
// authenticate no client, or none but one whose Undecoded is right.
func Credentials(r *http.Request, p *Params, at time.Time) (c clientauth.Request, bad error, err error) {
	c = clientauth.Request{
		ID:     p.Form["client_id"],
		Method: storage.AuthNone,
		Time:   at,
		HTTP:   r,
	}
	secret, inBody := p.take("client_secret")
	text, assertion := p.take("client_assertion")
	textType, assertionType := p.take("client_assertion_type")
	header, headers := authorization(r)
	switch {
	case headers > 1,
		headers == 1 && (inBody || assertion),
		inBody && assertion:
		return c, nil, ErrTwoMechanisms
	case assertion != assertionType:
		return c, nil, errHalfAssertion
	case assertion && textType != AssertionType:
		return c, nil, errAssertionType
	case assertion:
		c.Method, c.Assertion = storage.PrivateKeyJWT, storage.PresentedSecret(text)
		if c.ID != "" {
			break
		}
		if c.ID = assertions.Subject(text); c.ID == "" || !IsText(c.ID) {
			return c, errNoSubject, nil
		}
	case inBody:
		c.Method, c.Secret = storage.ClientSecretPost, storage.PresentedSecret(secret)
	case headers == 1:
		c.Method = storage.ClientSecretBasic
		basic, bad := parseBasic(header)
		switch {
		case bad != nil && basic.id == "":
			return c, bad, nil
		case c.ID != "" && c.ID != basic.id:
			return c, nil, errTwoClients
		}
		c.ID, c.Secret = basic.id, storage.PresentedSecret(basic.password)
		if basic.raw != basic.password {
			c.Undecoded = storage.PresentedSecret(basic.raw)
		}
		return c, bad, nil
	}
	return c, nil, nil
}

// authorization returns the Authorization header, and how many there are. A
// header without a value counts as absent.
func authorization(r *http.Request) (value string, n int) {
	for _, v := range r.Header["Authorization"] {
		if strings.Trim(v, " \t") != "" {
			value = v
			n++
		}
	}
	return value, n
}

// take removes a parameter.
func (p *Params) take(name string) (value string, ok bool) {
	if value, ok = p.Form[name]; ok {
		delete(p.Form, name)
	}
	return value, ok
}

// maxBasic is two values as long as they may be, with each byte escaped, in base64.
const maxBasic = (2*3*maxValue + 1 + 2) / 3 * 4

// basic holds the content of an Authorization header of the scheme Basic.
type basic struct {
	id, password string
	raw          string // the password before it was decoded
}

var basicEncoding = base64.StdEncoding.Strict()

// parseBasic reads an Authorization header (RFC 7617 §2) whose user-id and
// password are form-encoded first (RFC 6749 §2.3.1, which BasicAuth of net/http
// does not decode). If only the password cannot be decoded, b has the rest of it, for
// clients that are registered as ones that do not encode.
func parseBasic(header string) (b basic, err error) {
	scheme, encoded, _ := strings.Cut(header, " ")
	switch {
	case !strings.EqualFold(scheme, "Basic"):
		return b, foreignScheme(scheme)
	case len(encoded) > maxBasic: // the server lets a header be as long as it likes
		return b, errBasic
	}
	var buf [512]byte
	decoded, err := basicEncoding.AppendDecode(buf[:0], []byte(encoded))
	if err != nil || strings.ContainsAny(encoded, "\r\n") { // base64 would skip them
		return b, errBasic
	}
	id, raw, colon := strings.Cut(string(decoded), ":")
	id, ok1 := unescape(id)
	password, ok2 := unescape(raw)
	ok2 = ok2 && IsText(password)
	switch {
	case !colon:
		return b, errBasic
	case !ok1:
		return b, errUnencoded
	case id == "" || !IsText(id) || !IsText(raw):
		return b, errBasic
	case !ok2:
		return basic{id: id, raw: raw}, errUnencoded
	}
	return basic{id, password, raw}, nil
}

// IsText reports whether s is UTF-8 without control characters, and no longer
// than a parameter may be.
func IsText(s string) bool {
	return checkValue(anyText, s, false) == nil && utf8.ValidString(s)
}
