package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint/bearer"
)

// subjectPrefix keeps the "sub" of a user apart from that of an app that acts for
// itself, which is its app_key.
const subjectPrefix = "user:"

var (
	errLocked   = errors.New("fromdatabase: the user is locked")
	errNotAUser = errors.New("fromdatabase: the subject is not a user")
)

func subject(userID int64) string { return subjectPrefix + strconv.FormatInt(userID, 10) }

// userOf returns the user that a "sub" names. The error is errNotAUser for an app that
// acts for itself, and pgx.ErrNoRows for a user who was deleted.
func (s *site) userOf(ctx context.Context, sub string) (*user, error) {
	text, isUser := strings.CutPrefix(sub, subjectPrefix)
	id, err := strconv.ParseInt(text, 10, 64)
	if !isUser || err != nil {
		return nil, errNotAUser
	}
	return s.user(ctx, `SELECT `+userColumns+` FROM users WHERE id = $1`, id)
}

// notLocked is the last word on every token: a locked user gets none. Nothing is used
// up, so the same refresh token works once the user is unlocked.
func (s *site) notLocked(ctx context.Context, _ *grants.Request, a *grants.Authorization) error {
	u, err := s.userOf(ctx, a.Subject)
	switch {
	case errors.Is(err, errNotAUser):
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		return grants.InvalidGrant.Because(err)
	case err != nil:
		return err // an outage
	case u.Locked:
		return grants.InvalidGrant.Because(errLocked)
	}
	return nil
}

// serveMe is GET /api/me, a route of the API that RequireToken protects.
func (s *site) serveMe(w http.ResponseWriter, r *http.Request) {
	token, _ := bearer.Token(r.Context()) // it is there: RequireToken has let the request through
	u, err := s.userOf(r.Context(), token.Subject)
	switch {
	case errors.Is(err, errNotAUser), errors.Is(err, pgx.ErrNoRows):
		http.Error(w, "this is the page of a user", http.StatusForbidden)
		return
	case err != nil:
		s.log.ErrorContext(r.Context(), "request", "path", r.URL.Path, "cause", err)
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(map[string]string{"name": u.Name, "email": u.Email})
}
