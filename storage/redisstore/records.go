package redisstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/contit/oauth/storage"
)

// The records are JSON with names of their own, so that a field that is renamed
// in package storage is still found. omitzero, not omitempty: a list that is
// empty is not one that is absent. Unknown names are ignored, so that processes
// of two versions can share a server.

// credentialRecord has the fields of a [storage.Credential] that do not change
// when it is used, and FamilyExpiresAt, which may. Digest and Family are in the
// keys.
type credentialRecord struct {
	Kind            string    `json:"kind,omitzero"`
	Issuer          *string   `json:"iss,omitzero"` // nil in records from before issuers were named
	ClientID        string    `json:"client,omitzero"`
	Subject         string    `json:"sub,omitzero"`
	Scope           []string  `json:"scope,omitzero"`
	Audience        []string  `json:"aud,omitzero"`
	Claims          []byte    `json:"claims,omitzero"`
	APIKey          hexDigest `json:"api_key,omitzero"`
	RedirectURI     string    `json:"redirect_uri,omitzero"`
	PKCE            string    `json:"pkce,omitzero"`
	Challenge       string    `json:"challenge,omitzero"`
	IssuedAt        time.Time `json:"issued,omitzero"`
	ExpiresAt       time.Time `json:"expires,omitzero"`
	FamilyExpiresAt time.Time `json:"family_expires,omitzero"`
	MaxUses         int       `json:"max_uses,omitzero"`
}

// useRecord has the fields that Spend sets, except Uses, which the scripts
// count.
type useRecord struct {
	SpentAt         time.Time `json:"spent,omitzero"`
	Salt            []byte    `json:"salt,omitzero"`
	FamilyExpiresAt time.Time `json:"family_expires,omitzero"`
}

type clientRecord struct {
	ID                   string         `json:"id"`
	AuthMethod           string         `json:"auth_method,omitzero"`
	Secrets              []secretRecord `json:"secrets,omitzero"`
	Disabled             bool           `json:"disabled,omitzero"`
	GrantTypes           []string       `json:"grant_types,omitzero"`
	Scope                []string       `json:"scope,omitzero"`
	DefaultScope         []string       `json:"default_scope,omitzero"`
	Audience             []string       `json:"aud,omitzero"`
	RedirectURIs         []string       `json:"redirect_uris,omitzero"`
	PKCENotRequired      bool           `json:"pkce_not_required,omitzero"`
	RefreshNotRotated    bool           `json:"refresh_not_rotated,omitzero"`
	BasicNotEncoded      bool           `json:"basic_not_encoded,omitzero"`
	AccessTokenLifetime  time.Duration  `json:"access_token_ns,omitzero"`
	RefreshTokenLifetime time.Duration  `json:"refresh_token_ns,omitzero"`
	RefreshTokenIdle     time.Duration  `json:"refresh_token_idle_ns,omitzero"`
	RefreshGrace         time.Duration  `json:"refresh_grace_ns,omitzero"`
	Assertion            assertion      `json:"assertion,omitzero"`
	Certificate          certificate    `json:"certificate,omitzero"`
}

// certificate is a storage.ClientCertificate.
type certificate struct {
	SubjectDN string `json:"subject_dn,omitzero"`
	SANDNS    string `json:"san_dns,omitzero"`
	SANURI    string `json:"san_uri,omitzero"`
	SANIP     string `json:"san_ip,omitzero"`
	SANEmail  string `json:"san_email,omitzero"`
	Bound     bool   `json:"bound,omitzero"`
}

// assertion is a storage.ClientAssertion. The JSON in it is kept byte for byte.
type assertion struct {
	JWKS      []byte `json:"jwks,omitzero"`
	JWKSURI   string `json:"jwks_uri,omitzero"`
	Algorithm string `json:"algorithm,omitzero"`
	Lenient   bool   `json:"lenient,omitzero"`
	Issuer    string `json:"issuer,omitzero"`
	Claims    []byte `json:"claims,omitzero"`
}

type secretRecord struct {
	ID        string    `json:"id,omitzero"`
	Hash      string    `json:"hash,omitzero"`
	NotBefore time.Time `json:"not_before,omitzero"`
	ExpiresAt time.Time `json:"expires,omitzero"`
}

