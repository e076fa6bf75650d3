package redisstore_test

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/redisstore"
)

// Stored records must be read for years. These are of the first version.
func TestRecordsOfTheFirstVersion(t *testing.T) {
	record := "ABCDEFGHIJKLMNOP" + `10 1800000000000 {"kind":"refresh_token","client":"c","sub":"alice",` +
		`"scope":["read"],"aud":[],"claims":"e30=","api_key":"` + strings.Repeat("0f", 32) + `","redirect_uri":"none",` +
		`"pkce":"S256","challenge":"x","issued":"2026-01-02T03:04:05.000006Z","expires":"2026-01-03T03:04:05Z",` +
		`"family_expires":"2026-02-03T03:04:05Z","max_uses":10,"of a later version":true}`
	use := `2 ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOQ {"spent":"2026-01-02T04:00:00Z","salt":"c2FsdA==","family_expires":"2026-03-03T03:04:05Z"}`
	want := &storage.Credential{
		Kind: storage.KindRefreshToken, Issuer: storage.AnyIssuer, ClientID: "c", Subject: "alice", Scope: []string{"read"}, Audience: []string{},
		Claims: []byte("{}"), APIKey: storage.Digest([]byte(strings.Repeat("\x0f", 32))), RedirectURI: storage.NoRedirectURI,
		PKCE: storage.PKCES256, Challenge: "x", IssuedAt: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
		ExpiresAt:       time.Date(2026, 1, 3, 3, 4, 5, 0, time.UTC),
		FamilyExpiresAt: time.Date(2026, 3, 3, 3, 4, 5, 0, time.UTC), MaxUses: 10,
		Uses: 2, SpentAt: time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC), Salt: []byte("salt"),
	}
	got, err := redisstore.DecodeMember(record, use)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v and error %v, want %+v", got, err, want)
	}
}

// A record that names its issuer keeps it, and one whose issuer is empty does not
// become good everywhere.
func TestRecordsNameTheirIssuer(t *testing.T) {
	for text, want := range map[string]string{
		`{"iss":"https://as.test"}`: "https://as.test",
		`{"iss":""}`:                "",
		`{"iss":"*"}`:               storage.AnyIssuer,
		`{}`:                        storage.AnyIssuer,
	} {
		got, err := redisstore.DecodeMember("ABCDEFGHIJKLMNOP1 1800000000000 "+text, "")
		if err != nil || got.Issuer != want {
			t.Errorf("%s: got %+v and error %v, want the issuer %q", text, got, err, want)
		}
	}
	for _, want := range []string{"", storage.AnyIssuer, "https://as.test"} {
		got, err := redisstore.RoundTripCredential(&storage.Credential{Digest: storage.Digest{1}, Family: "f", Issuer: want})
		if err != nil || got.Issuer != want {
			t.Errorf("got %+v and error %v, want the issuer %q", got, err, want)
		}
	}
}

func TestSigningKeyOfTheFirstVersion(t *testing.T) {
	record := `ABCDEFGHIJKLMNOP{"turn":9007199254740993,"id":"kid","announced":"2026-01-02T03:04:05.000006Z",` +
		`"sealed":"c2VhbGVk","sealed_with":2,"of a later version":true}`
	want := &storage.SigningKey{
		Turn: 1<<53 + 1, ID: "kid", AnnouncedAt: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), Sealed: []byte("sealed"), SealedWith: 2,
	}
	if got, err := redisstore.DecodeSigningKey(record); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v and error %v, want %+v", got, err, want)
	}
	for _, damaged := range []string{
		"", record[:15], record[:16], record[:40], record[16:], `ABCDEFGHIJKLMNOP{}`, `ABCDEFGHIJKLMNOP{"id":"kid","sealed":"c2VhbGVk"}`,
		`ABCDEFGHIJKLMNOP{"turn":1,"sealed":"c2VhbGVk"}`, `ABCDEFGHIJKLMNOP{"turn":1,"id":"kid"}`, `ABCDEFGHIJKLMNOP{"turn":1.5,"id":"kid","sealed":"c2VhbGVk"}`,
	} {
		k, err := redisstore.DecodeSigningKey(damaged)
		if err == nil {
			t.Errorf("%q: got %+v, want an error", damaged, k)
		}
		wantNoVerdict(t, damaged, err)
	}
}

