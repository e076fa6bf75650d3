package tokenendpoint_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// changedRules start the endpoint anew, over the same store and with another
// configuration, or change a registration, while tokens live. A token stays
// revocable as long as its key is published.
var changedRules = []rule{
	{"P05_an_access_token_of_another_TokenType", changedType},
	{"P05_an_access_token_of_a_renamed_audience", changedAudience},
	{"P05_an_access_token_of_a_former_key", changedKeys},
	{"P05_a_refresh_token_whose_grant_is_gone", changedGrants},
	{"I37_a_refresh_token_of_a_client_that_lost_something", changedScope},
	{"D23_a_client_that_becomes_confidential_or_public", changedAuthMethod},
	{"P05_Revocations_that_are_taken_away", changedRevocations},
	{"R04_a_client_that_was_disabled_for_a_while", changedDisabled},
	{"H07_a_code_from_before_PKCE_was_required", changedPKCE},
	{"J05_an_API_key_that_may_do_less_than_before", changedKey},
	{"P05_a_refresh_token_of_a_grant_that_gives_none_now", changedRefresh},
	{"M03_P05_bound_tokens_and_nobody_looks_now", changedCertificates},
}

var timedChangedRules = []rule{
	{"Q02_to_rename_an_audience_list_both_first", renamedAudience},
	{"I10_other_lifetimes_are_for_what_is_issued_then", changedLifetimes},
	{"P07_a_token_from_the_future_is_not_active", p07Future},
}

func changedType(t *testing.T) {
	for before, now := range map[string]string{jws.TypeJWT: jws.TypeAccessToken, jws.TypeAccessToken: jws.TypeJWT} {
		f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) { c.TokenType = before })
		after := testbed.New(t, testbed.Beside(f), func(c *tokenendpoint.Config) { c.TokenType = now })
		got, alone := f.Pair(f.C1), f.Access(f.C1)
		after.WantCall(http.StatusUnauthorized, "signed as "+before, alone)
		// An at+jwt is an access token, even if the endpoint signs another type
		// now. A JWT may be anything.
		if before == jws.TypeAccessToken {
			after.Living(f.C1, alone)
		} else {
			after.Gone(f.C1, alone)
			if e := after.LastEvent(); e.Cause == nil || !strings.Contains(e.Cause.Error(), `its typ is "JWT"`) {
				t.Errorf("the cause is %v, want the typ", e.Cause)
			}
		}
		after.Send(testbed.Revoke(f.C2, alone)).Refused("invalid_grant")
		f.Living(f.C1, alone)
		after.Send(testbed.Revoke(f.C1, alone)).Ended()
		f.Gone(f.C1, alone)
		f.Living(f.C1, got.AccessToken)
		after.Send(testbed.Revoke(f.C1, got.RefreshToken)).Ended()
		f.Gone(f.C1, got.AccessToken)
	}
}

const renamed = "https://api.new.test"

// audiences is Config.Audience.
func audiences(list ...string) testbed.Option {
	return func(c *tokenendpoint.Config) { c.Audience = list }
}

func changedAudience(t *testing.T) {
	f := testbed.New(t, openMemory)
	after := testbed.New(t, testbed.Beside(f), audiences(renamed))
	got, alone := f.Pair(f.C1), f.Access(f.C1)
	after.WantCall(http.StatusUnauthorized, "for the former audience", alone)
	after.Living(f.C1, alone)
	after.Send(testbed.Revoke(f.C1, alone)).Ended()
	after.Gone(f.C1, alone)
	// The user granted the former audience and no other.
	after.Send(testbed.Refresh(f.C1, got.RefreshToken)).Refused("invalid_target")
	after.Send(testbed.Introspect(f.C1, got.RefreshToken).With("token_type_hint", "refresh_token")).Inactive()
	f.Works(f.C1, got.RefreshToken) // it is not used up
	after.Send(testbed.Revoke(f.C1, got.RefreshToken)).Ended()
	f.Gone(f.C1, got.AccessToken)
}

// renamedAudience is how a host renames an audience and loses no session: both
// are listed, the former first, until every family from before has ended.
func renamedAudience(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	both := testbed.NewTimed(t, testbed.Beside(f), audiences(testbed.Audience, renamed))
	after := testbed.NewTimed(t, testbed.Beside(f), audiences(renamed))
	old := f.RefreshToken(f.C1)
	got := both.Next(f.C1, old)
	both.WantCall(http.StatusNoContent, "a family of before, with both listed", got.AccessToken)
	young := both.Pair(f.C1)
	both.WantCall(http.StatusNoContent, "a family with both", young.AccessToken)
	token := young.RefreshToken
	for range 3 {
		time.Sleep(10*testbed.Day - time.Second)
		token = both.Works(f.C1, token)
	}
	late := both.Pair(f.C1)
	time.Sleep(3 * time.Second) // RefreshTokenLifetime after both were listed
	after.WantCall(http.StatusNoContent, "of both, under the new name alone", late.AccessToken)
	got = after.Next(f.C1, late.RefreshToken)
	if got.Claims["aud"] != renamed {
		t.Errorf("aud is %v, want the new name alone", got.Claims["aud"])
	}
	after.WantCall(http.StatusNoContent, "refreshed under the new name", got.AccessToken)
	after.Dead(f.C1, token, old) // their families have ended by themselves
}

