package main

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// user is a row of the users table.
type user struct {
	ID           int64
	Email, Name  string
	Tier         string
	Locked       bool
	passwordHash []byte
}

// subjectPrefix keeps the "sub" of a user apart from the "sub" of a client that acts
// for itself: its client_id (RFC 9700 §4.15).
const subjectPrefix = "user:"

// Subject is the "sub" of tokens for this user. It is not the email address:
// that can change hands, and a sub is for ever.
func (u *user) Subject() string { return subjectPrefix + strconv.FormatInt(u.ID, 10) }

// userID returns the user that a "sub" names, if it names one.
func userID(subject string) (int64, bool) {
	text, ok := strings.CutPrefix(subject, subjectPrefix)
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseInt(text, 10, 64)
	return id, err == nil
}

type users struct {
	db   *database
	cost int // of bcrypt

	decoyOnce sync.Once
	decoy     []byte
}

var (
	errNoUser = errors.New("hostapp: no such user")
	errLogin  = errors.New("hostapp: wrong email or password, or the user is locked")
)

const userColumns = `id, email, name, tier, locked, password_hash`

func (u *user) fields() []any {
	return []any{&u.ID, &u.Email, &u.Name, &u.Tier, &u.Locked, &u.passwordHash}
}

func (s *users) byID(ctx context.Context, id int64) (*user, error) {
	return s.one(ctx, `SELECT `+userColumns+` FROM users WHERE id = ?`, id)
}

func (s *users) one(ctx context.Context, query string, args ...any) (*user, error) {
	var u user
	err := s.db.read.QueryRowContext(ctx, query, args...).Scan(u.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoUser
	}
	if err != nil {
		return nil, err
	}
	return &u, nil
}

// login checks a password. An unknown user costs as much time as a known one, and a
// locked user gets the answer of a wrong password.
func (s *users) login(ctx context.Context, email, password string) (*user, error) {
	u, err := s.one(ctx, `SELECT `+userColumns+` FROM users WHERE email = ?`, email)
	if err != nil && !errors.Is(err, errNoUser) {
		return nil, err
	}
	hash := s.decoyHash()
	if u != nil {
		hash = u.passwordHash
	}
	wrong := bcrypt.CompareHashAndPassword(hash, []byte(password))
	if u == nil || wrong != nil || u.Locked {
		return nil, errLogin
	}
	return u, nil
}

func (s *users) decoyHash() []byte {
	s.decoyOnce.Do(func() { s.decoy, _ = bcrypt.GenerateFromPassword([]byte("nobody's"), s.cost) })
	return s.decoy
}

func (s *users) add(ctx context.Context, u *user, password string) error {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), s.cost)
	if err != nil {
		return err
	}
	done, err := s.db.write.ExecContext(ctx, `INSERT INTO users (email, name, tier, password_hash) VALUES (?, ?, ?, ?)`,
		u.Email, u.Name, u.Tier, hash)
	if err != nil {
		return err
	}
	u.ID, err = done.LastInsertId()
	return err
}
