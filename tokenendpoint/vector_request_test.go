package tokenendpoint_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// vectorRequest is a request as it is sent.
type vectorRequest struct {
	method, target string
	header         [][2]string
	body           string
	params         [][2]string // of a form that can be decoded
	form           bool        // whether it is one
}

// request evaluates the lines of a request. As JSON, a form that can be decoded
// becomes an object.
func (x *expander) request(lines []string, asJSON bool) (*vectorRequest, error) {
	text := make([]string, len(lines))
	for i, line := range lines {
		var err error
		if text[i], err = x.expand(line); err != nil {
			return nil, err
		}
	}
	r, err := x.short(text)
	if r == nil && err == nil {
		r, err = long(text)
	}
	if err != nil {
		return nil, err
	}
	types := r.values("Content-Type")
	if len(types) == 1 && types[0] == formType {
		r.params, r.form = decodeForm(r.body)
	}
	x.server.noteSecrets(r)
	if asJSON && r.form {
		r.body = encodeJSON(r.params)
		for i := range r.header {
			if r.header[i][1] == formType {
				r.header[i][1] = jsonType
			}
		}
	}
	return r, nil
}

// short reads the short way to write a request:
//
//	form c1 grant_type=client_credentials
//	json c1:secret /path {"grant_type":"client_credentials"}
func (x *expander) short(lines []string) (*vectorRequest, error) {
	kind, rest, _ := strings.Cut(lines[0], " ")
	if kind != "form" && kind != "json" {
		return nil, nil
	}
	who, body, _ := strings.Cut(rest, " ")
	r := &vectorRequest{method: "POST", target: "/connect/token", header: [][2]string{{"Content-Type", formType}}}
	if kind == "json" {
		r.header[0][1] = jsonType
	}
	if strings.HasPrefix(body, "/") {
		r.target, body, _ = strings.Cut(body, " ")
	}
	r.body = unescapeVector(body)
	if len(lines) > 1 {
		return nil, errors.New("a request in the short form has one line")
	}
	if who == "-" {
		return r, nil
	}
	value, err := x.server.basic(who)
	r.header = append(r.header, [2]string{"Authorization", value})
	return r, err
}

// long reads a request that is written out.
func long(lines []string) (*vectorRequest, error) {
	r := &vectorRequest{}
	var ok bool
	if r.method, r.target, ok = strings.Cut(unescapeVector(lines[0]), " "); !ok {
		return nil, fmt.Errorf("%q is no request", lines[0])
	}
	end := slices.Index(lines, "")
	if end < 0 {
		end = len(lines)
	}
	for _, line := range lines[1:end] {
		name, value, ok := strings.Cut(unescapeVector(line), ":")
		if !ok {
			return nil, fmt.Errorf("%q is no header", line)
		}
		r.header = append(r.header, [2]string{name, strings.TrimPrefix(value, " ")})
	}
	if end < len(lines) {
		r.body = unescapeVector(strings.Join(lines[end+1:], "\n"))
	}
	return r, nil
}

func (r *vectorRequest) values(name string) (values []string) {
	for _, h := range r.header {
		if strings.EqualFold(h[0], name) {
			values = append(values, h[1])
		}
	}
	return values
}

func (r *vectorRequest) expectsContinue() bool { return len(r.values("Expect")) > 0 }

// head is all that is sent before the body. Host and Content-Length are added
// where they are missing.
func (r *vectorRequest) head() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.method, r.target)
	for _, h := range r.header {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	if r.values("Host") == nil {
		b.WriteString("Host: as.test\r\n")
	}
	if r.values("Content-Length") == nil && r.values("Transfer-Encoding") == nil {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.body))
	}
	b.WriteString("\r\n")
	return b.String()
}

// String is the request for a failure.
func (r *vectorRequest) String() string {
	return fmt.Sprintf("%s %s %.300q", r.method, r.target, r.body)
}

// decodeForm returns the pairs of a form, if all of it can be decoded and stand
// in JSON.
func decodeForm(body string) (params [][2]string, ok bool) {
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil || strings.Contains(pair, ";") || !utf8.ValidString(n+v) {
			return nil, false
		}
		params = append(params, [2]string{n, v})
	}
	return params, true
}

// encodeJSON is an object with a member for each pair, in their order, even if
// two have one name.
func encodeJSON(params [][2]string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, p := range params {
		if i > 0 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(p[0])
		value, _ := json.Marshal(p[1])
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.String()
}

// secretNames are the parameters that no log may have.
var secretNames = []string{
	"client_secret", "code", "code_verifier", "refresh_token", "api_key", "client_assertion", "token", "voucher", "password",
}

// noteSecrets notes the secrets that a request shows, right or wrong.
func (s *vectorServer) noteSecrets(r *vectorRequest) {
	note := func(name, value string) {
		if slices.Contains(secretNames, name) {
			s.secret(value)
		}
	}
	_, query, _ := strings.Cut(r.target, "?")
	inQuery, _ := decodeForm(query)
	for _, p := range append(inQuery, r.params...) {
		note(p[0], p[1])
	}
	members := map[string]any{}
	if json.Unmarshal([]byte(r.body), &members) == nil {
		for _, name := range secretNames {
			text, _ := members[name].(string)
			note(name, text)
		}
	}
	for _, value := range r.values("Authorization") {
		if _, credentials, ok := strings.Cut(value, " "); ok {
			s.secret(credentials)
		}
	}
}