func changedKeys(t *testing.T) {
	f := testbed.New(t, openMemory)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := func(others ...jws.Key) testbed.Option {
		return func(c *tokenendpoint.Config) {
			if c.Keys, err = jws.NewKeySet(jws.Key{Signer: key}, others...); err != nil {
				t.Fatal(err)
			}
		}
	}
	published := testbed.New(t, testbed.Beside(f), keys(jws.Key{Public: testbed.SigningKey().Public()}))
	forgotten := testbed.New(t, testbed.Beside(f), keys())
	got, alone := f.Pair(f.C1), f.Access(f.C1)
	published.WantCall(http.StatusNoContent, "by a key that is still published", alone)
	published.Living(f.C1, alone)
	published.Send(testbed.Revoke(f.C1, alone)).Ended()
	f.Gone(f.C1, alone)
	// Without the key nobody can find the token's client. The event says so.
	forgotten.WantCall(http.StatusUnauthorized, "by a key that is gone", got.AccessToken)
	forgotten.Gone(f.C1, got.AccessToken)
	for _, r := range []*testbed.Request{testbed.Introspect(f.C1, got.AccessToken), testbed.Revoke(f.C1, got.AccessToken)} {
		if got := forgotten.Send(r); got.Status != http.StatusOK {
			t.Errorf("got %d %s, want 200", got.Status, got.Body)
		}
		id := f.Keys.SigningKey(time.Now()).ID()
		if e := forgotten.LastEvent(); e.Cause == nil || !strings.Contains(e.Cause.Error(), id) || !strings.Contains(e.Cause.Error(), "another replica") {
			t.Errorf("the cause is %v, want the key %s", e.Cause, id)
		}
	}
	f.Living(f.C1, got.AccessToken)
	forgotten.Send(testbed.Revoke(f.C1, got.RefreshToken)).Ended() // it was never signed
	f.Gone(f.C1, got.AccessToken)
}

// changedGrants: a refresh token outlives the grant that gave it, and stays
// revocable when nobody can refresh any more.
func changedGrants(t *testing.T) {
	f := testbed.New(t, openMemory)
	noCodes := testbed.New(t, testbed.Beside(f), func(c *tokenendpoint.Config) { delete(c.Grants, grants.TypeAuthorizationCode) })
	noRefresh := testbed.New(t, testbed.Beside(f), func(c *tokenendpoint.Config) { delete(c.Grants, grants.TypeRefreshToken) })
	got := f.Pair(f.C1)
	code := f.Code(f.C1)
	noCodes.Send(f.Redeem(f.C1, code)).Refused("unsupported_grant_type")
	f.Send(f.Redeem(f.C1, code)).Tokens()
	token := noCodes.Works(f.C1, got.RefreshToken)
	hinted := testbed.Introspect(f.C1, token).With("token_type_hint", "refresh_token")
	noRefresh.Send(testbed.Refresh(f.C1, token)).Refused("unsupported_grant_type")
	noRefresh.Send(hinted).Inactive()
	f.Send(hinted).Active()
	f.Edit(f.C1, func(c *storage.Client) { c.GrantTypes = []string{grants.TypeClientCredentials} })
	f.Send(testbed.Refresh(f.C1, token)).Refused("unauthorized_client")
	f.Send(hinted).Inactive()
	f.Send(testbed.Revoke(f.C1, token)).Ended()
	f.Restore()
	f.Gone(f.C1, got.AccessToken)
	f.Dead(f.C1, token)
	got = f.Pair(f.C1)
	noRefresh.Send(testbed.Revoke(f.C1, got.RefreshToken)).Ended()
	f.Gone(f.C1, got.AccessToken)
}

