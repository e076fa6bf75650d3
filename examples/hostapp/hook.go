package main

import (
	"context"
	"errors"

	"github.com/contit/oauth/grants"
)

var (
	errLocked   = errors.New("hostapp: the user is locked")
	errNotAUser = errors.New("hostapp: the subject is not a user")
)

// checkUser is the hook of every grant that acts for a user. It refuses who is
// locked or gone, with nothing used up: once the user is unlocked, the same
// code or refresh token works. And it adds a claim as it is now: what a hook
// adds is in this token only, and is asked for again at the next refresh.
func (s *shop) checkUser(ctx context.Context, _ *grants.Request, a *grants.Authorization) error {
	id, ok := userID(a.Subject)
	if !ok {
		return grants.InvalidGrant.Because(errNotAUser)
	}
	u, err := s.users.byID(ctx, id)
	switch {
	case errors.Is(err, errNoUser):
		return grants.InvalidGrant.Because(err)
	case err != nil:
		return err // an outage: the client is told to come back
	case u.Locked:
		return grants.InvalidGrant.Because(errLocked)
	}
	a.AddClaim("tier", u.Tier)
	return nil
}
