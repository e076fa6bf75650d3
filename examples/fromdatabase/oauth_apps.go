package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/contit/oauth/storage"
)

// connectedApp is a family of a user, with the name of its app.
type connectedApp struct {
	storage.Family
	App string
}

// showApps lists the apps that can act for a user.
func (s *site) showApps(w http.ResponseWriter, r *http.Request, v *visit) error {
	families, err := s.families(r.Context(), subject(v.ID))
	if err != nil {
		return err
	}
	keys := make([]string, len(families))
	for i, f := range families {
		keys[i] = f.ClientID
	}
	names, err := apps{s.pool}.names(r.Context(), keys...)
	if err != nil {
		return err
	}
	connected := make([]connectedApp, len(families))
	for i, f := range families {
		connected[i] = connectedApp{f, cmp.Or(names[f.ClientID], f.ClientID)}
	}
	return s.render(w, http.StatusOK, "apps", connected)
}

// families returns all families of a user, page by page.
func (s *site) families(ctx context.Context, subject string) (all []storage.Family, err error) {
	for now, page := time.Now(), (storage.Page{}); ; page.After = all[len(all)-1].ID {
		some, err := s.oauth.store.ListFamilies(ctx, subject, now, page)
		all = append(all, some...)
		if err != nil || len(some) < page.Size() {
			return all, err
		}
	}
}

// disconnect ends a family: its refresh token, and its access tokens. A family of
// another user is as unknown as one that does not exist.
func (s *site) disconnect(w http.ResponseWriter, r *http.Request, v *visit) error {
	err := s.oauth.store.RevokeFamily(r.Context(), subject(v.ID), r.PostFormValue("family"))
	if errors.Is(err, storage.ErrNotFound) {
		s.refuse(w, r, http.StatusNotFound, "There is no such app.")
		return nil
	}
	if err != nil {
		return err
	}
	s.oauth.endpoint.ForgetRevocations() // the access tokens end at once, too
	http.Redirect(w, r, "/apps", http.StatusSeeOther)
	return nil
}
