package tokenendpoint_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var clientSecretRules = []rule{
	{"D25_an_empty_secret_never_matches", emptySecret},
	{"D26_long_secrets_are_compared_whole", longSecrets},
	{"D28_a_secret_outside_of_its_time", secretOutOfTime},
	{"D29_a_disabled_client_looks_like_a_wrong_secret", disabledLooksWrong},
	{"D30_a_client_disabled_between_issue_and_refresh", disabledBeforeRefresh},
	{"D33_nothing_secret_is_logged", nothingSecretLogged},
}

var timedClientAuthRules = []rule{
	{"D27_two_secrets_while_one_is_replaced", secretRotation},
	{"D31_guesses_are_counted_exactly", guessesCounted},
	{"D31_unknown_clients_are_counted_alike", unknownLimitedAlike},
	{"D31_the_count_is_of_wrong_secrets_and_keys_alone", onlyGuessesCount},
	{"D32_the_count_is_kept_by_network", countByNetwork},
}

// emptySecret uses a client whose record has an empty hash, or the hash of
// nothing.
func emptySecret(t *testing.T) {
	f := testbed.New(t, openMemory)
	hashOfNothing := hashOf(storage.PresentedSecret(""))
	for name, secrets := range map[string][]storage.ClientSecret{
		"an empty hash":     {{ID: "1"}},
		"a hash of nothing": {{ID: "1", Hash: hashOfNothing}},
	} {
		f.Sub(name, func() {
			p := f.NewWideClient()
			f.Edit(p, func(c *storage.Client) { c.Secrets = secrets })
			defer f.Restore()
			for _, r := range testbed.Both(testbed.Form("grant_type", "client_credentials").Basic(p.ID, "")) {
				f.Send(r).Unauthorized()
			}
			for _, r := range testbed.Both(testbed.Form("grant_type", "client_credentials", "client_id", p.ID, "client_secret", "")) {
				f.Send(r).Refused("invalid_request") // R24: it is absent, R3: and so named
			}
			f.Send(testbed.Refresh(p.Showing(""), f.Mint(p, storage.KindRefreshToken, grants.RefreshTokenPrefix))).Unauthorized()
		})
	}
}

// hashOf is the hash of a secret that FastHash refuses to make.
func hashOf(s storage.Secret) string {
	_, drawn := clientauth.NewSecret()
	digest := s.Digest("client_secret")
	return drawn[:strings.LastIndex(drawn, "$")+1] + base64.RawURLEncoding.EncodeToString(digest[:])
}

// longSecrets includes an imported hash of bcrypt, which ignores everything
// after the 72nd byte.
func longSecrets(t *testing.T) {
	f := testbed.New(t, openMemory)
	secret := strings.Repeat("0123456789", 8)
	fast, err := clientauth.FastHash(storage.PresentedSecret(secret))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, secret, hash string }{
		{"argon2id", secret, testbed.Hashed(secret)},
		{"sha256", secret, fast},
		{"bcrypt", secret[:72], "$2a$04$T9AAT0Dh//PHnKfjwAGbcuCo2di57bWenyZYugV7Pu1Twinv3Nk8u"},
	} {
		f.Sub(tt.name, func() {
			p := f.NewWideClient()
			f.Edit(p, func(c *storage.Client) { c.Secrets = []storage.ClientSecret{{ID: "1", Hash: tt.hash}} })
			defer f.Restore()
			for range 2 { // the second time the right one may be remembered
				for _, wrong := range []string{tt.secret[:len(tt.secret)-8], tt.secret + "x", tt.secret + tt.secret, tt.secret[:71]} {
					f.Send(testbed.ClientCredentials(p.Showing(wrong))).Unauthorized()
					f.Send(testbed.Form("grant_type", "client_credentials").Post(p.Showing(wrong))).Unauthorized()
				}
				f.Send(testbed.ClientCredentials(p.Showing(tt.secret))).Tokens()
			}
		})
	}
}

func secretRotation(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	for _, kind := range []string{"drawn", "chosen"} {
		old, fresh, hashes := twoSecrets(t, kind)
		c := &storage.Client{ID: "rotating-" + kind, GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"read"}}
		c.Secrets = []storage.ClientSecret{
			{ID: "old", Hash: hashes[0], ExpiresAt: time.Now().Add(time.Hour)},
			{ID: "new", Hash: hashes[1], NotBefore: time.Now().Add(time.Minute)},
		}
		p := f.NewClient(c)
		f.Send(testbed.ClientCredentials(p.Showing(old))).Tokens()
		f.Send(testbed.ClientCredentials(p.Showing(fresh))).Unauthorized()
		time.Sleep(time.Minute)
		f.Send(testbed.ClientCredentials(p.Showing(old))).Tokens()
		f.Send(testbed.ClientCredentials(p.Showing(fresh))).Tokens()
		time.Sleep(58 * time.Minute)
		f.Send(testbed.ClientCredentials(p.Showing(old))).Tokens()
		time.Sleep(time.Minute)
		f.Send(testbed.ClientCredentials(p.Showing(old))).Unauthorized()
		f.Send(testbed.ClientCredentials(p.Showing(fresh))).Tokens()
	}
}

