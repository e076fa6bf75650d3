package clientauth_test

import (
	"bytes"
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"golang.org/x/crypto/scrypt"
)

// TestForeignVectors verifies hashes that other systems made, or that their
// documentation or tests show.
func TestForeignVectors(t *testing.T) {
	for name, tt := range map[string]struct{ hash, secret string }{
		// `new Secret("secret".Sha256())` of docs.duendesoftware.com/identityserver: the base64 of the digest.
		"Duende, Sha256": {"{sha256-base64}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=", "secret"},
		"Duende, Sha512": {"{sha512-base64}vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDufKRpayrW/isg==", "secret"},
		// FIPS 180-4, the examples of NIST for the message "abc".
		"NIST, SHA-256": {"{sha256-hex}ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abc"},
		"NIST, SHA-256, in capitals": {
			"{sha256-hex}BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", "abc"},
		"NIST, SHA-512": {"{sha512-hex}ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
			"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f", "abc"},
		// PasswordHasherTest.cs of github.com/dotnet/aspnetcore.
		"ASP.NET, SHA-1":          {"{aspnet-identity}AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M", "my password"},
		"ASP.NET, SHA-256":        {"{aspnet-identity}AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==", "my password"},
		"ASP.NET, 250,000 rounds": {"{aspnet-identity}AQAAAAEAA9CQAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW+jQ=", "my password"},
		"ASP.NET, SHA-512":        {"{aspnet-identity}AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw", "my password"},
		"ASP.NET, SHA-512, a sum of 64 bytes": {"{aspnet-identity}AQAAAAIAAAD6AAAAIJbVi5wbMR+htSfFp8fTw8N8GOS/Sje+S/4YZcgBfU7EQuqv4OkVYmc4VJl9AGZzmRTxSkP7LtVi9IWyUxX8IAAfZ8v+ZfhjCcudtC1YERSqE1OEdXLW9VukPuJWBBjLuw==",
			"my password"},
		// tests/auth_tests/test_hashers.py of github.com/django/django, of versions 1.4, 2.0 and 5.1.
		"Django 1.4":        {"pbkdf2_sha256$10000$seasalt$FQCNpiZpTb0zub+HBsH6TOwyRxJ19FwvjbweatNmK/Y=", "letmein"},
		"Django 1.4, SHA-1": {"pbkdf2_sha1$10000$seasalt$91JiNKgwADC8j2j86Ije/cc4vfQ=", "letmein"},
		"Django 2.0":        {"pbkdf2_sha256$100000$seasalt$BNZ6eyaNc8qFTJPjrAq99hSYb73EgAdytAtdBg2Sdcc=", "lètmein"},
		"Django 5.1":        {"pbkdf2_sha256$870000$seasalt$wJSpLMQRQz0Dhj/pFpbyjMj71B2gUYp6HJS5AU+32Ac=", "lètmein"},
		// passlib.readthedocs.io, passlib.hash.pbkdf2_digest.
		"passlib's documentation": {"$pbkdf2-sha256$6400$0ZrzXitFSGltTQnBWOsdAw$Y11AchqV4b0sUisdZd0Xr97KWoymNE0LNNrnEgY4H9M", "password"},
		"passlib's documentation, a salt of 10 bytes": {
			"$pbkdf2-sha256$8000$XAuBMIYQQogxRg$tRRlz8hYn63B9LYiCd6PRo6FMiunY9ozmMMI3srxeRE", "password"},
		// Made with passlib 1.7.4.
		"passlib, SHA-1":   {"$pbkdf2$1000$nFNqzfnfm9Pam9N6rzXGuA$QvhohnOgoJYFFg1cK3QnR7sQgQQ", "p+ss w%rd:&=é"},
		"passlib, SHA-256": {"$pbkdf2-sha256$29000$MoZQSskZA.Cc0/ofA.Bcyw$U2GVuvNLVhtuSq6BTuRHskwOWerZCA2VKZm1yulkGt8", "p+ss w%rd:&=é"},
		"passlib, SHA-512": {"$pbkdf2-sha512$1000$0fr/n7PWupfS2nsv5ZzTmg$V5T.zraVP6n.S1l7sOlg6UdxEJfr1PRnjNnYTks2H3XRSipfaUbwI6Fc7.pnUioD6YmJ8kTjJrsoFFVnvgcbzQ",
			"p+ss w%rd:&=é"},
		"passlib, scrypt": {"$scrypt$ln=10,r=8,p=2$JiQkBABgDCEEwHhv7V1LKQ$k2857OYOckOUkgLGVnGQdO1BFjzdosWHY80kQ84dvx0", "p+ss w%rd:&=é"},
		// passlib.readthedocs.io, passlib.hash.scrypt.
		"passlib's documentation, scrypt": {"$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E", "password"},
		// RFC 7914 §11 and §12, the salts and sums in base64.
		"RFC 7914, PBKDF2, one iteration": {
			"$pbkdf2-sha256$1$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLxJypzM8Xm2RZkWZLOdd.8xfHG4RbHjC9UJESBB06GXgw", "passwd"},
		"RFC 7914, PBKDF2, 80,000 iterations": {
			"$pbkdf2-sha256$80000$TmFDbA$TdzY9guYviGDDO5e8icB.WQaRBjQTAQUrv8Ih2s0q1ah1CWhIlgzVJrbhBtRybMXaicr3ruh0HhHj2Kzl/M8jQ", "Password"},
		"RFC 7914, scrypt of 16 lanes": {
			"$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA", "password"},
		"RFC 7914, scrypt": {
			"$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw", "pleaseletmein"},
	} {
		t.Run(name, func(t *testing.T) {
			c := clientWith("c1", tt.hash)
			if err := c.Check(); err != nil {
				t.Errorf("Client.Check: got error %v, want none", err)
			}
			s, _ := newSecrets(storeOf(c))
			expect(t, s, basic("c1", tt.secret), accepted)
			expect(t, s, basic("c1", tt.secret+"x"), refused)
		})
	}
}

