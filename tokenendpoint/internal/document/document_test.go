package document_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/document"
)

func serve(h http.Handler, method string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestDocument(t *testing.T) {
	const text = `{"keys":[]}`
	maxAge := 90 * time.Second
	var down error
	h := document.Handler(func(*http.Request) (document.Document, time.Duration, error) {
		return document.New([]byte(text)), maxAge, down
	})
	etag := serve(h, "GET").Header().Get("ETag")
	if etag == "" || etag != serve(h, "GET").Header().Get("ETag") {
		t.Fatalf("the ETag is %q, want one and the same", etag)
	}
	for _, tt := range []struct {
		name, method string
		header       []string
		down         error
		status       int
		body         string
		want         map[string]string
	}{
		{name: "GET", method: "GET", status: 200, body: text, want: map[string]string{
			"Content-Type": "application/json", "Cache-Control": "public, max-age=90", "ETag": etag, "Access-Control-Expose-Headers": "ETag, Retry-After"}},
		{name: "HEAD has all but the body", method: "HEAD", status: 200, want: map[string]string{
			"Content-Type": "application/json", "Cache-Control": "public, max-age=90", "ETag": etag, "Content-Length": "11"}},
		{name: "a known ETag", method: "GET", header: []string{"If-None-Match", `"x", W/` + etag}, status: 304, want: map[string]string{
			"Cache-Control": "public, max-age=90", "ETag": etag}},
		{name: "another ETag", method: "GET", header: []string{"If-None-Match", `"x"`}, status: 200, body: text},
		{name: "a preflight", method: "OPTIONS", header: []string{"Access-Control-Request-Method", "GET"}, status: 204, want: map[string]string{
			"Access-Control-Allow-Methods": "GET, HEAD", "Access-Control-Allow-Headers": "*, Authorization", "Allow": "GET, HEAD, OPTIONS", "Access-Control-Max-Age": "600"}},
		{name: "a preflight during an outage", method: "OPTIONS", down: errors.New("x"), status: 204},
		{name: "another method", method: "PUT", status: 405, body: `{"error":"invalid_request","error_description":"the method is neither GET nor HEAD"}` + "\n", want: map[string]string{
			"Allow": "GET, HEAD, OPTIONS", "Content-Type": "application/json", "Cache-Control": "no-store"}},
		{name: "an outage", method: "GET", down: errors.New("the password is xyz"), status: 503, body: `{"error":"temporarily_unavailable"}` + "\n", want: map[string]string{
			"Retry-After": "2", "Content-Type": "application/json", "Cache-Control": "no-store", "ETag": ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			down = tt.down
			got := serve(h, tt.method, tt.header...)
			if got.Code != tt.status || got.Body.String() != tt.body {
				t.Errorf("got %d %q, want %d %q", got.Code, got.Body, tt.status, tt.body)
			}
			if tt.want == nil {
				tt.want = make(map[string]string)
			}
			for name, want := range map[string]string{"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff", "Access-Control-Allow-Credentials": ""} {
				tt.want[name] = want
			}
			for name, want := range tt.want {
				if got := strings.Join(got.Header()[http.CanonicalHeaderKey(name)], "; "); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}
