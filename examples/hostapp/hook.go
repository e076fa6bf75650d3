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

// checkUser is the hook of every grant that acts for a user. It refuses a locked
// or deleted user, and uses nothing up: once the user is unlocked, the same code
// or refresh token works. It adds a claim as it is now: the claim is in this token
// only, and the endpoint asks the hook again at the next refresh.
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
