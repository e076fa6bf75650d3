package endpointtest

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
)

var clientSecretRules = []rule{
	{"D21_a_public_client_shows_a_secret", publicShowsSecret},
	{"D22_a_public_client_asks_for_client_credentials", publicAsksForItself},
	{"D23_a_refresh_needs_the_client's_secret", refreshNeedsSecret},
	{"D24_a_code_needs_the_client's_secret", codeNeedsSecret},
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

func publicShowsSecret(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.pub)
	r := form("grant_type", "refresh_token", "refresh_token", token)
	for _, wrong := range []*request{
		r.post(f.pub.showing("x")), r.basic(f.pub.id, "x"), r.basic(f.pub.id, "x").with("client_id", f.pub.id),
	} {
		for _, wrong := range both(wrong) {
			f.send(wrong).unauthorized()
		}
	}
	token = f.send(r.basic(f.pub.id, "")).tokens().refreshToken
	token = f.send(r.with("refresh_token", token).json().basic(f.pub.id, "")).tokens().refreshToken
	f.send(r.with("refresh_token", token, "client_id", f.pub.id, "client_secret", "")).tokens() // R24

	f.sub("at api_key a body secret is a placeholder", func() {
		p := f.newWideClient(func(c *storage.Client) { c.AuthMethod = storage.AuthNone })
		key := f.apiKey(p)
		for _, r := range both(presentKey(p, key).with("client_secret", "placeholder")) {
			f.send(r).tokens()
		}
		f.send(presentKey(p, key).basic(p.id, "")).tokens()
		f.send(presentKey(p, key).basic(p.id, "x")).unauthorized()
	})
}

// publicAsksForItself: a public client that names itself by Basic without a
// password is looked up before it is refused, and gets another code than one
// that names itself in the body. That is pinned.
func publicAsksForItself(t *testing.T, open opener) {
	f := newFixture(t, open)
	wide := f.newWideClient(func(c *storage.Client) { c.AuthMethod = storage.AuthNone })
	for _, p := range []*party{f.pub, wide} {
		for _, r := range both(form("grant_type", "client_credentials", "client_id", p.id)) {
			f.send(r).refused("invalid_request")
			f.send(r.with("client_secret", "x")).unauthorized()
		}
		for _, r := range both(form("grant_type", "client_credentials")) {
			f.send(r.basic(p.id, "x")).unauthorized()
			f.send(r.basic(p.id, "")).refused("unauthorized_client")
		}
	}
	f.wroteNothing()
}

// needsSecret sends a request of c1 with all but its secret, and then with it.
func needsSecret(f *fixture, right *request) {
	f.Helper()
	f.store.counted()
	bare := right.clone()
	bare.header.Del("Authorization")
	for _, r := range []*request{
		bare.with("client_id", f.c1.id), bare.basic(f.c1.id, ""), bare.basic(f.c1.id, wrongSecret),
		bare.post(f.c1.showing(wrongSecret)), bare.basic(f.c1.id, f.c2.secret),
	} {
		for _, r := range both(r) {
			f.send(r).unauthorized()
		}
	}
	f.wroteNothing()
	f.send(right).tokens()
}

func refreshNeedsSecret(t *testing.T, open opener) {
	f := newFixture(t, open)
	needsSecret(f, refresh(f.c1, f.refreshToken(f.c1)))
}

func codeNeedsSecret(t *testing.T, open opener) {
	f := newFixture(t, open)
	needsSecret(f, f.redeem(f.c1, f.code(f.c1)))
}

// emptySecret uses clients whose record has no hash, or the hash of nothing.
func emptySecret(t *testing.T, open opener) {
	f := newFixture(t, open)
	hashOfNothing := hashOf(storage.PresentedSecret(""))
	for name, secrets := range map[string][]storage.ClientSecret{
		"one that was drawn": f.c1.record.Secrets,
		"no secret":          nil,
		"an empty hash":      {{ID: "1"}},
		"a hash of nothing":  {{ID: "1", Hash: hashOfNothing}},
	} {
		f.sub(name, func() {
			p := f.newWideClient()
			f.edit(p, func(c *storage.Client) { c.Secrets = secrets })
			defer f.restore()
			for _, r := range both(form("grant_type", "client_credentials").basic(p.id, "")) {
				f.send(r).unauthorized()
			}
			for _, r := range both(form("grant_type", "client_credentials", "client_id", p.id, "client_secret", "")) {
				f.send(r).refused("invalid_request") // R24: it is absent, R3: and so named
			}
			f.send(refresh(p.showing(""), f.mint(p, storage.KindRefreshToken, grants.RefreshTokenPrefix))).unauthorized()
		})
	}
}

// hashOf is the hash of a secret that FastHash refuses to make.
func hashOf(s storage.Secret) string {
	_, drawn := clientauth.NewSecret()
	digest := s.Digest("client_secret")
	return drawn[:strings.LastIndex(drawn, "$")+1] + base64.RawURLEncoding.EncodeToString(digest[:])
}

// longSecrets includes an imported hash of bcrypt, which does not see what
// stands behind the 72nd byte.
func longSecrets(t *testing.T, open opener) {
	f := newFixture(t, open)
	secret := strings.Repeat("0123456789", 8)
	fast, err := clientauth.FastHash(storage.PresentedSecret(secret))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, secret, hash string }{
		{"argon2id", secret, hashed(secret)},
		{"sha256", secret, fast},
		{"bcrypt", secret[:72], "$2a$04$T9AAT0Dh//PHnKfjwAGbcuCo2di57bWenyZYugV7Pu1Twinv3Nk8u"},
	} {
		f.sub(tt.name, func() {
			p := f.newWideClient()
			f.edit(p, func(c *storage.Client) { c.Secrets = []storage.ClientSecret{{ID: "1", Hash: tt.hash}} })
			defer f.restore()
			for range 2 { // the second time the right one may be remembered
				for _, wrong := range []string{tt.secret[:len(tt.secret)-8], tt.secret + "x", tt.secret + tt.secret, tt.secret[:71]} {
					f.send(clientCredentials(p.showing(wrong))).unauthorized()
					f.send(form("grant_type", "client_credentials").post(p.showing(wrong))).unauthorized()
				}
				f.send(clientCredentials(p.showing(tt.secret))).tokens()
			}
		})
	}
}

