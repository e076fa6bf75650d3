package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/bcrypt"
)

// user is a row of the table users.
type user struct {
	ID           int64
	Email, Name  string
	Locked       bool
	PasswordHash []byte
}

// visit is a user who is logged in, since LoginAt.
type visit struct {
	user
	LoginAt time.Time
}

var errLogin = errors.New("fromdatabase: wrong email or password, or the user is locked")

const userColumns = `users.id, email, users.name, locked, password_hash`

// nobody is the hash that is compared for an email address that no user has, so that
// the answer takes as long as for one that somebody has.
var nobody = []byte("$2a$10$Gr4A2fYgCXJgbR7zWlIeRuG1PQC0VEUYTpo64udVUIDgLjQfPP3ua")

// checkPassword returns the user with this password, or errLogin. A real site also
// counts failures by user and by address.
func (s *site) checkPassword(ctx context.Context, email, password string) (*user, error) {
	u, err := s.user(ctx, `SELECT `+userColumns+` FROM users WHERE email = $1`, email)
	if errors.Is(err, pgx.ErrNoRows) {
		u = &user{PasswordHash: nobody, Locked: true}
	} else if err != nil {
		return nil, err
	}
	if wrong := bcrypt.CompareHashAndPassword(u.PasswordHash, []byte(password)); wrong != nil || u.Locked {
		return nil, errLogin
	}
	return u, nil
}

// user returns one row of users, or pgx.ErrNoRows.
func (s *site) user(ctx context.Context, query string, args ...any) (*user, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[user])
}
