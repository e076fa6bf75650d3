package tokenendpoint

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/contit/oauth/grants"
)

// parameters are those of one request, whichever way they came: each
// known one at most once and not empty (RFC 6749 §3.2).
type parameters struct {
	form     grants.Form
	resource []string // the one parameter that may repeat, RFC 8707 §2
	names    names    // all that were there, the empty ones too
	repeated []string // unknown ones that were there twice: ignored
}

// names are a few names, as a request has, kept without an allocation.
type names struct {
	few  [12]string
	n    int // of few
	more []string
}

func (s *names) len() int { return s.n + len(s.more) }

func (s *names) add(name string) {
	if s.n == len(s.few) {
		s.more = append(s.more, name)
		return
	}
	s.few[s.n] = name
	s.n++
}

func (s *names) has(name string) bool {
	return slices.Contains(s.few[:s.n], name) || slices.Contains(s.more, name)
}

const (
	// maxParameters bounds the work that one request can cause.
	maxParameters = 100
	// maxValue bounds the known parameters, maxToken those that are tokens of
	// somebody else. Unknown ones, which a host's own grant may know, are
	// bounded by the body alone.
	maxValue = 4 << 10
	maxToken = 16 << 10
)

var (
	errSyntax    = errors.New("tokenendpoint: the body is malformed")
	errEncoding  = errors.New("tokenendpoint: the body is not UTF-8 or has a NUL")
	errTooMany   = errors.New("tokenendpoint: there are too many parameters")
	errNotVSCHAR = errors.New("tokenendpoint: a parameter has a character outside its syntax")
	errTooLong   = errors.New("tokenendpoint: a parameter is too long")
	errConsumed  = errors.New("tokenendpoint: middleware has read the body, by ParseForm or the like")
)

var errRepeated = grants.InvalidRequest.Describe("a parameter is repeated") // RFC 6749 §5.2

var errMalformedBody = grants.InvalidRequest.Describe("the body is malformed").Because(errSyntax)

// syntax is what the values of a known parameter may hold.
type syntax uint8

const (
	unknown syntax = iota
	visible        // printable ASCII, VSCHAR and space of RFC 6749 appendix A
	token          // the same, and long
	text           // UTF-8 without control characters: real client identifiers and secrets have it
	scopes         // judged by grants.ParseScope, with its own error code
)

// known tells the parameters of RFC 6749, 7009, 7521, 7523, 7636, 7662, 8628 and
// 8693, and ours. Those of grants that a deployment does not have are known too: twice is
// an error, whoever may read them.
func known(name string) syntax {
	switch name {
	case "grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "api_key",
		"client_assertion_type", "device_code", "subject_token_type", "actor_token_type",
		"requested_token_type", "resource", "token_type_hint":
		return visible
	case "client_assertion", "assertion", "subject_token", "actor_token", "token":
		return token
	case "client_id", "client_secret", "username", "password":
		return text
	case "scope":
		return scopes
	}
	return unknown
}

// add takes one parameter, decoded. Whether it has a value or not, it is there.
func (p *parameters) add(name, value string) error {
	if p.names.len() >= maxParameters {
		return grants.InvalidRequest.Describe("there are too many parameters").Because(errTooMany)
	}
	if name == "resource" {
		p.names.add(name)
		return p.addResource(value)
	}
	s := known(name)
	if p.names.has(name) {
		if s != unknown {
			return errRepeated
		}
		delete(p.form, name)
		p.repeated = append(p.repeated, name)
	}
	p.names.add(name)
	if err := checkValue(s, value); err != nil {
		return err
	}
	if value != "" && !slices.Contains(p.repeated, name) {
		p.form[name] = value
	}
	return nil
}

// missing is why there may be no parameters at all.
func (p *parameters) missing(r *http.Request) error {
	if p.names.len() == 0 && r.PostForm != nil {
		return errConsumed
	}
	return nil
}

func (p *parameters) addResource(value string) error {
	if err := checkValue(visible, value); err != nil {
		return err
	}
	if value != "" {
		p.resource = append(p.resource, value)
	}
	return nil
}

func checkValue(s syntax, value string) error {
	limit := maxValue
	switch s {
	case unknown:
		return nil
	case token:
		limit = maxToken
	}
	if len(value) > limit {
		return grants.InvalidRequest.Describe("a parameter is too long").Because(errTooLong)
	}
	if s == scopes {
		return nil
	}
	for _, c := range value {
		if unicode.IsControl(c) || c > 0x7f && s != text {
			return grants.InvalidRequest.Describe("a parameter has a character that it cannot have").Because(errNotVSCHAR)
		}
	}
	return nil
}

// parseForm reads application/x-www-form-urlencoded. net/url is not used, since
// it drops what it cannot read and keeps the rest.
func parseForm(body string) (parameters, error) {
	p := parameters{form: make(grants.Form, 8)}
	for body != "" {
		var pair string
		pair, body, _ = strings.Cut(body, "&")
		if pair == "" {
			continue
		}
		if strings.Contains(pair, ";") { // another server would split here
			return p, errMalformedBody
		}
		name, value, _ := strings.Cut(pair, "=")
		name, ok1 := unescape(name)
		value, ok2 := unescape(value)
		if !ok1 || !ok2 {
			return p, errMalformedBody
		}
		if err := checkEncoding(name, value); err != nil {
			return p, err
		}
		if err := p.add(name, value); err != nil {
			return p, err
		}
	}
	return p, nil
}

// checkEncoding refuses what a database would choke on, in names and values of
// unknown parameters too. A NUL in scope is a wrong scope.
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
	if !strings.ContainsAny(s, "%+") {
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
