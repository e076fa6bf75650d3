package testbed

import (
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/contit/oauth/tokenendpoint/bearer"
)

// Call asks a protected route of this process with a token, and returns the
// status.
func (f *Fixture) Call(token string, scope ...string) int {
	f.Helper()
	return f.CallBehind(f.Handler.RequireToken(scope...), token)
}

// CallBehind is Call with the middleware of another handler.
func (f *Fixture) CallBehind(protect func(http.Handler) http.Handler, token string) int {
	f.Helper()
	h := protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, ok := bearer.Token(r.Context())
		if !ok || t.Issuer != Issuer || !strings.HasPrefix(token, "ey") {
			f.Errorf("the claims behind the middleware are %+v, %t", t, ok)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	r := httptest.NewRequest("GET", "https://api.test/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// WantCall asserts the status of a protected route.
func (f *Fixture) WantCall(want int, what, token string, scope ...string) {
	f.Helper()
	if got := f.Call(token, scope...); got != want {
		f.Errorf("%s: a protected route answers %d, want %d", what, got, want)
	}
}
