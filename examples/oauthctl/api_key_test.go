package main

import (
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
)

// scripts registers a client whose keys the tests make.
func (b *bed) scripts() {
	b.Helper()
	b.must("client", "create", "scripts", "--public", "--grant", "api_key", "--scope", "read write")
}

// newKey makes a key, and returns its text and its ID.
func (b *bed) newKey(flags ...string) newKeyView {
	b.Helper()
	return read[newKeyView](b, append([]string{"apikey", "create", "--prefix", "shop_", "--client", "scripts", "--scope", "read"}, flags...)...)
}

// kept returns the record of a key, as the endpoint finds it.
func (b *bed) kept(key string) *storage.APIKey {
	b.Helper()
	k, err := b.store().APIKey(b.Context(), storage.PresentedSecret(key).Digest(storage.KindAPIKey))
	if err != nil {
		b.Fatalf("the key: %v", err)
	}
	return k
}

func TestAPIKeys(t *testing.T) {
	onEachDatabase(t, func(b *bed) {
		b.scripts()
		made := b.newKey("--subject", "user:42", "--name", "laptop", "--expires", "365d")
		k := b.kept(made.Secret)
		if k.ID != made.ID || k.Name != "laptop" || k.Subject != "user:42" || k.ClientID != "scripts" || !strings.HasPrefix(made.Secret, "shop_") ||
			time.Until(k.ExpiresAt).Round(24*time.Hour) != 365*24*time.Hour {
			t.Errorf("the key: got %+v, want what the flags say", k)
		}
		own := b.newKey()
		plain := b.must("apikey", "create", "--prefix", "shop_", "--client", "scripts", "--scope", "read")
		if key := strings.TrimSuffix(plain, "\n"); strings.ContainsAny(key, " \n") || b.kept(key) == nil {
			t.Errorf("stdout: got %q, want the key and nothing else", plain)
		}
		for _, list := range [][]keyView{
			read[[]keyView](b, "apikey", "list", "--subject", "user:42"), read[[]keyView](b, "apikey", "list", "--subject", "api_key:"+own.ID),
		} {
			if len(list) != 1 || list[0].State != stateLive || list[0].Scope != "read" {
				t.Errorf("apikey list: got %+v, want the one live key", list)
			}
		}
		if all := read[[]keyView](b, "apikey", "list", "--client", "scripts"); len(all) != 3 {
			t.Errorf("apikey list --client: got %+v, want three", all)
		}

		next := read[newKeyView](b, "apikey", "roll", made.ID, "--subject", "user:42", "--prefix", "shop_")
		rolled := b.kept(next.Secret)
		if rolled.ID == k.ID || rolled.Name != k.Name || rolled.Owner() != k.Owner() || rolled.ClientID != k.ClientID ||
			time.Until(rolled.ExpiresAt).Round(24*time.Hour) != 365*24*time.Hour || !b.kept(made.Secret).RevokedAt.IsZero() {
			t.Errorf("the successor: got %+v, want one as %+v, which lives on", rolled, k)
		}
		if successor := read[newKeyView](b, "apikey", "roll", own.ID, "--prefix", "shop_"); b.kept(successor.Secret).Owner() != "api_key:"+own.ID {
			t.Errorf("the successor of a key without a subject: got the owner %q, want that of the old one", b.kept(successor.Secret).Owner())
		}

		b.refused(exitRefused, "Add --yes", "apikey", "revoke", made.ID, "--subject", "user:42")
		b.refused(exitNotFound, "has no API key", "apikey", "revoke", made.ID, "--subject", "user:1", "--yes")
		b.refused(exitNotFound, "has no API key", "apikey", "roll", made.ID, "--subject", "user:1", "--prefix", "shop_")
		if !b.kept(made.Secret).RevokedAt.IsZero() {
			t.Error("the key is revoked after refusals, want it live")
		}
		b.must("apikey", "revoke", made.ID, "--subject", "user:42", "--yes")
		b.must("apikey", "revoke", own.ID, "--yes")
		if b.kept(made.Secret).RevokedAt.IsZero() || b.kept(own.Secret).RevokedAt.IsZero() || !rolled.RevokedAt.IsZero() {
			t.Error("after apikey revoke: want both keys revoked, and the successor live")
		}
		b.refused(exitUsage, "is revoked and gets no successor", "apikey", "roll", made.ID, "--subject", "user:42", "--prefix", "shop_")
	})
}

