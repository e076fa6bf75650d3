package tokenendpoint

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/contit/oauth/grants"
)

// maxBody bounds what is read of a request.
const maxBody = 64 << 10

// envelopeError is a refusal for which HTTP has a status of its own.
type envelopeError struct {
	verdict *grants.Error
	status  int
}

func (e *envelopeError) Error() string { return e.verdict.Error() }
func (e *envelopeError) Unwrap() error { return e.verdict }

var (
	errMethod      = &envelopeError{grants.InvalidRequest.Describe("the method is not POST"), http.StatusMethodNotAllowed}
	errBodyTooLong = &envelopeError{grants.InvalidRequest.Describe("the body is too long"), http.StatusRequestEntityTooLarge}
	errBodyTooSlow = &envelopeError{grants.InvalidRequest.Describe("the body did not arrive in time"), http.StatusRequestTimeout}

	errContentType     = grants.InvalidRequest.Describe("Content-Type is neither application/x-www-form-urlencoded nor application/json, in UTF-8")
	errContentEncoding = grants.InvalidRequest.Describe("Content-Encoding is not supported")
	errInQuery         = grants.InvalidRequest.Describe("parameters belong in the body, not in the URI")
	errBody            = grants.InvalidRequest.Describe("the body did not arrive")
)

// read takes the parameters out of a request: from the body alone, form or
// JSON, whole or not at all.
func read(w http.ResponseWriter, r *http.Request) (parameters, error) {
	if r.Method != http.MethodPost { // RFC 6749 §3.2
		return parameters{}, errMethod
	}
	if err := checkQuery(r.URL.RawQuery); err != nil {
		return parameters{}, err
	}
	if _, encoded := r.Header["Content-Encoding"]; encoded {
		return parameters{}, errContentEncoding
	}
	parse, err := parserFor(r.Header["Content-Type"])
	if err != nil {
		return parameters{}, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return parameters{}, err
	}
	return parse(body)
}

// checkQuery refuses known parameters in the URI, where they end up in logs
// (RFC 6749 §2.3.1, §3.2). What else a host has there is its own business.
func checkQuery(query string) error {
	if query == "" {
		return nil
	}
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, _, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		if known(name) != unknown {
			return errInQuery
		}
	}
	return nil
}

const (
	typeForm = "application/x-www-form-urlencoded"
	typeJSON = "application/json"
)

// parserFor chooses by the one Content-Type.
func parserFor(contentType []string) (func(string) (parameters, error), error) {
	if len(contentType) != 1 {
		return nil, errContentType
	}
	mediaType := contentType[0]
	if mediaType != typeForm && mediaType != typeJSON {
		var params map[string]string
		var err error
		if mediaType, params, err = mime.ParseMediaType(mediaType); err != nil {
			return nil, errContentType.Because(err)
		}
		if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
			return nil, errContentType
		}
	}
	switch mediaType {
	case typeForm:
		return parseForm, nil
	case typeJSON:
		return parseJSON, nil
	}
	return nil, errContentType
}

// One byte more than allowed, so that the reader says whether there is more.
var bodies = sync.Pool{New: func() any { return new([maxBody + 1]byte) }}

// readBody reads a bounded body, within the time that ServeHTTP has set.
func readBody(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.ContentLength > maxBody {
		return "", errBodyTooLong
	}
	if r.Body == nil {
		return "", nil
	}
	buf := bodies.Get().(*[maxBody + 1]byte)
	defer bodies.Put(buf)
	source := io.Reader(r.Body)
	if r.ContentLength < 0 { // net/http keeps to the length that a request declares
		source = http.MaxBytesReader(w, r.Body, maxBody)
	}
	n, err := readUntilEOF(source, buf[:])
	switch {
	case err != nil:
		return "", bodyError(err)
	case n > maxBody:
		return "", errBodyTooLong
	}
	// A deadline that stood would end the request's context with it.
	http.NewResponseController(w).SetReadDeadline(time.Time{})
	return string(buf[:n]), nil
}

func readUntilEOF(r io.Reader, buf []byte) (n int, err error) {
	for err == nil && n < len(buf) { // into no room a Read reads nothing, without an end
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}

func bodyError(err error) error {
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return errBodyTooLong
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errBodyTooSlow
	}
	return errBody.Because(err)
}