// apiKeyRecord is a [storage.APIKey]. Its digest is in the key. put_api_key.lua
// reads the ID, and revoke_api_key.lua the subject.
type apiKeyRecord struct {
	ID        string    `json:"id"`
	Name      string    `json:"name,omitzero"`
	ClientID  string    `json:"client,omitzero"`
	Subject   string    `json:"sub,omitzero"`
	Scope     []string  `json:"scope,omitzero"`
	Audience  []string  `json:"aud,omitzero"`
	CreatedAt time.Time `json:"created,omitzero"`
	ExpiresAt time.Time `json:"expires,omitzero"`
	RevokedAt time.Time `json:"revoked,omitzero"`
}

// signingKeyRecord is a [storage.SigningKey]. delete_signing_key.lua reads the ID.
type signingKeyRecord struct {
	Turn        int64     `json:"turn"`
	ID          string    `json:"id"`
	AnnouncedAt time.Time `json:"announced,omitzero"`
	Sealed      []byte    `json:"sealed"`
	SealedWith  int       `json:"sealed_with,omitzero"`
}

// hexDigest is a digest that JSON shows as hexadecimal.
type hexDigest storage.Digest

// MarshalText returns d in hexadecimal.
func (d hexDigest) MarshalText() ([]byte, error) { return []byte(storage.Digest(d).String()), nil }

// UnmarshalText reads d.
func (d *hexDigest) UnmarshalText(text []byte) error {
	got, err := parseDigest(string(text))
	*d = hexDigest(got)
	return err
}

var errNotUTF8 = errors.New("redisstore: the text of a record must be UTF-8")

// encode returns a record as JSON. It refuses texts of the record that are not
// UTF-8, because JSON would replace bytes in them and so store another text.
func encode(record any, texts ...string) (string, error) {
	if slices.ContainsFunc(texts, func(text string) bool { return !utf8.ValidString(text) }) {
		return "", errNotUTF8
	}
	b, err := json.Marshal(record)
	if err != nil { // a year beyond 9999
		return "", fmt.Errorf("redisstore: encode a record: %w", err)
	}
	return string(b), nil
}

func decode(text string, record any) error {
	if err := json.Unmarshal([]byte(text), record); err != nil {
		return fmt.Errorf("redisstore: a record is damaged, or not of this store: %w", err)
	}
	return nil
}

func encodeCredential(c *storage.Credential) (string, error) {
	return encode(credentialRecord{
		Kind: c.Kind, Issuer: &c.Issuer, ClientID: c.ClientID, Subject: c.Subject, Scope: c.Scope, Audience: c.Audience,
		Claims: c.Claims, APIKey: hexDigest(c.APIKey),
		RedirectURI: c.RedirectURI, PKCE: c.PKCE, Challenge: c.Challenge,
		IssuedAt: c.IssuedAt.UTC(), ExpiresAt: c.ExpiresAt.UTC(), FamilyExpiresAt: c.FamilyExpiresAt.UTC(),
		MaxUses: c.MaxUses,
	}, slices.Concat(c.Scope, c.Audience, []string{c.Kind, c.Issuer, c.ClientID, c.Subject, c.RedirectURI, c.PKCE, c.Challenge})...)
}

func decodeCredential(text string) (*storage.Credential, error) {
	var r credentialRecord
	if err := decode(text, &r); err != nil {
		return nil, err
	}
	issuer := storage.AnyIssuer
	if r.Issuer != nil {
		issuer = *r.Issuer
	}
	return &storage.Credential{
		Kind: r.Kind, Issuer: issuer, ClientID: r.ClientID, Subject: r.Subject, Scope: r.Scope, Audience: r.Audience,
		Claims: r.Claims, APIKey: storage.Digest(r.APIKey),
		RedirectURI: r.RedirectURI, PKCE: r.PKCE, Challenge: r.Challenge,
		IssuedAt: r.IssuedAt, ExpiresAt: r.ExpiresAt, FamilyExpiresAt: r.FamilyExpiresAt,
		MaxUses: r.MaxUses,
	}, nil
}

