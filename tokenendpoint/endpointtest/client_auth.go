package endpointtest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// clientAuthRules is how clients authenticate by a secret.
var clientAuthRules = slices.Concat(authMethodRules, clientSecretRules, guessRules, limitRules)

var authMethodRules = []rule{
	{"D01_Basic_works", basicWorks},
	{"D02_the_body_works", bodyWorks},
	{"D03_a_wrong_secret_by_Basic", wrongByBasic},
	{"D04_a_wrong_secret_in_the_body", wrongInBody},
	{"D05_an_unknown_client_looks_like_a_wrong_secret", unknownLooksWrong},
	{"D06_an_unknown_client_takes_as_long_as_a_wrong_secret", unknownTakesAsLong},
	{"D07_a_confidential_client_without_credentials", noCredentials},
	{"D08_no_client_at_all", noClient},
	{"D09_Basic_and_a_body_secret", basicAndBody},
	{"D10_Basic_and_an_assertion", basicAndAssertion},
	{"D11_a_body_secret_and_an_assertion", bodyAndAssertion},
	{"D12_two_Authorization_headers", twoHeaders},
	{"D13_the_same_client_id_twice", sameClientTwice},
	{"D14_another_client_id_in_the_body", otherClientInBody},
	{"D15_Basic_is_form_encoded", encodedBasic},
	{"D16_the_first_colon_splits", firstColon},
	{"D17_a_broken_escape_in_Basic", brokenEscape},
	{"D18_malformed_Basic", malformedBasic},
	{"D19_the_scheme_has_no_case_and_no_other", schemes},
	{"D20_the_registered_method_is_enforced", registeredMethod},
}

func basicWorks(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, r := range both(clientCredentials(f.c1)) {
		if got := f.send(r).tokens().claims["client_id"]; got != f.c1.id {
			t.Errorf("client_id is %v, want %s", got, f.c1.id)
		}
	}
}

func bodyWorks(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, r := range both(form("grant_type", "client_credentials").post(f.c1)) {
		if got := f.send(r).tokens().claims["client_id"]; got != f.c1.id {
			t.Errorf("client_id is %v, want %s", got, f.c1.id)
		}
	}
}

// near are secrets that are not s1.
func near(s string) map[string]string {
	return map[string]string{
		"another": wrongSecret, "cut": s[:len(s)-1], "longer": s + "x", "one bit": s[:len(s)-1] + string(s[len(s)-1]^1),
		"spaced": s + " ", "case": "CS_" + s[3:],
	}
}

func wrongByBasic(t *testing.T, open opener) {
	f := newFixture(t, open)
	for name, secret := range near(f.c1.secret) {
		f.sub(name, func() {
			for _, r := range both(clientCredentials(f.c1.showing(secret))) {
				f.send(r).unauthorized()
			}
		})
	}
	f.send(clientCredentials(f.c1.showing(f.c2.secret))).unauthorized()
	f.wroteNothing()
}

func wrongInBody(t *testing.T, open opener) {
	f := newFixture(t, open)
	for name, secret := range near(f.c1.secret) {
		f.sub(name, func() {
			for _, r := range both(form("grant_type", "client_credentials").post(f.c1.showing(secret))) {
				f.send(r).unauthorized()
			}
		})
	}
	f.wroteNothing()
}

// unknownLooksWrong holds for a disabled client too, row D29.
func unknownLooksWrong(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	want := f.send(clientCredentials(f.c1.showing(wrongSecret)))
	want.unauthorized()
	for _, w := range ways() {
		if w.grantType == grants.TypeAPIKey {
			continue // there the key is the credential
		}
		f.sub(w.name, func() {
			for name, p := range map[string]*party{
				"wrong": f.c1.showing(wrongSecret), "unknown": f.c1.named("ghost"), "disabled": f.off,
				"disabled and wrong": f.off.showing(wrongSecret), "unknown and odd": f.c1.named("gho:st é"),
			} {
				r := w.request(f, f.c1).without("client_id")
				r.header.Del("Authorization")
				for _, r := range append(both(r.basic(p.id, p.secret)), both(r.post(p))...) {
					f.send(r).sameAs(want, name)
				}
			}
		})
	}
}

