package endpointtest

import (
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// jPlaceholders sends the requests of the published page's samples: all
// parameters at once, those of other grants as placeholders.
func jPlaceholders(t *testing.T, open testbed.Opener) {
	public := storage.Client{ID: "page", AuthMethod: storage.AuthNone, GrantTypes: []string{grants.TypeAPIKey}, Scope: []string{"read", "write"}}
	for name, g := range map[string]grants.APIKey{
		"by default": {}, "client_id optional": {ClientIDOptional: true}, "client authentication required": {RequireClientAuthentication: true},
	} {
		f := testbed.New(t, open, testbed.APIKeys(g))
		p := f.NewClient(public.Clone())
		f.Sub(name, func() {
			key := f.APIKey(p)
			page := testbed.PresentKey(p, key).Set("X-Api-Key", "YOUR_API_KEY").With(
				"client_secret", "client_secret_value", "refresh_token", "refresh_token_value",
				"code", "code_value", "redirect_uri", "redirect_uri_value", "code_verifier", "short", "scope", "read")
			f.Spellings(func(as testbed.Spelling) {
				f.WantIdentity(f.Send(as(page)).Tokens(), p, "owner")
				// A confidential client's secret is verified, not ignored.
				mine := page.With("client_id", f.C1.ID, "api_key", f.APIKey(f.C1))
				f.Send(as(mine)).Unauthorized()
				f.WantIdentity(f.Send(as(mine.With("client_secret", f.C1.Secret))).Tokens(), f.C1, "owner")
				empty := page.With("client_secret", "", "refresh_token", "", "code", "", "redirect_uri", "", "code_verifier", "", "scope", "")
				f.WantIdentity(f.Send(as(empty)).Tokens(), p, "owner")
				// Syntax and size hold for all of them.
				f.Send(as(page.With("code", "\x01"))).Refused("invalid_request")
				f.Send(as(page.With("scope", `re"ad`))).Refused("invalid_scope")
			})
			nulls := `{"grant_type":"api_key","client_id":"` + p.ID + `","api_key":"` + key +
				`","client_secret":null,"refresh_token":null,"code":null,"redirect_uri":null,"scope":null}`
			f.WantIdentity(f.Send(testbed.RawJSON(nulls)).Tokens(), p, "owner")
		})
	}
}

func jStandsForSecret(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	public := f.PublicWithKeys()
	key, publicKey := f.APIKey(f.C1), f.APIKey(public)
	f.Spellings(func(as testbed.Spelling) {
		r := testbed.PresentKey(f.C1, key)
		f.WantIdentity(f.Send(as(r)).Tokens(), f.C1, "owner")
		f.WantIdentity(f.Send(as(r.By(f.C1))).Tokens(), f.C1, "owner")
		f.WantIdentity(f.Send(as(r.With("client_secret", f.C1.Secret))).Tokens(), f.C1, "owner")
		f.WantIdentity(f.Send(as(r.With("client_secret", ""))).Tokens(), f.C1, "owner")
		f.Send(as(r.Basic(f.C1.ID, "wrong-secret"))).Unauthorized()
		f.Send(as(r.Basic(f.C1.ID, ""))).Unauthorized() // ruling R21
		f.Send(as(r.With("client_secret", "wrong-secret"))).Unauthorized()
		f.Send(as(r.Set("Authorization", "Bearer "+key))).Challenged("Bearer")

		r = testbed.PresentKey(public, publicKey)
		f.WantIdentity(f.Send(as(r)).Tokens(), public, "owner")
		f.WantIdentity(f.Send(as(r.Basic(public.ID, ""))).Tokens(), public, "owner")
		f.Send(as(r.Basic(public.ID, "some-secret"))).Unauthorized()
	})
	// A wrong secret is refused before the key is looked at.
	f.WantCalls(map[string]int{testbed.CallClient: 1}, func() { f.Send(testbed.PresentKey(f.C1, key).Basic(f.C1.ID, "wrong-secret")).Unauthorized() })
	// At the other grants the key stands for nothing.
	f.Send(testbed.Refresh(f.C1, f.RefreshToken(f.C1)).Unsigned().With("client_id", f.C1.ID, "api_key", key)).Unauthorized()
	f.Send(testbed.Form("grant_type", "client_credentials", "client_id", f.C1.ID, "api_key", key).Set("X-Api-Key", key)).Refused("invalid_request")
}

func jSecretToo(t *testing.T, open testbed.Opener) {
	for name, g := range map[string]grants.APIKey{
		"client_id required": {RequireClientAuthentication: true},
		"client_id optional": {RequireClientAuthentication: true, ClientIDOptional: true},
	} {
		f := testbed.New(t, open, testbed.APIKeys(g))
		public := f.PublicWithKeys()
		f.Sub(name, func() {
			key := f.APIKey(f.C1)
			f.Spellings(func(as testbed.Spelling) {
				r := testbed.PresentKey(f.C1, key)
				f.WantCalls(map[string]int{testbed.CallClient: 1}, func() { f.Send(as(r)).Unauthorized() })
				f.Send(as(r.Basic(f.C1.ID, "wrong-secret"))).Unauthorized()
				f.Send(as(r.With("client_secret", "wrong-secret"))).Unauthorized()
				f.WantIdentity(f.Send(as(r.By(f.C1))).Tokens(), f.C1, "owner")
				f.WantIdentity(f.Send(as(r.With("client_secret", f.C1.Secret))).Tokens(), f.C1, "owner")
				f.WantIdentity(f.Send(as(r.Without("client_id").By(f.C1))).Tokens(), f.C1, "owner")
				f.Send(as(r.Without("client_id").By(f.C2))).Refused("invalid_grant")
				// The key names nobody here: the client must.
				reply := f.Send(as(r.Without("client_id")))
				reply.Refused("invalid_request")
				reply.Names("client_id")
				f.WantIdentity(f.Send(as(testbed.PresentKey(public, f.APIKey(public)))).Tokens(), public, "owner")
			})
		})
	}
}

func jRefresh(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.APIKeys(grants.APIKey{Refresh: true}))
	f.Spellings(func(as testbed.Spelling) {
		key := f.APIKey(f.C1)
		var r *testbed.Reply
		f.WantCalls(map[string]int{testbed.CallClient: 1, testbed.CallAPIKey: 1, testbed.CallCreateCredential: 1}, func() {
			r = f.Send(as(testbed.PresentKey(f.C1, key).With("scope", "read")))
		})
		got := r.Tokens()
		if !testbed.RefreshTokenSyntax.MatchString(got.RefreshToken) {
			f.Errorf("refresh_token is %q, want it to match %s", got.RefreshToken, testbed.RefreshTokenSyntax)
		}
		again := f.Send(as(testbed.Refresh(f.C1, got.RefreshToken))).Tokens()
		f.WantIdentity(again, f.C1, "owner")
		if again.Scope != "read" {
			f.Errorf("the scope after a refresh is %q, want read", again.Scope)
		}
		f.Outcome(tokenendpoint.Issued)
		if e := f.LastEvent(); e.APIKeyID != f.StoredKey(key).ID || e.Family == "" {
			f.Errorf("the event names the key %q and the family %q, want %q and some", e.APIKeyID, e.Family, f.StoredKey(key).ID)
		}
		f.Send(as(testbed.Refresh(f.C1, again.RefreshToken).With("scope", "write"))).Refused("invalid_scope")
	})
	f.Sub("none for a client that may not refresh", func() {
		p := f.NewClient(&storage.Client{ID: "norefresh", GrantTypes: []string{grants.TypeAPIKey}, Scope: []string{"read", "write"}})
		if got := f.Send(testbed.PresentKey(p, f.APIKey(p))).Tokens(); got.RefreshToken != "" {
			f.Errorf("there is a refresh token, want none")
		}
	})
}

