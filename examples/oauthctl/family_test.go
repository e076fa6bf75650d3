package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// issue stores a refresh token, the first of a family.
func (b *bed) issue(subject, client string, expires time.Time) *storage.Credential {
	b.Helper()
	now := time.Now()
	_, c, err := newRefreshToken(storage.Credential{
		Kind: storage.KindRefreshToken, Issuer: "https://shop.example", ClientID: client, Subject: subject, Scope: []string{"read"},
		ExpiresAt: now.Add(time.Hour), FamilyExpiresAt: now.Add(time.Hour),
	}, now)
	if err != nil {
		b.Fatal(err)
	}
	c.ExpiresAt, c.FamilyExpiresAt = expires, expires
	if err := b.store().CreateCredential(b.Context(), c); err != nil {
		b.Fatal(err)
	}
	return c
}

func newRefreshToken(c storage.Credential, now time.Time) (storage.Secret, *storage.Credential, error) {
	secret := storage.NewSecret("rt_")
	record, err := grants.NewCredential(secret, c, now)
	return secret, record, err
}

func (b *bed) alive(c *storage.Credential) bool {
	b.Helper()
	found, err := b.store().Credential(b.Context(), c.Digest)
	if err != nil {
		b.Fatal(err)
	}
	return !found.Revoked
}

func (b *bed) wantAlive(what string, all []*storage.Credential, want ...bool) {
	b.Helper()
	got := make([]bool, len(all))
	for i, c := range all {
		got[i] = b.alive(c)
	}
	if !slices.Equal(got, want) {
		b.Errorf("families that live after %s: got %t, want %t", what, got, want)
	}
}

func TestFamilies(t *testing.T) {
	onEachDatabase(t, func(b *bed) {
		b.scripts()
		tomorrow := time.Now().Add(24 * time.Hour)
		all := []*storage.Credential{
			b.issue("user:1", "app", tomorrow), b.issue("user:1", "app", tomorrow), b.issue("user:1", "till", tomorrow),
			b.issue("user:1", "web", tomorrow), b.issue("user:2", "app", tomorrow),
		}
		key := b.newKey("--subject", "user:1")
		if views := read[[]familyView](b, "family", "list", "user:1"); len(views) != 4 || views[0].Subject != "user:1" || views[0].Scope != "read" {
			t.Errorf("family list: got %+v, want the four of user:1", views)
		}
		if views := read[[]familyView](b, "family", "list", "nobody"); len(views) != 0 {
			t.Errorf("family list of nobody: got %+v, want none", views)
		}

		b.refused(exitUsage, "say what ends", "family", "end", "user:1")
		b.refused(exitUsage, "say what ends", "family", "end", "user:1", "--all", "--client", "app")
		b.refused(exitUsage, "--api-keys goes with --all", "family", "end", "user:1", "--client", "app", "--api-keys")
		b.refused(exitNotFound, "no such live family", "family", "end", "user:2", "--family", all[0].Family, "--yes")
		b.refused(exitNotFound, "no such live family", "family", "end", "user:1", "--client", "nobody", "--yes")
		b.refused(exitRefused, "4 families", "family", "end", "user:1", "--all")
		b.wantAlive("refusals", all, true, true, true, true, true)

		b.must("family", "end", "user:1", "--family", all[0].Family, "--yes")
		b.wantAlive("the end of one", all, false, true, true, true, true)
		b.must("family", "end", "user:1", "--client", "till", "--yes")
		b.wantAlive("the end of a client's", all, false, true, false, true, true)
		b.must("family", "end", "user:1", "--all", "--yes")
		b.wantAlive("the end of all", all, false, false, false, false, true)
		if !b.kept(key.Secret).RevokedAt.IsZero() {
			t.Error("--all has revoked an API key, want it alive without --api-keys")
		}
		b.must("family", "end", "user:1", "--all", "--api-keys", "--yes")
		if b.kept(key.Secret).RevokedAt.IsZero() {
			t.Error("--all --api-keys left an API key alive")
		}
	})
}

func TestSweep(t *testing.T) {
	onEachDatabase(t, func(b *bed) {
		now := time.Now()
		for range 3 {
			b.issue("user:1", "app", now.Add(-2*time.Hour))
		}
		late := b.issue("user:1", "app", now.Add(-30*time.Minute))
		live := b.issue("user:1", "app", now.Add(time.Hour))
		b.refused(exitUsage, "less than a minute", "sweep", "--older-than", "0s")
		if got := read[map[string]int](b, "sweep"); got["deleted"] != 3 {
			t.Errorf("sweep: got %v, want 3 deleted", got)
		}
		for _, c := range []*storage.Credential{late, live} {
			if !b.alive(c) {
				t.Errorf("a record that lives, or ended half an hour ago: want it kept")
			}
		}
		if s := b.run("sweep", "--older-than", "10m"); s.code != exitDone || !strings.Contains(s.notes, "1 records deleted") {
			t.Errorf("sweep --older-than 10m: got %+v, want one deleted", s)
		}
	})
}
