//go:build unix

package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// codePage stands in for the login page of a host, and gives a code to everybody.
// examples/hostapp has a real login page.
type codePage struct{ store storage.Storage }

func (p *codePage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	code, err := p.newCode(r)
	switch {
	case grants.Verdict(err) != nil:
		w.WriteHeader(http.StatusBadRequest) // no code_challenge
		return
	case err != nil:
		slog.Error("demo page", "err", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"code": code.Reveal()})
}

func (p *codePage) newCode(r *http.Request) (storage.Secret, error) {
	client, err := p.store.Client(r.Context(), publicID)
	if err != nil {
		return storage.Secret{}, err
	}
	code, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
		Issuer:              issuer,
		Client:              client,
		Subject:             "demo-user",
		RedirectURI:         redirectURI,
		Scope:               []string{"read"},
		CodeChallenge:       r.URL.Query().Get("code_challenge"),
		CodeChallengeMethod: "S256",
	}, time.Now())
	if err != nil {
		return storage.Secret{}, err
	}
	return code, p.store.CreateCredential(r.Context(), record)
}
