package tokenendpoint_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// callsOf returns the calls of the store since the last time, sorted.
func callsOf(s *testbed.Spy) []string {
	calls := s.Counted()
	var all []string
	for _, call := range slices.Sorted(maps.Keys(calls)) {
		all = append(all, slices.Repeat([]string{call}, calls[call])...)
	}
	return all
}

// clientSettings is a client in the words of RFC 7591.
type clientSettings struct {
	ID           string   `json:"client_id"`
	Secret       string   `json:"client_secret"`
	AuthMethod   string   `json:"token_endpoint_auth_method"`
	JWKSURI      string   `json:"jwks_uri"`
	GrantTypes   []string `json:"grant_types"`
	Scope        string   `json:"scope"`
	DefaultScope string   `json:"default_scope"`
	RedirectURIs []string `json:"redirect_uris"`
	Disabled     bool     `json:"disabled"`
	NoPKCE       bool     `json:"pkce_not_required"`
	NotEncoded   bool     `json:"basic_not_encoded"`
	name         string   // if not ID
}

// vectorClient is a client that a vector can name.
type vectorClient struct {
	record *storage.Client
	secret string
}

// usualClients are those that every server has.
func usualClients() []clientSettings {
	all := []string{grants.TypeClientCredentials, grants.TypeRefreshToken, grants.TypeAuthorizationCode, grants.TypeAPIKey}
	const wide = "read write admin:x"
	return []clientSettings{
		{ID: "c1", Secret: "cs_secret-of-the-first-client", GrantTypes: all, Scope: wide, RedirectURIs: []string{"https://c1.test/cb"}},
		{ID: "c2", Secret: "cs_secret-of-the-second-client", GrantTypes: all, Scope: wide, RedirectURIs: []string{"https://c2.test/cb"}},
		{ID: "cc", Secret: "cs_secret-of-the-narrow-client", GrantTypes: all[:1], Scope: "read"},
		{ID: "pub", AuthMethod: storage.AuthNone, GrantTypes: all[1:3], Scope: "read write", RedirectURIs: []string{"http://127.0.0.1/cb"}},
		{ID: "off", Secret: "cs_secret-of-the-disabled-client", Disabled: true, GrantTypes: all, Scope: wide},
		{ID: "a:b é", name: "sp", Secret: "p+ss w%rd:&=é and some more", GrantTypes: all, Scope: wide},
	}
}

// register adds a client to the store.
func (s *vectorServer) register(c clientSettings) error {
	r := &storage.Client{
		ID: c.ID, AuthMethod: c.AuthMethod, Assertion: storage.ClientAssertion{JWKSURI: c.JWKSURI}, GrantTypes: c.GrantTypes, Scope: strings.Fields(c.Scope),
		RedirectURIs: c.RedirectURIs, Disabled: c.Disabled, PKCENotRequired: c.NoPKCE, BasicNotEncoded: c.NotEncoded,
	}
	if c.DefaultScope != "" {
		r.DefaultScope = strings.Fields(c.DefaultScope)
	}
	if c.Secret != "" {
		hash, err := clientauth.FastHash(storage.PresentedSecret(c.Secret))
		if err != nil {
			return err
		}
		r.Secrets = []storage.ClientSecret{{ID: "1", Hash: hash}}
	}
	name := c.name
	if name == "" {
		name = c.ID
	}
	s.clients[name] = &vectorClient{record: r, secret: c.Secret}
	return s.store.PutClient(context.Background(), r)
}

// field is {c1.id}, {c1.secret} or {c1.uri}.
func (s *vectorServer) field(name, field string) (string, error) {
	c, ok := s.clients[name]
	switch {
	case !ok:
		return "", fmt.Errorf("there is no client %s", name)
	case field == "id":
		return c.record.ID, nil
	case field == "secret":
		return c.secret, nil
	case field == "uri" && len(c.record.RedirectURIs) > 0:
		return c.record.RedirectURIs[0], nil
	}
	return "", fmt.Errorf("a client has no %s", field)
}

