package main

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

const (
	// keyPrefix begins the shop's API keys, so that people and secret scanners
	// recognise them.
	keyPrefix = "shop_live_"
	// scriptsClient is the client_id of the scripts that users write.
	scriptsClient = "shop-scripts"
	maxLabel      = 100
)

type keysPage struct {
	Keys          []ownedKey
	Now           time.Time
	Scopes        []string
	TokenEndpoint string
	Docs          string // the reference page, at the grant for keys
	New           string // the key that was just made, this once
	Label         string // as typed, if there is a problem with the form
	Problem       string
}

func (s *shop) showKeys(w http.ResponseWriter, r *http.Request, v *session) {
	s.renderKeys(w, r, v, http.StatusOK, keysPage{})
}

// renderKeys adds the constant parts to the page.
func (s *shop) renderKeys(w http.ResponseWriter, r *http.Request, v *session, status int, p keysPage) {
	client, err := s.store.Client(r.Context(), scriptsClient)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	keys, err := s.store.APIKeysOf(r.Context(), v.Subject())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p.Keys, p.Now, p.Scopes = keys, time.Now(), client.Scope
	p.TokenEndpoint, p.Docs = s.issuer+"/connect/token", docsPath+"#grant-"+grants.TypeAPIKey
	s.render(w, r, status, "keys", v, p)
}

// createKey answers with the page and not with a redirect: the key is shown
// once, and has no place in a URL or a session.
func (s *shop) createKey(w http.ResponseWriter, r *http.Request, v *session) {
	client, err := s.store.Client(r.Context(), scriptsClient)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	label, scope := r.PostForm.Get("label"), r.PostForm["scope"]
	foreign := func(s string) bool { return !slices.Contains(client.Scope, s) }
	if label == "" || len(label) > maxLabel || len(scope) == 0 || slices.ContainsFunc(scope, foreign) {
		s.renderKeys(w, r, v, http.StatusBadRequest, keysPage{
			Label: label, Problem: "Give the key a name of up to 100 characters, and choose what it can do."})
		return
	}
	now := time.Now()
	secret, key, err := grants.NewAPIKey(keyPrefix, storage.APIKey{
		Name:      label,
		ClientID:  client.ID,
		Subject:   v.Subject(),
		Scope:     scope,
		ExpiresAt: now.AddDate(1, 0, 0),
	}, now)
	if err == nil {
		err = s.store.AddAPIKey(r.Context(), key)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.renderKeys(w, r, v, http.StatusOK, keysPage{New: secret.Reveal()})
}

// revokeKey ends a key, and with it every refresh token that came from it.
func (s *shop) revokeKey(w http.ResponseWriter, r *http.Request, v *session) {
	err := s.store.RevokeAPIKey(r.Context(), v.Subject(), r.PostForm.Get("id"), time.Now())
	switch {
	case errors.Is(err, storage.ErrNotFound):
		s.refuse(w, r, http.StatusNotFound, "There is no such key.")
	case err != nil:
		s.fail(w, r, err)
	default:
		http.Redirect(w, r, "/keys", http.StatusSeeOther)
	}
}
