package params

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/contit/oauth/grants"
)

// Params are the parameters of one request, from a form or from JSON: each
// known one at most once and not empty (RFC 6749 §3.2).
type Params struct {
	Form     grants.Form
	Resource []string // the one parameter that may repeat, RFC 8707 §2
	Repeated bool     // the request has an unknown parameter twice: Form leaves it out
	Consumed error    // why there may be fewer than the client has sent, for the log
}

// reading is a request while it is read: the parameters so far.
type reading struct {
	Params
	names names // of all parameters, the empty ones too
}

func newReading() reading { return reading{Params: Params{Form: make(grants.Form, 8)}} }

// names are a few names, as a request has, kept without an allocation.
type names struct {
	n    int // of all, the repeated ones too
	few  [12]string
	kept int // of few
	more map[string]struct{}
}

// add counts a name, and reports whether it was there before.
func (s *names) add(name string) (again bool) {
	s.n++
	if _, again = s.more[name]; again || slices.Contains(s.few[:s.kept], name) {
		return true
	}
	switch {
	case s.kept < len(s.few):
		s.few[s.kept] = name
		s.kept++
	case s.more == nil:
		s.more = map[string]struct{}{name: {}}
	default:
		s.more[name] = struct{}{}
	}
	return false
}

const (
	// maxParameters bounds the work that one request can cause.
	maxParameters = 100
	// maxValue bounds a known parameter. An unknown one, which a grant of the
	// host's may know, is bounded by the body alone.
	maxValue = 4 << 10
	// MaxToken bounds a known parameter that holds a token of another issuer.
	MaxToken = 16 << 10
)

var (
	errSyntax    = errors.New("tokenendpoint: the body is malformed")
	errEncoding  = errors.New("tokenendpoint: the body is not UTF-8 or has a NUL")
	errTooMany   = errors.New("tokenendpoint: there are too many parameters")
	errNotVSCHAR = errors.New("tokenendpoint: a parameter has a character outside its syntax")
	errTooLong   = errors.New("tokenendpoint: a parameter is too long")
	errSentJSON  = errors.New("tokenendpoint: the body is JSON, sent with the Content-Type of a form, as curl -d does by default: the client must send Content-Type: application/json")
	errSentForm  = errors.New("tokenendpoint: the body is no JSON object, sent with the Content-Type of JSON: for a form the client must send Content-Type: application/x-www-form-urlencoded")
)

// ErrRepeated refuses a request that has a parameter twice (RFC 6749 §5.2).
var ErrRepeated = grants.InvalidRequest.Describe("a parameter is repeated")

var (
	errMalformedBody = grants.InvalidRequest.Describe("the body is malformed").Because(errSyntax)
	errIsJSON        = grants.InvalidRequest.Describe("the body is JSON, and Content-Type says that it is a form").Because(errSentJSON)
	errIsNoJSON      = grants.InvalidRequest.Describe("the body is no JSON object, and Content-Type says that it is JSON").Because(errSentForm)
)

// syntax describes the characters that a known parameter may hold.
type syntax uint8

const (
	undefined     syntax = iota // no known parameter
	printable                   // printable ASCII, VSCHAR and space of RFC 6749 appendix A
	longPrintable               // the same, and long
	anyText                     // UTF-8 without control characters: real client identifiers and secrets have it
	scopeList                   // grants.ParseScope checks it, with an error code of its own
)

// known returns the syntax of a parameter of RFC 6749, 7009, 7521, 7523, 7636, 7662,
// 8628 and 8693, or of ours. The parameters of grants that a deployment does not have
// are known too: a request that has one twice is refused all the same.
func known(name string) syntax {
	switch name {
	case "grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "api_key",
		"client_assertion_type", "device_code", "subject_token_type", "actor_token_type",
		"requested_token_type", "resource", "token_type_hint":
		return printable
	case "client_assertion", "assertion", "subject_token", "actor_token", "token":
		return longPrintable
	case "client_id", "client_secret", "username", "password":
		return anyText
	case "scope":
		return scopeList
	}
	return undefined
}

// Syntax returns what a known parameter may hold, for a description of the endpoint:
// how many bytes, and a regular expression that the flavours of Go and ECMAScript
// share. Both are empty for an unknown parameter.
func Syntax(name string) (longest int, pattern string) {
	switch known(name) {
	case printable:
		return maxValue, `^[ -~]*$`
	case longPrintable:
		return MaxToken, `^[ -~]*$`
	case anyText:
		return maxValue, `^[^\x00-\x1f\x7f-\x9f]*$`
	case scopeList:
		return maxValue, `^([!#-\[\]-~]+( [!#-\[\]-~]+)*)?$`
	}
	return 0, ""
}

