package yourusers

import (
	"context"
	"database/sql"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const (
	issuer   = "https://shop.example.com"
	audience = "https://shop.example.com/api"
)

// site is the host.
type site struct {
	users users
	store *sqlstore.Store
	login grants.AuthorizationEndpoint
}

// mount mounts the endpoint and the pages around it.
func mount(mux *http.ServeMux, db *sql.DB, store *sqlstore.Store, keys *jws.KeySet, log *slog.Logger) (*site, error) {
	s := &site{users: users{db}, store: store}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:                issuer,
		Audience:              []string{audience},
		AuthorizationEndpoint: issuer + "/authorize",
		Hook:                  s.users.hook,
		Keys:                  keys,
		Storage:               store,
		Revocations:           store,
		Logger:                log,
	})
	if err != nil {
		return nil, err
	}
	s.login = endpoint.AuthorizationEndpoint()
	mux.Handle("/", endpoint)
	mux.HandleFunc("GET /authorize", s.authorize)
	mux.HandleFunc("POST /consent", s.decide)
	mux.Handle("GET /api/orders", endpoint.RequireToken("orders")(http.HandlerFunc(orders)))
	return s, nil
}

// consent asks the user. A host adds its design, its token against forgeries, and the
// headers that keep other sites from framing the page.
var consent = template.Must(template.New("").Parse(`<!DOCTYPE html><title>Allow?</title>
<p>{{.Client.ID}} wants to have: {{range .Scope}}<b>{{.}}</b> {{end}}</p>
<form method="post" action="{{printf "/consent?%s" .Query}}">
<button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Do not allow</button>
</form>`))

// authorize is the page where apps send their users.
func (s *site) authorize(w http.ResponseWriter, r *http.Request) {
	a, err := s.login.Read(r)
	if err != nil {
		s.login.Answer(w, r, nil, err)
		return
	}
	switch session, err := s.users.session(r); {
	case err != nil:
		s.login.Answer(w, r, nil, a.Refuse(err))
	case session == nil && a.PromptNone: // the app wants an answer without a page
		s.login.Answer(w, r, nil, a.Refuse(grants.LoginRequired))
	case a.PromptNone: // this page asks each time
		s.login.Answer(w, r, nil, a.Refuse(grants.ConsentRequired))
	case session == nil:
		http.Redirect(w, r, "/login?"+url.Values{"next": {"/authorize?" + a.Query()}}.Encode(), http.StatusSeeOther)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = consent.Execute(w, a) // the connection has gone
	}
}

// decide is the answer of the user.
func (s *site) decide(w http.ResponseWriter, r *http.Request) {
	a, err := s.login.ReadQuery(r.Context(), r.URL.RawQuery)
	if err == nil && r.PostFormValue("decision") != "allow" {
		err = a.Refuse(grants.AccessDenied)
	}
	if err != nil {
		s.login.Answer(w, r, nil, err)
		return
	}
	session, err := s.users.session(r)
	if err == nil && session == nil {
		err = grants.LoginRequired // logged out in another tab
	}
	if err != nil {
		s.login.Answer(w, r, nil, a.Refuse(err))
		return
	}
	record, answer, err := a.Approve(grants.Approval{Subject: subject(session.UserID), Scope: a.Scope, AuthTime: session.LoginAt}, time.Now())
	if err != nil {
		s.login.Answer(w, r, nil, err)
		return
	}
	if err := s.store.CreateCredential(r.Context(), record); err != nil {
		s.login.Answer(w, r, nil, a.Refuse(err)) // an outage: the app gets no code that is not stored
		return
	}
	s.login.Answer(w, r, answer, nil)
}

// orders is a page of the API.
func orders(w http.ResponseWriter, r *http.Request) {
	token, _ := bearer.Token(r.Context())
	id, isUser := userID(token.Subject)
	if !isUser {
		http.Error(w, "orders belong to users", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("orders of " + id)) // the connection has gone
}

// lock locks a user and ends all that they have: sessions of the host, families of
// refresh tokens, and API keys.
func (s *site) lock(ctx context.Context, id string) error {
	if _, err := s.users.db.ExecContext(ctx, `UPDATE users SET locked = TRUE WHERE id = ?`, id); err != nil {
		return err
	}
	if _, err := s.users.db.ExecContext(ctx, `DELETE FROM sessions WHERE user_id = ?`, id); err != nil {
		return err
	}
	return s.store.RevokeSubject(ctx, subject(id), time.Now())
}