// changedScope: introspection of a refresh token shows the scope that a refresh
// would give.
func changedScope(t *testing.T) {
	f := testbed.New(t, openMemory)
	token := f.RefreshToken(f.C1)
	r := testbed.Introspect(f.C1, token).With("token_type_hint", "refresh_token")
	f.Edit(f.C1, func(c *storage.Client) { c.Scope = []string{"read", "other"} })
	if got := f.Send(r).Active(); got["scope"] != "read" {
		t.Errorf("scope is %v, want read", got["scope"])
	}
	f.Edit(f.C1, func(c *storage.Client) { c.Scope = []string{"other"} })
	f.Send(r).Inactive()
	f.Send(testbed.Refresh(f.C1, token)).Refused("invalid_scope")
	f.Edit(f.C1, func(c *storage.Client) { c.Audience = []string{renamed} })
	f.Send(r).Inactive()
	f.Send(testbed.Refresh(f.C1, token)).Refused("invalid_target")
	f.Restore()
	if got := f.Send(r).Active(); got["scope"] != "read write" {
		t.Errorf("scope is %v, want all of it again", got["scope"])
	}
	f.Works(f.C1, token)
}

// changedRevocations: a host that takes Revocations away makes revoked access
// tokens good again. It makes no ended session live again. With Revocations
// back, the tokens of a session that ended in between are dead.
func changedRevocations(t *testing.T) {
	f := testbed.New(t, openMemory)
	without := testbed.New(t, testbed.Beside(f), func(c *tokenendpoint.Config) { c.Revocations = nil })
	got, ended, alone := f.Pair(f.C1), f.Pair(f.C1), f.Access(f.C1)
	f.Send(testbed.Revoke(f.C1, alone)).Ended()
	f.Send(testbed.Revoke(f.C1, got.RefreshToken)).Ended()
	without.Send(testbed.Revoke(f.C1, ended.RefreshToken)).Ended()
	for _, token := range []string{alone, got.AccessToken, ended.AccessToken} {
		without.WantCall(http.StatusNoContent, "pinned: nobody asks", token)
		f.WantCall(http.StatusUnauthorized, "revoked", token)
	}
	without.Dead(f.C1, got.RefreshToken)
	f.Dead(f.C1, ended.RefreshToken)
}

// changedDisabled: the client's sessions sleep.
func changedDisabled(t *testing.T) {
	f := testbed.New(t, openMemory)
	got := f.Pair(f.C1)
	f.Edit(f.C1, func(c *storage.Client) { c.Disabled = true })
	f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Unauthorized()
	f.Send(testbed.Revoke(f.C1, got.RefreshToken)).Unauthorized()
	f.WantCall(http.StatusNoContent, "pinned: an access token lives until it expires", got.AccessToken)
	f.Restore()
	f.Works(f.C1, got.RefreshToken)
}

// changedAuthMethod: with a refresh token, a client must authenticate as it is
// registered now.
func changedAuthMethod(t *testing.T) {
	f := testbed.New(t, openMemory)
	token := f.RefreshToken(f.C1)
	bare := testbed.Form("grant_type", "refresh_token", "refresh_token", token, "client_id", f.C1.ID)
	f.Send(bare).Unauthorized()
	f.Edit(f.C1, func(c *storage.Client) { c.AuthMethod = storage.AuthNone })
	token = f.Send(bare).Tokens().RefreshToken
	f.Restore()
	f.Send(bare.With("refresh_token", token)).Unauthorized()
	f.Works(f.C1, token)
}

// changedPKCE: a code without a challenge is no good once its client needs one,
// and stays bound to its redirect_uri even if the client has registered another.
func changedPKCE(t *testing.T) {
	f := testbed.New(t, openMemory)
	p := f.NewWideClient(func(c *storage.Client) { c.PKCENotRequired = true })
	bare := func(a *grants.AuthorizationRequest) { a.CodeChallenge, a.CodeChallengeMethod = "", "" }
	code := f.Code(p, bare)
	r := testbed.Form("grant_type", "authorization_code", "code", code, "redirect_uri", p.RedirectURI).By(p)
	f.Edit(p, func(c *storage.Client) { c.PKCENotRequired = false })
	f.Send(r).Refused("invalid_grant")
	f.Edit(p, func(c *storage.Client) { c.RedirectURIs = []string{"https://elsewhere.test/cb"} })
	f.Send(r.With("redirect_uri", "https://elsewhere.test/cb")).Refused("invalid_grant")
	f.Send(r).Tokens()
}

