package tokenendpoint_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A middleware that decompresses puts a body in place that is longer than the
// request declares.
func TestBodyLongerThanDeclared(t *testing.T) {
	bed := newBed(t, benchKeys()[0])
	r := httptest.NewRequest(http.MethodPost, "/connect/token", strings.NewReader("short"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Body = io.NopCloser(strings.NewReader(strings.Repeat("A", 1<<20)))
	w := httptest.NewRecorder()
	bed.endpoint.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d %s, want 413", w.Code, w.Body)
	}
}
