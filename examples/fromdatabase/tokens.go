package main

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// tokenPrefix begins the personal tokens of this site; 40 hexadecimal digits follow.
const tokenPrefix = "np_"

// scopes are the scopes of personal tokens and apps, as the pages name them.
var scopes = map[string]string{"profile": "see your name and email address", "notes": "read your notes"}

// personalToken is a row of the table personal_tokens, without the hash.
type personalToken struct {
	ID                               int64
	UserID                           int64
	Name                             string
	Scopes                           []string
	CreatedAt                        time.Time
	ExpiresAt, RevokedAt, LastUsedAt *time.Time
}

const tokenColumns = `id, user_id, name, scopes, created_at, expires_at, revoked_at, last_used_at`

type tokensPage struct {
	Tokens []personalToken
	Scopes map[string]string
	New    string // the token that was just made, this once
}

func (s *site) showTokens(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.renderTokens(w, r, v, "")
}

func (s *site) renderTokens(w http.ResponseWriter, r *http.Request, v *visit, fresh string) error {
	rows, err := s.pool.Query(r.Context(), `SELECT `+tokenColumns+` FROM personal_tokens WHERE user_id = $1 ORDER BY id DESC`, v.ID)
	if err != nil {
		return err
	}
	tokens, err := pgx.CollectRows(rows, pgx.RowToStructByName[personalToken])
	if err != nil {
		return err
	}
	return s.render(w, http.StatusOK, "tokens", tokensPage{tokens, scopes, fresh})
}

// createToken answers with the page and not with a redirect: the token is shown once,
// and has no place in a URL or a session.
func (s *site) createToken(w http.ResponseWriter, r *http.Request, v *visit) error {
	name, chosen := r.PostFormValue("name"), r.PostForm["scope"]
	unknown := func(scope string) bool { return scopes[scope] == "" }
	if name == "" || len(name) > 100 || len(chosen) == 0 || slices.ContainsFunc(chosen, unknown) {
		s.refuse(w, r, http.StatusBadRequest, "Give the token a name of up to 100 characters, and choose what it can do.")
		return nil
	}
	random := make([]byte, 20)
	rand.Read(random) // it cannot fail: the process ends instead
	token := tokenPrefix + hex.EncodeToString(random)
	_, err := s.pool.Exec(r.Context(), `INSERT INTO personal_tokens (user_id, name, token_sha256, scopes, expires_at)
		VALUES ($1, $2, $3, $4, now() + interval '1 year')`, v.ID, name, hash(token), chosen)
	if err != nil {
		return err
	}
	return s.renderTokens(w, r, v, token)
}

func (s *site) revokeToken(w http.ResponseWriter, r *http.Request, v *visit) error {
	id, _ := strconv.ParseInt(r.PostFormValue("id"), 10, 64) // no token has the ID 0
	done, err := s.pool.Exec(r.Context(), `UPDATE personal_tokens SET revoked_at = coalesce(revoked_at, now())
		WHERE id = $1 AND user_id = $2`, id, v.ID)
	switch {
	case err != nil:
		return err
	case done.RowsAffected() == 0:
		s.refuse(w, r, http.StatusNotFound, "There is no such token.")
	default:
		http.Redirect(w, r, "/tokens", http.StatusSeeOther)
	}
	return nil
}
