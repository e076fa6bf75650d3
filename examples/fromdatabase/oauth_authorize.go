package main

import (
	"net/http"
	"net/url"
	"time"

	"github.com/contit/oauth/grants"
)

type consentPage struct {
	App, Action, Host string
	Scope             []string
}

// authorize is /authorize, where apps send their users. The request is judged before
// the user logs in for it.
func (s *site) authorize(w http.ResponseWriter, r *http.Request) {
	a, err := s.oauth.authorization.Read(r)
	if err != nil {
		s.oauth.authorization.Answer(w, r, nil, err)
		return
	}
	if r.Method == http.MethodPost { // of another site, so without the cookie; a GET has it
		http.Redirect(w, r, "/authorize?"+a.Query(), http.StatusSeeOther)
		return
	}
	v, err := s.session(r)
	switch {
	case err != nil:
		s.oauth.authorization.Answer(w, r, nil, a.Refuse(err))
	case a.PromptNone && v == nil:
		s.oauth.authorization.Answer(w, r, nil, a.Refuse(grants.LoginRequired))
	case a.PromptNone: // the site asks each time
		s.oauth.authorization.Answer(w, r, nil, a.Refuse(grants.ConsentRequired))
	case v == nil:
		http.Redirect(w, r, loginPath("/authorize?"+a.Query()), http.StatusSeeOther)
	default:
		s.ask(w, r, a)
	}
}

// ask shows the consent page. The request goes along in the action of the form.
func (s *site) ask(w http.ResponseWriter, r *http.Request, a *grants.PendingAuthorization) {
	names, err := apps{s.pool}.names(r.Context(), a.Client.ID)
	if err == nil {
		err = s.render(w, http.StatusOK, "consent", consentPage{names[a.Client.ID], "/consent?" + a.Query(), destination(a.RedirectURI), a.Scope})
	}
	if err != nil {
		s.oauth.authorization.Answer(w, r, nil, a.Refuse(err))
	}
}

// destination is the part of a redirect_uri that tells a user where it leads: the host
// of a site. An app invents what stands behind a scheme of its own, so the user sees all
// of that.
func destination(uri string) string {
	if u, err := url.Parse(uri); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		return u.Host
	}
	return uri
}

// decide is POST /consent, the answer of the user. It reads the request again, so that
// a user gains nothing by changing the form.
func (s *site) decide(w http.ResponseWriter, r *http.Request) {
	a, err := s.oauth.authorization.ReadQuery(r.Context(), r.URL.RawQuery)
	if err != nil {
		s.oauth.authorization.Answer(w, r, nil, err)
		return
	}
	v, err := s.session(r)
	switch {
	case err != nil:
		err = a.Refuse(err)
	case v == nil: // the session has ended meanwhile
		http.Redirect(w, r, loginPath("/authorize?"+a.Query()), http.StatusSeeOther)
		return
	case r.PostFormValue("decision") != "allow":
		err = a.Refuse(grants.AccessDenied)
	}
	if err != nil {
		s.oauth.authorization.Answer(w, r, nil, err)
		return
	}
	code, answer, err := a.Approve(grants.Approval{Subject: subject(v.ID), Scope: a.Scope, AuthTime: v.LoginAt}, time.Now())
	if err != nil {
		s.oauth.authorization.Answer(w, r, nil, err)
		return
	}
	if err := s.storeCode(r.Context(), code); err != nil {
		s.oauth.authorization.Answer(w, r, nil, a.Refuse(err)) // an outage: the app gets no code that is not stored
		return
	}
	s.oauth.authorization.Answer(w, r, answer, nil)
}
