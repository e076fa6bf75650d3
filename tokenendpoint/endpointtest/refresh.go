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
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
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
}, rotationRules, refreshRaceRules)

// i01 includes that RT' follows RT, in the same family and in its grant.
func i01(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	token := f.RefreshToken(f.C1)
	for _, r := range testbed.Both(testbed.Refresh(f.C1, token)) {
		got := f.Send(r).Tokens()
		if !strings.HasPrefix(got.RefreshToken, "rt_") || got.RefreshToken == token {
			t.Errorf("refresh_token is %q, want another that begins with rt_", got.RefreshToken)
		}
		if got.Scope != "read write" || got.Claims["sub"] != "u1" || got.Claims["client_id"] != f.C1.ID {
			t.Errorf("scope is %q and the claims are %v, want those of the code", got.Scope, got.Claims)
		}
	}
	next := f.Works(f.C1, token)
	if a, b := f.Record(token).Family, f.Record(next).Family; a != b {
		t.Errorf("the successor is of family %q, want %q", b, a)
	}
	f.Works(f.C1, next)
}

func i02(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	f.Store.Counted()
	absent := testbed.Form("grant_type", "refresh_token").By(f.C1)
	null := testbed.RawJSON(`{"grant_type":"refresh_token","refresh_token":null}`).By(f.C1)
	for _, r := range append(append(testbed.Both(absent), testbed.Both(absent.With("refresh_token", ""))...), null) {
		reply := f.Send(r)
		reply.Refused("invalid_request")
		reply.Names("refresh_token")
	}
	if calls := f.Store.Counted(); len(calls) != 0 {
		t.Errorf("the store was called: %v, want it left alone", calls)
	}
}

// i03 changes every byte of a token in turn: the checksum finds it without the
// store.
func i03(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	token := f.RefreshToken(f.C1)
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
	f.Store.Counted()
	for name, w := range wrong {
		for _, r := range testbed.Both(testbed.Refresh(f.C1, w)) {
			if reply := f.Send(r); reply.Status != 400 || reply.Envelope()["error"] != "invalid_grant" {
				t.Errorf("%s: got %d %s, want 400 invalid_grant", name, reply.Status, reply.Body)
			}
		}
	}
	if n := f.Store.Counted()[testbed.CallCredential]; n != 0 {
		t.Errorf("the store was asked %d times for a token whose checksum is wrong, want never", n)
	}
	f.Dead(f.C1, storage.NewSecret("rt_").Reveal())
	f.Works(f.C1, token)
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
func i04(t *testing.T, open testbed.Opener) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	const body = 3 + 43
	f := testbed.New(t, open)
	token := f.RefreshToken(f.C1)
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
		f.Dead(f.C1, s, testbed.Checksummed(s[:body]))
	}
	f.Dead(f.C1, sums...)
	f.Dead(f.C1, token+"=", token[:body]+"="+token[body:])
	for _, s := range []string{token + "\n", "\n" + token, token[:20] + "\n" + token[20:], token[:20] + "\r\n" + token[20:], token[:20] + "\t" + token[20:]} {
		for _, r := range testbed.Both(testbed.Refresh(f.C1, s)) {
			f.Send(r).Refused("invalid_request")
		}
	}
	f.Works(f.C1, token)
}

func i05(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	token := f.RefreshToken(f.C1)
	f.Store.Counted()
	for _, r := range testbed.Both(testbed.Refresh(f.C2, token)) {
		f.Send(r).Refused("invalid_grant")
	}
	f.WroteNothing()
	f.Works(f.C1, token)
}

func i06(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	token := f.RefreshToken(f.C1)
	f.Store.Counted()
	bare := testbed.Form("grant_type", "refresh_token", "refresh_token", token)
	for _, r := range testbed.Both(bare.With("client_id", f.C1.ID)) {
		f.Send(r).Unauthorized()
	}
	f.Send(bare.Basic(f.C1.ID, "")).Unauthorized()
	f.Send(bare.Basic(f.C1.ID, "wrong")).Unauthorized()
	f.WroteNothing()
	f.Works(f.C1, token)
}

func i07(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	token := f.RefreshToken(f.Pub)
	other := f.NewClient(&storage.Client{ID: "pub2", AuthMethod: storage.AuthNone, GrantTypes: f.Pub.Record.GrantTypes, Scope: f.Pub.Record.Scope})
	f.Store.Counted()
	bare := testbed.Form("grant_type", "refresh_token", "refresh_token", token)
	for i := range 2 { // form and JSON
		reply := f.Send(testbed.Both(bare)[i])
		reply.Refused("invalid_request")
		reply.Names("client_id")
		f.Send(testbed.Both(bare.With("client_id", f.C1.ID))[i]).Unauthorized()
		f.Send(testbed.Both(bare.With("client_id", other.ID))[i]).Refused("invalid_grant")
	}
	f.WroteNothing()
	f.Works(f.Pub, token)
}

// i33 presents the values that a reader of the database has, in every form that
// could pass for a token.
func i33(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	token := f.RefreshToken(f.C1)
	c := f.Record(f.Works(f.C1, token))
	parent := f.Record(token)
	f.Store.Counted()
	for name, b := range map[string][]byte{"the digest": c.Digest[:], "the parent's digest": parent.Digest[:], "the salt": parent.Salt} {
		for _, text := range []string{string(hex.AppendEncode(nil, b)), base64.RawURLEncoding.EncodeToString(b), base64.StdEncoding.EncodeToString(b)} {
			for _, presented := range []string{text, "rt_" + text, testbed.Checksummed("rt_" + text)} {
				if reply := f.Send(testbed.Refresh(f.C1, presented)); reply.Status != 400 || reply.Envelope()["error"] != "invalid_grant" {
					t.Errorf("%s as a refresh token: got %d %s, want 400 invalid_grant", name, reply.Status, reply.Body)
				}
			}
		}
	}
	// The parent's record has a digest and a salt: together they are not
	// enough for the successor either.
	guess := storage.PresentedSecret(parent.Digest.String()).Derive("rt_", parent.Salt)
	f.Dead(f.C1, guess.Reveal())
	f.WroteNothing()
	f.Works(f.C1, token)
}

// i37: this server has no introspection and no resource. So this rule only shows
// that a refresh token has not the form of an access token, and that no grant
// takes it for something else.
func i37(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, func(c *tokenendpoint.Config) { c.TokenType = "JWT" })
	token := f.RefreshToken(f.C1)
	if strings.Contains(token, ".") {
		t.Errorf("the refresh token %q looks like a JWT", token)
	}
	f.Send(f.Redeem(f.C1, token)).Refused("invalid_grant")
	f.Send(f.Redeem(f.C1, testbed.Checksummed("ac_"+token[3:46]))).Refused("invalid_grant")
	f.Send(testbed.PresentKey(f.C1, token)).Refused("invalid_grant")
	f.Send(testbed.Form("grant_type", "client_credentials").Basic(f.C1.ID, token)).Unauthorized()
	f.Send(testbed.Form("grant_type", "client_credentials").Set("Authorization", "Bearer "+token)).Challenged("Bearer")
	for _, other := range []string{f.Send(testbed.ClientCredentials(f.C1)).Tokens().AccessToken, f.Code(f.C1), f.APIKey(f.C1)} {
		f.Dead(f.C1, other)
	}
	f.Works(f.C1, token)
}
