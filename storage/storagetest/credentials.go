package storagetest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
)

var credentialRules = slices.Concat(recordRules, spendRules, repeatRules, revokeRules, raceRules, contextRules)

// recordRules are the rules for reading a record back unchanged.
var recordRules = []rule[storage.Credentials]{
	{"a credential is found with every field as it was created", docCreate, credentialComesBack},
	{"a credential with few fields is found with zero values", docType, bareCredential},
	{"a credential's nil audience stays nil and an empty one stays empty", docType, credentialLists},
	{"text comes back byte for byte", docCreate, credentialText},
	{"claims of 4 KiB and a hundred scopes come back whole", docCreate, largeCredential},
	{"instants keep their microseconds, in whatever zone and century", docPackage, credentialInstants},
	{"an unknown digest is ErrNotFound", docCredential, unknownCredential},
	{"the digest of one kind does not find another", docKind, credentialKinds},
	{"a digest that is taken is ErrExists and the first credential stays", docCreate, duplicateCredential},
	{"an expired credential is found and can be spent: the store does not judge time", docType, expiredCredential},
	{"what is spent is still found after its ExpiresAt", docType, spentCredentialStays},
	{"text with NUL or broken UTF-8 is kept as it is or refused", docCreate, brokenText},
	{"credentials are copied on the way in and out", docPackage, credentialCopies},
}

func credentialComesBack(t *tester, s storage.Credentials) {
	want := filledCredential(t)
	t.create(s, want)
	t.wantStored(s, "a credential", want)
	want.Revoked = true
	t.revoke(s, want.Family)
	t.wantStored(s, "a revoked credential", want)
}

func bareCredential(t *tester, s storage.Credentials) {
	at := now()
	want := &storage.Credential{
		Digest: newDigest(), Kind: "host", Family: rand.Text(), Issuer: "https://as.test", ClientID: "c", Subject: "s",
		IssuedAt: at, ExpiresAt: at.Add(time.Hour), FamilyExpiresAt: at.Add(time.Hour),
	}
	t.create(s, want)
	t.wantStored(s, "a credential with few fields", want)
	if got := t.find(s, want.Digest); !got.SpentAt.IsZero() || got.Spent() {
		t.Errorf("SpentAt of an unspent credential: got %v, want the zero time", got.SpentAt)
	}
}

func credentialLists(t *tester, s storage.Credentials) {
	for _, audience := range [][]string{nil, {}} {
		c := newCredential()
		c.Audience = audience
		t.wantNil("Audience", t.created(s, c).Audience, audience)
		next := successor(c)
		next.Audience = audience
		t.spend(s, spending(c), next, now())
		t.wantNil("Audience of a successor", t.find(s, next.Digest).Audience, audience)
	}
}

func credentialText(t *tester, s storage.Credentials) {
	want := newCredential()
	want.Subject = "Zoë \U0001F600 'O\"Brien\\ {a,b}\t%_ "
	want.Scope = []string{"a,b", "{c}", "it's", "https://api.test/x?y=%20", "$1", "[d]"}
	want.Audience = []string{"two words", `"quoted"`, "https://api.test/a,b", ""}
	want.Claims = []byte(" {\"b\": \"\U0001F600\", \"a\": \"\\u0000 \\\"\", \"n\": 1.0 }\n")
	want.RedirectURI = "https://app.test/?a=b&c='d'"
	t.create(s, want)
	t.wantStored(s, "a credential with unusual text", want)
}

func largeCredential(t *tester, s storage.Credentials) {
	claims, err := json.Marshal(map[string]string{"text": strings.Repeat("claims! ", 512)})
	if err != nil {
		t.Fatalf("encoding claims: %v", err)
	}
	want := newCredential()
	want.Claims, want.Scope = claims, manyStrings("scope")
	t.create(s, want)
	next := successor(want)
	next.Claims, next.Scope, next.Audience = claims, manyStrings("scope"), manyStrings("https://api.test/")
	t.spend(s, spending(want), next, now())
	t.wantStored(s, "a large successor", next)
}

func credentialInstants(t *tester, s storage.Credentials) {
	east := time.FixedZone("east", 5*3600+1800)
	want := newCredential()
	want.IssuedAt = time.Date(2026, 3, 29, 2, 30, 0, 999_999_000, east)
	want.ExpiresAt = now().In(east)
	want.FamilyExpiresAt = time.Date(2100, 2, 28, 23, 59, 59, 1000, time.UTC)
	t.create(s, want)
	t.wantStored(s, "a credential with unusual instants", want)

	old := spending(want)
	want.Uses, want.Salt, want.SpentAt = 1, old.Salt, now().Add(time.Microsecond).In(east)
	t.spend(s, old, nil, want.SpentAt)
	t.wantStored(s, "a credential that was spent at an unusual instant", want)
}

