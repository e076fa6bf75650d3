package storagetest

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
)

// Comments that rules come from.
const (
	docRevokeToken = "the comment of storage.Revocations.RevokeToken"
	docRevoked     = "the comment of storage.Revocations.Revoked"
)

var revocationRules = slices.Concat(tokenRules, familyRules, tokenContextRules, tokenRaceRules)

// tokenRules are the rules for the revocation of one access token.
var tokenRules = []rule[Revocations]{
	{"a token is revoked once RevokeToken has returned, and not before", docRevokeToken, tokenRevoked},
	{"RevokeToken leaves other tokens alone, however alike their identifiers", docRevokeToken, tokenOthers},
	{"an identifier of 512 bytes is kept whole", docRevokeToken, tokenLong},
	{"RevokeToken leaves the token's family alone", docRevokeToken, tokenNotFamily},
	{"to revoke a token again is no error, and the later expiresAt holds", docRevokeToken, tokenAgain},
}

// familyRules are the rules for the access tokens of a revoked family.
var familyRules = []rule[Revocations]{
	{"every token of a revoked family is revoked", docRevoked, familyTokens},
	{"a family that was revoked before it had a credential has revoked tokens", docRevoked, familyWithoutCredential},
	{"Revoke leaves the tokens of other families alone, however alike their names", docRevoked, familyOthers},
	{"a token without a family is not revoked with any", docRevoked, noFamily},
}

var tokenContextRules = []rule[Revocations]{
	{"an ended context never looks like a verdict about a token", docPackage, tokenEndedReads},
	{"an ended context revokes no token", docPackage, tokenEndedWrites},
}

func newTokenID() string { return "jti-" + rand.Text() }

// nextHour is when the access tokens of the suite expire.
func nextHour() time.Time { return now().Add(time.Hour) }

func (t *tester) revokeToken(s storage.Revocations, id string, expiresAt time.Time) {
	t.Helper()
	if err := s.RevokeToken(t.ctx, id, expiresAt); err != nil {
		t.Fatalf("RevokeToken: got error %v, want none", err)
	}
}

// wantRevoked reports a token that is not as revoked as it must be.
func (t *tester) wantRevoked(s storage.Revocations, what, id, family string, want bool) {
	t.Helper()
	if got, err := s.Revoked(t.ctx, id, family); err != nil || got != want {
		t.Errorf("Revoked of %s: got %t and error %v, want %t", what, got, err, want)
	}
}

func tokenRevoked(t *tester, s Revocations) {
	for _, family := range []string{rand.Text(), ""} {
		id := newTokenID()
		t.wantRevoked(s, "a token that nobody has revoked", id, family, false)
		t.revokeToken(s, id, nextHour())
		for range 2 {
			t.wantRevoked(s, "a token that was revoked", id, family, true)
		}
		t.wantRevoked(s, "a token that was revoked, asked for without its family", id, "", true)
		t.wantRevoked(s, "another token of the family", newTokenID(), family, false)
	}
}

// alike returns names that a careless store takes for one another. The first
// has letters of both cases and an underscore.
func alike(name string) []string {
	return []string{
		name, strings.ToLower(name), strings.ToUpper(name), name + " ", " " + name, name + "\t",
		strings.Replace(name, "_", "%", 1), strings.Replace(name, "_", "x", 1), name + "x", name[1:], name + "'",
		name + "\u00e9", name + "e\u0301", name + "e", // one letter, composed and not, and without its accent
	}
}

func tokenOthers(t *tester, s Revocations) {
	all := alike("Token_" + rand.Text())
	for _, id := range broken(all[0]) {
		// A store may refuse these; it may not take them for another.
		err := s.RevokeToken(t.ctx, id, nextHour())
		if len(verdicts(err)) > 0 {
			t.Errorf("RevokeToken(%q): got %v, want nil or an outage", id, err)
		}
		if err == nil {
			t.wantRevoked(s, fmt.Sprintf("%q, which was revoked,", id), id, "", true)
		}
	}
	for i, id := range all {
		for _, later := range all[i:] {
			t.wantRevoked(s, fmt.Sprintf("%q, after the revocation of %q,", later, all[:i]), later, "", false)
		}
		t.revokeToken(s, id, nextHour())
		t.wantRevoked(s, fmt.Sprintf("%q, which was revoked,", id), id, "", true)
	}
	t.revokeToken(s, "%", nextHour())
	t.wantRevoked(s, "a token, after the revocation of %,", newTokenID(), "", false)
}

func tokenLong(t *tester, s Revocations) {
	id := strings.Repeat("x", 512-len(rand.Text())) + rand.Text()
	family := id[:511] + "y"
	t.revokeToken(s, id, nextHour())
	t.revoke(s, family)
	t.wantRevoked(s, "a token with an identifier of 512 bytes", id, "", true)
	t.wantRevoked(s, "one whose identifier differs in the last byte", id[:511]+"-", "", false)
	t.wantRevoked(s, "one whose identifier has the first 511 bytes", id[:511], "", false)
	t.wantRevoked(s, "a token whose revoked family has a name of 512 bytes", newTokenID(), family, true)
	t.wantRevoked(s, "one whose family's name differs in the last byte", newTokenID(), id[:511]+"-", false)
}

func tokenNotFamily(t *tester, s Revocations) {
	c := newCredential()
	t.create(s, c)
	t.revokeToken(s, newTokenID(), nextHour())
	id := newTokenID()
	t.revokeToken(s, id, nextHour())
	t.wantRevoked(s, "a token that was revoked", id, c.Family, true)
	t.wantRevoked(s, "another token of its family", newTokenID(), c.Family, false)
	t.wantStored(s, "a credential of its family", c)

	// A token and a family of one name have nothing to do with each other.
	t.revokeToken(s, c.Family, nextHour())
	t.wantRevoked(s, "a token whose family has the name of a revoked token", newTokenID(), c.Family, false)
	t.wantStored(s, "a credential whose family has the name of a revoked token", c)
	name := rand.Text()
	t.revoke(s, name)
	t.wantRevoked(s, "a token that has the name of a revoked family", name, c.Family, false)
}

