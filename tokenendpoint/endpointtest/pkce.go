package endpointtest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

var pkceRules = []rule{
	{"H01_right_verifier", h01},
	{"H02_verifier_missing", h02},
	{"H03_wrong_verifier", h03},
	{"H04_downgrade_verifier_without_challenge", h04},
	{"H05_public_client_without_pkce", h05},
	{"H06_confidential_client_without_pkce", h06},
	{"H07_store_that_lost_the_challenge", h07},
	{"H07_store_that_lost_the_redirect_uri", h07RedirectURI},
	{"H08_verifier_outside_its_syntax", h08},
	{"H09_method_missing_or_plain", h09},
	{"H10_unknown_method", h10},
	{"H11_challenge_as_verifier", h11},
	{"H12_other_spellings_of_the_challenge", h12},
	{"H13_every_byte_of_the_challenge_counts", h13},
	{"H14_pkce_binds_clients_with_credentials_too", h14},
}

// verifierIs makes the request of a code with the S256 challenge of v.
func verifierIs(v string) func(*grants.AuthorizationRequest) {
	return func(a *grants.AuthorizationRequest) { a.CodeChallenge = challenge(v) }
}

// withoutPKCE is the code CODEnp of the specification.
func withoutPKCE(c *storage.Credential) { c.PKCE, c.Challenge = storage.PKCENone, "" }

func h01(t *testing.T, open opener) {
	f := newFixture(t, open)
	const alphabet = "-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	f.spellings(func(as spelling) {
		for _, v := range []string{verifier, alphabet[:43], strings.Repeat("~", 43), alphabet, strings.Repeat(alphabet, 2)[:128]} {
			code := f.code(f.c1, verifierIs(v))
			f.send(as(f.redeem(f.c1, code).with("code_verifier", v))).tokens()
		}
	})
}

func h02(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, p := range []*party{f.c1, f.pub} {
		f.spellings(func(as spelling) {
			code := f.code(p)
			for _, r := range []*request{
				f.redeem(p, code).without("code_verifier"),
				f.redeem(p, code).with("code_verifier", ""),
			} {
				f.changesNothing(func() { f.send(as(r)).refused("invalid_grant") })
			}
			f.send(as(f.redeem(p, code))).tokens()
		})
	}
}

func h03(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, p := range []*party{f.c1, f.pub} {
		f.spellings(func(as spelling) {
			code := f.code(p)
			wrong := []string{strings.ToUpper(verifier), verifier[:63], verifier + "0", challenge("another"), verifier[1:] + verifier[:1]}
			for i := range verifier {
				wrong = append(wrong, verifier[:i]+"~"+verifier[i+1:])
			}
			f.changesNothing(func() {
				for _, v := range wrong {
					f.send(as(f.redeem(p, code).with("code_verifier", v)).frozen()).refused("invalid_grant")
				}
			})
			f.send(as(f.redeem(p, code))).tokens()
		})
	}
}

// h04 is invalid_request, by ruling R13.
func h04(t *testing.T, open opener) {
	f := newFixture(t, open)
	free := f.pkceFree()
	f.spellings(func(as spelling) {
		for _, p := range []*party{f.c1, free, f.pub} {
			code := f.plant(p, withoutPKCE)
			for _, v := range []string{verifier, "short"} {
				f.changesNothing(func() { f.send(as(f.redeem(p, code).with("code_verifier", v))).refused("invalid_request") })
			}
		}
		// The code itself is right, for the client that need not use PKCE.
		code := f.plant(free, withoutPKCE)
		f.send(as(f.redeem(free, code))).refused("invalid_request")
		f.send(as(f.redeem(free, code).without("code_verifier"))).tokens()
	})
}

// pkceFree registers a confidential client that need not use PKCE.
func (f *fixture) pkceFree() *party {
	f.Helper()
	return f.newClient(&storage.Client{
		ID:              "free",
		GrantTypes:      []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken},
		Scope:           []string{"read", "write"},
		RedirectURIs:    []string{"https://free.test/cb"},
		PKCENotRequired: true,
	})
}

// h05: nothing that a public client is registered with lets it off.
func h05(t *testing.T, open opener) {
	f := newFixture(t, open)
	free := f.newClient(&storage.Client{
		ID: "pubfree", AuthMethod: storage.AuthNone, GrantTypes: []string{grants.TypeAuthorizationCode},
		Scope: []string{"read", "write"}, RedirectURIs: []string{"https://pubfree.test/cb"}, PKCENotRequired: true,
	})
	f.spellings(func(as spelling) {
		for _, p := range []*party{f.pub, free} {
			r := f.redeem(p, f.plant(p, withoutPKCE)).without("code_verifier")
			f.changesNothing(func() { f.send(as(r)).refused("invalid_grant") })
		}
	})
}

