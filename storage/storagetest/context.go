package storagetest

import (
	"github.com/contit/oauth/storage"
)

// contextRules are the rules for callers that have given up.
var contextRules = []rule[storage.Credentials]{
	{"an ended context never looks like a verdict about a credential", docPackage, endedReads},
	{"an ended context changes nothing", docPackage, endedWrites},
}

// endedReads makes each call that would return a sentinel if its context had
// not ended.
func endedReads(t *tester, s storage.Credentials) {
	used := t.repeating(s, 1)
	taken := newCredential()
	t.create(s, taken)
	for _, ctx := range endedContexts(t.ctx) {
		_, err := s.Credential(ctx, newDigest())
		t.wantEnded("Credential of an unknown digest", ctx, err)
		_, err = s.Credential(ctx, used.Digest)
		t.wantEnded("Credential", ctx, err)
		t.wantEnded("CreateCredential of a digest that is taken", ctx, s.CreateCredential(ctx, taken))
		t.wantEnded("Spend of an unknown digest", ctx, s.Spend(ctx, newCredential(), nil, now()))
		t.wantEnded("Spend of what is used up", ctx, s.Spend(ctx, used, nil, now()))
	}
}

func endedWrites(t *tester, s storage.Credentials) {
	used, c := t.repeating(s, 10), newCredential()
	found := t.created(s, c)
	for _, ctx := range endedContexts(t.ctx) {
		created, next := successor(c), successor(c)
		t.wantEnded("CreateCredential", ctx, s.CreateCredential(ctx, created))
		t.wantAbsent(s, "what was to be created", created.Digest)

		t.wantEnded("Spend", ctx, s.Spend(ctx, spending(found), next, now()))
		t.wantAbsent(s, "the successor that was to be added", next.Digest)
		t.wantEnded("a repeated use", ctx, s.Spend(ctx, used, nil, now()))
		t.wantStored(s, "what was to be used again", used)

		t.wantEnded("Revoke", ctx, s.Revoke(ctx, c.Family))
		t.wantStored(s, "what was to be spent and revoked", c)
	}
	t.spend(s, spending(found), nil, now())
}
