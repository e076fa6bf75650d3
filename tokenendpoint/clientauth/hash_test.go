package clientauth_test

import (
	"encoding/base64"
	"encoding/hex"
	"maps"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

func base64url(d storage.Digest) string { return base64.RawURLEncoding.EncodeToString(d[:]) }

func TestNewSecret(t *testing.T) {
	secret, hash := clientauth.NewSecret()
	other, _ := clientauth.NewSecret()
	if !secret.WellFormed("cs_") {
		t.Errorf("NewSecret drew %q, want a well-formed secret with prefix cs_", secret.Reveal())
	}
	if secret.Reveal() == other.Reveal() {
		t.Errorf("NewSecret drew %q twice", secret.Reveal())
	}
	if want := "$sha256$" + base64url(secret.Digest("client_secret")); hash != want {
		t.Errorf("its hash = %q, want %q", hash, want)
	}
	s, _ := newSecrets(storeOf(clientWith("c1", hash)))
	expect(t, s, basic("c1", secret.Reveal()), accepted)
	expect(t, s, basic("c1", other.Reveal()), refused)
}

func TestFastHash(t *testing.T) {
	for name, tt := range map[string]struct {
		secret string
		ok     bool
	}{
		"empty":                        {"", false},
		"too short for 128 bits":       {strings.Repeat("k", 19), false},
		"long enough for 128 bits":     {strings.Repeat("k", 20), true},
		"longer than slow hashes take": {strings.Repeat("k", 2000), true},
	} {
		t.Run(name, func(t *testing.T) {
			hash, err := clientauth.FastHash(storage.PresentedSecret(tt.secret))
			if (err == nil) != tt.ok || (hash != "") != tt.ok {
				t.Fatalf("FastHash = %q, %v; want a hash: %v", hash, err, tt.ok)
			}
			if !tt.ok {
				return
			}
			s, _ := newSecrets(storeOf(clientWith("c1", hash)))
			expect(t, s, basic("c1", tt.secret), accepted)
			expect(t, s, basic("c1", tt.secret+"x"), refused)
		})
	}
}

func TestHash(t *testing.T) {
	for name, tt := range map[string]struct {
		secret string
		ok     bool
	}{
		"empty":                {"", false},
		"one character":        {"x", true},
		"not ASCII":            {"p+ss w%rd:&=é", true},
		"256 bytes":            {strings.Repeat("k", 256), true},
		"more than 256 bytes":  {strings.Repeat("k", 257), false},
		"more, not characters": {strings.Repeat("é", 129), false},
	} {
		t.Run(name, func(t *testing.T) {
			hash, err := clientauth.Hash(storage.PresentedSecret(tt.secret))
			if (err == nil) != tt.ok || (hash != "") != tt.ok {
				t.Fatalf("Hash = %q, %v; want a hash: %v", hash, err, tt.ok)
			}
			if !tt.ok {
				return
			}
			if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
				t.Errorf("Hash = %q, want argon2id with m=19456,t=2,p=1", hash)
			}
			again, _ := clientauth.Hash(storage.PresentedSecret(tt.secret))
			if hash == again {
				t.Errorf("Hash gave %q twice, want another salt", hash)
			}
			s, _ := newSecrets(storeOf(clientWith("c1", hash)))
			expect(t, s, basic("c1", tt.secret), accepted)
			expect(t, s, basic("c1", tt.secret[1:]+"y"), refused)
		})
	}
}

// TestVectors verifies hashes that other implementations made.
func TestVectors(t *testing.T) {
	for name, tt := range map[string]struct{ hash, secret string }{
		"argon2 of the reference implementation": {
			"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"},
		"bcrypt of OpenBSD": {
			"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newSecrets(storeOf(clientWith("c1", tt.hash)))
			expect(t, s, basic("c1", tt.secret), accepted)
			expect(t, s, basic("c1", tt.secret+"x"), refused)
		})
	}
}

const (
	goodSalt = "c2FsdCBvZiB0aGUgdGVzdA"                      // 16 bytes
	goodSum  = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" // 32 bytes
)

