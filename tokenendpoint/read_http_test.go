package tokenendpoint_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// askDirectly asks a token endpoint of a vector's server, without a connection, so that
// the request can be looked at afterwards.
func askDirectly(t testing.TB, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	s := newVectorServer(t, &vector{server: serverSettings{EveryPath: true}})
	defer s.close()
	header, err := s.basic("c1")
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", header)
	w := httptest.NewRecorder()
	s.server.Config.Handler.ServeHTTP(w, r)
	return w
}

// TestA12MultipartIsLeftUnparsed looks for traces that net/http would have left
// behind: it parses nothing, so that nothing gets into temporary files either.
func TestA12MultipartIsLeftUnparsed(t *testing.T) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	w.WriteField("grant_type", "client_credentials")
	if _, err := w.CreateFormFile("scope", "scope.txt"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	r := httptest.NewRequest(http.MethodPost, "/connect/token", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	if got := askDirectly(t, r); got.Code != http.StatusBadRequest {
		t.Errorf("got %d %s, want 400", got.Code, got.Body)
	}
	if r.MultipartForm != nil || r.Form != nil || r.PostForm != nil {
		t.Errorf("net/http has parsed the request: %v %v %v, want it let be", r.MultipartForm, r.Form, r.PostForm)
	}
}

// TestA17NilBody: middleware of a host may leave a request without a body.
func TestA17NilBody(t *testing.T) {
	for _, contentType := range []string{formType, jsonType} {
		r := httptest.NewRequest(http.MethodPost, "/connect/token", nil)
		r.Header.Set("Content-Type", contentType)
		r.Body = nil
		if got := askDirectly(t, r); got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), "invalid_request") {
			t.Errorf("%s: got %d %s, want 400 invalid_request", contentType, got.Code, got.Body)
		}
	}
}

// TestC13ManyMembersTakeLittleMemory asks with as many members as fit into a
// body. The least of several tries counts, since other tests allocate too.
func TestC13ManyMembersTakeLittleMemory(t *testing.T) {
	s := newVectorServer(t, &vector{})
	defer s.close()
	for _, c := range []struct {
		n     int
		value string
	}{{7000, "1"}, {6000, `""`}, {5000, "null"}} {
		var b strings.Builder
		b.WriteString(`{"grant_type":"client_credentials"`)
		for i := range c.n {
			fmt.Fprintf(&b, `,"%x":%s`, i, c.value)
		}
		b.WriteString("}")
		least := ^uint64(0)
		for range 5 {
			r := httptest.NewRequest(http.MethodPost, "/connect/token", strings.NewReader(b.String()))
			r.Header.Set("Content-Type", jsonType)
			w := httptest.NewRecorder()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			s.server.Config.Handler.ServeHTTP(w, r)
			runtime.ReadMemStats(&after)
			if w.Code != http.StatusBadRequest {
				t.Fatalf("%d members: got %d %s, want 400", c.n, w.Code, w.Body)
			}
			least = min(least, after.TotalAlloc-before.TotalAlloc)
		}
		if least > 1<<20 {
			t.Errorf("%d members of %s: %d bytes were allocated, want at most 1 MiB", c.n, c.value, least)
		}
	}
}
