// Package params reads a request: its parameters, from a form or from JSON, and
// the credentials that it shows of its client. It reads a request whole or not
// at all, and its errors are the verdicts for the client.
package params

import (
	"errors"
	"fmt"
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

const (
	// maxBody bounds the bytes that are read of a body.
	maxBody = 64 << 10
	// maxQuery bounds the bytes of a query that are searched. A server
	// reads a megabyte of header.
	maxQuery = 8 << 10
)

// StatusError is a refusal for which HTTP has a status of its own.
type StatusError struct {
	verdict *grants.Error
	Status  int
}

// Error returns the text of the verdict.
func (e *StatusError) Error() string { return e.verdict.Error() }

// Unwrap returns the verdict.
func (e *StatusError) Unwrap() error { return e.verdict }

var (
	errMethod      = &StatusError{grants.InvalidRequest.Describe("the method is not POST").Because(errGET), http.StatusMethodNotAllowed}
	errBodyTooLong = &StatusError{tooLong.Because(fmt.Errorf("tokenendpoint: the body is over %d bytes", maxBody)), http.StatusRequestEntityTooLarge}
	errBodyTooSlow = &StatusError{grants.InvalidRequest.Describe("the body did not arrive in time").Because(errSlow), http.StatusRequestTimeout}

	errContentType     = grants.InvalidRequest.Describe("Content-Type is neither application/x-www-form-urlencoded nor application/json, in UTF-8")
	errContentEncoding = grants.InvalidRequest.Describe("Content-Encoding is not supported").Because(errEncoded)
	errQueryTooLong    = grants.InvalidRequest.Describe("the query of the URI is too long")
	errInQuery         = grants.InvalidRequest.Describe("parameters belong in the body, not in the URI")
	errBody            = grants.InvalidRequest.Describe("the body did not arrive")
	errBodyTaken       = grants.InvalidRequest.Describe("the server lost the body on its way to the endpoint: its operator must let no middleware read it")
	tooLong            = grants.InvalidRequest.Describe("the body is too long")
)

// The causes of refusals are for the log. Its reader may know only one side of the
// connection, so each cause names the usual reason for such a request.
var (
	errGET     = errors.New("tokenendpoint: the method is not POST; a client that follows a redirect, such as one to https or to another path, turns POST into GET")
	errSlow    = errors.New("tokenendpoint: the body did not arrive within Config.ReadTimeout, or Content-Length promises more than the client has sent")
	errEncoded = errors.New("tokenendpoint: the request has a Content-Encoding; the client must send the body as it is, or middleware that decodes it must remove the header")

	errNoType      = errors.New("tokenendpoint: the request has no Content-Type")
	errTwoTypes    = errors.New("tokenendpoint: the request has more than one Content-Type header")
	errLongType    = errors.New("tokenendpoint: Content-Type is too long")
	errCharset     = errors.New("tokenendpoint: Content-Type has another charset than UTF-8")
	errOtherType   = errors.New("tokenendpoint: Content-Type is another media type")
	errMultipart   = errors.New("tokenendpoint: Content-Type is multipart/form-data, as curl -F and FormData of a browser send it; curl -d and URLSearchParams send a form")
	errListOfTypes = errors.New("tokenendpoint: Content-Type is malformed, or a list")

	errConsumed = errors.New("tokenendpoint: the body was read before the request came here: middleware that calls ParseForm, FormValue or io.ReadAll must put it back")
	errClosed   = errors.New("tokenendpoint: the body was closed before the request came here: middleware that reads it must put it back")
	errNoBody   = errors.New("tokenendpoint: the request has no body, or middleware has read it")
)

// Read takes the parameters out of a request: from the body alone, form or
// JSON, whole or not at all.
func Read(w http.ResponseWriter, r *http.Request) (Params, error) {
	if r.Method != http.MethodPost { // RFC 6749 §3.2
		return Params{}, errMethod
	}
	if err := checkQuery(r.URL.RawQuery); err != nil {
		return Params{}, err
	}
	if _, encoded := r.Header["Content-Encoding"]; encoded {
		return Params{}, errContentEncoding
	}
	parse, err := parserFor(r.Header["Content-Type"])
	if err != nil {
		return Params{}, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return Params{}, err
	}
	p, err := parse(body)
	p.Consumed = consumed(r, body)
	if err != nil && p.Consumed == errConsumed { // the rest of a body looks malformed
		err = grants.Verdict(err).Because(errConsumed)
	}
	return p, err
}

// consumed explains why a body may hold less than the client has sent: a cause
// for the log, or nil. net/http gives the whole body or an error, so that only
// middleware can have taken the rest. Middleware that has put another body in
// place need not have changed ContentLength, so this alone is no reason to
// refuse a readable body.
func consumed(r *http.Request, body string) error {
	switch {
	case int64(len(body)) < r.ContentLength, body == "" && r.PostForm != nil:
		return errConsumed
	case body == "":
		return errNoBody
	}
	return nil
}

// checkQuery refuses known parameters in the URI, where they end up in logs
// (RFC 6749 §2.3.1, §3.2). A host may have other parameters there.
func checkQuery(query string) error {
	if len(query) > maxQuery {
		return errQueryTooLong
	}
	for query != "" {
		end := 0
		for end < len(query) && query[end] != '&' && query[end] != ';' {
			end++
		}
		name, _, _ := strings.Cut(query[:end], "=")
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		if known(name) != undefined {
			return errInQuery
		}
		query = query[min(end+1, len(query)):]
	}
	return nil
}

const (
	typeForm = "application/x-www-form-urlencoded"
	typeJSON = "application/json"
	// maxContentType bounds the work for a header that can be as long as the
	// server allows. A multipart boundary, the longest parameter, has 70 bytes.
	maxContentType = 256
)

// parserFor chooses by the one Content-Type.
func parserFor(contentType []string) (func(string) (Params, error), error) {
	switch {
	case len(contentType) > 1:
		return nil, errContentType.Because(errTwoTypes)
	case len(contentType) == 0 || contentType[0] == "":
		return nil, errContentType.Because(errNoType)
	case len(contentType[0]) > maxContentType:
		return nil, errContentType.Because(errLongType)
	}
	mediaType := contentType[0]
	if mediaType != typeForm && mediaType != typeJSON {
		var attributes map[string]string
		var err error
		if mediaType, attributes, err = mime.ParseMediaType(mediaType); err != nil {
			return nil, errContentType.Because(errListOfTypes)
		}
		if charset, ok := attributes["charset"]; ok && !isUTF8(charset) {
			return nil, errContentType.Because(errCharset)
		}
	}
	switch mediaType {
	case typeForm:
		return parseForm, nil
	case typeJSON:
		return parseJSON, nil
	case "multipart/form-data":
		return nil, errContentType.Because(errMultipart)
	}
	return nil, errContentType.Because(errOtherType)
}

// isUTF8 knows the two spellings that clients send, the second of which has no
// registration.
func isUTF8(charset string) bool {
	return strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}

// The reader may read one byte more than allowed: that byte shows whether the
// body is too long.
var bodies = sync.Pool{New: func() any { return new([maxBody + 1]byte) }}

// readBody reads a bounded body, within the read deadline that the caller has set.
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
	case n == 0 && r.ContentLength > 0:
		return "", errBodyTaken.Because(errConsumed)
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
	if limit, ok := errors.AsType[*http.MaxBytesError](err); ok { // ours, or a lower one of middleware
		return &StatusError{tooLong.Because(fmt.Errorf("tokenendpoint: the body is over %d bytes", limit.Limit)), http.StatusRequestEntityTooLarge}
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errBodyTooSlow
	case errors.Is(err, http.ErrBodyReadAfterClose):
		return errBodyTaken.Because(errClosed)
	}
	return errBody.Because(err)
}
