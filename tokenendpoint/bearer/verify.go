package bearer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/contit/oauth/tokenendpoint/mtls"
)

// verified is a token that is remembered. It does not change.
type verified struct {
	claims *jws.AccessToken
	key    *jws.PublicKey
	from   time.Time // iat, or nbf if it is later
}

// digest is the hash of a whole token, so that the memory holds no token that an
// attacker could read, and no two tokens share an entry.
type digest [sha256.Size]byte

// maxRemembered bounds a token that is remembered, in bytes, and so the memory that
// all of them take.
const maxRemembered = 8 << 10

// Verify returns the claims of a token that is good here at an instant: signed by one
// of Config.Keys, with the type, the issuer and the audience of the configuration,
// within its time, and not revoked. For any other token it returns an error that is
// [jws.ErrInvalid]; its text gives the reason, for a log and not for the client.
// Every other error is an outage: Verify could not tell whether the token is good.
// The caller may change the claims.
//
// A token that is bound to a certificate is bad here. The instant is the present one: verification keys are loaded and forgotten by it too.
//
// Verify is for tokens that do not come in an Authorization header, such as in the
// first message of a WebSocket.
func (v *Verifier) Verify(ctx context.Context, token string, at time.Time) (*jws.AccessToken, error) {
	t, err := v.check(ctx, token, at)
	switch {
	case err != nil:
		return nil, err
	case t.CertificateThumbprint != "":
		return nil, because(BoundToKey, "it is bound to a certificate: only RequireToken sees which one the client shows")
	}
	return clone(t), nil
}

// check is Verify without the copy: its callers share the claims. With an error, it
// returns claims too if the signature of the token is right.
func (v *Verifier) check(ctx context.Context, token string, at time.Time) (*jws.AccessToken, error) {
	t, err := v.checkToken(ctx, token, at)
	if err != nil || v.revocations == nil {
		return t, err
	}
	ctx, cancel := context.WithTimeout(ctx, v.timeout)
	defer cancel()
	revoked, err := v.revocations.Revoked(ctx, t.ID, t.Family)
	switch {
	case errors.Is(err, jws.ErrInvalid): // an outage of the store is never a verdict
		return t, fmt.Errorf("bearer: is the token revoked: %v", err)
	case err != nil:
		return t, fmt.Errorf("bearer: is the token revoked: %w", err)
	case revoked:
		return t, because(Revoked, "the token or its family has been revoked")
	}
	return t, nil
}

// checkToken is check without the store. If the signature of a token is remembered, it is
// verified again only if the key is not the same pointer.
func (v *Verifier) checkToken(ctx context.Context, token string, at time.Time) (*jws.AccessToken, error) {
	if v.remembered == nil || len(token) > maxRemembered {
		t, err := v.read(ctx, token, at)
		return t.claims, err
	}
	var buffer [1024]byte // on the stack
	sum := digest(sha256.Sum256(append(buffer[:0], token...)))
	if t, ok := v.remembered.get(sum); ok {
		key, err := v.keys.PublicKey(ctx, t.key.ID(), at)
		switch {
		case errors.Is(err, jws.ErrUnknownKey):
			return t.claims, because(KeyWithdrawn, "its key %q is no longer published: has it been rotated out or taken away?", t.key.ID())
		case err != nil:
			return nil, err
		case key == t.key:
			return t.claims, v.inTime(t, at)
		}
	}
	t, err := v.read(ctx, token, at)
	if err == nil { // only good tokens are kept: forged ones would fill the table
		v.remembered.put(sum, t)
	}
	return t.claims, err
}

// read verifies a token from scratch (RFC 9068 §4). With an error, it returns claims
// if the signature of the token is right.
func (v *Verifier) read(ctx context.Context, token string, at time.Time) (verified, error) {
	payload, key, err := v.verify(ctx, v.keys, token, v.tokenType, at)
	if err != nil {
		return verified{}, err
	}
	claims, err := jws.ParseAccessToken(payload)
	if err != nil {
		return verified{}, err
	}
	t := verified{claims: claims, key: key}
	switch {
	case claims.Issuer != v.issuer:
		return t, because(WrongIssuer, "it is of another issuer, %s, and this verifier is for %q", shown(claims.Issuer), v.issuer)
	case !slices.Contains(claims.Audience, v.audience):
		return t, because(WrongAudience, "it is for another audience, %s, and this verifier is for %q", shown(claims.Audience), v.audience)
	}
	if t.from, err = start(claims, payload); err != nil {
		return t, err
	}
	return t, v.inTime(t, at)
}