func noCredentials(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.c1)
	for _, r := range both(form("grant_type", "client_credentials", "client_id", f.c1.id)) {
		got := f.send(r)
		got.refused("invalid_request")
		got.names("client_secret")
	}
	for _, r := range both(refresh(f.c1.showing(""), token)) {
		f.send(r).unauthorized()
	}
	f.send(refresh(f.c1, token)).tokens()
}

// noClient holds for every grant that does not identify the client by itself.
func noClient(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	for _, w := range ways() {
		f.sub(w.name, func() {
			r := w.request(f, f.c1).without("client_id")
			r.header.Del("Authorization")
			f.store.counted()
			for _, r := range both(r) {
				got := f.send(r)
				got.refused("invalid_request")
				got.names("client_id")
			}
			f.asked(nil)
		})
	}
}

// basicAndBody is asked with credentials that are right both times, and with
// either of them wrong: none is tried.
func basicAndBody(t *testing.T, open opener) {
	f := newFixture(t, open)
	bad := f.c1.showing(wrongSecret)
	for _, p := range []*party{f.c1, bad} {
		for _, q := range []*party{f.c1, bad, f.c2} {
			for _, r := range both(clientCredentials(p).post(q)) {
				f.send(r).refused("invalid_request")
			}
		}
	}
	f.send(clientCredentials(f.c1).with("client_secret", f.c1.secret)).refused("invalid_request")
	f.asked(nil)
}

// mixed sends requests with two mechanisms, at grants of which one wants client
// authentication on the face of the request, one wants it later, and one does
// without.
func mixed(f *fixture, change func(r *request) *request) {
	f.Helper()
	token, key := f.refreshToken(f.c1), f.apiKey(f.c1)
	f.store.counted()
	for _, r := range []*request{clientCredentials(f.c1), refresh(f.c1, token), presentKey(f.c1, key)} {
		for _, r := range both(change(r)) {
			f.send(r).refused("invalid_request")
			f.send(r.with("client_id", f.c1.id)).refused("invalid_request")
		}
	}
	f.asked(nil)
	f.send(refresh(f.c1, token)).tokens()
}

func basicAndAssertion(t *testing.T, open opener) {
	f := newFixture(t, open)
	mixed(f, func(r *request) *request { return r.by(f.c1).asserted() })
	mixed(f, func(r *request) *request { return r.by(f.c1.showing(wrongSecret)).asserted() })
}

func bodyAndAssertion(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, secret := range []string{f.c1.secret, "x"} {
		mixed(f, func(r *request) *request {
			r = r.post(f.c1.showing(secret)).asserted()
			r.header.Del("Authorization")
			return r
		})
	}
}

func twoHeaders(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, p := range []*party{f.c1, f.c2, f.c1.showing(wrongSecret)} {
		mixed(f, func(r *request) *request {
			r = r.by(f.c1)
			r.header.Add("Authorization", clientCredentials(p).header.Get("Authorization"))
			return r
		})
	}
}

func sameClientTwice(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, p := range []*party{f.c1, f.sp} {
		for _, r := range both(clientCredentials(p).with("client_id", p.id)) {
			f.send(r).tokens()
		}
	}
}

func otherClientInBody(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, id := range []string{f.c2.id, f.c1.id + " ", "ghost", f.c1.id[:2]} {
		for _, r := range both(clientCredentials(f.c1).with("client_id", id)) {
			f.send(r).refused("invalid_request")
		}
	}
	f.asked(nil)
}