// foreignFormats maps a name to the hash of long1 in a form of another system.
func foreignFormats(t testing.TB) map[string]string {
	t.Helper()
	short, long := sha256.Sum256([]byte(long1)), sha512.Sum512([]byte(long1))
	salt := []byte("salt of the test")
	derived, err := pbkdf2.Key(sha256.New, long1, salt, 10, 32)
	if err != nil {
		t.Fatalf("pbkdf2: %v", err)
	}
	raw, padded := base64.RawStdEncoding, base64.StdEncoding
	identity := append([]byte{1, 0, 0, 0, 1, 0, 0, 0, 10, 0, 0, 0, 16}, salt...)
	return map[string]string{
		"sha256 in hex":    "{sha256-hex}" + hex.EncodeToString(short[:]),
		"sha256 in base64": "{sha256-base64}" + padded.EncodeToString(short[:]),
		"sha512 in hex":    "{sha512-hex}" + hex.EncodeToString(long[:]),
		"sha512 in base64": "{sha512-base64}" + padded.EncodeToString(long[:]),
		"aspnet":           "{aspnet-identity}" + padded.EncodeToString(append(identity, derived...)),
		"django":           "pbkdf2_sha256$10$" + string(salt) + "$" + padded.EncodeToString(derived),
		"passlib":          "$pbkdf2-sha256$10$" + raw.EncodeToString(salt) + "$" + strings.ReplaceAll(raw.EncodeToString(derived), "+", "."),
		"scrypt":           scrypted(t, long1, 4, 8, 1),
	}
}

func scrypted(t testing.TB, secret string, ln, r, p int) string {
	t.Helper()
	salt := []byte("salt of the test")
	sum, err := scrypt.Key([]byte(secret), salt, 1<<ln, r, p, 32)
	if err != nil {
		t.Fatalf("scrypt: %v", err)
	}
	raw := base64.RawStdEncoding
	return fmt.Sprintf("$scrypt$ln=%d,r=%d,p=%d$%s$%s", ln, r, p, raw.EncodeToString(salt), raw.EncodeToString(sum))
}

