// Package yourusers wires the users of a host to its token endpoint: the login page
// that ends in a code, the hook that refuses a locked user, and the end of a session.
package yourusers

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
)

// The table and the sessions were there before OAuth.
const schema = `CREATE TABLE users (id TEXT PRIMARY KEY, tier TEXT NOT NULL, locked BOOLEAN NOT NULL DEFAULT FALSE);
CREATE TABLE sessions (cookie TEXT PRIMARY KEY, user_id TEXT NOT NULL, login_at INTEGER NOT NULL);`

type user struct {
	ID, Tier string
	Locked   bool
}

// session is a user who has logged in with the host.
type session struct {
	UserID  string
	LoginAt time.Time
}

type users struct{ db *sql.DB }

var errNoUser = errors.New("yourusers: no such user")

// byID finds a user, or errNoUser. Any other error says that it could not find out.
func (u users) byID(ctx context.Context, id string) (*user, error) {
	found := user{ID: id}
	err := u.db.QueryRowContext(ctx, `SELECT tier, locked FROM users WHERE id = ?`, id).Scan(&found.Tier, &found.Locked)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoUser
	}
	if err != nil {
		return nil, err
	}
	return &found, nil
}

// session finds the session of a request. It is nil if nobody has logged in.
func (u users) session(r *http.Request) (*session, error) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return nil, nil
	}
	var s session
	var at int64
	err = u.db.QueryRowContext(r.Context(), `SELECT user_id, login_at FROM sessions WHERE cookie = ?`, cookie.Value).Scan(&s.UserID, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	s.LoginAt = time.Unix(at, 0)
	return &s, err
}

// subject is the sub of a user. No client_id begins like this, so an API takes no
// client for a user (RFC 9700 §4.15). It is not the mail address, which can change
// hands.
func subject(id string) string { return "user:" + id }

// userID is the user that a sub names. It says false for a client in its own name.
func userID(sub string) (id string, isUser bool) { return strings.CutPrefix(sub, "user:") }

// hook has the last word on every token. The endpoint asks it at each login, refresh
// and API key.
func (u users) hook(ctx context.Context, _ *grants.Request, a *grants.Authorization) error {
	id, isUser := userID(a.Subject)
	if !isUser {
		return nil
	}
	found, err := u.byID(ctx, id)
	switch {
	case errors.Is(err, errNoUser):
		return grants.InvalidGrant.Because(err) // deleted since
	case err != nil:
		return err // an outage: 503, and nothing is used up
	case found.Locked:
		return grants.InvalidGrant.Describe("the account is locked")
	}
	a.AddClaim("tier", found.Tier)
	return nil
}
