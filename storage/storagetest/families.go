package storagetest

import (
	"crypto/rand"
	"slices"
	"time"

	"github.com/contit/oauth/storage"
)

var managedFamilyRules = []rule[Families]{
	{"a family is listed as its live credential, with its history", docFamilies, familyListed},
	{"a family that is spent, expired, revoked or another's is not listed", docFamilies, familiesNotListed},
	{"a refresh token past its ExpiresAt is listed until its family ends", docFamilies, familyIdle},
	{"families are listed in pages by their IDs, each once", docFamilies, familyPages},
	{"RevokeFamily ends one family of the subject, and knows nobody else's", docFamilies, revokeFamily},
	{"RevokeFamilies ends every family of the subject and of nobody else", docFamilies, revokeFamilies},
	{"RevokeFamiliesOfClient leaves the families of other clients", docFamilies, revokeFamiliesOfClient},
	{"RevokeSubject ends the subject's API keys and families, and nobody else's", docFamilies, revokeSubject},
	{"the empty subject cannot be revoked", docFamilies, revokeNobody},
	{"an ended context changes no family", docPackage, familyContext},
}

// issued returns a new credential of a subject, which is in the store.
func (t *tester) issued(s storage.Credentials, subject string) *storage.Credential {
	t.Helper()
	c := newCredential()
	c.Subject = subject
	t.create(s, c)
	return c
}

// rotated spends a credential, and returns its successor, which lives longer.
func (t *tester) rotated(s storage.Credentials, c *storage.Credential, at time.Time) *storage.Credential {
	t.Helper()
	next := successor(c)
	next.Subject, next.IssuedAt, next.ExpiresAt = c.Subject, at, c.ExpiresAt.Add(time.Hour)
	t.spend(s, spending(t.find(s, c.Digest)), next, at)
	return next
}

func newSubject() string { return "subject-" + rand.Text() }

func (t *tester) families(s storage.Families, subject string, at time.Time) []storage.Family {
	t.Helper()
	all, err := s.ListFamilies(t.ctx, subject, at, storage.Page{})
	if err != nil {
		t.Fatalf("ListFamilies: got error %v, want none", err)
	}
	return all
}

func familyListed(t *tester, s Families) {
	first := t.issued(s, newSubject())
	at := first.IssuedAt.Add(time.Minute)
	next := t.rotated(s, first, at)
	want := storage.Family{
		ID: first.Family, ClientID: next.ClientID, Subject: next.Subject, Scope: next.Scope, Audience: next.Audience,
		IssuedAt: first.IssuedAt, LastUsedAt: at, ExpiresAt: next.ExpiresAt,
	}
	got := t.families(s, first.Subject, at)
	if len(got) != 1 {
		t.Fatalf("ListFamilies of a subject with one: got %d", len(got))
	}
	t.wantSame("a family", &got[0], &want)

	unused := t.issued(s, newSubject())
	if got := t.families(s, unused.Subject, at); len(got) != 1 || !got[0].LastUsedAt.IsZero() {
		t.Errorf("ListFamilies of one that was never used: got %+v, want it with no LastUsedAt", got)
	}
}

func familiesNotListed(t *tester, s Families) {
	subject := newSubject()
	live, spent, revoked := t.issued(s, subject), t.issued(s, subject), t.issued(s, subject)
	t.issued(s, newSubject())
	t.spend(s, spending(t.find(s, spent.Digest)), nil, now())
	t.revoke(s, revoked.Family)
	if got := t.families(s, subject, live.IssuedAt); len(got) != 1 || got[0].ID != live.Family {
		t.Errorf("ListFamilies: got %+v, want only %q, which lives", got, live.Family)
	}
	if got := t.families(s, subject, live.FamilyExpiresAt); len(got) != 0 {
		t.Errorf("ListFamilies when all has expired: got %+v, want none", got)
	}
	if got := t.families(s, newSubject(), live.IssuedAt); len(got) != 0 {
		t.Errorf("ListFamilies of an unknown subject: got %+v, want none", got)
	}
}