// aspNet is a hash with these three numbers, and so many bytes after them.
func aspNet(version byte, function, iterations, salt uint32, rest int) string {
	b := []byte{version}
	for _, n := range []uint32{function, iterations, salt} {
		b = append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return "{aspnet-identity}" + base64.StdEncoding.EncodeToString(append(b, make([]byte, rest)...))
}

// foreignPoison are hashes that must not be computed.
var foreignPoison = map[string]string{
	"a digest that is marked as none is": "K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
	"sha256 hex that is cut":             "{sha256-hex}ba7816bf",
	"sha256 hex of 33 bytes":             "{sha256-hex}" + strings.Repeat("00", 33),
	"sha256 hex that is base64":          "{sha256-hex}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
	"sha256 base64 that is hex":          "{sha256-base64}" + strings.Repeat("0f", 32),
	"sha256 base64 without padding":      "{sha256-base64}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols",
	"sha256 base64 with a line end":      "{sha256-base64}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=\n",
	"sha512 of 32 bytes":                 "{sha512-base64}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
	"sha1":                               "{sha1-hex}" + strings.Repeat("00", 20),
	"aspnet of version 2":                "{aspnet-identity}AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==",
	"aspnet of nothing":                  "{aspnet-identity}",
	"aspnet that ends in the header":     "{aspnet-identity}AQAAAAEAACcQ",
	"aspnet with another function":       aspNet(1, 3, 1000, 16, 48),
	"aspnet with a salt beyond the end":  aspNet(1, 1, 1000, 49, 48),
	"aspnet with a salt of 4 GiB":        aspNet(1, 1, 1000, 1<<32-1, 48),
	"aspnet without a salt":              aspNet(1, 1, 1000, 0, 32),
	"aspnet without iterations":          aspNet(1, 1, 0, 16, 48),
	"aspnet with too many iterations":    aspNet(1, 1, 10_000_001, 16, 48),
	"aspnet, too many in two blocks":     aspNet(1, 0, 5_000_001, 16, 48),
	"aspnet with a sum of 65 bytes":      aspNet(1, 2, 1000, 16, 81),
	"aspnet that is cut":                 aspNet(1, 1, 1000, 16, 31),
	"django without a salt":              "pbkdf2_sha256$1000$$FQCNpiZpTb0zub+HBsH6TOwyRxJ19FwvjbweatNmK/Y=",
	"django with a salt of 65 bytes":     "pbkdf2_sha256$1000$" + strings.Repeat("s", 65) + "$FQCNpiZpTb0zub+HBsH6TOwyRxJ19FwvjbweatNmK/Y=",
	"django with a part more":            "pbkdf2_sha256$1000$salt$FQCNpiZpTb0zub+HBsH6TOwyRxJ19FwvjbweatNmK/Y=$",
	"django without padding":             "pbkdf2_sha256$1000$salt$FQCNpiZpTb0zub+HBsH6TOwyRxJ19FwvjbweatNmK/Y",
	"django with a leading zero":         "pbkdf2_sha256$01000$salt$FQCNpiZpTb0zub+HBsH6TOwyRxJ19FwvjbweatNmK/Y=",
	"django with too many iterations":    "pbkdf2_sha256$10000001$salt$FQCNpiZpTb0zub+HBsH6TOwyRxJ19FwvjbweatNmK/Y=",
	"django with another function":       "pbkdf2_md5$1000$salt$FQCNpiZpTb0zub+HBsH6TOwyRxJ19FwvjbweatNmK/Y=",
	"passlib with a plus":                "$pbkdf2-sha256$1000$c2FsdA$V+wEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw",
	"passlib with padding":               "$pbkdf2-sha256$1000$c2FsdA==$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw",
	"passlib with too many iterations":   "$pbkdf2-sha512$10000001$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw",
	"passlib with 4 billion iterations":  "$pbkdf2-sha512$4294967296$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw",
	"scrypt of RFC 7914 that takes 1 GiB": "$scrypt$ln=20,r=8,p=1$U29kaXVtQ2hsb3JpZGU$" +
		"IQHLm2pRGoet3e/0jPj0uGSZiojFIn4lCBlxU+KWNu8TMKwFBY7SQ0hHqS1w5I0nRBvWA1q3lIWzAvDM7eoSGQ",
	"scrypt without memory":        "$scrypt$ln=0,r=8,p=1$" + goodSalt + "$" + goodSum,
	"scrypt of 2^22":               "$scrypt$ln=22,r=1,p=1$" + goodSalt + "$" + goodSum,
	"scrypt of 2^64":               "$scrypt$ln=64,r=1,p=1$" + goodSalt + "$" + goodSum,
	"scrypt with blocks of 0":      "$scrypt$ln=10,r=0,p=1$" + goodSalt + "$" + goodSum,
	"scrypt with blocks of 33":     "$scrypt$ln=10,r=33,p=1$" + goodSalt + "$" + goodSum,
	"scrypt with blocks of 257":    "$scrypt$ln=10,r=257,p=1$" + goodSalt + "$" + goodSum,
	"scrypt without lanes":         "$scrypt$ln=10,r=8,p=0$" + goodSalt + "$" + goodSum,
	"scrypt with 17 lanes":         "$scrypt$ln=10,r=8,p=17$" + goodSalt + "$" + goodSum,
	"scrypt with too much work":    "$scrypt$ln=18,r=8,p=5$" + goodSalt + "$" + goodSum,
	"scrypt without a salt":        "$scrypt$ln=10,r=8,p=1$$" + goodSum,
	"scrypt in another order":      "$scrypt$r=8,ln=10,p=1$" + goodSalt + "$" + goodSum,
	"scrypt with a sum of 15":      "$scrypt$ln=10,r=8,p=1$" + goodSalt + "$" + strings.Repeat("AAAA", 5),
	"scrypt of another spelling":   "$scrypt$ln=010,r=8,p=1$" + goodSalt + "$" + goodSum,
	"a form of the host's":         "{ours}abc",
	"bcrypt behind another's mark": "{bcrypt}$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
}

func TestForeignBoundsAreInclusive(t *testing.T) {
	for _, hash := range []string{
		aspNet(1, 1, 10_000_000, 16, 48), aspNet(1, 0, 5_000_000, 64, 104), aspNet(1, 2, 1, 1, 17), aspNet(1, 0, 2_500_000, 64, 128),
		"$scrypt$ln=18,r=8,p=4$" + goodSalt + "$" + goodSum,
		"$scrypt$ln=21,r=1,p=4$" + goodSalt + "$" + goodSum,
		"$scrypt$ln=1,r=32,p=16$AA$" + strings.Repeat("AAAA", 21) + "AA",
	} {
		if _, err := clientauth.ParseHash(hash); err != nil {
			t.Errorf("ParseHash(%s): got error %v, want none", hash, err)
		}
	}
}

// The operator has to find the parameter that is too high.
func TestAnOutageNamesTheParameter(t *testing.T) {
	for hash, want := range map[string]string{
		aspNet(1, 1, 10_000_001, 16, 48):                                                         "the iterations must be 1 to 10000000",
		aspNet(1, 0, 10_000_001, 16, 80):                                                         "the iterations must be 1 to 2500000",
		"pbkdf2_sha256$1$salt$AAAA":                                                              "the length of the sum must be 16 to 64",
		"$scrypt$ln=20,r=8,p=1$" + goodSalt + "$" + goodSum:                                      "the memory in KiB, of ln and r, must be 0 to 262144",
		"$scrypt$ln=18,r=8,p=5$" + goodSalt + "$" + goodSum:                                      "the work in KiB",
		"$argon2id$v=19$m=262145,t=1,p=1$" + goodSalt + "$" + goodSum:                            "m must be 8 to 262144",
		"$argon2id$v=19$m=64,t=17,p=1$" + goodSalt + "$" + goodSum:                               "t must be 1 to 16",
		"$argon2id$v=19$m=64,t=1,p=17$" + goodSalt + "$" + goodSum:                               "p must be 1 to 16",
		"$2a$17$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW":                           "the cost must be 4 to 16",
		"$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAA$" + goodSum:                                      "the length of the salt must be 8 to 64",
		"$pbkdf2-sha512$10000001$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLxJypzM8Xm2RZk": "the iterations must be",
	} {
		s, _ := newSecrets(storeOf(clientWith("c1", hash)))
		_, err := s.ValidateClient(t.Context(), basic("c1", long1))
		if outcome(err) != outage || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `secret "key1" of client "c1"`) {
			t.Errorf("ValidateClient: got error %v, want an outage that names the record, and says %q", err, want)
		}
	}
}