// jRefreshDies: every end of the key ends its refresh tokens, and those that
// came from them, with the one answer for every bad token.
func jRefreshDies(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.APIKeys(grants.APIKey{Refresh: true}))
	unknown := f.Send(testbed.Refresh(f.C1, storage.NewSecret(grants.RefreshTokenPrefix).Reveal()))
	// The store edits the key after the request got its time, and the request may wait
	// for the store.
	ended := func() time.Time { return time.Now().Add(-time.Minute) }
	for name, edit := range map[string]func(*storage.APIKey){
		"revoked":             func(k *storage.APIKey) { k.RevokedAt = time.Now() },
		"expired":             func(k *storage.APIKey) { k.ExpiresAt = ended() },
		"given to another":    func(k *storage.APIKey) { k.ClientID = f.C2.ID },
		"revoked and expired": func(k *storage.APIKey) { k.RevokedAt, k.ExpiresAt = time.Now(), ended() },
	} {
		f.Sub(name, func() {
			f.Spellings(func(as testbed.Spelling) {
				first := f.Send(testbed.PresentKey(f.C1, f.APIKey(f.C1))).Tokens().RefreshToken
				second := f.Send(testbed.Refresh(f.C1, first)).Tokens().RefreshToken
				f.Store.Set(func(s *testbed.Spy) { s.EditAPIKey = edit })
				f.ChangesNothing(func() {
					for _, token := range []string{first, second} {
						got := f.Send(as(testbed.Refresh(f.C1, token)))
						got.Refused("invalid_grant")
						f.WantAlike(map[string]*testbed.Reply{"of a dead key": got, "unknown": unknown})
					}
				})
				f.Store.Set(func(s *testbed.Spy) { s.EditAPIKey = nil })
				f.Send(as(testbed.Refresh(f.C1, second))).Tokens()
			})
		})
	}
	f.Sub("deleted", func() {
		token := f.Send(testbed.PresentKey(f.C1, f.APIKey(f.C1))).Tokens().RefreshToken
		f.Store.FailWith(testbed.CallAPIKey, storage.ErrNotFound)
		f.ChangesNothing(func() { f.Send(testbed.Refresh(f.C1, token)).Refused("invalid_grant") })
		f.Store.FailWith(testbed.CallAPIKey, testbed.ErrOutage)
		f.ChangesNothing(func() { f.Send(testbed.Refresh(f.C1, token)).Unavailable() })
		f.Store.Heal()
		f.Send(testbed.Refresh(f.C1, token)).Tokens()
	})
	f.Sub("another key's goes on", func() {
		dead, alive := f.APIKey(f.C1), f.APIKey(f.C1)
		token := f.Send(testbed.PresentKey(f.C1, alive)).Tokens().RefreshToken
		id := f.StoredKey(dead).ID
		f.Store.Set(func(s *testbed.Spy) {
			s.EditAPIKey = func(k *storage.APIKey) {
				if k.ID == id {
					k.RevokedAt = time.Now()
				}
			}
		})
		f.Send(testbed.Refresh(f.C1, token)).Tokens()
		f.Store.Set(func(s *testbed.Spy) { s.EditAPIKey = nil })
	})
}

