package grants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/contit/oauth/storage"
)

// Presented is a single-use credential that a request showed and that its
// client may show. It may have been spent before: the endpoint judges that,
// after the grant has decided that all else is right.
type Presented struct {
	*storage.Credential
	secret storage.Secret
}

// Secret returns what was presented.
func (p *Presented) Secret() storage.Secret { return p.secret }

var (
	errOtherKind   = errors.New("grants: presented as another kind than it is")
	errOtherClient = errors.New("grants: issued to another client")
	errRevoked     = errors.New("grants: revoked")
	errExpired     = errors.New("grants: expired")
	errOtherRecord = errors.New("grants: the store answered with another record")
)

// Present finds the single-use credential that the request showed. It refuses
// with InvalidGrant, one and the same for every reason, what is unknown,
// revoked or expired, of another kind, or issued to another client (RFC 6749
// §5.2). It is the only way to an Authorization.Spends.
func (r *Request) Present(ctx context.Context, kind string, secret storage.Secret) (*Presented, error) {
	digest := secret.Digest(kind)
	c, err := r.Storage.Credential(ctx, digest)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, InvalidGrant.Because(err)
	case err != nil:
		return nil, err
	case !c.Digest.Equal(digest):
		return nil, ServerError.Because(errOtherRecord)
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
	return &Presented{Credential: c, secret: secret}, nil
}

// DecodeClaims returns the claims that the record carries, for
// Authorization.Claims. Numbers are json.Number, as they stand.
func (p *Presented) DecodeClaims() (map[string]any, error) {
	if len(p.Claims) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(p.Claims))
	d.UseNumber()
	var claims map[string]any
	if err := d.Decode(&claims); err != nil {
		return nil, ServerError.Because(err)
	}
	return claims, nil
}
