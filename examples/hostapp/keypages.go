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
	// keyPrefix is what people and secret scanners know the shop's keys by.
	keyPrefix = "shop_live_"
	// scriptsClient is the client that users' own scripts are.
	scriptsClient = "shop-scripts"
	maxLabel      = 100
)

type keysPage struct {
	Keys   []ownedKey
	Scopes []string
	New    string // the key that was just made, this once
}

func (s *shop) showKeys(w http.ResponseWriter, r *http.Request, v *session) {
	s.renderKeys(w, r, v, storage.Secret{})
}

func (s *shop) renderKeys(w http.ResponseWriter, r *http.Request, v *session, secret storage.Secret) {
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
	s.render(w, r, http.StatusOK, "keys", v, keysPage{keys, client.Scope, secret.Reveal()})
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
		s.refuse(w, r, http.StatusBadRequest, "A key needs a name and at least one permission.")
		return
	}
	now := time.Now()
	secret, key, err := grants.NewAPIKey(keyPrefix, storage.APIKey{
		ClientID:  client.ID,
		Subject:   v.Subject(),
		Scope:     scope,
		ExpiresAt: now.AddDate(1, 0, 0),
	}, now)
	if err == nil {
		err = s.store.AddAPIKey(r.Context(), label, key)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.renderKeys(w, r, v, secret)
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
