package main

import (
	"context"
	"database/sql"
	"net/http"
	"net/url"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

type consentPage struct {
	App, Action, Host string
	Scope             []string
}

// authorize is /authorize, where apps send their users.
func (s *shop) authorize(w http.ResponseWriter, r *http.Request) {
	a, err := s.authorization.Read(r)
	if err != nil {
		s.authorization.Answer(w, r, nil, err)
		return
	}
	if r.Method == http.MethodPost { // from another site it has no cookie of the shop (SameSite); a GET has it
		http.Redirect(w, r, "/authorize?"+a.Query(), http.StatusSeeOther)
		return
	}
	v, err := s.session(r)
	switch {
	case err != nil:
		s.authorization.Answer(w, r, nil, a.Refuse(err))
	case v == nil && a.PromptNone:
		s.authorization.Answer(w, r, nil, a.Refuse(grants.LoginRequired))
	case a.PromptNone: // the shop asks its user each time
		s.authorization.Answer(w, r, nil, a.Refuse(grants.ConsentRequired))
	case v == nil:
		http.Redirect(w, r, loginPath("/authorize?"+a.Query()), http.StatusSeeOther)
	default:
		s.showConsent(w, r, v, a)
	}
}

func (s *shop) showConsent(w http.ResponseWriter, r *http.Request, v *session, a *grants.PendingAuthorization) {
	name, err := s.store.ClientName(r.Context(), a.Client.ID)
	if err != nil {
		s.authorization.Answer(w, r, nil, a.Refuse(err))
		return
	}
	s.render(w, r, http.StatusOK, "consent", v, consentPage{name, consentPath + "?" + a.Query(), hostOf(a.RedirectURI), a.Scope})
}

// hostOf is the part of a redirect_uri by which people know a site. With http or https
// that is the host. An app that registers a scheme of its own invents the rest: no site
// stands behind app://bank.example. So the user sees all of such a redirect_uri.
func hostOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return uri
	}
	return u.Host
}

// consentPath is where the consent form goes. The request is in the query of it.
const consentPath = "/authorize/consent"

// decide is POST /authorize/consent: the user's answer on the consent page. It reads
// the request again, so that a user gains nothing by changing the form.
func (s *shop) decide(w http.ResponseWriter, r *http.Request, v *session) {
	a, err := s.authorization.ReadQuery(r.Context(), r.URL.RawQuery)
	if err == nil && r.PostForm.Get("decision") != "allow" {
		err = a.Refuse(grants.AccessDenied)
	}
	if err != nil {
		s.authorization.Answer(w, r, nil, err)
		return
	}
	now := time.Now()
	// The time of the login is kept with the code, and is in the token of every later
	// refresh.
	record, answer, err := a.Approve(grants.Approval{Subject: v.Subject(), Scope: a.Scope, AuthTime: v.LoginAt}, now)
	if err != nil {
		s.authorization.Answer(w, r, nil, err)
		return
	}
	if err := s.storeCode(r.Context(), record, now); err != nil {
		s.authorization.Answer(w, r, nil, a.Refuse(err)) // an outage: the app gets no code that is not stored
		return
	}
	s.authorization.Answer(w, r, answer, nil)
}

// storeCode stores a code together with a row of the shop's own, or neither.
func (s *shop) storeCode(ctx context.Context, code *storage.Credential, now time.Time) error {
	return s.db.update(ctx, func(tx *sql.Tx) error {
		if err := addCredential(ctx, tx, code); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO audit (at, what, subject, app, family) VALUES (?, ?, ?, ?, ?)`,
			instant(now), "authorized", code.Subject, code.ClientID, code.Family)
		return err
	})
}