// poison are hashes that must not be computed.
var poison = map[string]string{
	"no format":                      "secret",
	"plain text with a dollar":       "$secret",
	"unknown format":                 "$yescrypt$ln=15,r=8,p=1$" + goodSalt + "$" + goodSum,
	"argon2i":                        "$argon2i$v=19$m=64,t=1,p=1$" + goodSalt + "$" + goodSum,
	"argon2d":                        "$argon2d$v=19$m=64,t=1,p=1$" + goodSalt + "$" + goodSum,
	"old version of argon2id":        "$argon2id$v=16$m=64,t=1,p=1$" + goodSalt + "$" + goodSum,
	"argon2id without version":       "$argon2id$m=64,t=1,p=1$" + goodSalt + "$" + goodSum,
	"argon2id with a leading zero":   "$argon2id$v=19$m=064,t=1,p=1$" + goodSalt + "$" + goodSum,
	"argon2id with a sign":           "$argon2id$v=19$m=+64,t=1,p=1$" + goodSalt + "$" + goodSum,
	"argon2id in another order":      "$argon2id$v=19$t=1,m=64,p=1$" + goodSalt + "$" + goodSum,
	"argon2id with a parameter more": "$argon2id$v=19$m=64,t=1,p=1,data=AA$" + goodSalt + "$" + goodSum,
	"argon2id without a hash":        "$argon2id$v=19$m=64,t=1,p=1$" + goodSalt,
	"argon2id with a field more":     "$argon2id$v=19$m=64,t=1,p=1$" + goodSalt + "$" + goodSum + "$",
	"argon2id with padding":          "$argon2id$v=19$m=64,t=1,p=1$" + goodSalt + "==$" + goodSum,
	"argon2id with a line end":       "$argon2id$v=19$m=64,t=1,p=1$" + goodSalt + "$" + goodSum + "\n",
	"argon2id with spare bits":       "$argon2id$v=19$m=64,t=1,p=1$" + goodSalt[:21] + "B$" + goodSum,
	"memory over 256 MiB":            "$argon2id$v=19$m=262145,t=1,p=1$" + goodSalt + "$" + goodSum,
	"memory over 32 bits":            "$argon2id$v=19$m=4294967360,t=1,p=1$" + goodSalt + "$" + goodSum,
	"memory under 8 blocks a lane":   "$argon2id$v=19$m=15,t=1,p=2$" + goodSalt + "$" + goodSum,
	"no pass":                        "$argon2id$v=19$m=64,t=0,p=1$" + goodSalt + "$" + goodSum,
	"17 passes":                      "$argon2id$v=19$m=64,t=17,p=1$" + goodSalt + "$" + goodSum,
	"no lane":                        "$argon2id$v=19$m=64,t=1,p=0$" + goodSalt + "$" + goodSum,
	"17 lanes":                       "$argon2id$v=19$m=256,t=1,p=17$" + goodSalt + "$" + goodSum,
	"257 lanes":                      "$argon2id$v=19$m=4096,t=1,p=257$" + goodSalt + "$" + goodSum,
	"empty salt":                     "$argon2id$v=19$m=64,t=1,p=1$$" + goodSum,
	"salt of 7 bytes":                "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAA$" + goodSum,
	"salt of 66 bytes":               "$argon2id$v=19$m=64,t=1,p=1$" + strings.Repeat("AAAA", 22) + "$" + goodSum,
	"empty argon2id hash":            "$argon2id$v=19$m=64,t=1,p=1$" + goodSalt + "$",
	"argon2id hash of 15 bytes":      "$argon2id$v=19$m=64,t=1,p=1$" + goodSalt + "$" + strings.Repeat("AAAA", 5),
	"argon2id hash of 66 bytes":      "$argon2id$v=19$m=64,t=1,p=1$" + goodSalt + "$" + strings.Repeat("AAAA", 22),
	"empty sha256":                   "$sha256$",
	"sha256 cut short":               "$sha256$" + goodSum[:42],
	"sha256 with a spare bit":        "$sha256$" + goodSum[:42] + "9",
	"sha256 in hexadecimal":          "$sha256$" + strings.Repeat("0f", 32),
	"sha256 with a line end":         "$sha256$" + goodSum + "\n",
	"bcrypt cut short":               "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
	"bcrypt with nothing":            "$2a$",
	"bcrypt with cost 3":             "$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	"bcrypt with cost 17":            "$2a$17$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	"bcrypt with cost 31":            "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	"bcrypt with another cost":       "$2a$x5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	"bcrypt with a strange letter":   "$2a$05$CCCCCCCCCCCCCCCCCCCCC+E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	"bcrypt of a broken maker":       "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
}