// A digest without a salt is fast, so the better hash is made beside the road: once, and
// only while no client wants a slot.
func TestUpgradeOfFastHashes(t *testing.T) {
	for _, form := range []string{"sha256 in hex", "sha256 in base64", "sha512 in hex", "sha512 in base64"} {
		t.Run(form, func(t *testing.T) {
			c := clientWith("c1", foreignFormats(t)[form])
			disabled := clientWith("off", foreignFormats(t)[form])
			disabled.Disabled = true
			long := sha256.Sum256([]byte(strings.Repeat("k", 257)))
			store := storeOf(c, disabled, clientWith("long", fmt.Sprintf("{sha256-hex}%x", long)))
			s, n := newSecrets(store)
			var got []clientauth.Rehash
			s.Upgrade = func(_ context.Context, r clientauth.Rehash) { got = append(got, r) }
			expect(t, s, basic("c1", long2), refused)
			expect(t, s, basic("off", long1), accepted)                     // refused by the endpoint
			expect(t, s, basic("long", strings.Repeat("k", 257)), accepted) // no slow hash takes it
			if len(got) > 0 {
				t.Fatalf("Upgrade was called with %+v, want no call", got)
			}
			for range 3 {
				expect(t, s, basic("c1", long1), accepted)
			}
			if len(got) != 1 || got[0].ClientID != "c1" || got[0].SecretID != "key1" || got[0].Old != c.Secrets[0].Hash {
				t.Fatalf("Upgrade was called with %+v, want one call for the first secret of c1", got)
			}
			n.take()
			store.set("c1", got[0].New)
			expect(t, s, basic("c1", long1), accepted)
			if costs := n.take(); len(costs) > 0 {
				t.Errorf("hashes for the upgraded record = %q, want none", costs)
			}
			other, _ := newSecrets(store)
			expect(t, other, basic("c1", long1), accepted)
			expect(t, other, basic("c1", long2), refused)
		})
	}
}

