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
	*fixture
	p *party
}

func newKinds(t *testing.T, open opener) *kinds {
	t.Helper()
	f := newFixture(t, open, withGrant(typeOwn, grants.Func(deviceGrant)))
	return &kinds{f, f.newClient(&storage.Client{
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
	err := f.store.CreateCredential(f.Context(), &storage.Credential{
		Digest:          secret.Digest(kindOwn),
		Kind:            kindOwn,
		Family:          uuid.NewString(),
		ClientID:        f.p.id,
		Subject:         "u1",
		Scope:           []string{"read"},
		RedirectURI:     f.p.redirectURI,
		PKCE:            storage.PKCES256,
		Challenge:       challenge(verifier),
		IssuedAt:        now,
		ExpiresAt:       now.Add(time.Hour),
		FamilyExpiresAt: now.Add(time.Hour),
	})
	if err != nil {
		f.Fatalf("storing a credential of the host's own kind: %v", err)
	}
	return f.secret(secret.Reveal())
}

// key stores an API key with some prefix.
func (f *kinds) key(prefix string) string {
	f.Helper()
	secret, record, err := grants.NewAPIKey(prefix, storage.APIKey{ClientID: f.p.id, Scope: []string{"read"}}, time.Now())
	if err != nil {
		f.Fatal(err)
	}
	if err := f.store.PutAPIKey(f.Context(), record); err != nil {
		f.Fatal(err)
	}
	return f.secret(secret.Reveal())
}

// places are the requests in which a secret can be shown.
func (f *kinds) places() map[string]func(secret string) *request {
	return map[string]func(string) *request{
		"code":          func(s string) *request { return f.redeem(f.p, s) },
		"refresh_token": func(s string) *request { return refresh(f.p, s) },
		"api_key":       func(s string) *request { return presentKey(f.p, s) },
		"device_code": func(s string) *request {
			return form("grant_type", typeOwn, "device_code", s).by(f.p)
		},
	}
}

// g23 shows every kind of secret in the place of every other, some with the
// prefix that the other has: what keeps them apart is in the digest.
func g23(t *testing.T, open opener) {
	f := newKinds(t, open)
	places := f.places()
	for name, secret := range map[string]struct{ text, place string }{
		"a code":                               {f.code(f.p), "code"},
		"a refresh token":                      {f.refreshToken(f.p), "refresh_token"},
		"an API key":                           {f.apiKey(f.p), "api_key"},
		"an API key that begins with rt_":      {f.key("rt_"), "api_key"},
		"an API key that begins with ac_":      {f.key("ac_"), "api_key"},
		"a host's own kind":                    {f.device("dc_"), "device_code"},
		"a host's own kind beginning with rt_": {f.device("rt_"), "device_code"},
		"a host's own kind beginning with ac_": {f.device("ac_"), "device_code"},
		"a host's own kind without prefix":     {f.device(""), "device_code"},
	} {
		f.sub(name, func() {
			for place, request := range places {
				if place == secret.place {
					continue
				}
				for _, r := range both(request(secret.text)) {
					f.changesNothing(func() { f.send(r).refused("invalid_grant") })
				}
			}
			f.send(places[secret.place](secret.text)).tokens()
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
func g23FlatStore(t *testing.T, open opener) {
	f := newKinds(t, open)
	f.spellings(func(as spelling) {
		for place, secret := range map[string]string{
			"code": f.code(f.p), "refresh_token": f.refreshToken(f.p), "device_code": f.device("dc_"),
		} {
			r := as(f.places()[place](secret))
			for _, kind := range []string{storage.KindAuthorizationCode, storage.KindRefreshToken, storage.KindAPIKey, "other", ""} {
				f.store.set(func(s *spy) {
					s.editCredential = func(c *storage.Credential) {
						if c.Kind == kind {
							kind = "another"
						}
						c.Kind = kind
					}
				})
				f.changesNothing(func() { f.send(r).refused("invalid_grant") })
			}
			f.store.set(func(s *spy) { s.editCredential = func(c *storage.Credential) { c.Digest[31] ^= 1 } })
			f.changesNothing(func() { f.send(r).refusedWith(500, "server_error") })
			f.store.set(func(s *spy) { s.editCredential = nil })
			f.send(r).tokens()
		}
	})
}

// g24: who has read the database can present nothing of it.
func g24(t *testing.T, open opener) {
	f := newKinds(t, open)
	for place, secret := range map[string]struct {
		text, prefix, kind string
	}{
		"code":          {f.code(f.p), grants.CodePrefix, storage.KindAuthorizationCode},
		"refresh_token": {f.refreshToken(f.p), grants.RefreshTokenPrefix, storage.KindRefreshToken},
		"api_key":       {f.apiKey(f.p), "ck_test_", storage.KindAPIKey},
		"device_code":   {f.device("dc_"), "dc_", kindOwn},
	} {
		f.sub(place, func() {
			d := storage.PresentedSecret(secret.text).Digest(secret.kind)
			encoded := base64.RawURLEncoding.EncodeToString(d[:])
			for _, forged := range []string{
				d.String(),
				hex.EncodeToString(d[:]),
				secret.prefix + d.String(),
				encoded,
				secret.prefix + encoded,
				secret.prefix + base64.StdEncoding.EncodeToString(d[:]),
				withChecksum(secret.prefix + encoded + "AAAAAA"), // well-formed in every way
			} {
				for _, r := range both(f.places()[place](forged)) {
					f.changesNothing(func() { f.send(r).refused("invalid_grant") })
				}
			}
			f.send(f.places()[place](secret.text)).tokens()
		})
	}
}

// g25 compares the answers and the calls of the store; row D06 compares times.
func g25(t *testing.T, open opener) {
	f := newFixture(t, open)
	used := f.code(f.c1)
	f.send(f.redeem(f.c1, used)).tokens()
	revoked := f.code(f.c1)
	if err := f.store.Store.Revoke(t.Context(), f.stored(codeDigest(revoked)).Family); err != nil {
		t.Fatal(err)
	}
	good := f.code(f.c1)
	f.spellings(func(as spelling) {
		replies := map[string]*reply{}
		lookedFor := map[string]int{mClient: 1, mCredential: 1}
		for name, r := range map[string]*request{
			"unknown":        f.redeem(f.c1, storage.NewSecret(grants.CodePrefix).Reveal()),
			"expired":        f.redeem(f.c1, f.codeAt(time.Now().Add(-time.Hour), f.c1)),
			"used":           f.redeem(f.c1, used),
			"revoked":        f.redeem(f.c1, revoked),
			"other client":   f.redeem(f.c1, f.code(f.c2)),
			"wrong verifier": f.redeem(f.c1, good).with("code_verifier", challenge(verifier)),
			"no verifier":    f.redeem(f.c1, good).without("code_verifier"),
			"wrong redirect": f.redeem(f.c1, good).with("redirect_uri", f.c2.redirectURI),
		} {
			f.wantCalls(lookedFor, func() { replies[name] = f.send(as(r)) })
			replies[name].refused("invalid_grant")
		}
		replies["garbage"] = f.send(as(f.redeem(f.c1, "garbage")))
		f.wantAlike(replies)
	})
}
