package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const sessionLifetime = 12 * time.Hour

// secure is false on a loopback address only: tokenendpoint.New refuses every
// other http issuer.
func (s *shop) secure() bool { return strings.HasPrefix(s.issuer, "https:") }

// cookieName has the prefix that keeps a neighbouring subdomain from planting
// the cookie, where browsers accept it.
func (s *shop) cookieName() string {
	if s.secure() {
		return "__Host-shop_session"
	}
	return "shop_session"
}

// session is a logged-in user.
type session struct {
	user
	LoginAt time.Time
}

// session returns the session of the logged-in user, or nil for a visitor. A user
// that was locked after the login is a visitor.
func (s *shop) session(r *http.Request) (*session, error) {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil {
		return nil, nil
	}
	hash := sha256.Sum256([]byte(cookie.Value))
	var v session
	err = s.db.read.QueryRowContext(r.Context(), `SELECT login_at, `+userColumns+`
		FROM sessions JOIN users ON users.id = sessions.user_id
		WHERE cookie_hash = ? AND ends_at > ? AND locked = 0`, hash[:], instant(time.Now())).
		Scan(append([]any{(*instant)(&v.LoginAt)}, v.user.fields()...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// begin logs a user in. The cookie is a new one, so that a cookie that an
// attacker planted before the login is worth nothing after it.
func (s *shop) begin(ctx context.Context, w http.ResponseWriter, u *user) error {
	value := rand.Text()
	hash := sha256.Sum256([]byte(value))
	now := time.Now()
	_, err := s.db.write.ExecContext(ctx, `INSERT INTO sessions (cookie_hash, user_id, login_at, ends_at) VALUES (?, ?, ?, ?)`,
		hash[:], u.ID, instant(now), instant(now.Add(sessionLifetime)))
	if err != nil {
		return err
	}
	s.setCookie(w, value, int(sessionLifetime/time.Second))
	return nil
}

// setCookie sets the session cookie. SameSite is Lax and not Strict: an app
// sends its users to /authorize from another site, and they must not appear
// logged out there.
func (s *shop) setCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name:     s.cookieName(),
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
		Secure:   s.secure(),
	})
}

// loggedIn is for pages that need a user. A visitor logs in and comes back.
func (s *shop) loggedIn(page func(http.ResponseWriter, *http.Request, *session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := s.session(r)
		switch {
		case err != nil:
			s.fail(w, r, err)
		case v == nil:
			s.sendToLogin(w, r)
		default:
			page(w, r, v)
		}
	}
}

func (s *shop) sendToLogin(w http.ResponseWriter, r *http.Request) {
	back := r.URL.RequestURI()
	switch {
	case r.URL.Path == consentPath: // the user is asked again
		back = "/authorize?" + r.URL.RawQuery
	case r.Method != http.MethodGet:
		back = "/"
	}
	http.Redirect(w, r, loginPath(back), http.StatusSeeOther)
}

// loginPath is the login page that leads to a page of the shop.
func loginPath(next string) string { return "/login?" + url.Values{"next": {next}}.Encode() }

type loginPage struct {
	Next, Email string
	Wrong       bool
}

func (s *shop) showLogin(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "login", nil, loginPage{Next: localPath(r.URL.Query().Get("next"))})
}

// login is where a real shop also counts failures by user and address.
func (s *shop) login(w http.ResponseWriter, r *http.Request) {
	next := localPath(r.PostFormValue("next"))
	email := r.PostFormValue("email")
	u, err := s.users.login(r.Context(), email, r.PostFormValue("password"))
	switch {
	case errors.Is(err, errLogin):
		s.render(w, r, http.StatusUnauthorized, "login", nil, loginPage{Next: next, Email: email, Wrong: true})
		return
	case err != nil:
		s.fail(w, r, err)
		return
	}
	if err := s.begin(r.Context(), w, u); err != nil {
		s.fail(w, r, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (s *shop) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(s.cookieName()); err == nil {
		hash := sha256.Sum256([]byte(cookie.Value))
		if _, err := s.db.write.ExecContext(r.Context(), `DELETE FROM sessions WHERE cookie_hash = ?`, hash[:]); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	s.setCookie(w, "", -1)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// localPath returns where to go after the login: a page of the shop, never an
// address that an attacker chose. Browsers take //host and /\host for other sites.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
