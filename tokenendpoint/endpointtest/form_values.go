package endpointtest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// wholesome are requests that are right and together have every parameter that
// the endpoint reads.
func (f *fixture) wholesome() []*request {
	return []*request{
		f.redeem(f.c1, f.code(f.c1)),
		refresh(f.c1, f.refreshToken(f.c1)),
		presentKey(f.c1, f.apiKey(f.c1)),
		posted(f.c1),
	}
}

// spoil changes each value of a request in turn.
func spoil(r *request, names []string, change func(value string) string) []*request {
	var spoiled []*request
	for i := 0; i < len(r.params); i += 2 {
		for _, name := range names {
			if r.params[i] == name {
				spoiled = append(spoiled, r.with(name, change(r.params[i+1])))
			}
		}
	}
	return spoiled
}

// vschar are parameters of printable ASCII (RFC 6749 appendix A). Others are
// wider here: there are clients whose identifier or secret is not ASCII.
var (
	vschar = []string{"code", "redirect_uri", "code_verifier", "refresh_token", "api_key"}
	wider  = []string{"client_id", "client_secret"}
	valued = append(append([]string{"grant_type"}, vschar...), wider...)
)

func b14NUL(t *testing.T, open opener) {
	f := newFixture(t, open)
	whole := f.wholesome()
	for _, r := range whole {
		for _, nul := range []func(string) string{
			func(s string) string { return s + "\x00" },
			func(s string) string { return "\x00" + s },
			func(string) string { return "\x00" },
		} {
			for _, bad := range spoil(r, valued, nul) {
				f.refusedUnread(both(bad)...)
			}
		}
		f.refusedUnread(both(r.and("foo", "a\x00"))...)
		f.refusedUnread(both(r.and("fo\x00o", "a"))...)
		for _, bad := range both(r.with("scope", "read\x00")) {
			f.store.counted()
			f.send(bad).refused("invalid_scope")
			f.untouched(bad.text())
		}
	}
	f.refusedUnread(rawForm("grant_type=client_credentials&foo=\x00").by(f.c1))
	for _, r := range whole {
		f.send(r).tokens()
	}
}

func b15InvalidUTF8(t *testing.T, open opener) {
	f := newFixture(t, open)
	whole := f.wholesome()
	for _, bad := range []string{"a\xffb", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"} {
		for _, r := range whole {
			f.refusedUnread(spoil(r, valued, func(s string) string { return s + bad })...)
			f.refusedUnread(r.with("scope", bad), r.and("foo", bad), r.and("foo"+bad, "1"))
		}
		f.refusedUnread(rawForm("grant_type=client_credentials&scope=" + bad).by(f.c1))
	}
	for _, r := range whole {
		f.send(r).tokens()
	}
}

// b16Characters pins that they are an invalid_request.
func b16Characters(t *testing.T, open opener) {
	f := newFixture(t, open)
	whole := f.wholesome()
	for _, c := range []string{"\n", "\r", "\t", "\x1f", "\x7f", "\u0085", "\u009f", "é", "\u2028", "世", "😀"} {
		names := vschar
		if control := c[0] < 0x20 || c == "\x7f" || c == "\u0085" || c == "\u009f"; control {
			names = append(append([]string(nil), vschar...), wider...)
		}
		for _, r := range whole {
			for _, bad := range append(
				spoil(r, names, func(s string) string { return s + c }),
				spoil(r, names, func(string) string { return c })...,
			) {
				f.refusedUnread(both(bad)...)
			}
		}
	}
	for _, r := range whole {
		f.send(r).tokens()
	}
}

// b17LongValues leaves what is over the limit of a body, as a client_id of
// 100 KiB is, to the answer of row A18.
func b17LongValues(t *testing.T, open opener) {
	f := newFixture(t, open)
	whole := f.wholesome()
	for _, r := range whole {
		for _, n := range []int{20 << 10, 50 << 10} {
			for _, bad := range spoil(r, valued, func(s string) string { return s + strings.Repeat("a", n) }) {
				f.refusedUnread(both(bad)...)
				f.quick(bad)
			}
		}
		many := r.with("scope", strings.TrimSpace(strings.Repeat("a ", 30_000)))
		f.refusedUnread(both(many)...)
		f.quick(many)
	}
	for _, r := range both(posted(f.c1).with("client_id", strings.Repeat("a", 100<<10))) {
		f.store.counted()
		f.send(r).refusedWith(http.StatusRequestEntityTooLarge, "invalid_request")
		f.untouched("client_id of 100 KiB")
		f.quick(r)
	}
	for _, r := range whole {
		f.send(r).tokens()
	}
}

func b18Plus(t *testing.T, open opener) {
	f := newFixture(t, open)
	secret := f.secret("a+secret+with+plus")
	p := f.newClient(&storage.Client{ID: "plus", GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"read"}}, secret)
	body := "grant_type=client_credentials&client_id=" + p.id + "&client_secret="
	f.send(rawForm(body + "a%2Bsecret%2bwith%2Bplus")).tokens()
	f.send(rawForm(body + secret)).unauthorized()
	f.send(rawForm(body + "a%20secret%20with%20plus")).unauthorized()
	f.send(posted(p).json()).tokens()

	spaced := f.secret("a secret with space")
	p = f.newClient(&storage.Client{ID: "space", GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"read"}}, spaced)
	body = "grant_type=client_credentials&client_id=" + p.id + "&client_secret="
	f.send(rawForm(body + "a+secret%20with+space")).tokens()
	f.send(rawForm(body + "a%2Bsecret%2Bwith%2Bspace")).unauthorized()
}

func b19ExactGrantType(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, grantType := range []string{
		"Client_Credentials", "CLIENT_CREDENTIALS", " client_credentials", "client_credentials ", "  client_credentials",
		"client_credential", "client_credentials,refresh_token", "client_credentials refresh_token",
	} {
		for _, r := range both(form("grant_type", grantType).by(f.c1)) {
			f.store.counted()
			f.send(r).refused("unsupported_grant_type")
			f.untouched(r.text())
		}
	}
	f.send(rawForm("grant_type=+client_credentials").by(f.c1)).refused("unsupported_grant_type")
	f.send(rawForm("grant_type=client%5Fcredentials").by(f.c1)).tokens() // the same, spelled otherwise
}

func b20ByteOrderMark(t *testing.T, open opener) {
	f := newFixture(t, open)
	const mark = "\ufeff"
	f.refusedUnread(
		rawForm(mark+"grant_type=client_credentials").by(f.c1),
		rawForm("%EF%BB%BFgrant_type=client_credentials").by(f.c1),
		rawForm("\xff\xfegrant_type=client_credentials").by(f.c1),
		rawJSON(mark+`{"grant_type":"client_credentials"}`).by(f.c1),
	)
}