func secretRotation(t *testing.T, open opener) {
	f := newTimed(t, open)
	for _, kind := range []string{"drawn", "chosen"} {
		old, fresh, hashes := twoSecrets(t, kind)
		c := &storage.Client{ID: "rotating-" + kind, GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"read"}}
		c.Secrets = []storage.ClientSecret{
			{ID: "old", Hash: hashes[0], ExpiresAt: time.Now().Add(time.Hour)},
			{ID: "new", Hash: hashes[1], NotBefore: time.Now().Add(time.Minute)},
		}
		p := f.newClient(c)
		f.send(clientCredentials(p.showing(old))).tokens()
		f.send(clientCredentials(p.showing(fresh))).unauthorized()
		time.Sleep(time.Minute)
		f.send(clientCredentials(p.showing(old))).tokens()
		f.send(clientCredentials(p.showing(fresh))).tokens()
		time.Sleep(58 * time.Minute)
		f.send(clientCredentials(p.showing(old))).tokens()
		time.Sleep(time.Minute)
		f.send(clientCredentials(p.showing(old))).unauthorized()
		f.send(clientCredentials(p.showing(fresh))).tokens()
	}
}

// twoSecrets returns two secrets and their hashes, fast ones or slow ones.
func twoSecrets(t testing.TB, kind string) (old, fresh string, hashes [2]string) {
	t.Helper()
	if kind == "chosen" {
		old, fresh = "the old one, chosen", "the new one, chosen"
		return old, fresh, [2]string{hashed(old), hashed(fresh)}
	}
	o, oldHash := clientauth.NewSecret()
	n, newHash := clientauth.NewSecret()
	return o.Reveal(), n.Reveal(), [2]string{oldHash, newHash}
}

func secretOutOfTime(t *testing.T, open opener) {
	f := newFixture(t, open)
	want := f.send(clientCredentials(f.c1.showing(wrongSecret)))
	p := f.newWideClient()
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
		f.sub(tt.name, func() {
			f.edit(p, func(c *storage.Client) {
				for i := range c.Secrets {
					c.Secrets[i].NotBefore, c.Secrets[i].ExpiresAt = tt.notBefore, tt.expire
				}
			})
			for _, r := range both(clientCredentials(p)) {
				f.send(r).accepted(tt.ok, want)
			}
		})
	}
}

func disabledLooksWrong(t *testing.T, open opener) {
	f := newFixture(t, open)
	want := f.send(clientCredentials(f.c1.showing(wrongSecret)))
	want.unauthorized()
	for _, r := range both(clientCredentials(f.off)) {
		f.send(r).sameAs(want, "a disabled client")
	}
	f.send(form("grant_type", "client_credentials").post(f.off)).sameAs(want, "a disabled client, in the body")
	f.send(presentKey(f.off, f.apiKey(f.off))).sameAs(want, "a disabled client with a key")
	f.edit(f.pub, func(c *storage.Client) { c.Disabled = true })
	f.send(refresh(f.pub, f.mint(f.pub, storage.KindRefreshToken, grants.RefreshTokenPrefix))).sameAs(want, "a disabled public client")
}

func disabledBeforeRefresh(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, p := range []*party{f.c1, f.pub} {
		token := f.refreshToken(p)
		f.store.counted()
		f.edit(p, func(c *storage.Client) { c.Disabled = true })
		for _, r := range both(refresh(p, token)) {
			f.send(r).unauthorized()
		}
		f.wroteNothing()
		f.restore()
		f.send(refresh(p, token)).tokens()
	}
}

// nothingSecretLogged looks at what a rule seldom brings about: the access
// token, faults with all the host has in hand printed into them, a panic. The
// search itself is at the end of every rule.
func nothingSecretLogged(t *testing.T, open opener) {
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
	f := newFixture(t, open, func(c *tokenendpoint.Config) {
		c.Grants = map[string]grants.Grant{
			grants.TypeClientCredentials: grants.ClientCredentials{Refresh: true, Hook: hook},
			grants.TypeRefreshToken:      grants.RefreshToken{Hook: hook},
			grants.TypeAuthorizationCode: grants.AuthorizationCode{Hook: hook},
			grants.TypeAPIKey:            grants.APIKey{Refresh: true, Hook: hook},
		}
	})
	p := f.newWideClient()
	for _, w := range ways()[:5] {
		for _, mode = range []string{"refusal", "outage", "panic", ""} {
			r := w.request(f, p)
			got := f.send(r.with("client_id", p.id))
			if mode == "" {
				tokens := got.tokens()
				f.secret(tokens.accessToken)
				f.secret(tokens.refreshToken)
			}
			f.secret(r.header.Get("Authorization"))
			f.store.failWith("", errors.New("db down"))
			f.send(r).unavailable()
			f.store.heal()
			r.query = "client_secret=" + f.secret("in-the-query-"+p.secret[3:])
			f.send(r).refused("invalid_request")
		}
	}
	if f.lastEvent().Status != http.StatusBadRequest || !strings.Contains(f.logged(), "panic") {
		t.Errorf("the log does not have the panic: %s", f.logged())
	}
}

// logged is the log and the events so far.
func (f *fixture) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.String()
}