// basic is the Authorization header of a client, or of client:secret.
func (s *vectorServer) basic(who string) (string, error) {
	id, secret, own := strings.Cut(who, ":")
	id, secret = unescapeVector(id), unescapeVector(secret)
	if c, ok := s.clients[id]; ok {
		id = c.record.ID
		if !own {
			own, secret = true, c.secret
		}
	}
	if !own {
		return "", fmt.Errorf("there is no client %s, and it has no secret", id)
	}
	s.secret(secret)
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret))), nil
}

// mint makes {code c1}, {refresh c1}, {voucher c1}, {access c1} or {key c1},
// whose further words change it or make it another one.
func (s *vectorServer) mint(kind string, words []string) (text string, err error) {
	if len(words) == 0 || s.clients[words[0]] == nil {
		return "", fmt.Errorf("a %s is of a client", kind)
	}
	c, now := s.clients[words[0]].record, time.Now().UTC().Truncate(time.Microsecond)
	ctx := context.Background()
	switch kind {
	case "access":
		text, err = s.access(c, now)
	case "key":
		var secret storage.Secret
		var k *storage.APIKey
		secret, k, err = grants.NewAPIKey("ck_test_", storage.APIKey{ClientID: c.ID, Subject: "owner", Scope: []string{"read", "write"}}, now)
		if err == nil {
			text, err = secret.Reveal(), s.store.PutAPIKey(ctx, k)
		}
	default:
		secret, record := s.credential(kind, c, now)
		for _, word := range words[1:] {
			if err := edit(record, word); err != nil {
				return "", err
			}
		}
		text, err = secret.Reveal(), s.store.Store.CreateCredential(ctx, record)
	}
	s.secret(text)
	return text, err
}

// credential makes a single-use credential of the user u1.
func (s *vectorServer) credential(kind string, c *storage.Client, now time.Time) (storage.Secret, *storage.Credential) {
	k := map[string][2]string{
		"code":    {storage.KindAuthorizationCode, grants.CodePrefix},
		"refresh": {storage.KindRefreshToken, grants.RefreshTokenPrefix},
		"voucher": {testbed.KindVoucher, "vo_"},
	}[kind]
	secret := storage.NewSecret(k[1])
	record := &storage.Credential{
		Digest: secret.Digest(k[0]), Kind: k[0], Issuer: vectorIssuer, Family: rand.Text(), ClientID: c.ID, Subject: "u1", Scope: []string{"read", "write"},
		IssuedAt: now, ExpiresAt: now.Add(time.Minute), FamilyExpiresAt: now.Add(time.Hour),
	}
	if kind == "code" {
		record.RedirectURI, record.PKCE, record.Challenge = c.RedirectURIs[0], storage.PKCES256, testChallenge
	}
	return secret, record
}

// edit changes a credential. A number changes nothing: it makes another one.
func edit(c *storage.Credential, word string) error {
	name, value, _ := strings.Cut(word, "=")
	value = unescapeVector(value)
	switch {
	case name == "challenge":
		c.Challenge = value
	case name == "pkce":
		c.PKCE = value
	case strings.Trim(word, "0123456789") != "":
		return fmt.Errorf("%q is not known", word)
	}
	return nil
}

// access makes an access token of a client for the user u1.
func (s *vectorServer) access(c *storage.Client, now time.Time) (string, error) {
	t := jws.AccessToken{
		Issuer: vectorIssuer, Subject: "u1", ClientID: c.ID, ID: rand.Text(), Audience: []string{vectorAudience},
		IssuedAt: now, ExpiresAt: now.Add(time.Hour),
	}
	payload, err := t.AppendJSON(nil)
	if err != nil {
		return "", err
	}
	return s.keys.Sign(context.Background(), jws.TypeAccessToken, payload, now)
}