func everyPoison() map[string]string {
	all := maps.Clone(poison)
	maps.Copy(all, foreignPoison)
	return all
}

func TestCheckHash(t *testing.T) {
	_, drawn := clientauth.NewSecret()
	for name, hash := range map[string]string{
		"of NewSecret": drawn, "argon2id": argon2id(long1), "bcrypt": bcrypted(t, long1),
	} {
		if err := clientauth.CheckHash(hash); err != nil {
			t.Errorf("CheckHash, %s: got error %v, want none", name, err)
		}
	}
	for name, hash := range foreignFormats(t) {
		if err := clientauth.CheckHash(hash); err != nil {
			t.Errorf("CheckHash, %s: got error %v, want none", name, err)
		}
	}
	for name, hash := range everyPoison() {
		err := clientauth.CheckHash(hash)
		if err == nil || len(hash) > 8 && strings.Contains(err.Error(), hash) {
			t.Errorf("CheckHash, %s: got error %v, want one that does not show the hash", name, err)
		}
	}
	for name, text := range map[string]string{"empty": "", "a secret": long1} {
		if err := clientauth.CheckHash(text); err == nil {
			t.Errorf("CheckHash, %s: got no error, want one", name)
		}
	}
}

func TestBoundsAreInclusive(t *testing.T) {
	for _, hash := range []string{
		"$argon2id$v=19$m=262144,t=16,p=16$" + goodSalt + "$" + goodSum,
		"$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=8,t=1,p=1$" + strings.Repeat("AAAA", 21) + "AA$" + strings.Repeat("AAAA", 21) + "AA",
		"$2y$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2b$16$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	} {
		if _, err := clientauth.ParseHash(hash); err != nil {
			t.Errorf("ParseHash(%s) = %v, want nil", hash, err)
		}
	}
}

const number = `(0|[1-9][0-9]*)`

var (
	phc     = regexp.MustCompile(`\A\$(argon2id\$v=19\$m|scrypt\$ln)=` + number + `,[tr]=` + number + `,p=` + number + `\$([A-Za-z0-9+/]*)\$([A-Za-z0-9+/]*)\z`)
	sha     = regexp.MustCompile(`\A\$sha256\$[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]\z`)
	crypted = regexp.MustCompile(`\A\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}\z`)
	digest  = regexp.MustCompile(`\A(\{sha256-hex\}[0-9A-Fa-f]{64}|\{sha512-hex\}[0-9A-Fa-f]{128}|` +
		`\{sha256-base64\}[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=|\{sha512-base64\}[A-Za-z0-9+/]{85}[AQgw]==)\z`)
	django   = regexp.MustCompile(`(?s)\Apbkdf2_sha(1|256)\$` + number + `\$([^$]*)\$([A-Za-z0-9+/]*={0,2})\z`)
	passlib  = regexp.MustCompile(`\A\$pbkdf2(|-sha256|-sha512)\$` + number + `\$([A-Za-z0-9./]*)\$([A-Za-z0-9./]*)\z`)
	identity = regexp.MustCompile(`\A\{aspnet-identity\}([A-Za-z0-9+/]*={0,2})\z`)
)

func within(n *big.Int, low, high int64) bool {
	return n.Cmp(big.NewInt(low)) >= 0 && n.Cmp(big.NewInt(high)) <= 0
}

func bigInt(digits string) *big.Int {
	n, _ := new(big.Int).SetString(digits, 10)
	return n
}

// decoded returns the bytes of strict base64, and nil for anything else.
func decoded(enc *base64.Encoding, s string) []byte {
	b, err := enc.Strict().DecodeString(s)
	if err != nil || b == nil {
		return []byte{}
	}
	return b
}

