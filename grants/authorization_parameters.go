package grants

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// parameters are the parameters of one authorization request. Each is there at most
// once, except for resource (RFC 6749 §3.1, RFC 8707 §2), and one without a value
// counts as left out.
type parameters struct {
	values url.Values
	shown  *AuthorizationError // a fault of client_id or redirect_uri: the user is told
	fault  *Error              // the first fault of another parameter: the client is told
	names  map[string]bool     // of all that came, those without a value too
	n      int                 // of all that came
}

const (
	// maxAuthorizationRequest bounds the query and the body of a request.
	maxAuthorizationRequest = 32 << 10
	// maxAuthorizationParameters bounds the work that one request can cause.
	maxAuthorizationParameters = 100
	// maxAuthorizationValue bounds a parameter that the endpoint reads.
	maxAuthorizationValue = 4 << 10
)

var (
	errMethod  = InvalidRequest.Describe("the method is neither GET nor POST")
	errNoForm  = InvalidRequest.Describe("the Content-Type of the request is not application/x-www-form-urlencoded in UTF-8")
	errBody    = InvalidRequest.Describe("the body could not be read")
	errTooLong = InvalidRequest.Describe("the request is too long")
	errTooMany = InvalidRequest.Describe("there are too many parameters")
)

// readParameters reads the query of a GET, or the body of a POST.
func readParameters(r *http.Request) (*parameters, error) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, "":
		return parseParameters(r.URL.RawQuery)
	case http.MethodPost:
	default:
		e := shown(errMethod, sentenceMalformed)
		e.Status = http.StatusMethodNotAllowed
		return nil, e
	}
	if r.Body == nil || !isForm(r.Header.Get("Content-Type")) {
		return nil, shown(errNoForm, sentenceMalformed)
	}
	if r.PostForm != nil { // the host has parsed it, such as for its token against forged forms
		p := newParameters()
		for name, values := range r.PostForm {
			for _, value := range values {
				p.add(name, value, true)
			}
		}
		return p.complete()
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAuthorizationRequest+1))
	if err != nil {
		return nil, shown(errBody.Because(err), sentenceMalformed)
	}
	// As net/http leaves it, for fields of the host. It has no part that it cannot
	// read, and such a part is a fault of the request below.
	r.PostForm, _ = url.ParseQuery(string(body))
	return parseParameters(string(body))
}

// isForm reports whether a media type says that the body is a form in UTF-8.
func isForm(contentType string) bool {
	media, attributes, err := mime.ParseMediaType(contentType)
	charset, said := attributes["charset"]
	return err == nil && media == "application/x-www-form-urlencoded" &&
		(!said || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8"))
}

// parseParameters reads a query. It does not leave out what it cannot read, as
// url.ParseQuery does: another reader might find a parameter there.
func parseParameters(query string) (*parameters, error) {
	if len(query) > maxAuthorizationRequest {
		return nil, shown(errTooLong, sentenceTooLong)
	}
	p := newParameters()
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		p.add(name, value, err1 == nil && err2 == nil && !strings.Contains(pair, ";")) // another reader splits at a semicolon
	}
	return p.complete()
}

func newParameters() *parameters {
	return &parameters{values: make(url.Values), names: make(map[string]bool)}
}

// complete ends the reading.
func (p *parameters) complete() (*parameters, error) {
	switch {
	case p.n > maxAuthorizationParameters:
		return nil, shown(errTooMany, sentenceTooLong)
	case p.shown == nil && p.values.Get("client_id") == "":
		p.shown = shown(InvalidRequest.Describe("client_id is missing"), sentenceNoClient)
	}
	return p, nil
}

// add takes one parameter, decoded if readable. The names that are told to the client
// are those of this function, never one of the request.
func (p *parameters) add(name, value string, readable bool) {
	if p.n++; p.n > maxAuthorizationParameters {
		return
	}
	again := p.names[name]
	p.names[name] = true
	readable = readable && isStorable(name) && isStorable(value)
	switch name {
	case "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "code_challenge", "code_challenge_method", "prompt":
		switch known := literal(name); {
		case again:
			p.refuse(known, known+" is repeated", sentenceMalformed)
		case !readable || !isText(value):
			p.refuse(known, known+" is malformed", sentenceMalformed)
		case len(value) > maxAuthorizationValue:
			p.refuse(known, known+" is too long", sentenceTooLong)
		case value != "":
			p.values.Set(name, value)
		}
	case "resource":
		switch {
		case !readable || !isText(value):
			p.refuse("resource", "resource is malformed", sentenceMalformed)
		case len(value) > maxAuthorizationValue:
			p.refuse("resource", "resource is too long", sentenceTooLong)
		case value != "":
			p.values.Add(name, value)
		}
	default: // for the host, or for nobody
		switch {
		case !readable:
			p.refuse("", "a parameter is malformed", sentenceMalformed)
		case again: // which of two the client means is not known
			p.values.Del(name)
		case value != "":
			p.values.Set(name, value)
		}
	}
}

// refuse notes a fault. A parameter that has one has no value. The user reads the
// sentence where the client may not be told.
func (p *parameters) refuse(name, description literal, sentence string) {
	p.values.Del(string(name))
	err := InvalidRequest.Describe(description)
	switch name {
	case "client_id":
		p.shown = shown(err, sentence)
	case "redirect_uri":
		if p.shown == nil {
			p.shown = shown(err, sentence)
		}
	default:
		if p.fault == nil {
			p.fault = err
		}
	}
}

// isStorable reports whether every database takes s.
func isStorable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
