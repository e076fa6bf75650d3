package params

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/contit/oauth/grants"
)

// A value that is ignored costs the reader most for each byte, so it is bounded too.
const (
	// maxDepth bounds how deep it is nested.
	maxDepth = 16
	// maxIgnored bounds how many values it has, in all parameters together.
	maxIgnored = 1000
)

// whiteSpace is the white space of RFC 8259 §2.
const whiteSpace = " \t\r\n"

// parseJSON reads a JSON object of strings with the meaning that the same
// parameters have as a form. encoding/json is not used: of two equal names it
// takes the last, it matches names without regard to case, and it turns null,
// bad UTF-8 and lone surrogates into something else (RFC 8259 §4, §8.1, §8.2).
func parseJSON(body string) (Params, error) {
	p := newReading()
	if !strings.HasPrefix(strings.TrimLeft(body, whiteSpace), "{") {
		return p.Params, errIsNoJSON
	}
	if err := checkEncoding("", body); err != nil {
		return p.Params, err
	}
	j := jsonReader{rest: body}
	if err := j.object(&p); err != nil {
		return p.Params, err
	}
	if j.peek(); j.rest != "" { // trailing data
		return p.Params, errMalformedBody
	}
	return p.Params, nil
}

// jsonReader reads JSON from the front of rest, in one pass.
type jsonReader struct {
	rest    string
	ignored int // values
}

// object reads the one object of a request.
func (j *jsonReader) object(p *reading) error {
	if !j.take('{') {
		return errMalformedBody
	}
	if j.take('}') {
		return nil
	}
	for {
		name, ok := j.string()
		if !ok || !j.take(':') {
			return errMalformedBody
		}
		if err := j.parameter(p, name); err != nil {
			return err
		}
		switch {
		case j.take(','):
		case j.take('}'):
			return nil
		default:
			return errMalformedBody
		}
	}
}

// parameter reads the value of one parameter: a string, or null, which is none. Any
// other value may stand behind an unknown name.
func (j *jsonReader) parameter(p *reading, name string) error {
	switch c := j.peek(); {
	case c == '"':
		value, ok := j.string()
		if !ok {
			return errMalformedBody
		}
		return p.addChecked(name, value)
	case c == 'n':
		if !j.literal("null") {
			return errMalformedBody
		}
		return p.addChecked(name, "")
	case c == '[' && name == "resource": // RFC 8707 §2: it may repeat
		return j.resources(p)
	case known(name) != undefined:
		return grants.InvalidRequest.Describe("a parameter is not a string").Because(errSyntax)
	}
	if !j.skip(maxDepth) {
		return errMalformedBody
	}
	return p.addChecked(name, "")
}

func (p *reading) addChecked(name, value string) error {
	if err := checkEncoding(name, value); err != nil {
		return err
	}
	return p.add(name, value, false)
}

// resources reads an array of strings.
func (j *jsonReader) resources(p *reading) error {
	j.take('[')
	if j.take(']') {
		return nil
	}
	for {
		value, ok := j.string()
		if !ok {
			return errMalformedBody
		}
		if err := p.addChecked("resource", value); err != nil {
			return err
		}
		switch {
		case j.take(','):
		case j.take(']'):
			return nil
		default:
			return errMalformedBody
		}
	}
}

// peek returns the next byte that is not white space, or 0 at the end.
func (j *jsonReader) peek() byte {
	for i := range len(j.rest) {
		switch c := j.rest[i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			j.rest = j.rest[i:]
			return c
		}
	}
	j.rest = ""
	return 0
}

// take consumes the byte c if it is next.
func (j *jsonReader) take(c byte) bool {
	if j.peek() != c {
		return false
	}
	j.rest = j.rest[1:]
	return true
}

func (j *jsonReader) literal(word string) bool {
	rest, ok := strings.CutPrefix(j.rest, word)
	j.rest = rest
	return ok
}

// string reads a string and decodes it.
func (j *jsonReader) string() (string, bool) {
	if !j.take('"') {
		return "", false
	}
	for i := 0; i < len(j.rest); i++ {
		switch c := j.rest[i]; {
		case c == '"':
			s := j.rest[:i]
			j.rest = j.rest[i+1:]
			return s, true
		case c == '\\':
			return j.escapedString(i)
		case c < 0x20:
			return "", false
		}
	}
	return "", false
}

// escapedString reads the rest of a string whose first n bytes have no escape.
func (j *jsonReader) escapedString(n int) (string, bool) {
	b := append(make([]byte, 0, n+64), j.rest[:n]...)
	s := j.rest[n:]
	for s != "" {
		c := s[0]
		switch {
		case c == '"':
			j.rest = s[1:]
			return string(b), true
		case c < 0x20:
			return "", false
		case c != '\\':
			b = append(b, c)
			s = s[1:]
		default:
			r, size := escape(s)
			if size == 0 {
				return "", false
			}
			b = utf8.AppendRune(b, r)
			s = s[size:]
		}
	}
	return "", false
}

// escape decodes the escape at the front of s and tells its length, 0 if it is
// none or a lone surrogate.
func escape(s string) (r rune, size int) {
	if len(s) < 2 {
		return 0, 0
	}
	if i := strings.IndexByte(`"\/bfnrt`, s[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2
	}
	r, ok := unicodeEscape(s)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, ok := unicodeEscape(s[6:])
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

// unicodeEscape reads \uXXXX.
func unicodeEscape(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[2:6]) {
		digit, ok := unhex(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	return r, true
}

// skip passes over any one value, nested at most depth deep.
func (j *jsonReader) skip(depth int) bool {
	if j.ignored++; depth == 0 || j.ignored > maxIgnored {
		return false
	}
	switch c := j.peek(); c {
	case '"':
		_, ok := j.string()
		return ok
	case 't':
		return j.literal("true")
	case 'f':
		return j.literal("false")
	case 'n':
		return j.literal("null")
	case '{':
		return j.skipAll('}', func() bool {
			_, ok := j.string()
			return ok && j.take(':') && j.skip(depth-1)
		})
	case '[':
		return j.skipAll(']', func() bool { return j.skip(depth - 1) })
	}
	return j.number()
}

// skipAll passes over the members between an opening bracket and end.
func (j *jsonReader) skipAll(end byte, member func() bool) bool {
	j.rest = j.rest[1:]
	if j.take(end) {
		return true
	}
	for member() {
		if j.take(end) {
			return true
		}
		if !j.take(',') {
			return false
		}
	}
	return false
}

// number passes over a number (RFC 8259 §6).
func (j *jsonReader) number() bool {
	s := strings.TrimPrefix(j.rest, "-")
	switch {
	case strings.HasPrefix(s, "0"):
		s = s[1:]
	default:
		var ok bool
		if s, ok = digits(s); !ok {
			return false
		}
	}
	if rest, found := strings.CutPrefix(s, "."); found {
		var ok bool
		if s, ok = digits(rest); !ok {
			return false
		}
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		var ok bool
		if s, ok = digits(s); !ok {
			return false
		}
	}
	j.rest = s
	return true
}

// digits passes over one digit or more.
func digits(s string) (rest string, ok bool) {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return s[n:], n > 0
}
