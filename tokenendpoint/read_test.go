package tokenendpoint_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// impatient fails when a reader asks it for no bytes, as a reader does that goes
// on when its buffer is full. A strings.Reader would let such a reader go on
// without end.
type impatient struct{ io.Reader }

func (r impatient) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, io.ErrNoProgress
	}
	return r.Reader.Read(p)
}

// A middleware that decompresses puts a body in place that is longer than the
// request declares.
func TestBodyLongerThanDeclared(t *testing.T) {
	bed := newBed(t, benchKeys()[0])
	r := httptest.NewRequest(http.MethodPost, "/connect/token", strings.NewReader("short"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Body = io.NopCloser(impatient{strings.NewReader(strings.Repeat("A", 1<<20))})
	w := httptest.NewRecorder()
	bed.endpoint.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d %s, want 413", w.Code, w.Body)
	}
}

// A refusal of a request that cannot be read tells the client what to send, and
// names in the log the usual cause.
func TestA31A32RefusalsSayWhy(t *testing.T) {
	const form, js = "application/x-www-form-urlencoded", "application/json"
	const plain = "grant_type=client_credentials"
	drained := func(r *http.Request) { io.Copy(io.Discard, r.Body) }
	for _, tt := range []struct {
		name              string
		contentType, body string
		change            func(*http.Request)
		description       string
		cause             string
	}{
		{"A31: middleware has read a form", form, plain, drained, "the server lost the body", "read before"},
		{"A31: middleware has read JSON", js, `{"grant_type":"x"}`, drained, "the server lost the body", "read before"},
		{"A31: ParseForm", form, plain, func(r *http.Request) { r.ParseForm() }, "the server lost the body", "read before"},
		{"A31: ParseForm of a body without a length", form, plain, func(r *http.Request) { r.ContentLength = -1; r.ParseForm() }, "grant_type is missing", "read before"},
		{"A31: a body without a length", form, plain, func(r *http.Request) { r.ContentLength = -1; drained(r) }, "grant_type is missing", "no body, or middleware"},
		{"A31: the first bytes are gone", form, plain, func(r *http.Request) { io.ReadFull(r.Body, make([]byte, 5)) }, "grant_type is missing", "read before"},
		{"A31: the first bytes of JSON are gone", js, `{"grant_type":"x"}`, func(r *http.Request) { io.ReadFull(r.Body, make([]byte, 2)) }, "the body is no JSON object", "read before"},
		{"A31: middleware has closed the body", form, plain, func(r *http.Request) { r.Body = closed{} }, "the server lost the body", "closed before"},
		{"A31: middleware has a limit of its own", form, plain, func(r *http.Request) { r.Body = http.MaxBytesReader(nil, r.Body, 7) }, "the body is too long", "over 7 bytes"},
		{"there is no body", form, "", nil, "grant_type is missing", "no body, or middleware"},
		{"A32: JSON as a form", form, ` {"grant_type":"client_credentials"}`, nil, "the body is JSON, and Content-Type says that it is a form", "curl -d does"},
		{"A32: JSON with a semicolon as a form", form, `{"grant_type":"a;b%"}`, nil, "Content-Type", "curl -d does"},
		{"A32: a form as JSON", js, plain, nil, "the body is no JSON object, and Content-Type says that it is JSON", "for a form"},
		{"A32: nothing as JSON", js, "", nil, "Content-Type", "for a form"},
		{"A32: an array as JSON", js, "[]", nil, "Content-Type", "for a form"},
		{"A32: broken JSON is JSON", js, `{"grant_type":"x`, nil, "the body is malformed", "malformed"},
		{"no Content-Type", "", plain, nil, "Content-Type", "has no Content-Type"},
		{"two", form, plain, func(r *http.Request) { r.Header.Add("Content-Type", js) }, "Content-Type", "more than one"},
		{"a list", form + ", " + js, plain, nil, "Content-Type", "or a list"},
		{"a long one", form + strings.Repeat("; a=b", 100), plain, nil, "Content-Type", "too long"},
		{"another charset", form + "; charset=latin1", plain, nil, "UTF-8", "another charset"},
		{"multipart", "multipart/form-data; boundary=x", plain, nil, "Content-Type", "curl -F"},
		{"text", "text/plain", plain, nil, "Content-Type", "another media type"},
		{"gzip", form, plain, func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, "Content-Encoding", "must remove the header"},
		{"GET", form, plain, func(r *http.Request) { r.Method = http.MethodGet }, "not POST", "redirect"},
		{"a long body", form, strings.Repeat("A", 1<<17), nil, "too long", "over 65536 bytes"},
		{"a long query", form, plain, func(r *http.Request) { r.URL.RawQuery = strings.Repeat("a", 1<<14) }, "query of the URI is too long", "too long"},
		{"a parameter twice", form, plain + "&scope=a&scope=b", nil, "a parameter is repeated", "scope is repeated"},
		{"a long parameter", form, plain + "&code=" + strings.Repeat("A", 5000), nil, "a parameter is too long", "too long: code"},
		{"a line break in a resource", form, plain + "&resource=%0A", nil, "a character that it cannot have", "syntax: resource"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newObserved(t)
			r := httptest.NewRequest(http.MethodPost, "/connect/token", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.contentType)
			if tt.contentType == "" {
				r.Header.Del("Content-Type")
			}
			r.SetBasicAuth("c1", o.secret)
			if tt.change != nil {
				tt.change(r)
			}
			w := httptest.NewRecorder()
			o.handler.ServeHTTP(w, r)
			var answer struct {
				Code        string `json:"error"`
				Description string `json:"error_description"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.Code != "invalid_request" || !strings.Contains(answer.Description, tt.description) {
				t.Errorf("got %d %s, want invalid_request with … %s …", w.Code, w.Body, tt.description)
			}
			if _, line, _ := o.one(); !strings.Contains(line["cause"], tt.cause) {
				t.Errorf("the log has the cause %q, want … %s …", line["cause"], tt.cause)
			}
		})
	}
}

// closed is a body that middleware has closed.
type closed struct{}

func (closed) Read([]byte) (int, error) { return 0, http.ErrBodyReadAfterClose }
func (closed) Close() error             { return nil }

// Middleware that has put another body in place need not have changed the length.
func TestA31BodyShorterThanDeclared(t *testing.T) {
	o := newObserved(t)
	r := httptest.NewRequest(http.MethodPost, "/connect/token", strings.NewReader("grant_type=client_credentials"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("c1", o.secret)
	r.ContentLength = 1000
	w := httptest.NewRecorder()
	o.handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("got %d %s, want a token", w.Code, w.Body)
	}
}