// twoSecrets returns two secrets and their hashes, fast ones or slow ones.
func twoSecrets(t testing.TB, kind string) (old, fresh string, hashes [2]string) {
	t.Helper()
	if kind == "chosen" {
		old, fresh = "the old one, chosen", "the new one, chosen"
		return old, fresh, [2]string{testbed.Hashed(old), testbed.Hashed(fresh)}
	}
	o, oldHash := clientauth.NewSecret()
	n, newHash := clientauth.NewSecret()
	return o.Reveal(), n.Reveal(), [2]string{oldHash, newHash}
}

func secretOutOfTime(t *testing.T) {
	f := testbed.New(t, openMemory)
	want := f.Send(testbed.ClientCredentials(f.C1.Showing(testbed.WrongSecret)))
	p := f.NewWideClient()
	now := time.Now()
	for _, tt := range []struct {
		name              string
		notBefore, expire time.Time
		ok                bool
	}{
		{"no bounds", time.Time{}, time.Time{}, true},
		{"within its bounds", now.Add(-time.Hour), now.Add(time.Hour), true},
		{"over", time.Time{}, now.Add(-time.Second), false},
		{"over for years", now.AddDate(-9, 0, 0), now.AddDate(-8, 0, 0), false},
		{"yet to come", now.Add(time.Hour), time.Time{}, false},
	} {
		f.Sub(tt.name, func() {
			f.Edit(p, func(c *storage.Client) {
				for i := range c.Secrets {
					c.Secrets[i].NotBefore, c.Secrets[i].ExpiresAt = tt.notBefore, tt.expire
				}
			})
			for _, r := range testbed.Both(testbed.ClientCredentials(p)) {
				accepted(f.Send(r), tt.ok, want)
			}
		})
	}
}

func disabledLooksWrong(t *testing.T) {
	f := testbed.New(t, openMemory)
	want := f.Send(testbed.ClientCredentials(f.C1.Showing(testbed.WrongSecret)))
	want.Unauthorized()
	for _, r := range testbed.Both(testbed.ClientCredentials(f.Off)) {
		f.Send(r).SameAs(want, "a disabled client")
	}
	f.Send(testbed.Form("grant_type", "client_credentials").Post(f.Off)).SameAs(want, "a disabled client, in the body")
	f.Send(testbed.Form("grant_type", "api_key", "api_key", f.APIKey(f.Off)).By(f.Off)).SameAs(want, "a disabled client with a key and its secret")
	f.Edit(f.Pub, func(c *storage.Client) { c.Disabled = true })
	f.Send(testbed.Refresh(f.Pub, f.Mint(f.Pub, storage.KindRefreshToken, grants.RefreshTokenPrefix))).SameAs(want, "a disabled public client")
}

func disabledBeforeRefresh(t *testing.T) {
	f := testbed.New(t, openMemory)
	for _, p := range []*testbed.Party{f.C1, f.Pub} {
		token := f.RefreshToken(p)
		f.Store.Counted()
		f.Edit(p, func(c *storage.Client) { c.Disabled = true })
		for _, r := range testbed.Both(testbed.Refresh(p, token)) {
			f.Send(r).Unauthorized()
		}
		f.WroteNothing()
		f.Restore()
		f.Send(testbed.Refresh(p, token)).Tokens()
	}
}

// nothingSecretLogged looks at cases that are rare in other rules: the access
// token, faults into which the host prints everything that it has, a panic.
// Every rule does the search at its end.
func nothingSecretLogged(t *testing.T) {
	var mode string
	hook := func(_ context.Context, r *grants.Request, a *grants.Authorization) error {
		record, secret, _ := r.Presented()
		printed := fmt.Sprintf("%v %+v %#v %s %+v %+v", r.Form, r.Form, r.Form, r.Form, r, *r)
		printed += fmt.Sprintf("%+v %v %+v %#v %q", record, secret, secret, secret, secret)
		switch mode {
		case "refusal":
			return grants.InvalidGrant.Because(errors.New(printed))
		case "outage":
			return errors.New(printed)
		case "panic":
			panic(printed)
		}
		return nil
	}
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) {
		c.Grants = map[string]grants.Grant{
			grants.TypeClientCredentials: grants.ClientCredentials{Refresh: true, Hook: hook},
			grants.TypeRefreshToken:      grants.RefreshToken{Hook: hook},
			grants.TypeAuthorizationCode: grants.AuthorizationCode{Hook: hook},
			grants.TypeAPIKey:            grants.APIKey{Refresh: true, Hook: hook},
		}
	})
	p := f.NewWideClient()
	for _, w := range testbed.Ways()[:5] {
		for _, mode = range []string{"refusal", "outage", "panic", ""} {
			r := w.Request(f, p)
			got := f.Send(r.With("client_id", p.ID))
			if mode == "" {
				tokens := got.Tokens()
				f.Secret(tokens.AccessToken)
				f.Secret(tokens.RefreshToken)
			}
			f.Secret(r.Header.Get("Authorization"))
			f.Store.FailWith("", errors.New("db down"))
			f.Send(r).Unavailable()
			f.Store.Heal()
			r.Query = "client_secret=" + f.Secret("in-the-query-"+p.Secret[3:])
			f.Send(r).Refused("invalid_request")
		}
	}
	if f.LastEvent().Status != http.StatusBadRequest || !strings.Contains(f.Logged(), "panic") {
		t.Errorf("the log does not have the panic: %s", f.Logged())
	}
}