// familyIdle: a client that was switched to RefreshNotRotated still uses its refresh
// token after the end that the token had while it was to be rotated.
func familyIdle(t *tester, s Families) {
	subject := newSubject()
	first := t.issued(s, subject)
	next := t.rotated(s, first, first.IssuedAt.Add(time.Minute))
	code := newCredential()
	code.Kind, code.Subject = storage.KindAuthorizationCode, subject
	t.create(s, code)
	if got := t.families(s, subject, next.ExpiresAt); len(got) != 1 || got[0].ID != next.Family || !got[0].ExpiresAt.Equal(next.ExpiresAt) {
		t.Errorf("ListFamilies at the ExpiresAt of a refresh token and of a code: got %+v, want the family %q of the refresh token", got, next.Family)
	}
	if got := t.families(s, subject, next.FamilyExpiresAt.Add(-time.Microsecond)); len(got) != 1 {
		t.Errorf("ListFamilies just before the FamilyExpiresAt: got %+v, want one", got)
	}
	if got := t.families(s, subject, next.FamilyExpiresAt); len(got) != 0 {
		t.Errorf("ListFamilies at the FamilyExpiresAt: got %+v, want none", got)
	}
}

func familyPages(t *tester, s Families) {
	subject := newSubject()
	var want []string
	for range 5 {
		c := t.issued(s, subject)
		also := successor(c) // a second live credential of the family
		also.Subject = subject
		t.create(s, also)
		want = append(want, c.Family)
	}
	slices.Sort(want)
	at := now()
	t.wantPages("ListFamilies", "", want, func(p storage.Page) (ids []string, err error) {
		families, err := s.ListFamilies(t.ctx, subject, at, p)
		for _, f := range families {
			ids = append(ids, f.ID)
		}
		return ids, err
	})
	if got := t.families(s, subject, at); len(got) != len(want) {
		t.Errorf("ListFamilies: got %d, want %d: each family once", len(got), len(want))
	}
}

// wantAllRevoked compares for each credential whether the store reports it
// revoked.
func (t *tester) wantAllRevoked(s storage.Credentials, what string, want bool, all ...*storage.Credential) {
	t.Helper()
	for i, c := range all {
		if got := t.find(s, c.Digest).Revoked; got != want {
			t.Errorf("credential %d after %s: got revoked %t, want %t", i, what, got, want)
		}
	}
}

func revokeFamily(t *tester, s Families) {
	subject := newSubject()
	first, other, foreign := t.issued(s, subject), t.issued(s, subject), t.issued(s, newSubject())
	t.wantErr("RevokeFamily of another subject's", s.RevokeFamily(t.ctx, subject, foreign.Family), storage.ErrNotFound)
	t.wantErr("RevokeFamily of none", s.RevokeFamily(t.ctx, subject, newCredential().Family), storage.ErrNotFound)
	t.wantErr("RevokeFamily of the empty ID", s.RevokeFamily(t.ctx, subject, ""), storage.ErrNotFound)
	t.wantAllRevoked(s, "a RevokeFamily that found nothing", false, first, other, foreign)
	next := t.rotated(s, first, first.IssuedAt.Add(time.Minute))
	t.wantErr("RevokeFamily", s.RevokeFamily(t.ctx, subject, first.Family), nil)
	t.wantErr("RevokeFamily again", s.RevokeFamily(t.ctx, subject, first.Family), nil)
	t.wantAllRevoked(s, "RevokeFamily", true, first, next)
	t.wantAllRevoked(s, "RevokeFamily of another", false, other, foreign)
	t.wantErr("Spend after RevokeFamily", s.Spend(t.ctx, spending(next), nil, now()), storage.ErrSpent)
}

func revokeFamilies(t *tester, s Families) {
	subject := newSubject()
	first, other, foreign := t.issued(s, subject), t.issued(s, subject), t.issued(s, newSubject())
	next := t.rotated(s, first, first.IssuedAt.Add(time.Minute))
	t.wantErr("RevokeFamilies", s.RevokeFamilies(t.ctx, subject), nil)
	t.wantErr("RevokeFamilies again", s.RevokeFamilies(t.ctx, subject), nil)
	t.wantErr("RevokeFamilies of an unknown subject", s.RevokeFamilies(t.ctx, newSubject()), nil)
	t.wantAllRevoked(s, "RevokeFamilies", true, first, next, other)
	t.wantAllRevoked(s, "RevokeFamilies of another subject", false, foreign)
	t.wantErr("Spend after RevokeFamilies", s.Spend(t.ctx, spending(next), nil, now()), storage.ErrSpent)
}