// tokenAgain brings instants that have passed as well: a store that lets its
// records expire by itself has forgotten the token if it took the last of them.
func tokenAgain(t *tester, s Revocations) {
	past, future := now().AddDate(0, 0, -2), nextHour()
	for what, instants := range map[string][]time.Time{
		"twice until one instant":            {future, future},
		"until an instant, and an earlier":   {future, past},
		"until an instant, and a later":      {past, future},
		"until three instants":               {past, future, past.Add(time.Hour)},
		"until an instant, and one far away": {future, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), past},
	} {
		id := newTokenID()
		for _, at := range instants {
			t.revokeToken(s, id, at)
		}
		t.wantRevoked(s, "a token that was revoked "+what+",", id, "", true)
	}
}

func familyTokens(t *tester, s Revocations) {
	c, other := newCredential(), newCredential()
	next := successor(c)
	t.create(s, other)
	found, before := t.created(s, c), newTokenID()
	t.wantRevoked(s, "a token of a family that lives", before, c.Family, false)
	t.spend(s, spending(found), next, now())
	t.wantRevoked(s, "a token of a family that was used", before, c.Family, false)
	t.revoke(s, c.Family)
	for range 2 {
		t.wantRevoked(s, "a token that somebody has asked for before its family was revoked", before, c.Family, true)
		t.wantRevoked(s, "a token of a revoked family", newTokenID(), c.Family, true)
	}
	t.wantRevoked(s, "a token of another family", newTokenID(), other.Family, false)
	t.wantRevoked(s, "a token without a family", before, "", false)
	t.revokeToken(s, before, nextHour())
	t.wantRevoked(s, "a token that was revoked with its family and by itself", before, c.Family, true)
}

func familyWithoutCredential(t *tester, s Revocations) {
	family := rand.Text()
	t.revoke(s, family)
	t.wantRevoked(s, "a token of a revoked family that has no credential", newTokenID(), family, true)
	t.wantBornRevoked(s, family)
	t.wantRevoked(s, "a token of a revoked family that got a credential", newTokenID(), family, true)
	t.revoke(s, family)
	t.wantRevoked(s, "a token of a family that was revoked twice", newTokenID(), family, true)
}

func familyOthers(t *tester, s Revocations) {
	all := alike("Family_" + rand.Text())
	for _, family := range broken(all[0]) {
		if err := s.Revoke(t.ctx, family); len(verdicts(err)) > 0 {
			t.Errorf("Revoke(%q): got %v, want nil or an outage", family, err)
		}
	}
	for i, family := range all {
		for _, later := range all[i:] {
			t.wantRevoked(s, fmt.Sprintf("a token of %q, after the revocation of %q,", later, all[:i]), newTokenID(), later, false)
		}
		t.revoke(s, family)
		t.wantRevoked(s, fmt.Sprintf("a token of %q, which was revoked,", family), newTokenID(), family, true)
	}
	for _, family := range broken(all[0]) {
		if _, err := s.Revoked(t.ctx, newTokenID(), family); len(verdicts(err)) > 0 {
			t.Errorf("Revoked of a token of %q: got error %v, want none or an outage", family, err)
		}
	}
}

// noFamily revokes the empty family too, which a store may refuse.
func noFamily(t *tester, s Revocations) {
	t.revoke(s, rand.Text())
	t.revoke(s, " ")
	if err := s.Revoke(t.ctx, ""); len(verdicts(err)) > 0 {
		t.Errorf("Revoke of the empty family: got %v, want nil or an outage", err)
	}
	id := newTokenID()
	t.wantRevoked(s, "a token without a family, after other revocations,", id, "", false)
	t.revokeToken(s, id, nextHour())
	t.wantRevoked(s, "a token without a family that was revoked", id, "", true)
	t.wantRevoked(s, "another one", newTokenID(), "", false)
}

// tokenEndedReads asks, with an ended context, about revoked and unrevoked
// tokens.
func tokenEndedReads(t *tester, s Revocations) {
	revoked, family := newTokenID(), rand.Text()
	t.revokeToken(s, revoked, nextHour())
	t.revoke(s, family)
	for _, ctx := range endedContexts(t.ctx) {
		for what, of := range map[string][2]string{
			"a token that is not revoked":              {newTokenID(), rand.Text()},
			"a token without a family":                 {newTokenID(), ""},
			"a token that is revoked":                  {revoked, ""},
			"a token whose family is revoked":          {newTokenID(), family},
			"one that is, of a family that is revoked": {revoked, family},
		} {
			_, err := s.Revoked(ctx, of[0], of[1])
			t.wantEnded("Revoked of "+what, ctx, err)
		}
	}
}

func tokenEndedWrites(t *tester, s Revocations) {
	revoked := newTokenID()
	t.revokeToken(s, revoked, nextHour())
	for _, ctx := range endedContexts(t.ctx) {
		id, family := newTokenID(), rand.Text()
		t.wantEnded("RevokeToken", ctx, s.RevokeToken(ctx, id, nextHour()))
		t.wantEnded("RevokeToken of a revoked token", ctx, s.RevokeToken(ctx, revoked, nextHour()))
		t.wantEnded("Revoke", ctx, s.Revoke(ctx, family))
		t.wantRevoked(s, "what was to be revoked", id, family, false)
	}
	t.wantRevoked(s, "what was revoked before", revoked, "", true)
}
