package grants

import (
	"context"
	"errors"

	"github.com/contit/oauth/storage"
)

var (
	errOtherKind   = errors.New("grants: presented as another kind than it is")
	errOtherClient = errors.New("grants: issued to another client")
	errRevoked     = errors.New("grants: revoked")
	errExpired     = errors.New("grants: expired")
	errOtherRecord = errors.New("grants: the store answered with another record")
	errNoFamily    = errors.New("grants: a credential has no Family or no FamilyExpiresAt")
	errPresented   = errors.New("grants: a request presents one single-use credential")
	errNotPresent  = errors.New("grants: nothing was presented")
)

// presented is the single-use credential that a request showed.
type presented struct {
	record *storage.Credential
	secret storage.Secret
}

// Present finds the single-use credential that the request showed: a code, a
// refresh token, or a custom grant's own. It refuses with InvalidGrant, one and
// the same for every reason, what is unknown, revoked or expired, of another
// kind, issued to another client (RFC 6749 §5.2), or from an API key that this
// client may not use now. A second call in one request is a ServerError.
//
// Call it in Authorize: before, the client is not known, and in a hook it is too
// late for the endpoint to use up what is found.
//
// What it finds is used up if the request is granted, whatever else the grant
// or its hook do. It may have been used before: the endpoint judges that, after
// the grant has decided that all else is right.
func (r *Request) Present(ctx context.Context, kind string, secret storage.Secret) (*storage.Credential, error) {
	c, err := r.present(ctx, kind, secret)
	if err != nil {
		return nil, err
	}
	return c.Clone(), nil
}

// present is Present for the grants of this package, which do not change what
// they get: it is what the request holds.
func (r *Request) present(ctx context.Context, kind string, secret storage.Secret) (*storage.Credential, error) {
	if r.presented.record != nil {
		return nil, ServerError.Because(errPresented)
	}
	c, err := r.find(ctx, kind, secret)
	if err != nil {
		return nil, err
	}
	r.presented = presented{c, secret}
	return c, nil
}

// Presented returns what [Request.Present] found and what was shown for it. If
// nothing was found, ok is false.
func (r *Request) Presented() (record *storage.Credential, secret storage.Secret, ok bool) {
	if r.presented.record == nil {
		return nil, storage.Secret{}, false
	}
	return r.presented.record.Clone(), r.presented.secret, true
}

// PresentAgain looks once more for what was presented, and refuses what Present
// refuses. The endpoint asks when somebody else was first to use it.
func (r *Request) PresentAgain(ctx context.Context) error {
	if r.presented.record == nil {
		return ServerError.Because(errNotPresent)
	}
	c, err := r.find(ctx, r.presented.record.Kind, r.presented.secret)
	if err != nil {
		return err
	}
	r.presented.record = c
	return nil
}

func (r *Request) find(ctx context.Context, kind string, secret storage.Secret) (*storage.Credential, error) {
	digest := secret.Digest(kind)
	c, err := r.Storage.Credential(ctx, digest)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, InvalidGrant.Because(err)
	case err != nil:
		return nil, err
	case !c.Digest.Equal(digest):
		return nil, ServerError.Because(errOtherRecord)
	case c.Family == "" || c.FamilyExpiresAt.IsZero():
		return nil, ServerError.Because(errNoFamily)
	case c.Kind != kind:
		return nil, InvalidGrant.Because(errOtherKind)
	case c.ClientID != r.Client.ID:
		return nil, InvalidGrant.Because(errOtherClient)
	case c.Revoked:
		return nil, InvalidGrant.Because(errRevoked)
	case !r.Time.Before(c.FamilyExpiresAt):
		return nil, InvalidGrant.Because(errExpired)
	case !c.Spent() && !r.Time.Before(c.ExpiresAt):
		// A spent one stays a sign of theft for as long as its family lives.
		return nil, InvalidGrant.Because(errExpired)
	}
	if !c.APIKey.IsZero() { // it dies with the API key that it came from
		return c, r.useKey(ctx, c.APIKey)
	}
	return c, nil
}