// changedKey: a refresh token of an API key is bounded by the key as it is now.
func changedKey(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.APIKeys(grants.APIKey{Refresh: true}))
	token := f.Send(testbed.PresentKey(f.C1, f.APIKey(f.C1))).Tokens().RefreshToken
	end := time.Now().Add(time.Minute).Truncate(time.Second)
	f.Store.Set(func(s *testbed.Spy) {
		s.EditAPIKey = func(k *storage.APIKey) { k.Scope, k.ExpiresAt = []string{"read"}, end }
	})
	got := f.Send(testbed.Introspect(f.C1, token).With("token_type_hint", "refresh_token")).Active()
	if exp, _ := got["exp"].(interface{ Int64() (int64, error) }).Int64(); got["scope"] != "read" || exp != end.Unix() {
		t.Errorf("introspection says %v, want read, and until %d", got, end.Unix())
	}
	issued := f.Next(f.C1, token)
	if issued.Scope != "read" || issued.ExpiresIn > 60 {
		t.Errorf("got %q for %ds, want read for a minute at most", issued.Scope, issued.ExpiresIn)
	}
	f.Store.Set(func(s *testbed.Spy) { s.EditAPIKey = func(k *storage.APIKey) { k.ClientID = f.C2.ID } })
	f.Dead(f.C1, issued.RefreshToken)
	f.Send(testbed.Revoke(f.C1, issued.RefreshToken)).Ended()
}

// changedRefresh: a refresh token does not ask the grant that gave it.
func changedRefresh(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.WithRefreshEverywhere)
	none := func(storage.Secret) (storage.Digest, bool) { return storage.Digest{}, false }
	after := testbed.New(t, testbed.Beside(f), testbed.APIKeys(grants.APIKey{Digest: none}),
		testbed.WithGrant(grants.TypeClientCredentials, grants.ClientCredentials{}))
	key := f.APIKey(f.C1)
	for _, r := range []*testbed.Request{testbed.ClientCredentials(f.C1), testbed.PresentKey(f.C1, key)} {
		token := after.Works(f.C1, f.Send(r).Tokens().RefreshToken)
		after.Send(testbed.Revoke(f.C1, token)).Ended()
	}
	if got := after.Send(testbed.ClientCredentials(f.C1)).Tokens().RefreshToken; got != "" {
		t.Errorf("refresh_token is %q, want none", got)
	}
	after.Send(testbed.PresentKey(f.C1, key)).Refused("invalid_grant")
}

// changedCertificates: a host that looks at no certificates any more takes no bound
// token for one that is not.
func changedCertificates(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.WithCertificates)
	blind := testbed.New(t, testbed.Beside(f), func(c *tokenendpoint.Config) { c.Keys = f.Keys })
	p := f.NewWideClient(bound)
	got := f.Send(f.Redeem(p, f.Code(p)).Shows(billingOnce)).Tokens()
	blind.WantCall(http.StatusUnauthorized, "bound, and nobody looks", got.AccessToken)
	blind.ChangesNothing(func() {
		for _, r := range testbed.Both(testbed.Refresh(p, got.RefreshToken)) {
			testbed.WantServerError(blind.Send(r))
		}
	})
	f.Send(testbed.Refresh(p, got.RefreshToken).Shows(billingOnce)).Tokens()
	blind.Living(p, got.AccessToken)
	blind.Send(testbed.Revoke(p, got.AccessToken)).Ended()
	f.Gone(p, got.AccessToken)
	f.Edit(p, func(c *storage.Client) { c.Certificate.Bound = false })
	loose := f.Next(p, got.RefreshToken)
	f.WantCall(http.StatusNoContent, "of a client that is not bound now", loose.AccessToken)
}

// changedLifetimes: an end is written down when something is issued, and stays.
func changedLifetimes(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	shorter := testbed.NewTimed(t, testbed.Beside(f), func(c *tokenendpoint.Config) {
		c.RefreshTokenLifetime, c.RefreshTokenIdle, c.AccessTokenLifetime = 10*testbed.Day, testbed.Day, time.Minute
	})
	got, unused := f.Pair(f.C1), f.RefreshToken(f.C1)
	time.Sleep(30 * time.Minute)
	shorter.WantCall(http.StatusNoContent, "from before", got.AccessToken)
	shorter.Living(f.C1, got.AccessToken)
	time.Sleep(13 * testbed.Day)
	token := shorter.Works(f.C1, got.RefreshToken)
	time.Sleep(testbed.Day)
	shorter.Dead(f.C1, token, unused) // one by the new idle bound, one by its own
	f.RefreshToken(f.C1)
}

// p07Future: a token that RequireToken takes for one of the future is not active.
func p07Future(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	for ahead, active := range map[time.Duration]bool{time.Minute: true, time.Minute + time.Second: false, time.Hour: false} {
		token := f.Signed(jws.TypeAccessToken, func(a *jws.AccessToken) {
			a.IssuedAt, a.ExpiresAt = time.Now().Add(ahead), time.Now().Add(2*time.Hour)
		})
		if active {
			f.Living(f.C1, token)
		} else {
			f.Gone(f.C1, token)
		}
	}
}
