package assertion

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/contit/oauth/storage"
)

// Claims are the claims of a verified assertion.
type Claims struct {
	// Issuer and Subject are "iss" and "sub".
	Issuer, Subject string
	// ID is "jti", which is empty only where the assertion is reusable.
	ID string
	// Audience is "aud": one member, a name of this server.
	Audience []string
	// ExpiresAt is "exp".
	ExpiresAt time.Time
	// IssuedAt and NotBefore are "iat" and "nbf", zero if there is none.
	IssuedAt, NotBefore time.Time

	inList bool      // aud is a list
	keep   time.Time // until when the mark is kept
	raw    map[string]json.RawMessage
}

// Claim returns a claim as it stands in the assertion, and whether it is there. The
// path leads into objects: Claim("kubernetes.io", "namespace") is the member
// namespace of the claim kubernetes.io. A name is there at most once. The caller does
// not change the result.
func (c *Claims) Claim(path ...string) (json.RawMessage, bool) {
	members := c.raw
	for i, name := range path {
		value, there := members[name]
		if !there || i == len(path)-1 {
			return value, there
		}
		var err error
		if members, err = membersOf(value); err != nil {
			return nil, false
		}
	}
	return nil, false
}

// KindMark is the Kind of the record of a used assertion.
const KindMark = "assertion"

// Mark is the record that an assertion was used by a client at the server whose
// issuer is given. A second one with the same iss, sub and jti has the same digest,
// however the assertion was encoded, so CreateCredential answers storage.ErrExists.
// The same jti of another client is another mark. The record expires with the
// assertion, and so within Config.MaxLifetime and [Leeway].
func (c *Claims) Mark(issuer, clientID string, at time.Time) *storage.Credential {
	var b bytes.Buffer
	for _, part := range []string{issuer, c.Issuer, c.Subject, c.ID} {
		fmt.Fprintf(&b, "%d:%s", len(part), part) // no two lists of parts give one text
	}
	digest := storage.PresentedSecret(b.String()).Digest(KindMark)
	return &storage.Credential{
		Digest: digest,
		Kind:   KindMark,
		// No user has this subject, so that no list of a user's families shows it.
		Family: digest.String(), Subject: "assertion:" + digest.String(),
		Issuer: issuer, ClientID: clientID,
		IssuedAt:  at.UTC().Truncate(time.Microsecond),
		ExpiresAt: c.keep, FamilyExpiresAt: c.keep,
	}
}

// Subject returns the "sub" of an assertion that nobody has verified, or "". It names
// the client of a request that has no client_id (RFC 7521 §4.2), so that its
// registration can be found; [Verifier.Verify] is held against that.
func Subject(text string) string {
	subject := unverified(text).Subject
	if strings.ContainsFunc(subject, unicode.IsControl) || !utf8.ValidString(subject) {
		return ""
	}
	return subject
}

// unverified reads claims that nobody has verified. A text that has none gives the
// zero value.
func unverified(text string) *Claims {
	none := new(Claims)
	_, rest, _ := strings.Cut(text, ".")
	encoded, _, ok := strings.Cut(rest, ".")
	if !ok || len(text) > maxAssertion {
		return none
	}
	payload, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return none
	}
	claims, err := parseClaims(payload)
	if err != nil {
		return none
	}
	return claims
}

// parseClaims reads a payload: a JSON object that has no name twice.
func parseClaims(payload []byte) (*Claims, error) {
	raw, err := membersOf(payload)
	if err != nil {
		return nil, err
	}
	c := &Claims{raw: raw}
	for _, m := range []struct {
		name string
		to   *string
	}{{"iss", &c.Issuer}, {"sub", &c.Subject}, {"jti", &c.ID}} {
		if value, there := raw[m.name]; there && !isString(value, m.to) {
			return nil, fmt.Errorf("its %s is no string", m.name)
		}
	}
	for _, m := range []struct {
		name string
		to   *time.Time
	}{{"exp", &c.ExpiresAt}, {"iat", &c.IssuedAt}, {"nbf", &c.NotBefore}} {
		if value, there := raw[m.name]; there {
			if *m.to, err = numericDate(value); err != nil {
				return nil, fmt.Errorf("its %s %w", m.name, err)
			}
		}
	}
	var one string
	switch aud, there := raw["aud"]; {
	case !there:
	case isString(aud, &one):
		c.Audience = []string{one}
	default:
		c.inList = true
		var list []json.RawMessage
		if err := json.Unmarshal(aud, &list); err != nil || list == nil {
			return nil, errors.New("its aud is neither a string nor a list")
		}
		for _, item := range list {
			if !isString(item, &one) {
				return nil, errors.New("its aud has a member that is no string")
			}
			c.Audience = append(c.Audience, one)
		}
	}
	return c, nil
}

// isString reads a JSON string, and nothing else: encoding/json takes null for one.
func isString(value json.RawMessage, to *string) bool {
	return len(value) > 0 && value[0] == '"' && json.Unmarshal(value, to) == nil
}

// numericDate reads a NumericDate (RFC 7519 §2) in whole seconds: a store may keep an
// instant less exactly than an issuer says it, and a mark must not end too early.
func numericDate(value json.RawMessage) (time.Time, error) {
	seconds, err := strconv.ParseFloat(string(value), 64)
	if err != nil || !(seconds >= 0 && seconds < 1<<40) { // beyond, time.Time would wrap around
		return time.Time{}, errors.New("is no number of seconds")
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}

// membersOf reads a JSON object, and refuses one that has a name twice: two readers
// could take two values of it. (RFC 7519 §4 allows to take the last.)
func membersOf(text []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil, errors.New("its payload is no JSON object")
	}
	members := make(map[string]json.RawMessage)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errors.New("its payload is no JSON object")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, errors.New("its payload is no JSON object")
		}
		if _, twice := members[name.(string)]; twice {
			return nil, errors.New("its payload has a name twice")
		}
		members[name.(string)] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("its payload is no JSON object")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("its payload is no JSON object")
	}
	return members, nil
}
