package grants

import (
	"context"
	"errors"
	"fmt"

	"github.com/contit/oauth/storage"
)

var (
	errOtherKind   = errors.New("grants: presented as another kind than it is")
	errOtherIssuer = errors.New("grants: made for another issuer")
	errNoIssuer    = errors.New("grants: a credential has no Issuer: the store has lost it, or its maker has not set it")
	errOtherClient = errors.New("grants: issued to another client")
	errRevoked     = errors.New("grants: revoked")
	errExpired     = errors.New("grants: expired")
	errNoRecord    = errors.New("grants: the store answered with neither a record nor an error: for a record that is not there it returns storage.ErrNotFound")
	errOtherRecord = errors.New("grants: the store answered with another record")
	errNoFamily    = errors.New("grants: a credential has no Family or no FamilyExpiresAt")
	errPresented   = errors.New("grants: a request may present only one single-use credential")
)

// found holds the credentials that a request has found.
type found struct {
	record *storage.Credential // the single-use credential, see Present
	secret storage.Secret      // the secret that the client showed for it
	key    *storage.APIKey     // see APIKey
	once   *storage.Credential // see UseOnce
}

func (r *Request) found() *found {
	if r.shared != nil {
		return r.shared
	}
	return &r.own
}

// Present finds the single-use credential that the request showed: a code, a refresh
// token, or a custom grant's own. It refuses with the same InvalidGrant a credential
// that is unknown, revoked or expired, of another kind, made by another issuer,
// issued to another client (RFC 6749 §5.2), or made from an API key that this client
// may not use now. A second call in one request is a ServerError, and so is a record
// without an Issuer or a Family. If the client is registered as not rotating now, the
// ExpiresAt of its refresh token is the end of the family.
//
// Call it in Authorize. Earlier the client is not known; in a hook it is too late for
// the endpoint to use the credential up.
//
// If the request is granted, the endpoint uses the credential up, even if the grant
// or its hook do not look at it. It may have been used before: the endpoint judges
// that, after the grant has decided that all else is right.
func (r *Request) Present(ctx context.Context, kind string, secret storage.Secret) (*storage.Credential, error) {
	c, err := r.present(ctx, kind, secret)
	if err != nil {
		return nil, err
	}
	return c.Clone(), nil
}

// present is Present without the copy, for the grants of this package: they do not
// change the record, which the request keeps.
func (r *Request) present(ctx context.Context, kind string, secret storage.Secret) (*storage.Credential, error) {
	if r.found().record != nil {
		return nil, ServerError.Because(errPresented)
	}
	c, err := r.find(ctx, kind, secret)
	if err != nil {
		return nil, err
	}
	f := r.found()
	f.record, f.secret = c, secret
	return c, nil
}

// Presented returns a copy of the credential that [Request.Present] found and the
// secret that the client showed for it. If nothing was found, ok is false.
func (r *Request) Presented() (record *storage.Credential, secret storage.Secret, ok bool) {
	f := r.found()
	if f.record == nil {
		return nil, storage.Secret{}, false
	}
	return f.record.Clone(), f.secret, true
}

func (r *Request) find(ctx context.Context, kind string, secret storage.Secret) (*storage.Credential, error) {
	digest := secret.Digest(kind)
	c, err := r.Storage.Credential(ctx, digest)
	switch {
	case err == nil && c == nil:
		return nil, errNoRecord
	case err == nil:
		setIdleAside(c, r.Client)
	}
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, InvalidGrant.Because(err)
	case err != nil:
		return nil, err
	case !c.Digest.Equal(digest):
		return nil, ServerError.Because(errOtherRecord)
	case c.Family == "" || c.FamilyExpiresAt.IsZero():
		return nil, ServerError.Because(errNoFamily)
	case c.Issuer == "":
		return nil, ServerError.Because(errNoIssuer)
	case !c.GoodAt(r.Issuer): // another endpoint's, so its further faults are none of ours
		return nil, InvalidGrant.Because(fmt.Errorf("%w: %q, and this endpoint is %q", errOtherIssuer, c.Issuer, r.Issuer))
	case c.Kind != kind:
		return nil, InvalidGrant.Because(errOtherKind)
	case c.ClientID != r.Client.ID:
		return nil, InvalidGrant.Because(errOtherClient)
	case c.Revoked:
		return nil, InvalidGrant.Because(errRevoked)
	case !r.Time.Before(c.FamilyExpiresAt):
		return nil, InvalidGrant.Because(errExpired)
	case !c.Spent() && !r.Time.Before(c.ExpiresAt):
		// A spent credential stays a sign of theft as long as its family lives.
		return nil, InvalidGrant.Because(errExpired)
	}
	if !c.APIKey.IsZero() { // it ends with the API key that it came from
		return c, r.useKey(ctx, c.APIKey)
	}
	return c, nil
}
