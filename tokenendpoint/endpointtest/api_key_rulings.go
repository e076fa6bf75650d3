package endpointtest

import (
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// jPlaceholders sends what the samples of the published page send: all
// parameters at once, those of other grants as placeholders.
func jPlaceholders(t *testing.T, open opener) {
	public := storage.Client{ID: "page", AuthMethod: storage.AuthNone, GrantTypes: []string{grants.TypeAPIKey}, Scope: []string{"read", "write"}}
	for name, g := range map[string]grants.APIKey{
		"by default": {}, "client_id optional": {ClientIDOptional: true}, "client authentication required": {RequireClientAuthentication: true},
	} {
		f := newFixture(t, open, apiKeys(g))
		p := f.newClient(public.Clone())
		f.sub(name, func() {
			key := f.apiKey(p)
			page := presentKey(p, key).set("X-Api-Key", "YOUR_API_KEY").with(
				"client_secret", "client_secret_value", "refresh_token", "refresh_token_value",
				"code", "code_value", "redirect_uri", "redirect_uri_value", "code_verifier", "short", "scope", "read")
			f.spellings(func(as spelling) {
				f.wantIdentity(f.send(as(page)).tokens(), p, "owner")
				// A confidential client's secret is verified, not ignored.
				mine := page.with("client_id", f.c1.id, "api_key", f.apiKey(f.c1))
				f.send(as(mine)).unauthorized()
				f.wantIdentity(f.send(as(mine.with("client_secret", f.c1.secret))).tokens(), f.c1, "owner")
				empty := page.with("client_secret", "", "refresh_token", "", "code", "", "redirect_uri", "", "code_verifier", "", "scope", "")
				f.wantIdentity(f.send(as(empty)).tokens(), p, "owner")
				// Syntax and size hold for all of them.
				f.send(as(page.with("code", "\x01"))).refused("invalid_request")
				f.send(as(page.with("scope", `re"ad`))).refused("invalid_scope")
			})
			nulls := `{"grant_type":"api_key","client_id":"` + p.id + `","api_key":"` + key +
				`","client_secret":null,"refresh_token":null,"code":null,"redirect_uri":null,"scope":null}`
			f.wantIdentity(f.send(rawJSON(nulls)).tokens(), p, "owner")
		})
	}
}

func jStandsForSecret(t *testing.T, open opener) {
	f := newFixture(t, open)
	public := f.publicWithKeys()
	key, publicKey := f.apiKey(f.c1), f.apiKey(public)
	f.spellings(func(as spelling) {
		r := presentKey(f.c1, key)
		f.wantIdentity(f.send(as(r)).tokens(), f.c1, "owner")
		f.wantIdentity(f.send(as(r.by(f.c1))).tokens(), f.c1, "owner")
		f.wantIdentity(f.send(as(r.with("client_secret", f.c1.secret))).tokens(), f.c1, "owner")
		f.wantIdentity(f.send(as(r.with("client_secret", ""))).tokens(), f.c1, "owner")
		f.send(as(r.basic(f.c1.id, "wrong-secret"))).unauthorized()
		f.send(as(r.basic(f.c1.id, ""))).unauthorized() // ruling R21
		f.send(as(r.with("client_secret", "wrong-secret"))).unauthorized()
		f.send(as(r.set("Authorization", "Bearer "+key))).unauthorized()

		r = presentKey(public, publicKey)
		f.wantIdentity(f.send(as(r)).tokens(), public, "owner")
		f.wantIdentity(f.send(as(r.basic(public.id, ""))).tokens(), public, "owner")
		f.send(as(r.basic(public.id, "some-secret"))).unauthorized()
	})
	// A wrong secret is refused before the key is looked at.
	f.wantCalls(map[string]int{mClient: 1}, func() { f.send(presentKey(f.c1, key).basic(f.c1.id, "wrong-secret")).unauthorized() })
	// At the other grants the key stands for nothing.
	f.send(refresh(f.c1, f.refreshToken(f.c1)).unsigned().with("client_id", f.c1.id, "api_key", key)).unauthorized()
	f.send(form("grant_type", "client_credentials", "client_id", f.c1.id, "api_key", key).set("X-Api-Key", key)).refused("invalid_request")
}

func jSecretToo(t *testing.T, open opener) {
	for name, g := range map[string]grants.APIKey{
		"client_id required": {RequireClientAuthentication: true},
		"client_id optional": {RequireClientAuthentication: true, ClientIDOptional: true},
	} {
		f := newFixture(t, open, apiKeys(g))
		public := f.publicWithKeys()
		f.sub(name, func() {
			key := f.apiKey(f.c1)
			f.spellings(func(as spelling) {
				r := presentKey(f.c1, key)
				f.wantCalls(map[string]int{mClient: 1}, func() { f.send(as(r)).unauthorized() })
				f.send(as(r.basic(f.c1.id, "wrong-secret"))).unauthorized()
				f.send(as(r.with("client_secret", "wrong-secret"))).unauthorized()
				f.wantIdentity(f.send(as(r.by(f.c1))).tokens(), f.c1, "owner")
				f.wantIdentity(f.send(as(r.with("client_secret", f.c1.secret))).tokens(), f.c1, "owner")
				f.wantIdentity(f.send(as(r.without("client_id").by(f.c1))).tokens(), f.c1, "owner")
				f.send(as(r.without("client_id").by(f.c2))).refused("invalid_grant")
				// The key names nobody here: the client must.
				reply := f.send(as(r.without("client_id")))
				reply.refused("invalid_request")
				reply.names("client_id")
				f.wantIdentity(f.send(as(presentKey(public, f.apiKey(public)))).tokens(), public, "owner")
			})
		})
	}
}

func jRefresh(t *testing.T, open opener) {
	f := newFixture(t, open, apiKeys(grants.APIKey{Refresh: true}))
	f.spellings(func(as spelling) {
		key := f.apiKey(f.c1)
		var r *reply
		f.wantCalls(map[string]int{mClient: 1, mAPIKey: 1, mCreateCredential: 1}, func() {
			r = f.send(as(presentKey(f.c1, key).with("scope", "read")))
		})
		got := r.tokens()
		if !refreshTokenSyntax.MatchString(got.refreshToken) {
			f.Errorf("refresh_token is %q, want it to match %s", got.refreshToken, refreshTokenSyntax)
		}
		again := f.send(as(refresh(f.c1, got.refreshToken))).tokens()
		f.wantIdentity(again, f.c1, "owner")
		if again.scope != "read" {
			f.Errorf("the scope after a refresh is %q, want read", again.scope)
		}
		f.outcome(tokenendpoint.Issued)
		if e := f.lastEvent(); e.APIKeyID != f.storedKey(key).ID || e.Family == "" {
			f.Errorf("the event names the key %q and the family %q, want %q and some", e.APIKeyID, e.Family, f.storedKey(key).ID)
		}
		f.send(as(refresh(f.c1, again.refreshToken).with("scope", "write"))).refused("invalid_scope")
	})
	f.sub("none for a client that may not refresh", func() {
		p := f.newClient(&storage.Client{ID: "norefresh", GrantTypes: []string{grants.TypeAPIKey}, Scope: []string{"read", "write"}})
		if got := f.send(presentKey(p, f.apiKey(p))).tokens(); got.refreshToken != "" {
			f.Errorf("there is a refresh token, want none")
		}
	})
}

// jRefreshDies: whatever ends the key ends its refresh tokens, and those that
// came from them, with the one answer that every bad one gets.
func jRefreshDies(t *testing.T, open opener) {
	f := newFixture(t, open, apiKeys(grants.APIKey{Refresh: true}))
	unknown := f.send(refresh(f.c1, storage.NewSecret(grants.RefreshTokenPrefix).Reveal()))
	for name, edit := range map[string]func(*storage.APIKey){
		"revoked":             func(k *storage.APIKey) { k.RevokedAt = time.Now() },
		"expired":             func(k *storage.APIKey) { k.ExpiresAt = time.Now() },
		"given to another":    func(k *storage.APIKey) { k.ClientID = f.c2.id },
		"revoked and expired": func(k *storage.APIKey) { k.RevokedAt, k.ExpiresAt = time.Now(), time.Now() },
	} {
		f.sub(name, func() {
			f.spellings(func(as spelling) {
				first := f.send(presentKey(f.c1, f.apiKey(f.c1))).tokens().refreshToken
				second := f.send(refresh(f.c1, first)).tokens().refreshToken
				f.store.set(func(s *spy) { s.editAPIKey = edit })
				f.changesNothing(func() {
					for _, token := range []string{first, second} {
						got := f.send(as(refresh(f.c1, token)))
						got.refused("invalid_grant")
						f.wantAlike(map[string]*reply{"of a dead key": got, "unknown": unknown})
					}
				})
				f.store.set(func(s *spy) { s.editAPIKey = nil })
				f.send(as(refresh(f.c1, second))).tokens()
			})
		})
	}
	f.sub("deleted", func() {
		token := f.send(presentKey(f.c1, f.apiKey(f.c1))).tokens().refreshToken
		f.store.failWith(mAPIKey, storage.ErrNotFound)
		f.changesNothing(func() { f.send(refresh(f.c1, token)).refused("invalid_grant") })
		f.store.failWith(mAPIKey, errOutage)
		f.changesNothing(func() { f.send(refresh(f.c1, token)).unavailable() })
		f.store.heal()
		f.send(refresh(f.c1, token)).tokens()
	})
	f.sub("another key's goes on", func() {
		dead, alive := f.apiKey(f.c1), f.apiKey(f.c1)
		token := f.send(presentKey(f.c1, alive)).tokens().refreshToken
		id := f.storedKey(dead).ID
		f.store.set(func(s *spy) {
			s.editAPIKey = func(k *storage.APIKey) {
				if k.ID == id {
					k.RevokedAt = time.Now()
				}
			}
		})
		f.send(refresh(f.c1, token)).tokens()
		f.store.set(func(s *spy) { s.editAPIKey = nil })
	})
}

// jRefreshClient: the key stood for the secret once. Its refresh token does not.
func jRefreshClient(t *testing.T, open opener) {
	f := newFixture(t, open, apiKeys(grants.APIKey{Refresh: true}))
	public := f.publicWithKeys()
	f.spellings(func(as spelling) {
		token := f.send(presentKey(f.c1, f.apiKey(f.c1))).tokens().refreshToken
		f.changesNothing(func() {
			f.send(as(form("grant_type", "refresh_token", "refresh_token", token, "client_id", f.c1.id))).unauthorized()
			f.send(as(refresh(f.c2, token))).refused("invalid_grant")
		})
		f.send(as(refresh(f.c1, token))).tokens()
		token = f.send(presentKey(public, f.apiKey(public))).tokens().refreshToken
		f.send(as(refresh(public, token))).tokens()
	})
}

// jRefreshFaults is row G20 for this grant: nothing is used up, so a lost
// answer leaves a refresh token that nobody has, and the client asks again.
func jRefreshFaults(t *testing.T, open opener) {
	f, l := newLedger(t, open, apiKeys(grants.APIKey{Refresh: true}))
	key := f.apiKey(f.c1)
	rows := 0
	for _, x := range []fault{{mClient, false}, {mAPIKey, false}, {mCreateCredential, false}, {mCreateCredential, true}} {
		f.sub(x.String(), func() {
			f.breakStore(x)
			f.send(presentKey(f.c1, key)).unavailable()
			f.store.heal()
			if x.after {
				rows++
			}
			if n := l.refreshTokens(f.Context()); n != rows {
				f.Errorf("the store has %d refresh tokens, want %d", n, rows)
			}
			f.send(presentKey(f.c1, key)).tokens()
			rows++
		})
	}
}

func jRefreshTimed(t *testing.T, open opener) {
	f := newTimed(t, open, apiKeys(grants.APIKey{Refresh: true}))
	end := time.Now().Add(10*24*time.Hour + 30*time.Minute)
	key := f.apiKey(f.c1, func(k *storage.APIKey) { k.ExpiresAt = end })
	token := f.send(presentKey(f.c1, key)).tokens().refreshToken
	time.Sleep(10 * 24 * time.Hour)
	got := f.send(refresh(f.c1, token)).tokens()
	if got.expiresIn != 1800 {
		t.Errorf("half an hour before the key ends expires_in is %d, want 1800", got.expiresIn)
	}
	time.Sleep(30 * time.Minute)
	f.send(refresh(f.c1, got.refreshToken)).refused("invalid_grant")
	// The record itself does not outlive the key.
	record := f.stored(storage.PresentedSecret(got.refreshToken).Digest(storage.KindRefreshToken))
	if record.ExpiresAt.After(end) || record.FamilyExpiresAt.After(end) {
		t.Errorf("the refresh token ends at %s and its family at %s, want not after its key at %s",
			record.ExpiresAt, record.FamilyExpiresAt, end)
	}
}
