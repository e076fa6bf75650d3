package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
)

const (
	formField   = "form_token"
	maxFormSize = 64 << 10
)

// formToken returns the token that each form of this visitor must carry: another
// site can make a browser send the cookie, but cannot know the token. The token is
// bound to the cookie, so it is worth nothing in another session. A visitor
// without a cookie gets one, which belongs to no session.
func (s *shop) formToken(w http.ResponseWriter, r *http.Request) string {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil || cookie.Value == "" {
		value := rand.Text()
		s.setCookie(w, value, 0) // until the browser is closed
		return s.formTokenOf(value)
	}
	return s.formTokenOf(cookie.Value)
}

func (s *shop) formTokenOf(cookie string) string {
	mac := hmac.New(sha256.New, s.formKey[:])
	mac.Write([]byte(cookie))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// form guards a page that changes something: the request must come from one of
// the shop's own forms.
func (s *shop) form(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxFormSize)
		if err := r.ParseForm(); err != nil {
			s.refuse(w, r, http.StatusBadRequest, "This form could not be read.")
			return
		}
		cookie, err := r.Cookie(s.cookieName())
		// PostForm: a token in the URL would have been in a log or a Referer.
		if err != nil || cookie.Value == "" || !hmac.Equal([]byte(r.PostForm.Get(formField)), []byte(s.formTokenOf(cookie.Value))) {
			s.refuse(w, r, http.StatusForbidden, "This form is out of date. Go back, reload the page and try again.")
			return
		}
		page(w, r)
	}
}