func revokeFamiliesOfClient(t *tester, s Families) {
	subject := newSubject()
	one, other := t.issued(s, subject), t.issued(s, subject)
	foreign := newCredential()
	foreign.ClientID = one.ClientID
	t.create(s, foreign)
	t.wantErr("RevokeFamiliesOfClient", s.RevokeFamiliesOfClient(t.ctx, subject, one.ClientID), nil)
	t.wantAllRevoked(s, "RevokeFamiliesOfClient", true, one)
	t.wantAllRevoked(s, "RevokeFamiliesOfClient of another client or subject", false, other, foreign)
}

func revokeSubject(t *tester, s Families) {
	subject := newSubject()
	one, other, foreign := t.issued(s, subject), t.issued(s, subject), t.issued(s, newSubject())
	key, foreignKey := t.createAPIKey(s, func(k *storage.APIKey) { k.Subject = subject }), t.createAPIKey(s, nil)
	nobodys := t.createAPIKey(s, func(k *storage.APIKey) { k.Subject = "" })
	dead := t.createAPIKey(s, func(k *storage.APIKey) { k.Subject, k.RevokedAt = subject, k.CreatedAt })
	t.wantRefused("RevokeSubject at the zero time", s.RevokeSubject(t.ctx, subject, time.Time{}))
	t.wantAllRevoked(s, "a RevokeSubject that was refused", false, one)
	t.wantAPIKey(s, "a key after a RevokeSubject that was refused", key)

	key.RevokedAt = now()
	t.wantErr("RevokeSubject", s.RevokeSubject(t.ctx, subject, key.RevokedAt), nil)
	t.wantErr("RevokeSubject again", s.RevokeSubject(t.ctx, subject, key.RevokedAt.Add(time.Hour)), nil)
	t.wantAllRevoked(s, "RevokeSubject", true, one, other)
	t.wantAllRevoked(s, "RevokeSubject of another subject", false, foreign)
	t.wantAPIKey(s, "a key after RevokeSubject", key)
	t.wantAPIKey(s, "a key that was revoked before RevokeSubject", dead)
	t.wantAPIKey(s, "another subject's key after RevokeSubject", foreignKey)
	t.wantAPIKey(s, "nobody's key after RevokeSubject", nobodys)

	nobodys.RevokedAt = now()
	t.wantErr("RevokeSubject of a key's Owner", s.RevokeSubject(t.ctx, nobodys.Owner(), nobodys.RevokedAt), nil)
	t.wantAPIKey(s, "a key without a subject after RevokeSubject of its Owner", nobodys)
}

func revokeNobody(t *tester, s Families) {
	c, k := t.issued(s, ""), t.createAPIKey(s, func(k *storage.APIKey) { k.Subject = "" })
	t.wantRefused("RevokeFamily of the empty subject", s.RevokeFamily(t.ctx, "", c.Family))
	t.wantRefused("RevokeFamilies of the empty subject", s.RevokeFamilies(t.ctx, ""))
	t.wantRefused("RevokeFamiliesOfClient of the empty subject", s.RevokeFamiliesOfClient(t.ctx, "", c.ClientID))
	t.wantRefused("RevokeSubject of the empty subject", s.RevokeSubject(t.ctx, "", now()))
	t.wantAllRevoked(s, "a revocation of nobody", false, c)
	t.wantAPIKey(s, "a key after a revocation of nobody", k)
}

func familyContext(t *tester, s Families) {
	c := t.issued(s, newSubject())
	k := t.createAPIKey(s, func(k *storage.APIKey) { k.Subject = c.Subject })
	for _, ctx := range endedContexts(t.ctx) {
		_, err := s.ListFamilies(ctx, c.Subject, now(), storage.Page{})
		t.wantEnded("ListFamilies", ctx, err)
		t.wantEnded("RevokeFamily", ctx, s.RevokeFamily(ctx, c.Subject, c.Family))
		t.wantEnded("RevokeFamilies", ctx, s.RevokeFamilies(ctx, c.Subject))
		t.wantEnded("RevokeFamiliesOfClient", ctx, s.RevokeFamiliesOfClient(ctx, c.Subject, c.ClientID))
		t.wantEnded("RevokeSubject", ctx, s.RevokeSubject(ctx, c.Subject, now()))
		t.wantAllRevoked(s, "calls with an ended context", false, c)
		t.wantAPIKey(s, "a key after calls with an ended context", k)
	}
}
