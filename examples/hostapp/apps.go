package main

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"time"

	"github.com/contit/oauth/storage"
)

// connection is a live family as its user sees it: an app that can get access tokens.
type connection struct {
	Family, App     string
	Scope           []string
	Since, LastUsed time.Time
}

// ConnectionsOf lists the families of a user in which a refresh token lives, the
// newest first. A code that no app has redeemed is no connection yet, and what
// descends from an API key is on the page of keys.
func (s *Store) ConnectionsOf(ctx context.Context, subject string, at time.Time) ([]connection, error) {
	// max() makes SQLite take the other columns from the token that lives longest.
	rows, err := s.db.read.QueryContext(ctx, `SELECT c.family, coalesce(app_name, c.client_id), c.scope,
			(SELECT min(f.issued_at) FROM credentials f WHERE f.family = c.family) AS since,
			(SELECT max(f.spent_at) FROM credentials f WHERE f.family = c.family),
			max(c.expires_at)
		FROM credentials c LEFT JOIN clients ON app_key = c.client_id
		WHERE c.subject = ? AND c.kind = ? AND c.uses = 0 AND c.expires_at > ? AND c.api_key IS NULL
			AND NOT EXISTS (SELECT 1 FROM revoked_families r WHERE r.family = c.family)
		GROUP BY c.family ORDER BY since DESC, c.family`, subject, storage.KindRefreshToken, instant(at))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var connections []connection
	for rows.Next() {
		var c connection
		var ends instant
		if err := rows.Scan(&c.Family, &c.App, (*list)(&c.Scope), (*instant)(&c.Since), (*instant)(&c.LastUsed), &ends); err != nil {
			return nil, err
		}
		connections = append(connections, c)
	}
	return connections, rows.Err()
}

// Disconnect ends a family of this user, with its access tokens. A family of another
// user is as unknown as one that does not exist.
func (s *Store) Disconnect(ctx context.Context, subject, family string, at time.Time) error {
	return s.db.update(ctx, func(tx *sql.Tx) error {
		var client string
		err := tx.QueryRowContext(ctx, `SELECT client_id FROM credentials WHERE family = ? AND subject = ? LIMIT 1`, family, subject).
			Scan(&client)
		if errors.Is(err, sql.ErrNoRows) {
			return storage.ErrNotFound
		}
		if err != nil {
			return err
		}
		if err := revokeFamily(ctx, tx, family, at); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO audit (at, what, subject, app, family) VALUES (?, ?, ?, ?, ?)`,
			instant(at), "disconnected", subject, client, family)
		return err
	})
}

func (s *shop) showApps(w http.ResponseWriter, r *http.Request, v *session) {
	connections, err := s.store.ConnectionsOf(r.Context(), v.Subject(), time.Now())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "apps", v, connections)
}

func (s *shop) disconnectApp(w http.ResponseWriter, r *http.Request, v *session) {
	err := s.store.Disconnect(r.Context(), v.Subject(), r.PostForm.Get("family"), time.Now())
	switch {
	case errors.Is(err, storage.ErrNotFound):
		s.refuse(w, r, http.StatusNotFound, "There is no such app.")
	case err != nil:
		s.fail(w, r, err)
	default:
		http.Redirect(w, r, "/apps", http.StatusSeeOther)
	}
}