func TestUpgradeOfFastHashesTakesNobodysSlot(t *testing.T) {
	s, n := newSecrets(storeOf(clientWith("c1", foreignFormats(t)["sha256 in hex"]), clientWith("c2", argon2id(long1))))
	s.MaxHashes = 1
	calls := 0
	s.Upgrade = func(_ context.Context, r clientauth.Rehash) {
		if r.ClientID == "c1" {
			calls++
		}
	}
	n.during = func() { // c2 has the only slot
		n.during = nil
		expect(t, s, basic("c1", long1), accepted)
		if calls != 0 {
			t.Errorf("Upgrade was called while a client had the slot")
		}
	}
	expect(t, s, basic("c2", long2), refused)
	expect(t, s, basic("c1", long1), accepted)
	if calls != 1 {
		t.Errorf("Upgrade was called %d times once the slot was free, want 1", calls)
	}
}

// ours is a hash of the host's: the text turned round.
func ours(secret string) string {
	b := []byte(secret)
	slices.Reverse(b)
	return "{ours}" + hex.EncodeToString(b)
}

func oursMatches(hash string, secret storage.Secret) (bool, error) {
	want, err := hex.DecodeString(strings.TrimPrefix(hash, "{ours}"))
	if err != nil {
		return false, errors.New("ours is no hex")
	}
	b := []byte(secret.Reveal())
	slices.Reverse(b)
	return bytes.Equal(b, want), nil
}

func TestOtherHash(t *testing.T) {
	store := storeOf(clientWith("c1", ours(long1)), clientWith("c2", ours(long2), argon2id(long1)), clientWith("bad", "{ours}zz"),
		clientWith("unmarked", "zz"), clientWith("cut", "$2a$05$CC"), clientWith("empty", "{ours}"), clientWith("endless", "{"+strings.Repeat("m", 64)+"}x"))
	s, _ := newSecrets(store)
	var mu sync.Mutex
	var asked []string
	s.OtherHash = func(hash string, secret storage.Secret) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, hash)
		return oursMatches(hash, secret)
	}
	var upgrades []clientauth.Rehash
	s.Upgrade = func(_ context.Context, r clientauth.Rehash) { upgrades = append(upgrades, r) }
	expect(t, s, basic("c1", long2), refused)
	for range 3 {
		expect(t, s, basic("c1", long1), accepted)
	}
	if len(asked) != 2 {
		t.Errorf("OtherHash was asked %d times, want once for the wrong secret and once for the right one", len(asked))
	}
	if len(upgrades) != 1 || upgrades[0].Old != ours(long1) {
		t.Errorf("Upgrade was called with %+v, want one call for the hash of the host's", upgrades)
	}
	expect(t, s, basic("c1", strings.Repeat("k", 257)), refused)
	expect(t, s, basic("c2", long2), accepted) // both secrets are live
	expect(t, s, basic("c2", long1), accepted)
	asked = nil
	for _, id := range []string{"bad", "unmarked", "cut", "empty", "endless"} {
		expect(t, s, basic(id, long1), outage)
	}
	if !slices.Equal(asked, []string{"{ours}zz"}) {
		t.Errorf("OtherHash was asked about %q, want only the hash with its mark", asked)
	}
	s.OtherHash = nil
	expect(t, s, basic("c1", long1), outage)

	// An unknown client costs a call with a hash of a known client, and even the
	// secret of that one gets it nowhere.
	s, n := newSecrets(storeOf(clientWith("c1", ours(long1))))
	s.OtherHash, s.Upgrade = oursMatches, func(context.Context, clientauth.Rehash) {
		t.Error("Upgrade was called for a client that does not exist")
	}
	expect(t, s, basic("c1", long2), refused)
	n.take()
	for range 2 {
		expect(t, s, basic("ghost", long1), refused)
		if got, want := n.take(), []string{"{ours} m=0 t=0 p=0"}; !slices.Equal(got, want) {
			t.Errorf("hashes for an unknown client = %q, want %q", got, want)
		}
	}
}