func encodeClient(c *storage.Client) (string, error) {
	r := clientRecord{
		ID: c.ID, AuthMethod: c.AuthMethod, Disabled: c.Disabled, GrantTypes: c.GrantTypes,
		Scope: c.Scope, DefaultScope: c.DefaultScope, Audience: c.Audience, RedirectURIs: c.RedirectURIs,
		PKCENotRequired: c.PKCENotRequired, RefreshNotRotated: c.RefreshNotRotated, BasicNotEncoded: c.BasicNotEncoded,
		AccessTokenLifetime: c.AccessTokenLifetime, RefreshTokenLifetime: c.RefreshTokenLifetime,
		RefreshTokenIdle: c.RefreshTokenIdle, RefreshGrace: c.RefreshGrace,
		Assertion: assertion(c.Assertion), Certificate: certificate(c.Certificate),
	}
	texts := slices.Concat(c.GrantTypes, c.Scope, c.DefaultScope, c.Audience, c.RedirectURIs, []string{
		c.ID, c.AuthMethod, c.Assertion.JWKSURI, c.Assertion.Algorithm, c.Assertion.Issuer,
		c.Certificate.SubjectDN, c.Certificate.SANDNS, c.Certificate.SANURI, c.Certificate.SANIP, c.Certificate.SANEmail,
	})
	for _, s := range c.Secrets {
		r.Secrets = append(r.Secrets, secretRecord{s.ID, s.Hash, s.NotBefore.UTC(), s.ExpiresAt.UTC()})
		texts = append(texts, s.ID, s.Hash)
	}
	return encode(r, texts...)
}

func decodeClient(text string) (*storage.Client, error) {
	var r clientRecord
	if err := decode(text, &r); err != nil {
		return nil, err
	}
	c := &storage.Client{
		ID: r.ID, AuthMethod: r.AuthMethod, Disabled: r.Disabled, GrantTypes: r.GrantTypes,
		Scope: r.Scope, DefaultScope: r.DefaultScope, Audience: r.Audience, RedirectURIs: r.RedirectURIs,
		PKCENotRequired: r.PKCENotRequired, RefreshNotRotated: r.RefreshNotRotated, BasicNotEncoded: r.BasicNotEncoded,
		AccessTokenLifetime: r.AccessTokenLifetime, RefreshTokenLifetime: r.RefreshTokenLifetime,
		RefreshTokenIdle: r.RefreshTokenIdle, RefreshGrace: r.RefreshGrace,
		Assertion: storage.ClientAssertion(r.Assertion), Certificate: storage.ClientCertificate(r.Certificate),
	}
	for _, s := range r.Secrets {
		c.Secrets = append(c.Secrets, storage.ClientSecret(s))
	}
	return c, nil
}

func encodeAPIKey(k *storage.APIKey) (string, error) {
	return encode(apiKeyRecord{
		ID: k.ID, Name: k.Name, ClientID: k.ClientID, Subject: k.Subject, Scope: k.Scope, Audience: k.Audience,
		CreatedAt: k.CreatedAt.UTC(), ExpiresAt: k.ExpiresAt.UTC(), RevokedAt: k.RevokedAt.UTC(),
	}, slices.Concat(k.Scope, k.Audience, []string{k.ID, k.Name, k.ClientID, k.Subject})...)
}

// decodeAPIKey reads a key and, unless it is empty, when it was revoked. An
// instant in the record goes first: the key was revoked already.
func decodeAPIKey(d storage.Digest, text, revoked string) (*storage.APIKey, error) {
	var r apiKeyRecord
	if err := decode(text, &r); err != nil {
		return nil, err
	}
	k := &storage.APIKey{
		Digest: d, ID: r.ID, Name: r.Name, ClientID: r.ClientID, Subject: r.Subject, Scope: r.Scope, Audience: r.Audience,
		CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, RevokedAt: r.RevokedAt,
	}
	if revoked != "" && k.RevokedAt.IsZero() {
		return k, decode(revoked, &k.RevokedAt)
	}
	return k, nil
}