// rawBasic adds an Authorization header that holds id:secret without any
// encoding.
func (r *request) rawBasic(credentials string) *request {
	return r.set("Authorization", "Basic "+basic64(credentials))
}

func encodedBasic(t *testing.T, open opener) {
	f := newFixture(t, open)
	r := form("grant_type", "client_credentials")
	for name, credentials := range map[string]string{
		"plus for space":   url.QueryEscape(f.sp.id) + ":" + url.QueryEscape(f.sp.secret),
		"%20 for space":    url.PathEscape(f.sp.id[:1]) + "%3a" + "b%20%c3%a9" + url.QueryEscape(f.sp.id[6:]) + ":p%2Bss%20w%25rd%3A%26%3D%C3%A9",
		"letters escaped":  "%61%3A%62+%C3%A9" + url.QueryEscape(f.sp.id[6:]) + ":%70%2Bss+w%25rd%3A%26%3D%C3%A9",
		"less than needed": "a%3Ab+é" + url.QueryEscape(f.sp.id[6:]) + ":p%2Bss+w%25rd:&=é",
	} {
		f.sub(name, func() {
			for _, r := range both(r.rawBasic(credentials)) {
				f.send(r).tokens()
			}
		})
	}
	f.sub("in the body", func() {
		for _, r := range both(r.post(f.sp)) {
			f.send(r).tokens()
		}
	})
	f.sub("not encoded", func() { f.send(r.rawBasic(f.sp.id + ":" + f.sp.secret)).unauthorized() })
}

func firstColon(t *testing.T, open opener) {
	f := newFixture(t, open)
	p := f.newClient(&storage.Client{ID: "colon", GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"read"}}, "s:1")
	r := form("grant_type", "client_credentials")
	f.send(r.rawBasic(p.id + ":s:1")).tokens()
	f.send(r.rawBasic(p.id + ":s%3A1")).tokens()
	f.send(r.rawBasic(p.id + ":s")).unauthorized()
	f.send(r.rawBasic(p.id + "%3As:1")).unauthorized()
}

// brokenEscape uses secrets that are right if nothing is decoded: there is no
// second, looser reading.
func brokenEscape(t *testing.T, open opener) {
	f := newFixture(t, open)
	r := form("grant_type", "client_credentials")
	for _, secret := range []string{"100%", "50%2", "%zz", "%é"} {
		p := f.newClient(&storage.Client{ID: "percent", GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"read"}}, secret)
		f.send(r.rawBasic(p.id + ":" + secret)).unauthorized()
		f.send(clientCredentials(p)).tokens()
	}
	f.send(r.rawBasic("%" + f.c1.id + ":" + f.c1.secret)).unauthorized()
}

// malformedBasic makes what is malformed of credentials that are right.
func malformedBasic(t *testing.T, open opener) {
	f := newFixture(t, open)
	right := basic64(f.c1.id + ":" + f.c1.secret)
	for name, value := range map[string]string{
		"no colon":          "Basic bm9jb2xvbg==",
		"an escaped colon":  "Basic " + basic64(f.c1.id+"%3A"+f.c1.secret),
		"no base64":         "Basic !!!",
		"nothing":           "Basic",
		"a space":           "Basic ",
		"two spaces":        "Basic  " + right,
		"a tab":             "Basic\t" + right,
		"no space":          "Basic" + right,
		"twice":             "Basic " + right + " " + right,
		"a comma":           "Basic " + right + ", Basic " + right,
		"trailing junk":     "Basic " + right + "!",
		"too much padding":  "Basic " + right + "====",
		"padding inside":    "Basic " + right[:4] + "==" + right[4:],
		"as credentials":    f.c1.id + ":" + f.c1.secret,
		"an empty name":     "Basic " + basic64(":"+f.c1.secret),
		"a NUL":             "Basic " + basic64(f.c1.id+":"+f.c1.secret+"\x00"),
		"an escaped NUL":    "Basic " + basic64(f.c1.id+":"+f.c1.secret+"%00"),
		"a control":         "Basic " + basic64(f.c1.id+":"+f.c1.secret+"%0A"),
		"broken UTF-8":      "Basic " + basic64(f.c1.id+":"+f.c1.secret+"\xff"),
		"broken UTF-8, %FF": "Basic " + basic64(f.c1.id+":"+f.c1.secret+"%FF"),
		"empty":             "",
	} {
		f.sub(name, func() {
			for _, r := range both(form("grant_type", "client_credentials").set("Authorization", value)) {
				f.send(r).unauthorized()
			}
			f.asked(nil)
		})
	}
	f.sub("another spelling of the base64", func() {
		padded, r := paddedBasic(f.c1), form("grant_type", "client_credentials")
		f.send(r.set("Authorization", padded)).tokens()
		bare := strings.TrimRight(padded, "=")
		f.send(r.set("Authorization", bare)).unauthorized()
		spare := bare[:len(bare)-1] + string(bare[len(bare)-1]+1) + padded[len(bare):] // bits that decode to nothing
		f.send(r.set("Authorization", spare)).unauthorized()
	})
}

