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
	errNoClient  = errors.New("grants: an API key needs a ClientID")
)

// claimAPIKeyID names the key in the token, by its ID.
const claimAPIKeyID = "api_key_id"

// maxKeyLength bounds what is hashed of a header.
const maxKeyLength = 256

// Check wants the API key, at most one of it in headers.
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
	k, err := r.presentedKey(ctx)
	if err != nil {
		return "", err
	}
	return k.ClientID, nil
}

// Authorize grants what the key carries, narrowed to the requested scope and to
// what the client is still registered for.
func (g APIKey) Authorize(ctx context.Context, r *Request) (*Authorization, error) {
	k, err := r.presentedKey(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.usable(k); err != nil {
		return nil, err
	}
	scope, err := r.Narrow(k.Scope)
	if err != nil {
		return nil, err
	}
	a := &Authorization{
		Subject:   k.Subject,
		Scope:     scope,
		Audience:  k.Audience,
		Claims:    map[string]any{claimAPIKeyID: k.ID},
		ExpiresAt: k.ExpiresAt,
		Refresh:   g.Refresh,
		APIKey:    k,
		Hook:      g.Hook,
	}
	if a.Subject == "" {
		a.Subject = "api_key:" + k.ID
	}
	return a, nil
}

// presentedKey finds the key that the request showed, once.
func (r *Request) presentedKey(ctx context.Context) (*storage.APIKey, error) {
	if r.key != nil {
		return r.key, nil
	}
	text := r.Form["api_key"]
	if text == "" { // the header serves when the body has none
		text = r.HTTP.Header.Get("X-Api-Key")
	}
	if len(text) > maxKeyLength {
		return nil, InvalidGrant.Because(errMalformed)
	}
	secret := storage.PresentedSecret(text)
	if !secret.WellFormedAny() {
		return nil, InvalidGrant.Because(errMalformed)
	}
	k, err := r.lookUpKey(ctx, secret.Digest(storage.KindAPIKey))
	if err != nil {
		return nil, err
	}
	r.key = k
	return k, nil
}

func (r *Request) lookUpKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	k, err := r.Storage.APIKey(ctx, d)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, InvalidGrant.Because(err)
	case err != nil:
		return nil, err
	case !k.Digest.Equal(d):
		return nil, ServerError.Because(errOtherRecord)
	}
	return k, nil
}

// findKey finds the key behind a refresh token.
func (r *Request) findKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	k, err := r.lookUpKey(ctx, d)
	if err != nil {
		return nil, err
	}
	return k, r.usable(k)
}

// usable refuses a key that this client may not use now, for every reason with
// the same answer.
func (r *Request) usable(k *storage.APIKey) error {
	switch {
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
	record.CreatedAt = now.UTC()
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