func FuzzSigningKey(f *testing.F) {
	f.Add(int64(1), "kid", []byte("sealed"), int64(1), 1)
	f.Add(int64(1<<62), "\xff", []byte{0xff, 0}, int64(-1), -1)
	f.Fuzz(func(t *testing.T, turn int64, id string, sealed []byte, announced int64, with int) {
		want := &storage.SigningKey{Turn: turn, ID: id, AnnouncedAt: time.Unix(0, announced).UTC(), Sealed: sealed, SealedWith: with}
		got, err := redisstore.RoundTripSigningKey(want)
		if good := utf8.ValidString(id) && turn > 0 && id != "" && len(sealed) > 0; (err == nil) != good {
			t.Fatalf("got error %v, want none exactly if the key is complete, and its ID UTF-8, which is %t", err, good)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

// A record that cannot be decoded is an outage. Above all, the store does not
// take a use that it cannot decode for no use.
func TestDamagedRecordsAreFaults(t *testing.T) {
	const record = `ABCDEFGHIJKLMNOP1 2 {}`
	for name, tt := range map[string]struct{ record, use string }{
		"no record":               {"", ""},
		"a record that was cut":   {record[:20], ""},
		"a record without braces": {"ABCDEFGHIJKLMNOP1 2 3", ""},
		"an instant of another kind": {
			`ABCDEFGHIJKLMNOP1 2 {"issued":"yesterday"}`, ""},
		"a digest that is none":    {`ABCDEFGHIJKLMNOP1 2 {"api_key":"0f"}`, ""},
		"a use without parts":      {record, "1"},
		"no uses":                  {record, "0 ABCDEFGHIJKLMNOP {}"},
		"uses that are no number":  {record, "x ABCDEFGHIJKLMNOP {}"},
		"a use that was cut":       {record, "1 ABCDEFGHIJKLMNOP {"},
		"uses that are too many":   {record, strings.Repeat("9", 30) + " ABCDEFGHIJKLMNOP {}"},
		"uses that are fewer than": {record, "-1 ABCDEFGHIJKLMNOP {}"},
	} {
		c, err := redisstore.DecodeMember(tt.record, tt.use)
		if err == nil {
			t.Errorf("%s: got %+v, want an error", name, c)
		}
		wantNoVerdict(t, name, err)
	}
	if _, err := redisstore.DecodeMember(record, "1 ABCDEFGHIJKLMNOP {}"); err != nil {
		t.Errorf("a record that is whole: got error %v, want none", err)
	}
}

func FuzzCredential(f *testing.F) {
	f.Add("refresh_token", "f", "c", "alice", "read write", "https://api.test", []byte(`{"a":1}`), int64(1), int64(2), 10)
	f.Add("", "\xff", "\x00", "\xc3", "<>&\u2028", "", []byte(nil), int64(-1<<62), int64(1<<62), -1)
	f.Add("k", "} {", " ", "\"\\", "a,b", "\n", []byte{0xff, 0}, int64(0), int64(0), math.MaxInt)
	f.Fuzz(func(t *testing.T, kind, family, client, subject, scope, audience string, claims []byte, issued, expires int64, maxUses int) {
		want := &storage.Credential{
			Digest: storage.Digest{1}, Kind: kind, Family: family, Issuer: subject, ClientID: client, Subject: subject,
			Scope: strings.Split(scope, " "), Audience: []string{audience}, Claims: claims, RedirectURI: subject, PKCE: kind,
			Challenge: scope, IssuedAt: time.Unix(0, issued).UTC(), ExpiresAt: time.UnixMicro(expires).UTC(),
			FamilyExpiresAt: time.Unix(issued, 0).UTC(), MaxUses: maxUses,
		}
		got, err := redisstore.RoundTripCredential(want)
		readable := utf8.ValidString(kind + "|" + client + "|" + subject + "|" + scope + "|" + audience)
		switch {
		case !readable || family == "":
			if err == nil {
				t.Errorf("got %+v, want an error: the text is not UTF-8, or there is no family", got)
			}
			return
		case err != nil:
			if y := want.FamilyExpiresAt.Year(); y < 0 || y > 9999 {
				return
			}
			if y := want.ExpiresAt.Year(); y < 0 || y > 9999 {
				return
			}
			t.Fatalf("got error %v, want none", err)
		}
		got.Digest, got.Family = want.Digest, want.Family // the keys have them
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

func FuzzDecodeMember(f *testing.F) {
	f.Add("ABCDEFGHIJKLMNOP1 2 {}", "1 ABCDEFGHIJKLMNOP {}")
	f.Add("ABCDEFGHIJKLMNOP", "")
	f.Fuzz(func(t *testing.T, record, use string) {
		c, err := redisstore.DecodeMember(record, use)
		if err == nil && c.Spent() != (use != "") {
			t.Errorf("record %q, use %q: got spent %t", record, use, c.Spent())
		}
	})
}

func FuzzClient(f *testing.F) {
	f.Add("c", "client_secret_basic", "1", "$argon2id$x", "a b", int64(1), int64(2), true)
	f.Add("\xff", "", "", "", "", int64(0), int64(0), false)
	f.Fuzz(func(t *testing.T, id, method, secretID, hash, list string, at, lifetime int64, flag bool) {
		items := strings.Split(list, " ")
		want := &storage.Client{
			ID: id, AuthMethod: method, Disabled: flag, PKCENotRequired: !flag, RefreshNotRotated: flag, BasicNotEncoded: !flag,
			Secrets:    []storage.ClientSecret{{ID: secretID, Hash: hash, NotBefore: time.Unix(0, at).UTC(), ExpiresAt: time.UnixMilli(0).UTC()}},
			GrantTypes: items, Scope: items[:0], DefaultScope: items, Audience: nil, RedirectURIs: items,
			AccessTokenLifetime: time.Duration(lifetime), RefreshTokenLifetime: time.Duration(at), RefreshTokenIdle: time.Duration(lifetime),
			RefreshGrace: time.Duration(at),
		}
		got, err := redisstore.RoundTripClient(want)
		if readable := utf8.ValidString(id + "|" + method + "|" + secretID + "|" + hash + "|" + list); (err == nil) != readable {
			t.Fatalf("got error %v, want none exactly if all text is UTF-8, which is %t", err, readable)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

func FuzzAPIKey(f *testing.F) {
	f.Add("k", "c", "alice", "read", int64(1), int64(0))
	f.Fuzz(func(t *testing.T, id, client, subject, list string, created, revoked int64) {
		want := &storage.APIKey{
			Digest: storage.Digest{2}, ID: id, ClientID: client, Subject: subject, Scope: strings.Split(list, " "),
			CreatedAt: time.Unix(0, created).UTC(), RevokedAt: time.Unix(0, revoked).UTC(),
		}
		got, err := redisstore.RoundTripAPIKey(want)
		if readable := utf8.ValidString(id + "|" + client + "|" + subject + "|" + list); (err == nil) != readable {
			t.Fatalf("got error %v, want none exactly if all text is UTF-8, which is %t", err, readable)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}
