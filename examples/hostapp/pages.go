package main

import (
	"bytes"
	"embed"
	"html/template"
	"net"
	"net/http"
	"strings"
	"time"
)

//go:embed pages
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"asset":      assetPath,
	"euros":      euros,
	"sentence":   sentence,
	"thisDevice": thisDevice,
	"date":       func(t time.Time) string { return t.UTC().Format("2 Jan 2006") },
	"minute":     func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 MST") },
	"iso":        func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
}).ParseFS(pageFiles, "pages/*.html"))

// thisDevice reports whether a host of a redirect_uri is the user's own device
// (RFC 8252 §7.3).
func thisDevice(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// titles are the titles of the pages, by their templates' names.
var titles = map[string]string{
	"login":   "Log in",
	"consent": "Allow access?",
	"orders":  "Your orders",
	"keys":    "API keys",
	"apps":    "Connected apps",
	"pairing": "Pair a till",
	"refused": "That did not work",
}

// link is a line of the menu.
type link struct{ Page, Path, Text string }

var menu = []link{
	{"orders", "/", "Orders"},
	{"keys", "/keys", "API keys"},
	{"apps", "/apps", "Apps"},
	{"pairing", "/pairing", "Pair a till"},
}

// page is the data of every template.
type page struct {
	Name, Title string
	User        *session // nil for a visitor
	Menu        []link   // nil where nothing should lead away: for a visitor, and on the consent page
	FormToken   string
	Data        any
}

// render writes a page of the shop.
func (s *shop) render(w http.ResponseWriter, r *http.Request, status int, name string, v *session, data any) {
	p := page{Name: name, Title: titles[name], User: v, FormToken: s.formToken(w, r), Data: data}
	if v != nil && name != "consent" {
		p.Menu = menu
	}
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
	// No site may frame the consent page (RFC 9700 §4.16), and no script or style runs
	// that is not a file of the shop. There is no form-action: some browsers apply
	// it to the redirect that follows a form, and the consent form ends at the app.
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'")
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

// notFound is the page of an address that the shop does not have.
func (s *shop) notFound(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, http.StatusNotFound, "There is no page at this address.")
}