// start returns the instant from which a token is good. The endpoint issues no token
// with nbf, or with a cnf but that of a certificate; if another issuer does, they are
// heeded.
func start(claims *jws.AccessToken, payload []byte) (time.Time, error) {
	// A name that is written without escapes stands unchanged in the text.
	if !bytes.Contains(payload, []byte("nbf")) && !bytes.Contains(payload, []byte("cnf")) && !bytes.ContainsRune(payload, '\\') {
		return claims.IssuedAt, nil
	}
	var more struct {
		NotBefore    json.RawMessage `json:"nbf"` // RFC 7519 §4.1.5
		Confirmation json.RawMessage `json:"cnf"` // RFC 7800 §3.1
	}
	switch err := json.Unmarshal(payload, &more); {
	case err != nil:
		return time.Time{}, jws.ErrClaims
	case more.Confirmation != nil && !onlyThumbprint(more.Confirmation, claims.CertificateThumbprint): // RFC 9449 §7.1: not as a bearer token
		return time.Time{}, because(BoundToKey, "it is bound to a key of its client and came without proof")
	case more.NotBefore == nil:
		return claims.IssuedAt, nil
	}
	seconds, err := strconv.ParseInt(string(more.NotBefore), 10, 64)
	if err != nil {
		return time.Time{}, because(NotYetValid, "its nbf is not an instant")
	}
	if nbf := time.Unix(seconds, 0); nbf.After(claims.IssuedAt) {
		return nbf, nil
	}
	return claims.IssuedAt, nil
}

// onlyThumbprint reports whether a cnf is the thumbprint of a certificate and nothing
// else, byte for byte as [jws.AccessToken] writes it or as JSON may write it otherwise.
func onlyThumbprint(cnf json.RawMessage, thumbprint string) bool {
	var members map[string]string
	return json.Unmarshal(cnf, &members) == nil && len(members) == 1 && thumbprint != "" && members["x5t#S256"] == thumbprint
}

// shows holds the certificate of a request against the one to which a token is bound (RFC
// 8705 §3). An error that is no jws.ErrInvalid is an outage.
func (v *Verifier) shows(r *http.Request, t *jws.AccessToken) error {
	if v.certificate == nil {
		return because(BoundToKey, "it is bound to a certificate, and Config.ClientCertificate is nil")
	}
	shown, err := v.certificate(r)
	switch {
	case err != nil:
		return fmt.Errorf("bearer: ClientCertificate: %v", err) // never a verdict
	case len(shown) == 0:
		return because(BoundToKey, "it is bound to a certificate, and the client has shown none")
	case subtle.ConstantTimeCompare([]byte(mtls.Thumbprint(shown[0])), []byte(t.CertificateThumbprint)) != 1:
		return because(BoundToKey, "it is bound to another certificate than the client has shown")
	}
	return nil
}

func (v *Verifier) inTime(t verified, at time.Time) error {
	switch {
	case !at.Before(t.claims.ExpiresAt.Add(v.late)):
		return because(Expired, "it expired at %s", t.claims.ExpiresAt.UTC().Format(time.RFC3339))
	case at.Add(v.early).Before(t.from):
		return because(NotYetValid, "it is from the future, good from %s on: do the clocks differ?", t.from.UTC().Format(time.RFC3339))
	}
	return nil
}

// clone returns a copy that shares nothing with t.
func clone(t *jws.AccessToken) *jws.AccessToken {
	c := *t
	c.Audience = slices.Clone(t.Audience)
	c.Scope = slices.Clone(t.Scope)
	if t.Claims != nil {
		c.Claims, _ = cloneValue(t.Claims).(map[string]any)
	}
	return &c
}

// cloneValue copies a value of the types into which encoding/json decodes.
func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, one := range v {
			m[name] = cloneValue(one)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, one := range v {
			list[i] = cloneValue(one)
		}
		return list
	}
	return v
}
