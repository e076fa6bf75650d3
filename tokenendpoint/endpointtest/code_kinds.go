package endpointtest

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// A grant of a host's own with single-use credentials of a kind of its own.
const (
	kindOwn = "device_code"
	typeOwn = "urn:ietf:params:oauth:grant-type:device_code"
)

func deviceGrant(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
	p, err := r.Present(ctx, kindOwn, storage.PresentedSecret(r.Form["device_code"]))
	if err != nil {
		return nil, err
	}
	return &grants.Authorization{Subject: p.Subject, Scope: p.Scope, Refresh: true}, nil
}

// kinds is a fixture with one client that may present every kind of secret.
type kinds struct {
	*testbed.Fixture
	p *testbed.Party
}

func newKinds(t *testing.T, open testbed.Opener) *kinds {
	t.Helper()
	f := testbed.New(t, open, testbed.WithGrant(typeOwn, grants.Func(deviceGrant)))
	return &kinds{f, f.NewClient(&storage.Client{
		ID:           "kinds",
		GrantTypes:   []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken, grants.TypeAPIKey, typeOwn},
		Scope:        []string{"read", "write"},
		RedirectURIs: []string{"https://kinds.test/cb"},
	})}
}

// device stores a credential of the host's own kind.
func (f *kinds) device(prefix string) string {
	f.Helper()
	secret := storage.NewSecret(prefix)
	now := time.Now().UTC().Truncate(time.Microsecond)
	err := f.Store.CreateCredential(f.Context(), &storage.Credential{
		Digest:          secret.Digest(kindOwn),
		Kind:            kindOwn,
		Family:          uuid.NewString(),
		Issuer:          f.Issuer,
		ClientID:        f.p.ID,
		Subject:         "u1",
		Scope:           []string{"read"},
		RedirectURI:     f.p.RedirectURI,
		PKCE:            storage.PKCES256,
		Challenge:       testbed.Challenge(testbed.Verifier),
		IssuedAt:        now,
		ExpiresAt:       now.Add(time.Hour),
		FamilyExpiresAt: now.Add(time.Hour),
	})
	if err != nil {
		f.Fatalf("storing a credential of the host's own kind: %v", err)
	}
	return f.Secret(secret.Reveal())
}

// key stores an API key with some prefix.
func (f *kinds) key(prefix string) string {
	f.Helper()
	secret, record, err := grants.NewAPIKey(prefix, storage.APIKey{ClientID: f.p.ID, Scope: []string{"read"}}, time.Now())
	if err != nil {
		f.Fatal(err)
	}
	if err := f.Store.PutAPIKey(f.Context(), record); err != nil {
		f.Fatal(err)
	}
	return f.Secret(secret.Reveal())
}

// places are the requests in which a secret can be shown.
func (f *kinds) places() map[string]func(secret string) *testbed.Request {
	return map[string]func(string) *testbed.Request{
		"code":          func(s string) *testbed.Request { return f.Redeem(f.p, s) },
		"refresh_token": func(s string) *testbed.Request { return testbed.Refresh(f.p, s) },
		"api_key":       func(s string) *testbed.Request { return testbed.PresentKey(f.p, s) },
		"device_code": func(s string) *testbed.Request {
			return testbed.Form("grant_type", typeOwn, "device_code", s).By(f.p)
		},
	}
}

// g23 shows every kind of secret in the place of every other, some with the
// prefix that the other has: the digest keeps them apart.
func g23(t *testing.T, open testbed.Opener) {
	f := newKinds(t, open)
	places := f.places()
	for name, secret := range map[string]struct{ text, place string }{
		"a code":                               {f.Code(f.p), "code"},
		"a refresh token":                      {f.RefreshToken(f.p), "refresh_token"},
		"an API key":                           {f.APIKey(f.p), "api_key"},
		"an API key that begins with rt_":      {f.key("rt_"), "api_key"},
		"an API key that begins with ac_":      {f.key("ac_"), "api_key"},
		"a host's own kind":                    {f.device("dc_"), "device_code"},
		"a host's own kind beginning with rt_": {f.device("rt_"), "device_code"},
		"a host's own kind beginning with ac_": {f.device("ac_"), "device_code"},
		"a host's own kind without prefix":     {f.device(""), "device_code"},
	} {
		f.Sub(name, func() {
			for place, request := range places {
				if place == secret.place {
					continue
				}
				for _, r := range testbed.Both(request(secret.text)) {
					f.ChangesNothing(func() { f.Send(r).Refused("invalid_grant") })
				}
			}
			f.Send(places[secret.place](secret.text)).Tokens()
		})
	}
	digests := map[storage.Digest]string{}
	for _, kind := range []string{storage.KindAuthorizationCode, storage.KindRefreshToken, storage.KindAPIKey, kindOwn, ""} {
		d := storage.PresentedSecret("one text").Digest(kind)
		if other, taken := digests[d]; taken {
			t.Errorf("one text has one digest as %q and as %q, want two", kind, other)
		}
		digests[d] = kind
	}
}

