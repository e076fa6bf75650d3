package grants

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/contit/oauth/storage"
)

// APIKey is the grant that exchanges an API key for an access token. It is
// this library's own, named api_key and [TypeAPIKeyURN].
//
// The key is the api_key parameter or, if the body has none, the X-Api-Key
// header. It belongs to one client, the only one that may present it, and
// stands for the authentication of that client. Its last use is in the
// endpoint's event; nothing is written for it.
//
// Every token carries the claim api_key_id, so that its "sub" is never taken
// for that of a user who logged in (RFC 9700 §4.15).
type APIKey struct {
	// Refresh issues a refresh token too. It dies with the key.
	Refresh bool
	// ClientIDOptional lets a request leave client_id out. The client is then
	// the one that the key belongs to.
	ClientIDOptional bool
	// RequireClientAuthentication makes a confidential client show its secret
	// beside the key.
	RequireClientAuthentication bool
	// Hook, if not nil, has the last word. It is the place to refuse a key
	// whose owner was locked.
	Hook Hook
}

var (
	_ Checker    = APIKey{}
	_ Identifier = APIKey{}
)

var (
	errMalformed = errors.New("grants: malformed, or its checksum is wrong")
	errKeyPrefix = errors.New("grants: the prefix of API keys is not 1 to 32 of A-Z a-z 0-9 _ -")
	errTwoKeys   = errors.New("grants: a request rests on one API key")
	errNoClient  = errors.New("grants: an API key needs a ClientID")
)

// claimAPIKeyID names the key in the token, by its ID.
const claimAPIKeyID = "api_key_id"

// maxKeyLength bounds what is hashed: a header or a parameter can be long.
const maxKeyLength = 256

// Check wants the API key: in the body, or else in one header.
func (APIKey) Check(r *Request) error {
	if r.Form["api_key"] != "" {
		return nil
	}
	switch keys := r.HTTP.Header.Values("X-Api-Key"); {
	case len(keys) > 1:
		return InvalidRequest.Describe("there is more than one X-Api-Key header")
	case len(keys) == 0 || keys[0] == "":
		return InvalidRequest.Describe("api_key is missing")
	}
	return nil
}

// IdentifiesClient reports whether the key stands for the client's secret.
func (g APIKey) IdentifiesClient() bool { return !g.RequireClientAuthentication }

// ClientID returns the client that the key belongs to, if client_id may be left
// out.
func (g APIKey) ClientID(ctx context.Context, r *Request) (string, error) {
	if !g.ClientIDOptional {
		return "", InvalidRequest.Describe("client_id is missing")
	}
	if err := r.presentKey(ctx); err != nil {
		return "", err
	}
	return r.key.ClientID, nil
}

// Authorize grants what the key carries.
func (g APIKey) Authorize(ctx context.Context, r *Request) (*Authorization, error) {
	if err := r.presentKey(ctx); err != nil {
		return nil, err
	}
	if err := r.keyUsable(); err != nil {
		return nil, err
	}
	a := authorization(r.key.Scope, r.key.Audience)
	a.Subject, a.Refresh, a.Hook = r.key.Subject, g.Refresh, g.Hook
	a.Claims = map[string]any{claimAPIKeyID: r.key.ID}
	if a.Subject == "" {
		a.Subject = "api_key:" + r.key.ID
	}
	return a, nil
}

// APIKey returns the API key that the request rests on: the one it showed, or
// the one from which its refresh token came. If there is none, ok is false.
func (r *Request) APIKey() (key *storage.APIKey, ok bool) {
	if r.key == nil {
		return nil, false
	}
	return r.key.Clone(), true
}

// presentKey finds the key that the request showed, once.
func (r *Request) presentKey(ctx context.Context) error {
	text := r.Form["api_key"]
	if text == "" { // the header serves when the body has none
		text = r.HTTP.Header.Get("X-Api-Key")
	}
	secret := storage.PresentedSecret(text)
	if len(text) > maxKeyLength || !secret.WellFormedAny() {
		return InvalidGrant.Because(errMalformed)
	}
	digest := secret.Digest(storage.KindAPIKey)
	if r.key != nil && r.key.Digest.Equal(digest) {
		return nil
	}
	return r.findKey(ctx, digest)
}

// findKey finds a key, the one that bounds all that the request gets.
func (r *Request) findKey(ctx context.Context, d storage.Digest) error {
	if r.key != nil && !r.key.Digest.Equal(d) {
		return ServerError.Because(errTwoKeys)
	}
	k, err := r.Storage.APIKey(ctx, d)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return InvalidGrant.Because(err)
	case err != nil:
		return err
	case !k.Digest.Equal(d):
		return ServerError.Because(errOtherRecord)
	}
	r.key = k
	return nil
}

// useKey finds the key from which a refresh token came.
func (r *Request) useKey(ctx context.Context, d storage.Digest) error {
	if err := r.findKey(ctx, d); err != nil {
		return err
	}
	return r.keyUsable()
}

// keyUsable refuses a key that this client may not use now, for every reason
// with the same answer.
func (r *Request) keyUsable() error {
	switch k := r.key; {
	case k.ClientID != r.Client.ID:
		return InvalidGrant.Because(errOtherClient)
	case !k.RevokedAt.IsZero():
		return InvalidGrant.Because(errRevoked)
	case !k.ExpiresAt.IsZero() && !r.Time.Before(k.ExpiresAt):
		return InvalidGrant.Because(errExpired)
	}
	return nil
}

// NewAPIKey draws an API key, such as ck_live_… for the prefix "ck_live_", and
// completes the record for it. Show the secret to its owner now: it cannot be
// had again. The caller stores the record.
//
// ClientID is required. Digest is set, ID too unless given, and CreatedAt to
// now.
func NewAPIKey(prefix string, k storage.APIKey, now time.Time) (storage.Secret, *storage.APIKey, error) {
	switch {
	case !isKeyPrefix(prefix):
		return storage.Secret{}, nil, errKeyPrefix
	case k.ClientID == "":
		return storage.Secret{}, nil, errNoClient
	}
	secret := storage.NewSecret(prefix)
	record := k.Clone()
	record.Digest = secret.Digest(storage.KindAPIKey)
	record.CreatedAt = now.UTC().Truncate(time.Microsecond)
	if record.ID == "" {
		record.ID = uuid.NewString()
	}
	return secret, record, nil
}

func isKeyPrefix(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return 1 <= len(s) && len(s) <= 32
}
