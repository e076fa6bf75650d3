package endpointtest

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

var refreshRules = slices.Concat([]rule{
	{"I01_a_refresh_token_gives_tokens", i01},
	{"I02_missing_refresh_token", i02},
	{"I03_what_was_never_issued", i03},
	{"I04_other_spellings_of_a_token", i04},
	{"I05_token_of_another_client", i05},
	{"I06_confidential_client_without_authentication", i06},
	{"I07_public_client_sends_its_client_id", i07},
	{"I33_what_the_store_holds_is_no_credential", i33},
	{"I37_a_refresh_token_is_nothing_else", i37},
}, rotationRules, refreshScopeRules, refreshRaceRules)

// i01 includes that RT' follows RT, in the same family and in its grant.
func i01(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.c1)
	for _, r := range both(refresh(f.c1, token)) {
		got := f.send(r).tokens()
		if !strings.HasPrefix(got.refreshToken, "rt_") || got.refreshToken == token {
			t.Errorf("refresh_token is %q, want another that begins with rt_", got.refreshToken)
		}
		if got.scope != "read write" || got.claims["sub"] != "u1" || got.claims["client_id"] != f.c1.id {
			t.Errorf("scope is %q and the claims are %v, want what the code gave", got.scope, got.claims)
		}
	}
	next := f.works(f.c1, token)
	if a, b := f.record(token).Family, f.record(next).Family; a != b {
		t.Errorf("the successor is of family %q, want %q", b, a)
	}
	f.works(f.c1, next)
}

func i02(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.store.counted()
	absent := form("grant_type", "refresh_token").by(f.c1)
	null := rawJSON(`{"grant_type":"refresh_token","refresh_token":null}`).by(f.c1)
	for _, r := range append(append(both(absent), both(absent.with("refresh_token", ""))...), null) {
		reply := f.send(r)
		reply.refused("invalid_request")
		reply.names("refresh_token")
	}
	if calls := f.store.counted(); len(calls) != 0 {
		t.Errorf("the store was called: %v, want it left alone", calls)
	}
}

// i03 changes every byte of a token in turn: the checksum finds it without the
// store.
func i03(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.c1)
	wrong := map[string]string{
		"garbage":               "garbage",
		"the prefix alone":      "rt_",
		"a prefix of a code":    "ac_" + token[3:],
		"no prefix":             token[3:],
		"a checksum of another": token[:46] + "AAAAAA",
		"cut by one":            token[:len(token)-1],
		"cut to half":           token[:len(token)/2],
		"one longer":            token + "A",
		"twice":                 token + token,
		"with a space behind":   token + " ",
		"in upper case":         strings.ToUpper(token),
		"every letter flipped":  strings.Map(flipCase, token),
	}
	for i := range token {
		changed := []byte(token)
		changed[i] = map[bool]byte{true: 'B', false: 'A'}[changed[i] == 'A']
		wrong[fmt.Sprintf("byte %d changed", i)] = string(changed)
	}
	f.store.counted()
	for name, w := range wrong {
		for _, r := range both(refresh(f.c1, w)) {
			if reply := f.send(r); reply.status != 400 || reply.envelope()["error"] != "invalid_grant" {
				t.Errorf("%s: got %d %s, want 400 invalid_grant", name, reply.status, reply.body)
			}
		}
	}
	if n := f.store.counted()[mCredential]; n != 0 {
		t.Errorf("the store was asked %d times for a token whose checksum is wrong, want never", n)
	}
	f.dead(f.c1, storage.NewSecret("rt_").Reveal())
	f.works(f.c1, token)
}

func flipCase(r rune) rune {
	if unicode.IsUpper(r) {
		return unicode.ToLower(r)
	}
	return unicode.ToUpper(r)
}

