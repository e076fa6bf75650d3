package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const clientID = "orders-app"

// newServer is the endpoint, the login page, and the API.
func newServer(ctx context.Context, at addresses, lifetime time.Duration) (http.Handler, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: key})
	if err != nil {
		return nil, err
	}
	store := new(memory.Store)
	err = store.PutClient(ctx, &storage.Client{
		ID:           clientID,
		AuthMethod:   storage.AuthNone, // everybody can read the app
		GrantTypes:   []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken},
		Scope:        []string{"orders"},
		RedirectURIs: []string{at.app + "/"},
	})
	if err != nil {
		return nil, err
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:                at.server,
		Audience:              []string{at.server + "/api"},
		AuthorizationEndpoint: at.server + "/authorize",
		AllowedOrigins:        []string{at.app},
		AccessTokenLifetime:   lifetime,
		Keys:                  keys,
		Storage:               store,
		Revocations:           store,
	})
	if err != nil {
		return nil, err
	}
	p := &page{login: endpoint.AuthorizationEndpoint(), store: store}
	mux := http.NewServeMux()
	mux.Handle("/", endpoint)
	mux.Handle("/api/orders", allow(at.app, endpoint.RequireToken("orders")(http.HandlerFunc(orders))))
	mux.Handle("GET /authorize", protected(http.HandlerFunc(p.ask), pagePolicy))
	mux.Handle("POST /authorize", protected(http.HandlerFunc(p.decide), pagePolicy))
	return mux, nil
}

// allow lets the scripts of one origin read the answers of an API, and send a token
// (CORS). It stands around RequireToken: the browser asks first, without a token.
func allow(origin string, api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		if r.Header.Get("Origin") == origin {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Allow-Headers", "Authorization")
		}
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		api.ServeHTTP(w, r)
	})
}

func orders(w http.ResponseWriter, r *http.Request) {
	token, _ := bearer.Token(r.Context())
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("orders of " + strings.TrimPrefix(token.Subject, "user:"))) // the connection has gone
}

// page is the login page. It has no login: a host has its own (examples/yourusers).
type page struct {
	login grants.AuthorizationEndpoint
	store *memory.Store
}

const pagePolicy = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"

var consent = template.Must(template.New("").Parse(`<!DOCTYPE html><html lang="en"><meta name="viewport" content="width=device-width"><title>Allow?</title>
<main><h1>Allow {{.Client.ID}}?</h1><p>It wants to have: {{range .Scope}}<b>{{.}}</b> {{end}}</p>
<form method="post" action="{{printf "/authorize?%s" .Query}}">
<button name="decision" value="allow" id="allow">Allow</button> <button name="decision" value="deny" id="deny">Do not allow</button>
</form></main></html>`))

func (p *page) ask(w http.ResponseWriter, r *http.Request) {
	a, err := p.login.Read(r)
	if err == nil && a.PromptNone { // this page always asks
		err = a.Refuse(grants.ConsentRequired)
	}
	if err != nil {
		p.login.Answer(w, r, nil, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = consent.Execute(w, a) // the connection has gone
}

func (p *page) decide(w http.ResponseWriter, r *http.Request) {
	a, err := p.login.ReadQuery(r.Context(), r.URL.RawQuery)
	if err == nil && r.PostFormValue("decision") != "allow" {
		err = a.Refuse(grants.AccessDenied)
	}
	if err != nil {
		p.login.Answer(w, r, nil, err)
		return
	}
	record, answer, err := a.Approve(grants.Approval{Subject: "user:42", Scope: a.Scope}, time.Now())
	if err != nil {
		p.login.Answer(w, r, nil, err)
		return
	}
	if err := p.store.CreateCredential(r.Context(), record); err != nil {
		p.login.Answer(w, r, nil, a.Refuse(err)) // an outage: the app gets no code that is not stored
		return
	}
	p.login.Answer(w, r, answer, nil)
}