func h06(t *testing.T, open opener) {
	f := newFixture(t, open)
	free := f.pkceFree()
	f.spellings(func(as spelling) {
		r := f.redeem(f.c1, f.plant(f.c1, withoutPKCE)).without("code_verifier")
		f.changesNothing(func() { f.send(as(r)).refused("invalid_grant") })
		f.send(as(f.redeem(free, f.plant(free, withoutPKCE)).without("code_verifier"))).tokens()
		// Whoever need not use PKCE, and does, is held to it.
		r = f.redeem(free, f.code(free))
		f.send(as(r.without("code_verifier"))).refused("invalid_grant")
		f.send(as(r)).tokens()
	})
}

// mended asserts that a code is refused while the store shows it as edit leaves
// it, whether a verifier comes or not, and is good once the store is mended.
func (f *fixture) mended(p *party, edit func(*storage.Credential), check func(*reply)) {
	f.Helper()
	code := f.code(p)
	f.store.set(func(s *spy) { s.editCredential = edit })
	f.changesNothing(func() {
		for _, r := range both(f.redeem(p, code)) {
			check(f.send(r))
			reply := f.send(r.without("code_verifier"))
			if reply.status == http.StatusOK {
				f.Errorf("without a verifier: got %d %s, want a refusal", reply.status, reply.body)
			}
		}
	})
	f.store.set(func(s *spy) { s.editCredential = nil })
	f.send(f.redeem(p, code)).tokens()
}

// h07 pins server_error: the operator must hear of it. It holds for clients
// that need no PKCE too, since there a lost field would open the door.
func h07(t *testing.T, open opener) {
	f := newFixture(t, open)
	free := f.pkceFree()
	for name, edit := range map[string]func(*storage.Credential){
		"the challenge":            func(c *storage.Credential) { c.Challenge = "" },
		"the method and challenge": func(c *storage.Credential) { c.PKCE, c.Challenge = "", "" },
		"that there is a method":   func(c *storage.Credential) { c.PKCE = storage.PKCENone },
	} {
		f.sub(name, func() {
			for _, p := range []*party{f.c1, free, f.pub} {
				f.mended(p, edit, wantServerError)
			}
		})
	}
}

// h07RedirectURI is the same for the other binding of a code.
func h07RedirectURI(t *testing.T, open opener) {
	f := newFixture(t, open)
	code := f.code(f.c1)
	f.store.set(func(s *spy) { s.editCredential = func(c *storage.Credential) { c.RedirectURI = "" } })
	f.changesNothing(func() {
		for _, r := range both(f.redeem(f.c1, code)) {
			wantServerError(f.send(r))
			wantServerError(f.send(r.without("redirect_uri")))
		}
	})
	f.store.set(func(s *spy) { s.editCredential = nil })
	f.send(f.redeem(f.c1, code)).tokens()
}

// h08 gives each code the challenge of the very verifier that is shown, so that
// nothing but the syntax of RFC 7636 §4.1 refuses it. It pins which error: that
// of the parameter for what no parameter can hold, else that of the grant.
func h08(t *testing.T, open opener) {
	f := newFixture(t, open)
	for name, c := range map[string]struct{ verifier, code string }{
		"1 character":     {"a", "invalid_grant"},
		"42 characters":   {verifier[:42], "invalid_grant"},
		"129 characters":  {strings.Repeat("a", 129), "invalid_grant"},
		"4096 characters": {strings.Repeat("a", 4096), "invalid_grant"},
		"!":               {verifier + "!", "invalid_grant"},
		"space":           {verifier + " ", "invalid_grant"},
		"plus":            {"+" + verifier, "invalid_grant"},
		"padding":         {verifier + "=", "invalid_grant"},
		"slash":           {verifier + "/", "invalid_grant"},
		"not ASCII":       {verifier + "é", "invalid_request"},
		"newline":         {verifier + "\n", "invalid_request"},
		"4097 characters": {strings.Repeat("a", 4097), "invalid_request"},
	} {
		f.sub(name, func() {
			f.spellings(func(as spelling) {
				code := f.code(f.c1, verifierIs(c.verifier))
				r := as(f.redeem(f.c1, code).with("code_verifier", c.verifier))
				f.changesNothing(func() { f.send(r).refused(c.code) })
			})
		})
	}
	f.sub("1 MiB", func() {
		long := strings.Repeat("a", 1<<20)
		for _, r := range both(f.redeem(f.c1, f.code(f.c1, verifierIs(long))).with("code_verifier", long)) {
			f.asksNothing(func() {
				if reply := f.send(r.frozen()); reply.status != http.StatusRequestEntityTooLarge {
					f.Errorf("got %d, want 413", reply.status)
				}
			})
		}
	})
}