// jRefreshClient: the key stood for the secret once. Its refresh token does not.
func jRefreshClient(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.APIKeys(grants.APIKey{Refresh: true}))
	public := f.PublicWithKeys()
	f.Spellings(func(as testbed.Spelling) {
		token := f.Send(testbed.PresentKey(f.C1, f.APIKey(f.C1))).Tokens().RefreshToken
		f.ChangesNothing(func() {
			f.Send(as(testbed.Form("grant_type", "refresh_token", "refresh_token", token, "client_id", f.C1.ID))).Unauthorized()
			f.Send(as(testbed.Refresh(f.C2, token))).Refused("invalid_grant")
		})
		f.Send(as(testbed.Refresh(f.C1, token))).Tokens()
		token = f.Send(testbed.PresentKey(public, f.APIKey(public))).Tokens().RefreshToken
		f.Send(as(testbed.Refresh(public, token))).Tokens()
	})
}

// jRefreshFaults is row G20 for this grant: nothing is used up, so a lost
// answer leaves a refresh token that nobody has, and the client asks again.
func jRefreshFaults(t *testing.T, open testbed.Opener) {
	f, l := testbed.NewLedger(t, open, testbed.APIKeys(grants.APIKey{Refresh: true}))
	key := f.APIKey(f.C1)
	rows := 0
	for _, x := range []testbed.Fault{{Method: testbed.CallClient}, {Method: testbed.CallAPIKey}, {Method: testbed.CallCreateCredential}, {Method: testbed.CallCreateCredential, After: true}} {
		f.Sub(x.String(), func() {
			f.BreakStore(x)
			f.Send(testbed.PresentKey(f.C1, key)).Unavailable()
			f.Store.Heal()
			if x.After {
				rows++
			}
			if n := l.RefreshTokens(f.Context()); n != rows {
				f.Errorf("the store has %d refresh tokens, want %d", n, rows)
			}
			f.Send(testbed.PresentKey(f.C1, key)).Tokens()
			rows++
		})
	}
}

func jRefreshTimed(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open, testbed.APIKeys(grants.APIKey{Refresh: true}))
	end := time.Now().Add(10*24*time.Hour + 30*time.Minute)
	key := f.APIKey(f.C1, func(k *storage.APIKey) { k.ExpiresAt = end })
	token := f.Send(testbed.PresentKey(f.C1, key)).Tokens().RefreshToken
	time.Sleep(10 * 24 * time.Hour)
	got := f.Send(testbed.Refresh(f.C1, token)).Tokens()
	if got.ExpiresIn != 1800 {
		t.Errorf("half an hour before the key ends expires_in is %d, want 1800", got.ExpiresIn)
	}
	time.Sleep(30 * time.Minute)
	f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Refused("invalid_grant")
	// The record itself does not outlive the key.
	record := f.Stored(storage.PresentedSecret(got.RefreshToken).Digest(storage.KindRefreshToken))
	if record.ExpiresAt.After(end) || record.FamilyExpiresAt.After(end) {
		t.Errorf("the refresh token ends at %s and its family at %s, want not after its key at %s",
			record.ExpiresAt, record.FamilyExpiresAt, end)
	}
}
