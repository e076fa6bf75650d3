package grants_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestAuthorizationRequestByPOST(t *testing.T) {
	e := page(t)
	t.Run("U10_a POST is read as a GET", func(t *testing.T) {
		q := right("resource", "https://api.test", "login_hint", "a+b")
		byGET, err := e.Read(get(q.Encode()))
		wantRequest(t, byGET, err)
		byPOST, err := e.Read(post(q.Encode()))
		wantRequest(t, byPOST, err)
		if !reflect.DeepEqual(byGET, byPOST) {
			t.Errorf("got %+v, want %+v as by GET", byPOST, byGET)
		}
	})
	t.Run("U10_a POST that the host has parsed", func(t *testing.T) {
		r := post(right().Encode() + "&granted=read&granted=write")
		if err := r.ParseForm(); err != nil {
			t.Fatal(err)
		}
		a, err := e.Read(r)
		wantRequest(t, a, err)
		if a.Parameters.Has("granted") {
			t.Errorf("got the parameters %v, want none that is there twice", a.Parameters)
		}
		if _, err = e.Read(withParsedForm(right("+client_id", "c1").Encode())); err == nil {
			t.Error("a client_id that is there twice: got no error")
		}
	})
	t.Run("U10_the fields of the host are there afterwards", func(t *testing.T) {
		r := post(right().Encode() + "&granted=read&granted=write")
		_, err := e.Read(r)
		if err != nil || !slices.Equal(r.PostForm["granted"], []string{"read", "write"}) || r.FormValue("granted") != "read" {
			t.Errorf("got %v and error %v, want both values", r.PostForm, err)
		}
	})
	t.Run("U10_the query of a POST is not mixed in", func(t *testing.T) {
		for _, body := range []string{"", "client_id=off", "x=1"} {
			r := post(body)
			r.URL.RawQuery = right().Encode()
			_, err := e.Read(r)
			wantShown(t, e, err, http.StatusBadRequest)
		}
		r := post(right().Encode())
		r.URL.RawQuery = right("redirect_uri", "https://evil.test", "scope", "write", "+state", "x", "request", "x").Encode()
		a, err := e.Read(r)
		wantRequest(t, a, err)
		if !slices.Equal(a.Scope, []string{"read"}) || a.State != "s t&é" {
			t.Errorf("got %+v, want the request of the body", a)
		}
	})
	t.Run("U10_the body of a GET is not read", func(t *testing.T) {
		r := httptest.NewRequest(http.MethodGet, "/authorize", strings.NewReader(right().Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		_, err := e.Read(r)
		wantShown(t, e, err, http.StatusBadRequest)
	})
	t.Run("U10_a body that is no form", func(t *testing.T) {
		for _, contentType := range []string{"", "text/plain", "application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=iso-8859-1", "application/x-www-form-urlencoded; charset"} {
			r := post(right().Encode())
			r.Header.Set("Content-Type", contentType)
			_, err := e.Read(r)
			wantShown(t, e, err, http.StatusBadRequest)
		}
		r := post(right().Encode())
		r.Header.Set("Content-Type", "Application/X-WWW-Form-Urlencoded; charset=UTF8")
		a, err := e.Read(r)
		wantRequest(t, a, err)
	})
	t.Run("U10_a body that is too long, malformed, or breaks off", func(t *testing.T) {
		long := strings.NewReader(right().Encode() + "&x=" + strings.Repeat("x", 1<<20))
		r := post("")
		r.Body = io.NopCloser(long)
		_, err := e.Read(r)
		wantShown(t, e, err, http.StatusBadRequest)
		if read := long.Size() - int64(long.Len()); read > 64<<10 {
			t.Errorf("Read has read %d bytes of a body that is too long, want few", read)
		}
		_, err = e.Read(post(right().Encode() + "&x=%zz"))
		wantTold(t, err, "https://c1.test/cb?", "invalid_request")
		r = post("")
		r.Body = http.MaxBytesReader(nil, post(right().Encode()).Body, 10)
		_, err = e.Read(r)
		wantShown(t, e, err, http.StatusBadRequest)
	})
	t.Run("U10_another method", func(t *testing.T) {
		r := get(right().Encode())
		r.Method = http.MethodPut
		_, err := e.Read(r)
		wantShown(t, e, err, http.StatusMethodNotAllowed)
	})
}

func withParsedForm(body string) *http.Request {
	r := post(body)
	_ = r.ParseForm() // the body is right
	return r
}
