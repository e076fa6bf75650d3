package main

import (
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// authorization is an authorization request (RFC 6749 §4.1.1) whose client and
// redirect_uri are right, so that an answer may be sent there.
type authorization struct {
	grants.AuthorizationRequest
	redirect string
	state    string
}

// shown is a fault that is shown to the user and never redirected: who is not
// known to be the client must not be sent anything (RFC 6749 §4.1.2.1).
type shown string

// Error returns the sentence for the user.
func (s shown) Error() string { return string(s) }

const (
	shownClient   shown = "The app that sent you here is not known to this shop."
	shownRedirect shown = "The app that sent you here wants you sent to an address that it has not registered."
	shownRequest  shown = "The app that sent you here made a mistake."
)

// readAuthorization reads an authorization request. If it returns none, the
// error is for the user or an outage; if it returns one, the error goes to the
// app.
func (s *shop) readAuthorization(r *http.Request) (*authorization, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(q["client_id"]) != 1 || len(q["redirect_uri"]) > 1 {
		return nil, shownRequest
	}
	client, err := s.store.Client(r.Context(), q.Get("client_id"))
	switch {
	case errors.Is(err, storage.ErrNotFound) || err == nil && client.Disabled:
		return nil, shownClient
	case err != nil:
		return nil, err
	case !grants.MayRedirect(client, q.Get("redirect_uri")):
		return nil, shownRedirect
	}
	a := &authorization{redirect: q.Get("redirect_uri")}
	if len(q["state"]) == 1 { // which of two the app would believe is not known
		a.state = q.Get("state")
	}
	if a.redirect == "" {
		a.redirect = client.RedirectURIs[0] // it is the only one
	}
	a.AuthorizationRequest = grants.AuthorizationRequest{
		Client:              client,
		RedirectURI:         q.Get("redirect_uri"),
		CodeChallenge:       q.Get("code_challenge"),
		CodeChallengeMethod: q.Get("code_challenge_method"),
	}
	for name, values := range q {
		if len(values) > 1 && name != "resource" { // RFC 6749 §3.1, RFC 8707 §2
			return a, grants.InvalidRequest.Describe("a parameter is repeated")
		}
	}
	switch q.Get("response_type") {
	case "code":
	case "":
		return a, grants.InvalidRequest.Describe("response_type is missing")
	default:
		return a, grants.UnsupportedResponseType
	}
	// Better now than after the user has logged in and agreed.
	if err := a.Check(); err != nil {
		return a, err
	}
	a.Scope, err = grants.RequestedScope(client, q.Get("scope")) // what the user will be asked for
	return a, err
}

type consentPage struct {
	App, Action, Host string
	Scope             []string
}

// showConsent is GET /authorize.
func (s *shop) showConsent(w http.ResponseWriter, r *http.Request) {
	a, err := s.readAuthorization(r)
	if err != nil {
		s.answerError(w, r, a, err)
		return
	}
	s.loggedIn(func(w http.ResponseWriter, r *http.Request, v *session) {
		name, err := s.store.ClientName(r.Context(), a.Client.ID)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		host := a.redirect
		if u, err := url.Parse(a.redirect); err == nil && u.Host != "" {
			host = u.Host
		}
		s.render(w, r, http.StatusOK, "consent", v, consentPage{name, "/authorize?" + r.URL.RawQuery, host, a.Scope})
	})(w, r)
}

// decide is POST /authorize: what the user says on the consent page. The
// request is in the URL again and is read again, so that it does not matter
// what was done to the form meanwhile.
func (s *shop) decide(w http.ResponseWriter, r *http.Request, v *session) {
	a, err := s.readAuthorization(r)
	switch {
	case err != nil:
		s.answerError(w, r, a, err)
		return
	case r.PostForm.Get("decision") != "allow":
		s.answerError(w, r, a, grants.AccessDenied)
		return
	}
	now := time.Now()
	a.Subject = v.Subject()
	// It is kept with the code, and is in the token of every later refresh.
	a.Claims = map[string]any{"auth_time": v.LoginAt.Unix()}
	code, record, err := grants.NewAuthorizationCode(a.AuthorizationRequest, now)
	if err == nil {
		err = s.db.update(r.Context(), func(tx *sql.Tx) error {
			if err := addCredential(r.Context(), tx, record); err != nil {
				return err
			}
			_, err := tx.ExecContext(r.Context(), `INSERT INTO audit (at, what, subject, app, family) VALUES (?, ?, ?, ?, ?)`,
				instant(now), "authorized", record.Subject, record.ClientID, record.Family)
			return err
		})
	}
	if err != nil {
		s.answerError(w, r, a, err)
		return
	}
	s.answer(w, r, a, url.Values{"code": {code.Reveal()}})
}

// answer sends the user back to the app (RFC 6749 §4.1.2). 303 makes the
// browser drop the form it has just sent (RFC 9700 §4.12), and iss tells the
// app whose answer it is (RFC 9207).
func (s *shop) answer(w http.ResponseWriter, r *http.Request, a *authorization, parameters url.Values) {
	if a.state != "" {
		parameters.Set("state", a.state)
	}
	parameters.Set("iss", s.issuer)
	to, err := url.Parse(a.redirect)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if to.RawQuery != "" { // it is kept as it stands (RFC 6749 §3.1.2)
		to.RawQuery += "&"
	}
	to.RawQuery += parameters.Encode()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// answerError tells the app (RFC 6749 §4.1.2.1), or the user if there is no
// app that may be told.
func (s *shop) answerError(w http.ResponseWriter, r *http.Request, a *authorization, err error) {
	if sentence, ok := errors.AsType[shown](err); ok {
		s.refuse(w, r, http.StatusBadRequest, string(sentence))
		return
	}
	if a == nil {
		s.fail(w, r, err)
		return
	}
	verdict := grants.Verdict(err)
	if verdict == nil {
		s.log.ErrorContext(r.Context(), "request", "path", r.URL.Path, "cause", err)
		verdict = &grants.Error{Code: grants.TemporarilyUnavailable}
	}
	parameters := url.Values{"error": {string(verdict.Code)}}
	if verdict.Description != "" {
		parameters.Set("error_description", verdict.Description)
	}
	s.answer(w, r, a, parameters)
}
