package endpointtest

import (
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

var scopeRules = []rule{
	{"F10_no_scope_means_the_default", defaultScope},
	{"F11_a_narrower_scope", narrowerScope},
	{"F12_a_scope_that_is_unknown_or_not_allowed", unknownScope},
	{"F13_allowed_and_not_allowed_together", mixedScope},
	{"F14_scope_syntax", scopeSyntax},
	{"F15_spaces_in_scope", scopeSpaces},
	{"F16_duplicates_order_and_case", scopeOrder},
	{"F17_neither_prefixes_nor_wildcards", scopeWildcards},
	{"F18_a_thousand_scopes", manyScopes},
	{"F19_scope_with_a_code", scopeWithCode},
}

func defaultScope(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, r := range both(clientCredentials(f.c1)) {
		f.send(r).granted("read write admin:x")
		f.send(r.with("scope", "")).granted("read write admin:x") // R24
	}
	f.edit(f.c1, func(c *storage.Client) { c.DefaultScope = []string{"write"} })
	f.send(clientCredentials(f.c1)).granted("write")
	f.send(clientCredentials(f.c1).with("scope", "read")).granted("read")
	f.edit(f.c1, func(c *storage.Client) { c.DefaultScope = []string{"write", "gone"} })
	f.send(clientCredentials(f.c1)).granted("write")
	f.edit(f.c1, func(c *storage.Client) { c.Scope = nil })
	f.send(clientCredentials(f.c1)).granted("")
}

func narrowerScope(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	p := f.newWideClient()
	for _, w := range ways() {
		if w.grantType == grants.TypeAuthorizationCode {
			continue // row F19
		}
		f.sub(w.name, func() {
			for _, scope := range []string{"read", "write"} {
				f.send(w.request(f, p).with("scope", scope)).granted(scope)
				f.send(w.request(f, p).with("scope", scope).json()).granted(scope)
			}
		})
	}
}

// refusedScopes asserts that each scope is refused for itself, in every way in
// which a scope can be asked for, and that nothing is used up by it.
func refusedScopes(f *fixture, scopes ...string) {
	f.Helper()
	p := f.newWideClient()
	for _, w := range ways() {
		if w.grantType == grants.TypeAuthorizationCode {
			continue // row F19
		}
		right := w.request(f, p)
		f.store.counted()
		for _, scope := range scopes {
			for _, r := range both(right.with("scope", scope)) {
				f.send(r).refused("invalid_scope")
			}
		}
		f.wroteNothing()
		f.send(right).granted("read write")
	}
}

func unknownScope(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	refusedScopes(f, "root", "admin:x", "openid", "offline_access")
	f.send(clientCredentials(f.cc).with("scope", "admin:x")).refused("invalid_scope")
	f.send(clientCredentials(f.cc).with("scope", "write")).refused("invalid_scope")
}

// mixedScope is pinned: it is not narrowed.
func mixedScope(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	refusedScopes(f, "read root", "root read", "read write root", "read admin:x")
}

func scopeSyntax(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	refusedScopes(f, `re"ad`, `re\ad`, "read\twrite", "read\nwrite", "réad", "read\x00", "read\u00a0write", "read\x7f", "read\rwrite", "read,write", "read+write")
}

// scopeSpaces is pinned: spaces too many are not forgiven.
func scopeSpaces(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	refusedScopes(f, " read", "read ", "read  write", " ", "  ")
}

// scopeOrder: RFC 6749 §3.3 gives the order no meaning. What is granted stands in
// the order of the registration.
func scopeOrder(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	refusedScopes(f, "READ", "Read", "read WRITE")
	for _, tt := range []struct{ asked, want string }{
		{"read read write", "read write"}, {"write read", "read write"}, {"read read", "read"}, {"write read write read", "read write"},
	} {
		for _, r := range both(clientCredentials(f.c1).with("scope", tt.asked)) {
			f.send(r).granted(tt.want)
		}
		f.send(refresh(f.c1, f.refreshToken(f.c1)).with("scope", tt.asked)).granted(tt.want)
		f.send(presentKey(f.c1, f.apiKey(f.c1)).with("scope", tt.asked)).granted(tt.want)
	}
}

func scopeWildcards(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	refusedScopes(f, "read:all", "rea", "read.*", "*", "r*", "read*", "read.write", "read/write", "%72ead")
	f.edit(f.c1, func(c *storage.Client) { c.Scope = []string{"*", "read.*", "admin"} })
	for _, scope := range []string{"read", "read.all", "admin:x", "write"} {
		f.send(clientCredentials(f.c1).with("scope", scope)).refused("invalid_scope")
	}
}

// manyScopes: what is longer than 4 KiB is refused by its length. A second is
// generous: the work takes microseconds if it is linear.
func manyScopes(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, word := range []string{"read", "abcdefg", "a"} {
		for _, r := range both(clientCredentials(f.c1).with("scope", strings.TrimSpace(strings.Repeat(word+" ", 8192/(len(word)+1))))) {
			f.asked(nil)
			f.send(r).refused("invalid_request")
			f.asked(nil)
		}
	}
	for _, r := range both(clientCredentials(f.c1).with("scope", strings.TrimSpace(strings.Repeat("read write ", 370)))) {
		start := time.Now()
		f.send(r).granted("read write")
		if took := time.Since(start); took > time.Second {
			t.Errorf("740 scopes took %v, want less than a second", took)
		}
	}
}

// scopeWithCode is pinned: a scope that could be one is ignored (RFC 6749
// §4.1.3), one that could not is refused.
func scopeWithCode(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, scope := range []string{"admin:x", "read", "root", "read write admin:x", ""} {
		f.send(f.redeem(f.c1, f.code(f.c1)).with("scope", scope)).granted("read write")
		f.send(f.redeem(f.c1, f.code(f.c1)).with("scope", scope).json()).granted("read write")
	}
	code := f.code(f.c1)
	f.send(f.redeem(f.c1, code).with("scope", `re"ad`)).refused("invalid_scope")
	f.send(f.redeem(f.c1, code)).tokens()
}