// g23FlatStore: a store that keeps all kinds in one table and looks at nothing
// but the key, or that answers with another record, opens no door.
func g23FlatStore(t *testing.T, open testbed.Opener) {
	f := newKinds(t, open)
	f.Spellings(func(as testbed.Spelling) {
		for place, secret := range map[string]string{
			"code": f.Code(f.p), "refresh_token": f.RefreshToken(f.p), "device_code": f.device("dc_"),
		} {
			r := as(f.places()[place](secret))
			for _, kind := range []string{storage.KindAuthorizationCode, storage.KindRefreshToken, storage.KindAPIKey, "other", ""} {
				f.Store.Set(func(s *testbed.Spy) {
					s.EditCredential = func(c *storage.Credential) {
						if c.Kind == kind {
							kind = "another"
						}
						c.Kind = kind
					}
				})
				f.ChangesNothing(func() { f.Send(r).Refused("invalid_grant") })
			}
			f.Store.Set(func(s *testbed.Spy) { s.EditCredential = func(c *storage.Credential) { c.Digest[31] ^= 1 } })
			f.ChangesNothing(func() { f.Send(r).RefusedWith(500, "server_error") })
			f.Store.Set(func(s *testbed.Spy) { s.EditCredential = nil })
			f.Send(r).Tokens()
		}
	})
}

// g24: an attacker who has read the database can present nothing from it.
func g24(t *testing.T, open testbed.Opener) {
	f := newKinds(t, open)
	for place, secret := range map[string]struct {
		text, prefix, kind string
	}{
		"code":          {f.Code(f.p), grants.CodePrefix, storage.KindAuthorizationCode},
		"refresh_token": {f.RefreshToken(f.p), grants.RefreshTokenPrefix, storage.KindRefreshToken},
		"api_key":       {f.APIKey(f.p), "ck_test_", storage.KindAPIKey},
		"device_code":   {f.device("dc_"), "dc_", kindOwn},
	} {
		f.Sub(place, func() {
			d := storage.PresentedSecret(secret.text).Digest(secret.kind)
			encoded := base64.RawURLEncoding.EncodeToString(d[:])
			for _, forged := range []string{
				d.String(),
				hex.EncodeToString(d[:]),
				secret.prefix + d.String(),
				encoded,
				secret.prefix + encoded,
				secret.prefix + base64.StdEncoding.EncodeToString(d[:]),
				testbed.WithChecksum(secret.prefix + encoded + "AAAAAA"), // well-formed in every way
			} {
				for _, r := range testbed.Both(f.places()[place](forged)) {
					f.ChangesNothing(func() { f.Send(r).Refused("invalid_grant") })
				}
			}
			f.Send(f.places()[place](secret.text)).Tokens()
		})
	}
}

// g25 compares the answers and the calls of the store; row D06 compares times.
func g25(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	used := f.Code(f.C1)
	f.Send(f.Redeem(f.C1, used)).Tokens()
	revoked := f.Code(f.C1)
	if err := f.Store.Store.Revoke(t.Context(), f.Stored(testbed.CodeDigest(revoked)).Family); err != nil {
		t.Fatal(err)
	}
	good := f.Code(f.C1)
	f.Spellings(func(as testbed.Spelling) {
		replies := map[string]*testbed.Reply{}
		lookedFor := map[string]int{testbed.CallClient: 1, testbed.CallCredential: 1}
		for name, r := range map[string]*testbed.Request{
			"unknown":        f.Redeem(f.C1, storage.NewSecret(grants.CodePrefix).Reveal()),
			"expired":        f.Redeem(f.C1, f.CodeAt(time.Now().Add(-time.Hour), f.C1)),
			"used":           f.Redeem(f.C1, used),
			"revoked":        f.Redeem(f.C1, revoked),
			"other client":   f.Redeem(f.C1, f.Code(f.C2)),
			"wrong verifier": f.Redeem(f.C1, good).With("code_verifier", testbed.Challenge(testbed.Verifier)),
			"no verifier":    f.Redeem(f.C1, good).Without("code_verifier"),
			"wrong redirect": f.Redeem(f.C1, good).With("redirect_uri", f.C2.RedirectURI),
		} {
			f.WantCalls(lookedFor, func() { replies[name] = f.Send(as(r)) })
			replies[name].Refused("invalid_grant")
		}
		replies["garbage"] = f.Send(as(f.Redeem(f.C1, "garbage")))
		f.WantAlike(replies)
	})
}