// paddedBasic spells a client's credentials so that their base64 ends in =:
// each escape makes them two characters longer.
func paddedBasic(p *party) string {
	secret := p.secret
	for i := 0; ; i++ {
		value := "Basic " + basic64(p.id+":"+secret)
		if strings.HasSuffix(value, "=") {
			return value
		}
		secret = fmt.Sprintf("%s%%%02X%s", secret[:3*i], p.secret[i], p.secret[i+1:])
	}
}

func schemes(t *testing.T, open opener) {
	f := newFixture(t, open)
	_, right, _ := strings.Cut(clientCredentials(f.c1).header.Get("Authorization"), " ")
	for _, scheme := range []string{"basic", "BASIC", "bAsIc"} {
		f.send(form("grant_type", "client_credentials").set("Authorization", scheme+" "+right)).tokens()
	}
	f.store.counted()
	for _, value := range []string{"Bearer " + right, "Bearer x", "Digest username=" + right, "DPoP x", "Basically " + right, "Negotiate"} {
		f.sub(value[:5], func() {
			r := form("grant_type", "client_credentials").set("Authorization", value)
			for _, r := range append(both(r), both(r.with("client_id", f.c1.id))...) {
				f.send(r).unauthorized()
			}
			for _, r := range both(r.post(f.c1)) { // row D09
				f.send(r).refused("invalid_request")
			}
		})
	}
	f.asked(nil)
}

// registeredMethod: a client that has none registered may use both.
func registeredMethod(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, tt := range []struct {
		registered  string
		basic, post int
	}{
		{"", http.StatusOK, http.StatusOK},
		{storage.ClientSecretBasic, http.StatusOK, http.StatusUnauthorized},
		{storage.ClientSecretPost, http.StatusUnauthorized, http.StatusOK},
		{"private_key_jwt", http.StatusUnauthorized, http.StatusUnauthorized},
	} {
		f.sub("registered for "+tt.registered, func() {
			p := f.newClient(&storage.Client{ID: "m", AuthMethod: tt.registered, GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"read"}})
			want := f.send(clientCredentials(f.c1.showing(wrongSecret)))
			for range 2 { // the second time it may be remembered
				for _, r := range both(clientCredentials(p)) {
					f.send(r).accepted(tt.basic == http.StatusOK, want)
				}
				for _, r := range both(form("grant_type", "client_credentials").post(p)) {
					f.send(r).accepted(tt.post == http.StatusOK, want)
				}
			}
		})
	}
}

// accepted asserts tokens, or else the refusal of a wrong secret.
func (r *reply) accepted(ok bool, refusal *reply) {
	r.t.Helper()
	if ok {
		r.tokens()
		return
	}
	r.sameAs(refusal, "what a wrong secret gets")
}