// add takes one parameter, decoded. A parameter without a value counts as
// present, too. If plain is true, the caller has seen that the value is printable ASCII.
func (p *reading) add(name, value string, plain bool) error {
	if p.names.n >= maxParameters {
		return grants.InvalidRequest.Describe("there are too many parameters").Because(errTooMany)
	}
	again := p.names.add(name)
	if name == "resource" {
		return p.addResource(value)
	}
	s := known(name)
	if again && s != undefined {
		return ErrRepeated.Because(fmt.Errorf("tokenendpoint: %s is repeated", name)) // it is one of ours
	}
	if err := checkValue(s, value, plain); err != nil { // of a name that is known
		return err.Because(fmt.Errorf("%w: %s", err.Cause, name))
	}
	switch {
	case again:
		p.Repeated = true
		delete(p.Form, name)
	case value != "":
		p.Form[name] = value
	}
	return nil
}

func (p *reading) addResource(value string) error {
	if err := checkValue(printable, value, false); err != nil {
		return err.Because(fmt.Errorf("%w: resource", err.Cause))
	}
	if value != "" {
		p.Resource = append(p.Resource, value)
	}
	return nil
}

func checkValue(s syntax, value string, plain bool) *grants.Error {
	limit := maxValue
	switch s {
	case undefined:
		return nil
	case longPrintable:
		limit = MaxToken
	}
	if len(value) > limit {
		return grants.InvalidRequest.Describe("a parameter is too long").Because(errTooLong)
	}
	if plain || s == scopeList {
		return nil
	}
	if !isPrintable(value) && (s != anyText || strings.ContainsFunc(value, unicode.IsControl)) {
		return grants.InvalidRequest.Describe("a parameter has a character that it cannot have").Because(errNotVSCHAR)
	}
	return nil
}

// IsGrantType reports whether the parameter grant_type can have a value.
func IsGrantType(s string) bool { return checkValue(printable, s, false) == nil }

func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// parseForm reads application/x-www-form-urlencoded. net/url is not used, since
// it drops the parts that it cannot read and keeps the rest.
func parseForm(body string) (Params, error) {
	p := newReading()
	if strings.HasPrefix(strings.TrimLeft(body, whiteSpace), "{") { // no encoder of forms leaves it as it is
		return p.Params, errIsJSON
	}
	for body != "" {
		var pair string
		pair, body, _ = strings.Cut(body, "&")
		if pair == "" {
			body = strings.TrimLeft(body, "&")
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		plain := isPlain(pair) // most are
		if !plain {
			var err error
			if name, value, err = decode(pair, name, value); err != nil {
				return p.Params, err
			}
		}
		if err := p.add(name, value, plain); err != nil {
			return p.Params, err
		}
	}
	return p.Params, nil
}

// isPlain reports whether a pair is printable ASCII of which nothing needs decoding. One
// look at each character takes less time than the searches of decode.
func isPlain(pair string) bool {
	for i := range len(pair) {
		if c := pair[i]; c < ' ' || c > '~' || c == '%' || c == '+' || c == ';' {
			return false
		}
	}
	return true
}

// decode reads a pair that is not plain.
func decode(pair, name, value string) (string, string, error) {
	if strings.Contains(pair, ";") { // another server would split here
		return "", "", errMalformedBody
	}
	name, ok1 := unescape(name)
	value, ok2 := unescape(value)
	if !ok1 || !ok2 {
		return "", "", errMalformedBody
	}
	return name, value, checkEncoding(name, value)
}

// checkEncoding refuses text on which a database would fail, in names and values
// of unknown parameters too. A NUL in scope is a wrong scope.
func checkEncoding(name, value string) error {
	if !utf8.ValidString(name) || !utf8.ValidString(value) || strings.Contains(name, "\x00") ||
		strings.Contains(value, "\x00") && name != "scope" {
		return grants.InvalidRequest.Describe("the body is not UTF-8 or has a NUL").Because(errEncoding)
	}
	return nil
}

// unescape decodes percent escapes and plus signs (RFC 6749 appendix B). It
// reports whether every escape is whole.
func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 { // faster than ContainsAny
		return s, true
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			b.WriteByte(' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			high, ok1 := unhex(s[i+1])
			low, ok2 := unhex(s[i+2])
			if !ok1 || !ok2 {
				return "", false
			}
			b.WriteByte(high<<4 | low)
			i += 2
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), true
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
