package storagetest

import (
	"github.com/contit/oauth/storage"
)

var apiKeyRules = []rule[APIKeys]{
	{"an API key is found with every field as it was put", docAPIKey, apiKeyComesBack},
	{"an API key with few fields is found with zero values", docAPIKeyType, bareAPIKey},
	{"an API key's nil audience stays nil and an empty one stays empty", docAPIKeyType, apiKeyLists},
	{"an API key with a hundred scopes is found whole", docAPIKey, largeAPIKey},
	{"an unknown API key is ErrNotFound", docAPIKey, unknownAPIKey},
	{"a revoked or expired API key is found", docAPIKey, deadAPIKey},
	{"API keys are copied on the way in and out", docPackage, apiKeyCopies},
	{"an ended context never looks like a verdict about an API key", docPackage, apiKeyContext},
}

// storageRules are those that need several parts of a store.
var storageRules = []rule[Store]{
	{"an API key is not found as a credential, nor a credential as an API key", docKind, kindsApart},
}

func (t *tester) putAPIKey(s APIKeys, k *storage.APIKey) {
	t.Helper()
	if err := s.PutAPIKey(t.ctx, k); err != nil {
		t.Fatalf("PutAPIKey of a new key: got error %v, want none", err)
	}
}

func (t *tester) findAPIKey(s APIKeys, d storage.Digest) *storage.APIKey {
	t.Helper()
	k, err := s.APIKey(t.ctx, d)
	if err != nil || k == nil {
		t.Fatalf("APIKey of a digest that is there: got %v and error %v, want it", k, err)
	}
	return k
}

func apiKeyComesBack(t *tester, s APIKeys) {
	want := filledAPIKey(t)
	t.putAPIKey(s, want)
	t.wantSame("an API key", t.findAPIKey(s, want.Digest), want)
}

func bareAPIKey(t *tester, s APIKeys) {
	full := filledAPIKey(t)
	want := &storage.APIKey{Digest: full.Digest, ID: full.ID, ClientID: full.ClientID}
	t.putAPIKey(s, want)
	t.wantSame("an API key with few fields", t.findAPIKey(s, want.Digest), want)
}

func apiKeyLists(t *tester, s APIKeys) {
	for _, audience := range [][]string{nil, {}} {
		k := filledAPIKey(t)
		k.Audience = audience
		t.putAPIKey(s, k)
		t.wantNil("Audience", t.findAPIKey(s, k.Digest).Audience, audience)
	}
}

func largeAPIKey(t *tester, s APIKeys) {
	want := filledAPIKey(t)
	want.Scope = manyStrings("scope")
	t.putAPIKey(s, want)
	t.wantSame("an API key with a hundred scopes", t.findAPIKey(s, want.Digest), want)
}

func unknownAPIKey(t *tester, s APIKeys) {
	k := filledAPIKey(t)
	t.putAPIKey(s, k)
	near := k.Digest
	near[len(near)-1] ^= 1
	for _, d := range []storage.Digest{newDigest(), near, {}} {
		_, err := s.APIKey(t.ctx, d)
		t.wantErr("APIKey of an unknown digest", err, storage.ErrNotFound)
	}
}

func deadAPIKey(t *tester, s APIKeys) {
	k := filledAPIKey(t)
	k.CreatedAt = now().AddDate(-2, 0, 0)
	k.ExpiresAt, k.RevokedAt = k.CreatedAt.AddDate(1, 0, 0), k.CreatedAt.AddDate(0, 1, 0)
	t.putAPIKey(s, k)
	t.wantSame("a revoked and expired API key", t.findAPIKey(s, k.Digest), k)
}

func apiKeyCopies(t *tester, s APIKeys) {
	in := filledAPIKey(t)
	want := deepCopy(in)
	t.putAPIKey(s, in)
	scribble(in)
	out := t.findAPIKey(s, want.Digest)
	t.wantSame("an API key, after what was put was changed,", out, want)
	scribble(out)
	t.wantSame("an API key, after what was found was changed,", t.findAPIKey(s, want.Digest), want)
}

func apiKeyContext(t *tester, s APIKeys) {
	k := filledAPIKey(t)
	t.putAPIKey(s, k)
	for _, ctx := range endedContexts(t.ctx) {
		for _, d := range []storage.Digest{k.Digest, newDigest()} {
			_, err := s.APIKey(ctx, d)
			t.wantEnded("APIKey", ctx, err)
		}
	}
}

func kindsApart(t *tester, s Store) {
	k, c := filledAPIKey(t), newCredential()
	t.putAPIKey(s, k)
	t.create(s, c)
	t.wantAbsent(s, "an API key's digest", k.Digest)
	_, err := s.APIKey(t.ctx, c.Digest)
	t.wantErr("APIKey of a credential's digest", err, storage.ErrNotFound)
}