// oracle decides by regular expressions and big numbers; parseHash decides by hand.
func oracle(text string) bool {
	if m := django.FindStringSubmatch(text); m != nil {
		return derivable(m[1], bigInt(m[2]), len(m[3]), len(decoded(base64.StdEncoding, m[4])))
	}
	if m := passlib.FindStringSubmatch(text); m != nil {
		function := strings.TrimPrefix(m[1], "-sha")
		salt, sum := strings.ReplaceAll(m[3], ".", "+"), strings.ReplaceAll(m[4], ".", "+")
		return derivable(function, bigInt(m[2]), len(decoded(base64.RawStdEncoding, salt)), len(decoded(base64.RawStdEncoding, sum)))
	}
	if m := identity.FindStringSubmatch(text); m != nil {
		header := hex.EncodeToString(decoded(base64.StdEncoding, m[1]))
		if len(header) < 26 || header[:2] != "01" {
			return false
		}
		var n [3]int64
		for i := range n {
			n[i], _ = strconv.ParseInt(header[2+8*i:10+8*i], 16, 64)
		}
		functions := map[int64]string{0: "1", 1: "256", 2: "512"}
		return functions[n[0]] != "" && derivable(functions[n[0]], big.NewInt(n[1]), int(n[2]), len(header)/2-13-int(n[2]))
	}
	m := phc.FindStringSubmatch(text)
	if m == nil {
		return sha.MatchString(text) || crypted.MatchString(text) || digest.MatchString(text)
	}
	a, b, p := bigInt(m[2]), bigInt(m[3]), bigInt(m[4])
	salt, sum := len(decoded(base64.RawStdEncoding, m[5])), len(decoded(base64.RawStdEncoding, m[6]))
	if !within(p, 1, 16) || sum < 16 || sum > 64 {
		return false
	}
	if strings.HasPrefix(m[1], "argon2id") {
		return strings.Contains(text, ",t=") && within(b, 1, 16) && within(a, 8*p.Int64(), 262144) && salt >= 8 && salt <= 64
	}
	if !strings.Contains(text, ",r=") || !within(a, 1, 21) || !within(b, 1, 32) || salt < 1 || salt > 64 {
		return false
	}
	memory := 128 * b.Int64() * (1 << a.Int64()) / 1024
	return memory <= 256*1024 && memory*p.Int64() <= 1024*1024
}

// derivable is the oracle of the bounds of PBKDF2.
func derivable(function string, iterations *big.Int, salt, sum int) bool {
	size := map[string]int{"": 20, "1": 20, "256": 32, "512": 64}[function]
	blocks := int64((sum + size - 1) / size)
	return salt >= 1 && salt <= 64 && sum >= 16 && sum <= 64 && within(iterations, 1, 10_000_000/blocks)
}

func FuzzParseHash(f *testing.F) {
	for _, hash := range everyPoison() {
		f.Add(hash)
	}
	for _, hash := range foreignFormats(f) {
		f.Add(hash)
	}
	f.Add(aspNet(1, 0, 10, 16, 48)) // a sum of two blocks
	f.Add(aspNet(1, 0, 10, 16, 80)) // of four
	made, err := clientauth.Hash(storage.PresentedSecret(long1))
	if err != nil {
		f.Fatalf("Hash: %v", err)
	}
	_, drawn := clientauth.NewSecret()
	for _, hash := range []string{made, drawn, argon2id(long1), bcrypted(f, long1), "$2a$05$", ""} {
		f.Add(hash)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cost, err := clientauth.ParseHash(text)
		if want := oracle(text); (err == nil) != want {
			t.Fatalf("ParseHash(%q) = %v, want it accepted: %v", text, err, want)
		}
		if err != nil {
			return
		}
		decoy, _ := clientauth.Decoy(text)
		if got, err := clientauth.ParseHash(decoy); err != nil || got != cost {
			t.Errorf("the decoy %q of %q costs %s, %v; want %s", decoy, text, got, err, cost)
		}
	})
}

// FuzzHash compares Hash with the parser, which must read every hash that Hash makes.
func FuzzHash(f *testing.F) {
	for _, s := range []string{"", "x", "p+ss w%rd:&=é", strings.Repeat("k", 257), "\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		hash, err := clientauth.Hash(storage.PresentedSecret(text))
		if refuse := text == "" || len(text) > 256; (err != nil) != refuse {
			t.Fatalf("Hash of %d bytes = %v, want it refused: %v", len(text), err, refuse)
		}
		if err != nil {
			return
		}
		if cost, err := clientauth.ParseHash(hash); err != nil || cost != "argon2id m=19456 t=2 p=1" {
			t.Errorf("ParseHash(%q) = %s, %v; want the parameters of Hash", hash, cost, err)
		}
	})
}
