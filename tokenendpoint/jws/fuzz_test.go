package jws_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// FuzzAccessTokenJSON compares AppendJSON with encoding/json's decoder: it reads back
// the input, every member once, or there was an error and a reason for it.
func FuzzAccessTokenJSON(f *testing.F) {
	f.Add("https://as.test", "u1", "c1", "j1", "https://api.test", "", "read", "role", "admin", int64(1_700_000_000), int64(3600))
	f.Add("i\"", "s\\", "c\n", "j\x00", "a\x7f", "b\u2028", "x y", "SUB", "😀", int64(-1), int64(1))
	f.Add("\xff", "\xed\xa0\x80", "<&>", "\x1f", "é", "\ufffd", "\"", "a\"b", "\xc0\xaf", int64(0), int64(0))
	f.Add("i", "s", "c", "j", "a", "b", "", "ſub", "root", int64(1)<<40, int64(-5))
	f.Fuzz(func(t *testing.T, iss, sub, client, jti, aud1, aud2, scope, name, value string, iat, life int64) {
		if iat < -1<<40 || iat > 1<<40 || life < -1<<30 || life > 1<<30 {
			t.Skip("beyond any calendar")
		}
		a := jws.AccessToken{
			Issuer: iss, Subject: sub, ClientID: client, ID: jti, Audience: []string{aud1},
			IssuedAt: time.Unix(iat, 0), ExpiresAt: time.Unix(iat+life, 0),
			Claims: map[string]any{name: value},
		}
		if aud2 != "" {
			a.Audience = append(a.Audience, aud2)
		}
		if scope != "" {
			a.Scope = strings.Split(scope, " ")
		}
		got, err := a.AppendJSON(nil)
		if want := refused(&a, name, value); (err != nil) != want {
			t.Fatalf("AppendJSON(%+v) = %v, want an error: %t", a, err, want)
		}
		if err != nil {
			return
		}
		if !json.Valid(got) || !utf8.Valid(got) {
			t.Fatalf("AppendJSON = %q, want JSON in UTF-8", got)
		}
		noKeyTwice(t, got)
		sameAsReflection(t, &a, got)
	})
}

// refused says in other words when AppendJSON has to fail.
func refused(a *jws.AccessToken, name, value string) bool {
	required := append([]string{a.Issuer, a.Subject, a.ClientID, a.ID}, a.Audience...)
	for _, s := range append(slices.Clone(required), name, value) {
		if strings.ToValidUTF8(s, "") != s {
			return true
		}
	}
	for _, s := range a.Scope {
		bad := func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }
		if s == "" || strings.ContainsFunc(s, bad) {
			return true
		}
	}
	for _, r := range strings.Fields("iss sub aud exp iat nbf jti client_id scope cnf act") {
		if strings.EqualFold(r, name) {
			return true
		}
	}
	return slices.Contains(required, "") || a.ExpiresAt.Unix() <= a.IssuedAt.Unix() || a.IssuedAt.IsZero() || a.ExpiresAt.IsZero()
}

// noKeyTwice reads the members one by one: decoding into a map would hide the
// first of two.
func noKeyTwice(t *testing.T, object []byte) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	must(d.Token()) // {
	seen := map[string]bool{}
	for d.More() {
		name := fmt.Sprint(must(d.Token()))
		if seen[name] {
			t.Fatalf("%s has the member %q twice", object, name)
		}
		seen[name] = true
		var value any
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
}
