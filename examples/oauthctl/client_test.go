package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// wantClient shows a secret as a client does.
func (b *bed) wantClient(id, secret string, want bool) {
	b.Helper()
	v := &clientauth.Secrets{Clients: b.store()}
	_, err := v.ValidateClient(b.Context(), clientauth.Request{
		ID: id, Method: storage.ClientSecretBasic, Secret: storage.PresentedSecret(secret), Time: time.Now(),
	})
	if (err == nil) != want || err != nil && !errors.Is(err, grants.InvalidClient) {
		b.Errorf("a secret of %q: got error %v, want it accepted: %t", id, err, want)
	}
}

func TestClients(t *testing.T) {
	onEachDatabase(t, func(b *bed) {
		b.must("client", "create", "billing", "--grant", "client_credentials api_key", "--grant", "refresh_token", "--scope", "read write",
			"--default-scope", "read", "--audience", "https://api.example", "--access-token-lifetime", "15m", "--refresh-token-lifetime", "30d")
		b.must("client", "create", "--public", "--grant", "authorization_code", "app", "--redirect-uri", "https://app.example/cb", "--scope=read")
		got, err := b.store().Client(t.Context(), "billing")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.GrantTypes, []string{"client_credentials", "api_key", "refresh_token"}) || !slices.Equal(got.Scope, []string{"read", "write"}) ||
			!slices.Equal(got.DefaultScope, []string{"read"}) || !slices.Equal(got.Audience, []string{"https://api.example"}) ||
			got.AccessTokenLifetime != 15*time.Minute || got.RefreshTokenLifetime != 30*24*time.Hour || len(got.Secrets) != 1 || got.Public() {
			t.Errorf("the client: got %+v, want what the flags say", got)
		}
		all := read[[]clientView](b, "client", "list")
		if len(all) != 2 || all[0].ID != "app" || all[0].AuthMethod != storage.AuthNone || all[1].ID != "billing" || all[1].Scope != "read write" {
			t.Errorf("client list: got %+v, want app and billing", all)
		}
		if table := b.must("client", "list"); !strings.Contains(table, "CLIENT_ID") || !strings.Contains(table, "billing") || !strings.Contains(table, "1 live") {
			t.Errorf("client list: got\n%s\nwant a table of both", table)
		}
		for _, text := range []string{b.must("client", "show", "billing"), b.must("client", "show", "billing", "--json"), b.must("client", "list", "--json")} {
			if strings.Contains(text, got.Secrets[0].Hash) {
				t.Errorf("the answer shows the hash of a secret:\n%s", text)
			}
		}

		b.must("client", "disable", "billing")
		if v := read[clientView](b, "client", "show", "billing"); !v.Disabled {
			t.Errorf("client disable: got %+v, want it disabled", v)
		}
		b.must("client", "enable", "billing")
		if v := read[clientView](b, "client", "show", "billing"); v.Disabled || v.DefaultScope == nil || *v.DefaultScope != "read" {
			t.Errorf("client enable: got %+v, want it enabled, and the rest as it was", v)
		}
		for _, verb := range []string{"show", "disable", "enable"} {
			b.refused(exitNotFound, `there is no client "nobody"`, "client", verb, "nobody")
		}
		b.refused(exitExists, `there is a client "app"`, "client", "create", "app", "--scope", "write")
		if v := read[clientView](b, "client", "show", "app"); v.Scope != "read" {
			t.Errorf("a client that was created twice: got %+v, want the first", v)
		}
	})
}