// An operator that rolls a key because it leaked must see that the old one is good for a thief still.
func TestAPIKeyRollSaysWhatTheOldKeyIs(t *testing.T) {
	b := onSQLite(t)
	b.scripts()
	ends := b.newKey("--expires", "30d")
	in := func(days int) time.Time { return time.Now().AddDate(0, 0, days) }
	rolled := b.newKey()
	b.must("apikey", "roll", rolled.ID, "--prefix", "shop_", "--old-ends", "7d")
	if end := b.kept(rolled.Secret).ExpiresAt; time.Until(end).Round(24*time.Hour) != 7*24*time.Hour {
		t.Errorf("the old key ends at %v, want in seven days", end)
	}
	b.must("apikey", "roll", ends.ID, "--prefix", "shop_", "--old-ends", "60d")
	if end := b.kept(ends.Secret).ExpiresAt; time.Until(end).Round(24*time.Hour) != 30*24*time.Hour {
		t.Errorf("the old key ends at %v, want in thirty days, as before", end)
	}
	b.refused(exitUsage, "--old-ends 2020-01-01T00:00:00Z is not in the future", "apikey", "roll", ends.ID, "--prefix", "shop_", "--old-ends", "2020-01-01")
	for _, tt := range []struct {
		id, want string
		at       time.Time
	}{
		{rolled.ID, "The old key STILL WORKS, until " + day(b.kept(rolled.Secret).ExpiresAt) + ".", time.Now()},
		{b.newKey().ID, "The old key STILL WORKS, and does not end by itself.", time.Now()},
		{ends.ID, "The old key STILL WORKS, until " + day(b.kept(ends.Secret).ExpiresAt) + ".", time.Now()},
		{ends.ID, "The old key ended on " + day(b.kept(ends.Secret).ExpiresAt) + ".", in(31)},
	} {
		s := b.typed(tt.at, "", "apikey", "roll", tt.id, "--prefix", "shop_")
		if !strings.Contains(s.notes, tt.want) || !strings.Contains(s.notes, "\noauthctl apikey revoke "+tt.id+" --subject api_key:"+tt.id+"\n") {
			t.Errorf("apikey roll says %q, want %q and the line that ends the old key", s.notes, tt.want)
		}
	}
}

func TestAPIKeyCreateRefuses(t *testing.T) {
	b := onSQLite(t)
	b.scripts()
	b.must("client", "create", "other", "--scope", "read")
	create := func(code int, sentence string, flags ...string) {
		b.Helper()
		b.refused(code, sentence, append([]string{"apikey", "create"}, flags...)...)
	}
	create(exitUsage, "--prefix is missing", "--client", "scripts", "--scope", "read")
	create(exitUsage, "--scope is missing", "--client", "scripts", "--prefix", "p_")
	create(exitUsage, "--client is missing", "--scope", "read", "--prefix", "p_")
	create(exitNotFound, "there is no client", "--client", "nobody", "--scope", "read", "--prefix", "p_")
	create(exitUsage, "may not use the grant api_key", "--client", "other", "--scope", "read", "--prefix", "p_")
	create(exitUsage, `no scope "admin". It has: read write`, "--client", "scripts", "--scope", "admin", "--prefix", "p_")
	create(exitUsage, "prefix", "--client", "scripts", "--scope", "read", "--prefix", "p p")
	create(exitUsage, "is not in the future", "--client", "scripts", "--scope", "read", "--prefix", "p_", "--expires", "2020-01-01")
	b.refused(exitUsage, "say whose keys", "apikey", "list")
	b.refused(exitUsage, "say whose keys", "apikey", "list", "--client", "a", "--subject", "b")
	if all := read[[]keyView](b, "apikey", "list", "--client", "scripts"); len(all) != 0 {
		t.Errorf("keys after refusals: got %+v, want none", all)
	}
}

// A user chooses the name of a key. It must not move the cursor of an operator that lists keys.
func TestNamesOfOthersAreShownAsText(t *testing.T) {
	b := onSQLite(t)
	b.scripts()
	b.newKey("--subject", "user:1", "--name", "a\x1b[2J\nuser:2 \u202eb")
	table := b.must("apikey", "list", "--subject", "user:1")
	if strings.ContainsAny(table, "\x1b\u202e") || strings.Count(table, "\n") != 2 || !strings.Contains(table, `a\x1b[2J\nuser:2`) {
		t.Errorf("the table: got %q, want the control characters as text", table)
	}
}