// i04: 43 characters of base64url have 4 spellings of their 32 bytes, six have
// 16 of their four. Only the one that was issued is the token, with a checksum
// that fits the other spelling too. A control character is refused as such
// (pinned: invalid_request, as in B16).
func i04(t *testing.T, open opener) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	const body = 3 + 43
	f := newFixture(t, open)
	token := f.refreshToken(f.c1)
	respell := func(at, spare int) []string {
		var spellings []string
		digit := strings.IndexByte(alphabet, token[at])
		for low := range 1 << spare {
			if d := digit&^(1<<spare-1) | low; d != digit {
				spellings = append(spellings, token[:at]+alphabet[d:d+1]+token[at+1:])
			}
		}
		return spellings
	}
	bodies, sums := respell(body-1, 2), respell(len(token)-1, 4)
	if len(bodies) != 3 || len(sums) != 15 {
		t.Fatalf("there are %d and %d other spellings, want 3 and 15", len(bodies), len(sums))
	}
	for _, s := range bodies {
		f.dead(f.c1, s, checksummed(s[:body]))
	}
	f.dead(f.c1, sums...)
	f.dead(f.c1, token+"=", token[:body]+"="+token[body:])
	for _, s := range []string{token + "\n", "\n" + token, token[:20] + "\n" + token[20:], token[:20] + "\r\n" + token[20:], token[:20] + "\t" + token[20:]} {
		for _, r := range both(refresh(f.c1, s)) {
			f.send(r).refused("invalid_request")
		}
	}
	f.works(f.c1, token)
}

func i05(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.c1)
	f.store.counted()
	for _, r := range both(refresh(f.c2, token)) {
		f.send(r).refused("invalid_grant")
	}
	f.wroteNothing()
	f.works(f.c1, token)
}

func i06(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.c1)
	f.store.counted()
	bare := form("grant_type", "refresh_token", "refresh_token", token)
	for _, r := range both(bare.with("client_id", f.c1.id)) {
		f.send(r).unauthorized()
	}
	f.send(bare.basic(f.c1.id, "")).unauthorized()
	f.send(bare.basic(f.c1.id, "wrong")).unauthorized()
	f.wroteNothing()
	f.works(f.c1, token)
}

func i07(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.pub)
	other := f.newClient(&storage.Client{ID: "pub2", AuthMethod: storage.AuthNone, GrantTypes: f.pub.record.GrantTypes, Scope: f.pub.record.Scope})
	f.store.counted()
	bare := form("grant_type", "refresh_token", "refresh_token", token)
	for i := range 2 { // form and JSON
		reply := f.send(both(bare)[i])
		reply.refused("invalid_request")
		reply.names("client_id")
		f.send(both(bare.with("client_id", f.c1.id))[i]).unauthorized()
		f.send(both(bare.with("client_id", other.id))[i]).refused("invalid_grant")
	}
	f.wroteNothing()
	f.works(f.pub, token)
}

// i33 presents what a reader of the database has, in every form that could
// pass for a token.
func i33(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.c1)
	c := f.record(f.works(f.c1, token))
	parent := f.record(token)
	f.store.counted()
	for name, b := range map[string][]byte{"the digest": c.Digest[:], "the parent's digest": parent.Digest[:], "the salt": parent.Salt} {
		for _, text := range []string{string(hex.AppendEncode(nil, b)), base64.RawURLEncoding.EncodeToString(b), base64.StdEncoding.EncodeToString(b)} {
			for _, presented := range []string{text, "rt_" + text, checksummed("rt_" + text)} {
				if reply := f.send(refresh(f.c1, presented)); reply.status != 400 || reply.envelope()["error"] != "invalid_grant" {
					t.Errorf("%s as a refresh token: got %d %s, want 400 invalid_grant", name, reply.status, reply.body)
				}
			}
		}
	}
	// The parent's record has a digest and a salt: together they are not
	// enough for the successor either.
	guess := storage.PresentedSecret(parent.Digest.String()).Derive("rt_", parent.Salt)
	f.dead(f.c1, guess.Reveal())
	f.wroteNothing()
	f.works(f.c1, token)
}

// i37: this server has no introspection and no resource. What it can say is
// that a refresh token has not the form of an access token, and that no grant
// takes it for something else.
func i37(t *testing.T, open opener) {
	f := newFixture(t, open, func(c *tokenendpoint.Config) { c.TokenType = "JWT" })
	token := f.refreshToken(f.c1)
	if strings.Contains(token, ".") {
		t.Errorf("the refresh token %q looks like a JWT", token)
	}
	f.send(f.redeem(f.c1, token)).refused("invalid_grant")
	f.send(f.redeem(f.c1, checksummed("ac_"+token[3:46]))).refused("invalid_grant")
	f.send(presentKey(f.c1, token)).refused("invalid_grant")
	f.send(form("grant_type", "client_credentials").basic(f.c1.id, token)).unauthorized()
	f.send(form("grant_type", "client_credentials").set("Authorization", "Bearer "+token)).unauthorized()
	for _, other := range []string{f.send(clientCredentials(f.c1)).tokens().accessToken, f.code(f.c1), f.apiKey(f.c1)} {
		f.dead(f.c1, other)
	}
	f.works(f.c1, token)
}
