package endpointtest

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
)

func a10NoContentType(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, r := range both(clientCredentials(f.c1)) {
		r = r.clone()
		r.header.Del("Content-Type")
		got := f.send(r)
		got.refused("invalid_request")
		got.names("Content-Type")
		f.untouched("no Content-Type")
		f.refusedUnread(r.set("Content-Type", ""))
	}
}

func a11WrongContentType(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, contentType := range []string{"text/plain", "application/octet-stream", "application/xml", "*/*", "application/x-www-form-urlencoded2", "form"} {
		for _, r := range both(clientCredentials(f.c1)) {
			f.refusedUnread(r.set("Content-Type", contentType))
		}
	}
}

// a12Multipart looks at what net/http would have left behind: nothing is
// parsed, so that nothing gets into temporary files either.
func a12Multipart(t *testing.T, open opener) {
	f := newFixture(t, open)
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	w.WriteField("grant_type", "client_credentials")
	part, err := w.CreateFormFile("scope", "scope.txt")
	if err != nil {
		t.Fatal(err)
	}
	part.Write([]byte("read"))
	w.Close()
	r := clientCredentials(f.c1)
	r.body = body.String()
	r = r.set("Content-Type", w.FormDataContentType())
	f.refusedUnread(r, r.set("Content-Type", "multipart/form-data"))

	hr := directRequest(r, strings.NewReader(r.body))
	f.direct(hr).refused("invalid_request")
	if hr.MultipartForm != nil || hr.Form != nil || hr.PostForm != nil {
		t.Errorf("net/http has parsed the request: %v %v %v, want it let be", hr.MultipartForm, hr.Form, hr.PostForm)
	}
}

func a13MediaTypeCase(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, parameters := range []string{"", "; charset=UTF-8", ";charset=utf-8", `; charset="Utf-8"`, "; CHARSET=UTF-8", "; v=1"} {
		r := clientCredentials(f.c1)
		f.send(r.set("Content-Type", "Application/X-WWW-FORM-urlencoded"+parameters)).tokens()
		f.send(r.json().set("Content-Type", "Application/JSON"+parameters)).tokens()
	}
}

func a14Charset(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, charset := range []string{"iso-8859-1", "utf-16", "us-ascii", `"windows-1252"`} {
		for _, r := range both(clientCredentials(f.c1)) {
			f.refusedUnread(r.set("Content-Type", r.header.Get("Content-Type")+"; charset="+charset))
		}
	}
	latin := clientCredentials(f.c1)
	latin.body = "grant_type=client_credentials&scope=r%E9ad"
	f.refusedUnread(latin.set("Content-Type", "application/x-www-form-urlencoded; charset=iso-8859-1"))
}

func a15MalformedMediaType(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, parameters := range []string{"; charset", "; =utf-8", "; charset=utf-8; charset=iso-8859-1", `; charset="utf-8`, "; charset=utf-8 x"} {
		for _, r := range both(clientCredentials(f.c1)) {
			f.refusedUnread(r.set("Content-Type", r.header.Get("Content-Type")+parameters))
		}
	}
}

func a16TwoContentTypes(t *testing.T, open opener) {
	f := newFixture(t, open)
	const formType, jsonType = "application/x-www-form-urlencoded", "application/json"
	for _, types := range [][]string{
		{formType, jsonType}, {jsonType, formType}, {formType, formType}, {jsonType, jsonType}, {formType + ", " + jsonType}, {formType + "," + formType},
	} {
		for _, r := range both(clientCredentials(f.c1)) {
			r = r.clone()
			r.header["Content-Type"] = types
			f.refusedUnread(r)
		}
	}
}

func a17EmptyBody(t *testing.T, open opener) {
	f := newFixture(t, open)
	r := form().by(f.c1)
	f.send(r).names("grant_type")
	f.refusedUnread(r, r.json())
	for _, contentType := range []string{"application/x-www-form-urlencoded", "application/json"} {
		empty := r.set("Content-Type", contentType)
		f.refusedUnread(empty)
		hr := directRequest(empty, http.NoBody)
		hr.Body = nil // as a host's middleware may leave it
		f.direct(hr).refused("invalid_request")
	}
}
