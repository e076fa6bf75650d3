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
// The client shows the API key in the api_key parameter or, if the body has none, in
// the X-Api-Key header. An API key belongs to one client, which alone may present it,
// and stands for the authentication of that client. The endpoint's event tells of the
// last use of an API key; the store is not written for it.
//
// Every token carries the claim api_key_id, so that no API mistakes its "sub" for a
// user with a login (RFC 9700 §4.15).
type APIKey struct {
	// Refresh issues a refresh token too. It ends with the API key.
	Refresh bool
	// ClientIDOptional lets a request leave client_id out. The API key then names the
	// client.
	ClientIDOptional bool
	// RequireClientAuthentication makes a confidential client show its secret beside
	// the API key.
	RequireClientAuthentication bool
	// Digest, if not nil, is for keys that the host has handed out already: it returns
	// the digest under which the host's storage.APIKeys finds the key that a client
	// shows, such as the SHA-256 of its text, as the Digest of the record. It reports
	// false, or the zero digest, for a text that can be no key, which is refused without
	// asking the store. Keys that it takes need at least 128 random bits, since a stolen
	// digest can be guessed fast; a text of more than 256 bytes is never asked about.
	// Requests call it concurrently.
	//
	// If nil, keys are those of [NewAPIKey]: their checksum has to be right, and the
	// digest is that of storage.KindAPIKey. To take both, begin with those.
	Digest func(key storage.Secret) (d storage.Digest, ok bool)
	// Hook, if not nil, has the last word. Here a host refuses an API key whose owner
	// it has locked.
	Hook Hook
}

var (
	_ Checker          = APIKey{}
	_ ClientIdentifier = APIKey{}
)

var (
	errMalformed = errors.New("grants: the presented text is malformed, or its checksum is wrong")
	errKeyPrefix = errors.New("grants: the prefix of API keys is not 1 to 32 of A-Z a-z 0-9 _ -")
	errTwoKeys   = errors.New("grants: a request may rest on only one API key")
	errNoClient  = errors.New("grants: an API key needs a ClientID")
)

// claimAPIKeyID names the API key in the token, by its ID.
const claimAPIKeyID = "api_key_id"

// maxKeyLength bounds the text that is hashed: a client can send a long header or
// parameter.
const maxKeyLength = 256

// Check refuses a request without an API key, in the body or else in one header.
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

// IdentifiesClient reports whether the API key stands for the client's secret.
func (g APIKey) IdentifiesClient() bool { return !g.RequireClientAuthentication }

// ClientID returns the client of the API key, if client_id may be left out.
func (g APIKey) ClientID(ctx context.Context, r *Request) (string, error) {
	if !g.ClientIDOptional {
		return "", InvalidRequest.Describe("client_id is missing")
	}
	if err := g.present(ctx, r); err != nil {
		return "", err
	}
	return r.found().key.ClientID, nil
}

// Authorize grants the scope and the audience of the API key.
func (g APIKey) Authorize(ctx context.Context, r *Request) (*Authorization, error) {
	if err := g.present(ctx, r); err != nil {
		return nil, err
	}
	if err := r.keyUsable(); err != nil {
		return nil, err
	}
	key := r.found().key
	a := authorization(key.Scope, key.Audience)
	a.Subject, a.Refresh, a.Hook = key.Owner(), g.Refresh, g.Hook
	a.Claims = map[string]any{claimAPIKeyID: key.ID}
	return a, nil
}

func (r *Request) shownKey() string {
	if text := r.Form["api_key"]; text != "" {
		return text
	}
	return r.HTTP.Header.Get("X-Api-Key") // the header serves when the body has none
}

// digest returns the digest of the key that a request shows, and whether that can be a
// key.
func (g APIKey) digest(text string) (d storage.Digest, ok bool) {
	switch {
	case len(text) > maxKeyLength:
		return d, false
	case g.Digest != nil:
		d, ok = g.Digest(storage.PresentedSecret(text))
		return d, ok && !d.IsZero()
	}
	key := storage.PresentedSecret(text)
	return key.Digest(storage.KindAPIKey), key.WellFormedAny()
}

// APIKey returns the API key that the request rests on: the request showed it, or its
// refresh token came from it. If there is none, ok is false.
func (r *Request) APIKey() (key *storage.APIKey, ok bool) {
	if key := r.found().key; key != nil {
		return key.Clone(), true
	}
	return nil, false
}

// present finds the API key that the request showed. It asks the store once.
func (g APIKey) present(ctx context.Context, r *Request) error {
	digest, ok := g.digest(r.shownKey())
	if !ok {
		return InvalidGrant.Because(errMalformed)
	}
	if key := r.found().key; key != nil && key.Digest.Equal(digest) {
		return nil
	}
	return r.findKey(ctx, digest)
}

// findKey finds an API key, which then bounds everything that the request gets.
func (r *Request) findKey(ctx context.Context, d storage.Digest) error {
	f := r.found()
	if f.key != nil && !f.key.Digest.Equal(d) {
		return ServerError.Because(errTwoKeys)
	}
	k, err := r.Storage.APIKey(ctx, d)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return InvalidGrant.Because(err)
	case err != nil:
		return err
	case k == nil:
		return errNoRecord
	case !k.Digest.Equal(d):
		return ServerError.Because(errOtherRecord)
	}
	f.key = k
	return nil
}

// useKey finds the API key from which a refresh token came.
func (r *Request) useKey(ctx context.Context, d storage.Digest) error {
	if err := r.findKey(ctx, d); err != nil {
		return err
	}
	return r.keyUsable()
}

// keyUsable refuses an API key that this client may not use now. The answer is the
// same for every reason.
func (r *Request) keyUsable() error {
	switch k := r.found().key; {
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
// completes the record for it. Show the secret to its owner now: nothing can give it
// back later. The caller stores the record.
//
// ClientID is required. NewAPIKey sets Digest, sets ID unless the caller has, and
// sets CreatedAt to now. It returns an error for a record that no token could carry:
// an ID, a Subject or an Audience with a control character or invalid UTF-8, a
// malformed Scope (RFC 6749 §3.3), or an empty Audience that is not nil.
func NewAPIKey(prefix string, k storage.APIKey, now time.Time) (storage.Secret, *storage.APIKey, error) {
	switch {
	case !isKeyPrefix(prefix):
		return storage.Secret{}, nil, errKeyPrefix
	case k.ClientID == "":
		return storage.Secret{}, nil, errNoClient
	case !isText(k.ID):
		return storage.Secret{}, nil, errText
	}
	if err := grantable(k.Subject, k.Scope, k.Audience); err != nil {
		return storage.Secret{}, nil, err
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
