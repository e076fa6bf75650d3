package main

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	sessionCookie   = "session"
	sessionLifetime = 12 * time.Hour
)

// session returns the user who is logged in, or nil. A user who was locked after the
// login is not.
func (s *site) session(r *http.Request) (*visit, error) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil, nil
	}
	rows, err := s.pool.Query(r.Context(), `SELECT `+userColumns+`, login_at FROM sessions JOIN users ON users.id = user_id
		WHERE cookie_sha256 = $1 AND ends_at > now() AND NOT locked`, hash(cookie.Value))
	if err != nil {
		return nil, err
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[visit])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return v, err
}

// forUser is for pages that need a user. Others log in and come back.
func (s *site) forUser(page func(http.ResponseWriter, *http.Request, *visit) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := s.session(r)
		switch {
		case err == nil && v == nil && r.Method == http.MethodGet:
			http.Redirect(w, r, loginPath(r.URL.RequestURI()), http.StatusSeeOther)
			return
		case err == nil && v == nil:
			http.Redirect(w, r, loginPath("/"), http.StatusSeeOther)
			return
		case err == nil:
			err = page(w, r, v)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	}
}

// loginPath is the login page that leads to a page of the site.
func loginPath(next string) string { return "/login?" + url.Values{"next": {next}}.Encode() }

type loginPage struct {
	Next  string
	Wrong bool
}

func (s *site) showLogin(w http.ResponseWriter, r *http.Request) {
	if err := s.render(w, http.StatusOK, "login", loginPage{Next: r.URL.Query().Get("next")}); err != nil {
		s.fail(w, r, err)
	}
}

func (s *site) login(w http.ResponseWriter, r *http.Request) {
	next, value := r.PostFormValue("next"), rand.Text()
	u, err := s.checkPassword(r.Context(), r.PostFormValue("email"), r.PostFormValue("password"))
	if err == nil {
		_, err = s.pool.Exec(r.Context(), `INSERT INTO sessions (cookie_sha256, user_id, login_at, ends_at) VALUES ($1, $2, now(), now() + $3)`,
			hash(value), u.ID, sessionLifetime)
	}
	switch {
	case errors.Is(err, errLogin):
		err = s.render(w, http.StatusUnauthorized, "login", loginPage{next, true})
	case err == nil:
		s.setCookie(w, value, int(sessionLifetime/time.Second))
		http.Redirect(w, r, localPath(next), http.StatusSeeOther)
	}
	if err != nil {
		s.fail(w, r, err)
	}
}

func (s *site) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		if _, err := s.pool.Exec(r.Context(), `DELETE FROM sessions WHERE cookie_sha256 = $1`, hash(cookie.Value)); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	s.setCookie(w, "", -1)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// setCookie sets SameSite to Lax and not to Strict: an app sends its users to
// /authorize from another site, and they must not appear logged out there.
func (s *site) setCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(s.url, "https:")})
}

func hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// localPath returns where to go after the login: a page of the site, never an address
// that an attacker chose. Browsers take //host and /\host for other sites.
func localPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