func TestClientCreateRefuses(t *testing.T) {
	b := onSQLite(t)
	for sentence, args := range map[string][]string{
		"cannot use client_credentials":            {"--public", "--grant", "client_credentials"},
		"needs a --redirect-uri":                   {"--grant", "authorization_code"},
		"is not among the scopes":                  {"--scope", "read", "--default-scope", "write"},
		"no scope-token":                           {"--scope", `"read"`},
		"is relative (RFC 6749 §3.1.2)":            {"--redirect-uri", "/callback"},
		"has no secret: leave out":                 {"--public", "--secret-expires", "9d"},
		"is not in the future":                     {"--secret-expires", "2020-01-01"},
		"write a duration from now":                {"--secret-expires", "soon"},
		"write a duration, such as":                {"--access-token-lifetime", "-5m"},
		"it is empty":                              {"--scope", " "},
		"CLIENT_ID is empty":                       {""},
		`"b" is one argument too many`:             {"a", "b"},
		"flag provided but not defined: -scopes":   {"--scopes", "read"},
		"ID must be UTF-8 without control charact": {"a\nb"},
	} {
		if args[0] != "" && args[0] != "a" && args[0] != "a\nb" {
			args = append(args, "new")
		}
		b.refused(exitUsage, sentence, append([]string{"client", "create"}, args...)...)
	}
	if all := read[[]clientView](b, "client", "list"); len(all) != 0 {
		t.Errorf("clients after refusals: got %+v, want none", all)
	}
}

func TestClientSecrets(t *testing.T) {
	onEachDatabase(t, func(b *bed) {
		first := strings.TrimSuffix(b.must("client", "create", "billing", "--grant", "client_credentials", "--secret-name", "first"), "\n")
		second := strings.TrimSuffix(b.must("client", "secret", "add", "billing", "--name", "second", "--expires", "365d"), "\n")
		for _, secret := range []string{first, second} {
			if !strings.HasPrefix(secret, "cs_") || strings.ContainsAny(secret, " \n") {
				t.Errorf("stdout: got %q, want the secret and nothing else", secret)
			}
			b.wantClient("billing", secret, true)
		}
		if answer := read[newSecretView](b, "client", "secret", "add", "billing"); answer.ID != time.Now().UTC().Format(time.DateOnly) || !strings.HasPrefix(answer.Secret, "cs_") {
			t.Errorf("client secret add --json: got %+v, want a secret named for today", answer)
		}
		b.refused(exitExists, "Choose another name with --name", "client", "secret", "add", "billing", "--name", "first")
		b.refused(exitNotFound, "there is no client", "client", "secret", "add", "nobody")
		b.refused(exitNotFound, `no secret "third"`, "client", "secret", "expire", "billing", "third")
		b.refused(exitNotFound, "there is no client", "client", "secret", "expire", "nobody", "first")
		b.must("client", "create", "app", "--public")
		b.refused(exitUsage, "is public", "client", "secret", "add", "app")

		b.refused(exitRefused, "Add --yes", "client", "secret", "expire", "billing", "first")
		b.wantClient("billing", first, true)
		b.must("client", "secret", "expire", "billing", "first", "--yes")
		b.wantClient("billing", first, false)
		b.wantClient("billing", second, true)
		b.must("client", "secret", "expire", "billing", "second", "--at", "7d", "--yes")
		client, err := b.store().Client(t.Context(), "billing")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range client.Secrets {
			if left := time.Until(s.ExpiresAt); s.ID == "second" && (left < 6*24*time.Hour || left > 8*24*time.Hour) {
				t.Errorf("the second secret: got an end in %v, want seven days", left)
			}
		}
	})
}

func TestLastSecretIsToldApart(t *testing.T) {
	b := onSQLite(t)
	b.must("client", "create", "billing", "--secret-name", "first")
	if s := b.typed(time.Time{}, "n\n", "client", "secret", "expire", "billing", "first"); !strings.Contains(s.notes, "no other secret that works") {
		t.Errorf("ending the only secret: got %q, want a warning", s.notes)
	}
	b.must("client", "secret", "add", "billing", "--name", "second")
	if s := b.typed(time.Time{}, "n\n", "client", "secret", "expire", "billing", "first"); strings.Contains(s.notes, "no other secret") {
		t.Errorf("ending one of two: got %q, want no warning", s.notes)
	}
}