// h09: RFC 7636 §4.3 takes a missing method for plain, under which the verifier
// is the challenge. Here neither is honoured. A record without a method is one
// that lost it, for which row H07 allows server_error: that is pinned.
func h09(t *testing.T, open opener) {
	f := newFixture(t, open)
	free := f.pkceFree()
	for name, c := range map[string]struct {
		edit  func(*storage.Credential)
		check func(*reply)
	}{
		"no method":              {func(c *storage.Credential) { c.PKCE, c.Challenge = "", verifier }, wantServerError},
		"no method, S256":        {func(c *storage.Credential) { c.PKCE = "" }, wantServerError},
		"plain":                  {func(c *storage.Credential) { c.PKCE, c.Challenge = "plain", verifier }, wantServerError},
		"S256 of what was plain": {func(c *storage.Credential) { c.Challenge = verifier }, wantCode("invalid_grant")},
		"s256 in small letters":  {func(c *storage.Credential) { c.PKCE = "s256" }, wantServerError},
	} {
		f.sub(name, func() {
			for _, p := range []*party{f.c1, free, f.pub} {
				f.mended(p, c.edit, c.check)
			}
		})
	}
}

// h10 pins server_error.
func h10(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, method := range []string{"S512", "S256 ", "S2567", "none ", "NONE"} {
		f.sub(fmt.Sprintf("%q", method), func() {
			f.mended(f.c1, func(c *storage.Credential) { c.PKCE = method }, wantServerError)
		})
	}
}

func h11(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.spellings(func(as spelling) {
		code := f.code(f.c1)
		r := f.redeem(f.c1, code).with("code_verifier", challenge(verifier))
		f.changesNothing(func() { f.send(as(r)).refused("invalid_grant") })
		f.send(as(f.redeem(f.c1, code))).tokens()
	})
}

// h12 looks for a verifier whose challenge differs between the two alphabets.
func h12(t *testing.T, open opener) {
	f := newFixture(t, open)
	v := verifier
	for i := 0; !strings.ContainsAny(challenge(v), "-_"); i++ {
		v = fmt.Sprintf("%043d", i)
	}
	sum := sha256.Sum256([]byte(v))
	right := challenge(v)
	other := strings.IndexByte(urlAlphabet, right[42]) + 1 // the same bytes: its lowest two bits are spare
	for name, spelled := range map[string]string{
		"padded":                  base64.URLEncoding.EncodeToString(sum[:]),
		"standard alphabet":       base64.RawStdEncoding.EncodeToString(sum[:]),
		"standard and padded":     base64.StdEncoding.EncodeToString(sum[:]),
		"hexadecimal":             hex.EncodeToString(sum[:]),
		"spare bits set":          right[:42] + urlAlphabet[other:other+1],
		"other case":              strings.ToLower(right),
		"newline, that Go skips":  right[:20] + "\n" + right[20:],
		"hexadecimal, in base64":  base64.RawURLEncoding.EncodeToString([]byte(hex.EncodeToString(sum[:]))),
		"the verifier, in base64": base64.RawURLEncoding.EncodeToString([]byte(v)),
	} {
		f.sub(name, func() {
			code := f.plant(f.c1, func(c *storage.Credential) { c.Challenge = spelled })
			for _, r := range both(f.redeem(f.c1, code).with("code_verifier", v)) {
				f.changesNothing(func() { f.send(r).refused("invalid_grant") })
			}
		})
	}
	f.send(f.redeem(f.c1, f.code(f.c1, verifierIs(v))).with("code_verifier", v)).tokens()
}

const urlAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// h13: that the comparison takes constant time is for the reader of
// grants/pkce.go to see. That it compares all there is can be tested.
func h13(t *testing.T, open opener) {
	f := newFixture(t, open)
	right := challenge(verifier)
	wrong := []string{right[:42], right[:1], right + "A", right + right}
	for i := range right {
		c := byte('A')
		if right[i] == c {
			c = 'B'
		}
		wrong = append(wrong, right[:i]+string(c)+right[i+1:])
	}
	replies := map[string]*reply{}
	for i, w := range wrong {
		code := f.plant(f.c1, func(c *storage.Credential) { c.Challenge = w })
		f.changesNothing(func() { replies[fmt.Sprint(i)] = f.send(f.redeem(f.c1, code).frozen()) })
		replies[fmt.Sprint(i)].refused("invalid_grant")
	}
	f.wantAlike(replies)
}

// h14 takes the ways of client authentication that there are.
func h14(t *testing.T, open opener) {
	f := newFixture(t, open)
	post := func(r *request) *request {
		return r.unsigned().post(f.c1)
	}
	basic := func(r *request) *request { return r }
	for name, authenticate := range map[string]spelling{"client_secret_basic": basic, "client_secret_post": post} {
		f.sub(name, func() {
			f.spellings(func(as spelling) {
				r := authenticate(f.redeem(f.c1, f.code(f.c1)))
				np := authenticate(f.redeem(f.c1, f.plant(f.c1, withoutPKCE)))
				f.changesNothing(func() {
					f.send(as(r.without("code_verifier"))).refused("invalid_grant")
					f.send(as(r.with("code_verifier", strings.ToUpper(verifier)))).refused("invalid_grant")
					f.send(as(np.without("code_verifier"))).refused("invalid_grant")
				})
				f.send(as(r)).tokens()
			})
		})
	}
}
