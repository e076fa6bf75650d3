// Package ask sends requests to a handler in the same process, as the tests and
// examples of the guides need it.
package ask

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// Answer is the answer of a token endpoint.
type Answer struct {
	// Status is the status code.
	Status int
	// Body is the JSON object of the answer, or nil if the answer has none.
	Body map[string]any
}

// Text returns a member of the body, or "" if there is no such text.
func (a Answer) Text(name string) string {
	text, _ := a.Body[name].(string)
	return text
}

// String returns the status, and the error code or the scope: enough to print in an
// example, and the same at each run.
func (a Answer) String() string {
	if code := a.Text("error"); code != "" {
		return strings.TrimSpace(fmt.Sprint(a.Status, " ", code, " ", a.Text("error_description")))
	}
	return strings.TrimSpace(fmt.Sprint(a.Status, " ", a.Text("scope")))
}

// Token sends a form to /connect/token. The parameters are names and values in turn.
func Token(h http.Handler, params ...string) Answer { return Post(h, "/connect/token", params...) }

// Post sends a form to a path. The parameters are names and values in turn.
func Post(h http.Handler, path string, params ...string) Answer {
	form := url.Values{}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return send(h, r)
}

// API asks for a path with an access token.
func API(h http.Handler, path, token string) Answer {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return send(h, r)
}

func send(h http.Handler, r *http.Request) Answer {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	a := Answer{Status: w.Code}
	if json.Unmarshal(w.Body.Bytes(), &a.Body) != nil {
		a.Body = nil
	}
	return a
}
