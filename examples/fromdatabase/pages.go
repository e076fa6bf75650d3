package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
)

//go:embed *.html
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"sentence": func(scope string) string { return scopes[scope] },
}).ParseFS(pageFiles, "*.html"))

// render writes a page of the site.
func (s *site) render(w http.ResponseWriter, status int, name string, data any) error {
	var body bytes.Buffer
	if err := pages.ExecuteTemplate(&body, name, data); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store") // pages show names and tokens
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	// No site may frame the consent page (RFC 9700 §4.16). There is no form-action: some
	// browsers apply it to the redirect after a form, and the consent form ends at the app.
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	w.Write(body.Bytes())
	return nil
}

// refuse shows a sentence.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, status int, sentence string) {
	if err := s.render(w, status, "refused", sentence); err != nil {
		s.log.ErrorContext(r.Context(), "page", "cause", err)
	}
}

// fail is for faults of the site. The user learns nothing of the cause.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.log.ErrorContext(r.Context(), "request", "path", r.URL.Path, "cause", err)
	s.refuse(w, r, http.StatusInternalServerError, "Something went wrong on our side. Please try again later.")
}