func unknownCredential(t *tester, s storage.Credentials) {
	c := newCredential()
	t.create(s, c)
	for i := range c.Digest {
		near := c.Digest
		near[i] ^= 1
		t.wantAbsent(s, fmt.Sprintf("a digest that differs in byte %d", i), near)
	}
	t.wantAbsent(s, "the zero digest", storage.Digest{})
}

func credentialKinds(t *tester, s storage.Credentials) {
	secret := storage.NewSecret("ac_")
	code := newCredential()
	code.Kind, code.Digest = storage.KindAuthorizationCode, secret.Digest(storage.KindAuthorizationCode)
	t.create(s, code)
	t.wantAbsent(s, "a code presented as a refresh token", secret.Digest(storage.KindRefreshToken))

	refresh := newCredential()
	refresh.Digest = secret.Digest(storage.KindRefreshToken)
	t.create(s, refresh)
	t.wantStored(s, "the code", code)
	t.wantStored(s, "the refresh token of the same text", refresh)
}

func duplicateCredential(t *tester, s storage.Credentials) {
	first := newCredential()
	t.create(s, first)
	second := newCredential()
	second.Digest, second.Subject = first.Digest, "mallory"
	t.wantErr("CreateCredential of a digest that is taken", s.CreateCredential(t.ctx, second), storage.ErrExists)
	t.wantStored(s, "the first credential", first)

	old := spending(first)
	t.spend(s, old, nil, now())
	t.wantErr("CreateCredential of a spent digest", s.CreateCredential(t.ctx, second), storage.ErrExists)
	if got := t.find(s, first.Digest); !got.Spent() {
		t.Errorf("the first credential, after another CreateCredential: got unspent, want spent")
	}
}

func expiredCredential(t *tester, s storage.Credentials) {
	c := newCredential()
	c.IssuedAt, c.ExpiresAt = c.IssuedAt.Add(-2*time.Hour), c.IssuedAt.Add(-time.Hour)
	t.create(s, c)
	t.wantStored(s, "an expired credential", c)
	t.spend(s, spending(c), nil, now())
}

func spentCredentialStays(t *tester, s storage.Credentials) {
	c := newCredential()
	c.IssuedAt, c.ExpiresAt = c.IssuedAt.Add(-2*time.Hour), c.IssuedAt.Add(-time.Hour)
	t.create(s, c)
	old, at := spending(c), c.IssuedAt.Add(time.Minute)
	next := successor(c)
	t.spend(s, old, next, at)

	got, err := s.Credential(t.ctx, c.Digest)
	switch {
	case err != nil:
		t.Fatalf("Credential of a spent credential: got error %v, want the record: a replay is recognised by it", err)
	case !got.Spent() || !got.SpentAt.Equal(at):
		t.Errorf("a spent credential: got Uses %d and SpentAt %v, want 1 and %v", got.Uses, got.SpentAt, at)
	}
}

// brokenText lets a store choose: text that it cannot keep must be refused, but
// not with a verdict, and must not be kept as something else.
func brokenText(t *tester, s storage.Credentials) {
	for _, subject := range broken("alice") {
		c := newCredential()
		c.Subject = subject
		if err := s.CreateCredential(t.ctx, c); err != nil {
			if len(verdicts(err)) > 0 {
				t.Errorf("CreateCredential with the subject %q: got %v, want nil or an outage", subject, err)
			}
			t.wantAbsent(s, "what was refused", c.Digest)
			continue
		}
		t.wantStored(s, fmt.Sprintf("a credential with the subject %q", subject), c)
	}
}

func credentialCopies(t *tester, s storage.Credentials) {
	in := filledCredential(t)
	want := deepCopy(in)
	t.create(s, in)
	scribble(in)
	out := t.find(s, want.Digest)
	t.wantSame("a credential, after what was created was changed,", out, want)
	scribble(out)
	t.wantStored(s, "a credential, after what was found was changed,", want)

	old, next := spending(want), filledCredential(t)
	next.Family = want.Family
	oldIn, nextIn, at := deepCopy(old), deepCopy(next), now()
	t.spend(s, oldIn, nextIn, at)
	t.wantSame("old, which was only passed to Spend,", oldIn, old)
	t.wantSame("next, which was only passed to Spend,", nextIn, next)
	scribble(oldIn)
	scribble(nextIn)
	want.Uses, want.SpentAt, want.Salt = 1, at, bytes.Clone(old.Salt)
	t.wantStored(s, "what was spent, after old was changed,", want)
	t.wantStored(s, "the successor, after next was changed,", next)
	scribble(t.find(s, want.Digest))
	t.wantStored(s, "what was spent, after what was found was changed,", want)
}
