package main

import (
	"crypto/subtle"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

const (
	loginPath = "/authorize"
	userName  = "ada"
)

// login is the page where the user logs in and agrees. It has one user and no session,
// and asks for the password each time, so no other site can answer for the user. A host
// has a login of its own, a brake for guesses, and asks between Read and Approve.
type login struct {
	endpoint grants.AuthorizationEndpoint
	codes    storage.Credentials
	name     func(clientID string) string
	password string
}

func (l *login) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		l.decide(w, r)
		return
	}
	a, err := l.endpoint.Read(r)
	if err == nil && a.PromptNone { // it wants no page, and this page always asks
		err = a.Refuse(grants.LoginRequired)
	}
	if err != nil {
		l.endpoint.Answer(w, r, nil, err)
		return
	}
	l.show(w, a, "")
}

// decide answers the form, whose address has the request in its query. The request is
// judged again, so that a user gains nothing by changing the form.
func (l *login) decide(w http.ResponseWriter, r *http.Request) {
	a, err := l.endpoint.ReadQuery(r.Context(), r.URL.RawQuery)
	if err != nil {
		l.endpoint.Answer(w, r, nil, err)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	if r.PostFormValue("decision") != "allow" {
		l.endpoint.Answer(w, r, nil, a.Refuse(grants.AccessDenied))
		return
	}
	name, password := r.PostFormValue("name"), r.PostFormValue("password")
	if subtle.ConstantTimeCompare([]byte(name+"\n"+password), []byte(userName+"\n"+l.password)) != 1 {
		l.show(w, a, "This is not the name and the password that the program has printed.")
		return
	}
	now := time.Now()
	granted := r.PostForm["scope"] // what the user has left ticked; Approve refuses more than was asked for
	code, answer, err := a.Approve(grants.Approval{Subject: "user:" + userName, Scope: granted, AuthTime: now}, now)
	if err == nil {
		err = a.Refuse(l.codes.CreateCredential(r.Context(), code))
	}
	l.endpoint.Answer(w, r, answer, err)
}

// show asks the user. The name of a client that nobody has registered is what a
// stranger says of itself, so the page shows where the code will go.
func (l *login) show(w http.ResponseWriter, a *grants.PendingAuthorization, wrong string) {
	to := a.RedirectURI // all of it for the scheme of an app, where a host is the app's own invention
	if u, err := url.Parse(to); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		to = u.Host
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
	page.Execute(w, map[string]any{"Action": loginPath + "?" + a.Query(), "Client": l.name(a.Client.ID), "To": to, "Scope": a.Scope, "Wrong": wrong})
}

var page = template.Must(template.New("login").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Allow access to your notes?</title>
<style>body{font:1rem/1.5 sans-serif;max-width:28rem;margin:3rem auto;padding:0 1rem;overflow-wrap:anywhere}label,button{display:block;margin:.7rem 0}</style>
<h1>Allow access to your notes?</h1>
<p>An app at <strong>{{.To}}</strong> asks for:
{{with .Wrong}}<p role="alert">{{.}}{{end}}
<form method="post" action="{{.Action}}">
{{range .Scope}}<label><input name="scope" type="checkbox" value="{{.}}" checked> {{.}}</label>
{{end}}<p><small>It calls itself {{.Client}}.</small>
<label>Name <input name="name" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button name="decision" value="allow">Allow</button><button name="decision" value="deny" formnovalidate>Refuse</button>
</form></html>
`))
