package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/contit/oauth/storage"
)

// database is what a Spread needs of each of its databases. *sqlstore.Store has it.
type database interface {
	storage.Credentials
	storage.Revocations
}

// Spread keeps families in several databases. A family lives in one of them, which its
// name decides, so that each change is a change of one database, as before. Clients, API keys and signing
// keys stay in one place: storage.Parts joins it all.
//
// The order and the number of the databases must not change while families live in
// them. Begin with as many as there will ever be, each with a TablePrefix of its own on
// the same server, and move one to a server of its own when it has to be.
type Spread []database

var (
	_ storage.Credentials = Spread{}
	_ storage.Revocations = Spread{}
)

// of returns the database of a family.
func (s Spread) of(family string) database {
	h := fnv.New32a()
	h.Write([]byte(family))
	return s[h.Sum32()%uint32(len(s))]
}

// CreateCredential asks the database of the family. The mark of a used assertion is its
// own family, so a second mark meets the first.
func (s Spread) CreateCredential(ctx context.Context, c *storage.Credential) error {
	return s.of(c.Family).CreateCredential(ctx, c)
}

// Spend asks the database of the family. The successor is of the same family.
func (s Spread) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	return s.of(old.Family).Spend(ctx, old, next, at)
}

// Revoke asks the database of the family.
func (s Spread) Revoke(ctx context.Context, family string) error {
	return s.of(family).Revoke(ctx, family)
}

// Credential asks all databases at once, since a digest does not name its family, and
// returns what one of them finds. If none finds it and one does not answer, that one
// may have it: the answer is an outage and no verdict.
//
// It does not cancel the others when one has found it, and the end of the request does
// not either. A driver closes a connection whose statement is cancelled, and callers that
// share the statement would have to ask again.
func (s Spread) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	answers := make(chan answer, len(s)) // has room for those that nobody waits for
	for _, one := range s {
		go func() { answers <- ask(ctx, one, d) }()
	}
	var outage error
	for range s {
		select {
		case a := <-answers:
			if a.err == nil {
				return a.c, nil
			}
			if !errors.Is(a.err, storage.ErrNotFound) {
				outage = a.err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if outage != nil {
		return nil, outage
	}
	return nil, storage.ErrNotFound
}

type answer struct {
	c   *storage.Credential
	err error
}

// ask asks one database. A driver that panics here would end the process, and not the
// request alone: it is an outage.
func ask(ctx context.Context, one database, d storage.Digest) (a answer) {
	defer func() {
		if r := recover(); r != nil {
			a = answer{err: fmt.Errorf("scale: a database has panicked: %v", r)}
		}
	}()
	ctx, end := outlasting(ctx)
	defer end()
	c, err := one.Credential(ctx, d)
	return answer{c, err}
}

// outlasting returns a context that ends at the deadline of the request, and not before.
// The endpoint gives each request a deadline. Without one a look-up ends with the request,
// since one that hangs would never end.
func outlasting(request context.Context) (context.Context, context.CancelFunc) {
	deadline, has := request.Deadline()
	if !has {
		return context.WithCancel(request)
	}
	return context.WithDeadline(context.WithoutCancel(request), deadline)
}

// RevokeToken asks the database that the token's identifier decides.
func (s Spread) RevokeToken(ctx context.Context, id string, expiresAt time.Time) error {
	return s.of(id).RevokeToken(ctx, id, expiresAt)
}

// Revoked asks the database of the token, and then that of its family.
func (s Spread) Revoked(ctx context.Context, id, family string) (bool, error) {
	yes, err := s.of(id).Revoked(ctx, id, "")
	if yes || err != nil || family == "" {
		return yes, err
	}
	return s.of(family).Revoked(ctx, id, family)
}
