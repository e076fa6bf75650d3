package tokenendpoint_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// impatient has no patience for who asks it for nothing, as one does who goes on
// after there is no room left: a strings.Reader would let him do so without end.
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
