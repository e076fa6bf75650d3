package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"time"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"euros": euros,
	"day": func(t time.Time) string {
		if t.IsZero() {
			return "never"
		}
		return t.Format(time.DateTime)
	},
}).ParseFS(pageFiles, "pages/*.html"))

// page is what every template gets.
type page struct {
	User      *session // nil for a visitor
	FormToken string
	Data      any
}

// render writes a page of the shop.
func (s *shop) render(w http.ResponseWriter, r *http.Request, status int, name string, v *session, data any) {
	p := page{User: v, FormToken: s.formToken(w, r), Data: data}
	var body bytes.Buffer
	if err := pages.ExecuteTemplate(&body, name, p); err != nil {
		s.log.ErrorContext(r.Context(), "page", "name", name, "cause", err)
		http.Error(w, "Something went wrong.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store") // pages show names, codes and keys
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	// Nobody frames the consent page (RFC 9700 §4.16). There is no form-action:
	// some browsers apply it to the redirect that follows a form, and the
	// consent form ends at the app.
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	w.WriteHeader(status)
	w.Write(body.Bytes())
}

// refuse shows a sentence.
func (s *shop) refuse(w http.ResponseWriter, r *http.Request, status int, sentence string) {
	s.render(w, r, status, "refused", nil, sentence)
}

// fail is for faults of the shop. The visitor learns nothing of the cause.
func (s *shop) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.log.ErrorContext(r.Context(), "request", "path", r.URL.Path, "cause", err)
	s.refuse(w, r, http.StatusInternalServerError, "Something went wrong on our side. Please try again later.")
}
