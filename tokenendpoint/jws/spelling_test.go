package jws_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/go-jose/go-jose/v4"
)

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// The last character of a base64 text has bits that decode to nothing. If another
// spelling of a token verified too, an attacker could evade a list of revoked tokens, or
// a cache, with it.
func TestOneSpellingOfAToken(t *testing.T) {
	for algorithm, spare := range map[string]int{jws.RS256: 4, jws.PS256: 4, jws.ES256: 4, jws.EdDSA: 4} {
		token := sign(t, newKeySet(t, genuineKey(algorithm)), jws.TypeAccessToken, payload)
		signature := token[strings.LastIndexByte(token, '.')+1:]
		bytes := string(decode(t, signature))
		good, spellings := 0, 0
		for _, c := range base64url {
			respelled := signature[:len(signature)-1] + string(c)
			lenient, err := base64.RawURLEncoding.DecodeString(respelled)
			if err != nil || string(lenient) != bytes {
				continue
			}
			spellings++
			if err := verifies(t, strings.TrimSuffix(token, signature)+respelled); err == nil {
				good++
			} else if !errors.Is(err, jws.ErrInvalid) {
				t.Errorf("%s: Verify = %v, want ErrInvalid", algorithm, err)
			}
		}
		if spellings != 1<<spare || good != 1 {
			t.Errorf("%s: of %d spellings %d verify, want one of %d", algorithm, spellings, good, 1<<spare)
		}
	}
}

// The same of header and payload, where the signature is over the other spelling.
func TestSpareBitsThatAreSignedAreRefused(t *testing.T) {
	key := genuineKey(jws.EdDSA)
	for _, part := range []int{0, 1} {
		parts := []string{b64(header(jws.EdDSA, strings.Repeat(" ", 2))), b64(`{"sub":"u12"}`)}
		if len(parts[part])%4 == 0 {
			t.Fatalf("part %d has no spare bits", part)
		}
		last := strings.IndexByte(base64url, parts[part][len(parts[part])-1])
		for i, want := range map[int]error{last: nil, last + 1: jws.ErrInvalid} {
			parts[part] = parts[part][:len(parts[part])-1] + base64url[i:i+1]
			input := parts[0] + "." + parts[1]
			_, _, err := jws.Verify(t.Context(), genuine(), input+"."+b64(string(rawSignature(key, input))), jws.TypeAccessToken, start)
			if !errors.Is(err, want) {
				t.Errorf("part %d with %d instead of %d: Verify = %v, want %v", part, i, last, err, want)
			}
		}
	}
}

func TestCharactersInATokenAreRefused(t *testing.T) {
	token := sign(t, newKeySet(t, genuineKey(jws.EdDSA)), jws.TypeAccessToken, payload)
	if err := verifies(t, token); err != nil {
		t.Fatalf("Verify = %v, want no error", err)
	}
	for _, insert := range []string{"\n", "\r", "\r\n", " ", "\t", "=", "==", ".", "\x00", "+", "/", "%2E", "é", "A", "-"} {
		for at := range len(token) + 1 {
			if err := verifies(t, token[:at]+insert+token[at:]); !errors.Is(err, jws.ErrInvalid) {
				t.Fatalf("%q at %d: Verify = %v, want ErrInvalid", insert, at, err)
			}
		}
	}
	for at := range len(token) {
		if err := verifies(t, token[:at]+token[at+1:]); !errors.Is(err, jws.ErrInvalid) {
			t.Fatalf("without the character %d: Verify = %v, want ErrInvalid", at, err)
		}
		for _, c := range []byte{token[at] ^ 1, token[at] ^ 32, '.', 'A'} {
			if c == token[at] {
				continue
			}
			if err := verifies(t, token[:at]+string(rune(c))+token[at+1:]); !errors.Is(err, jws.ErrInvalid) {
				t.Fatalf("%q in the place of character %d: Verify = %v, want ErrInvalid", c, at, err)
			}
		}
	}
}

func TestFormsOfATokenAreRefused(t *testing.T) {
	key := genuineKey(jws.EdDSA)
	token := sign(t, newKeySet(t, key), jws.TypeAccessToken, payload)
	parts := strings.Split(token, ".")
	other := strings.Split(sign(t, newKeySet(t, key), jws.TypeAccessToken, `{"sub":"u2"}`), ".")
	parsed := must(jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.EdDSA}))
	for name, text := range map[string]string{
		"nothing": "", "one part": parts[0], "two parts": parts[0] + "." + parts[1], "four parts": token + "." + parts[2],
		"five parts, as an encrypted token has": token + ".." + parts[2], "a dot at the end": token + ".", "a dot at the beginning": "." + token,
		"no header": "." + parts[1] + "." + parts[2], "no payload": parts[0] + ".." + parts[2], "no signature": parts[0] + "." + parts[1] + ".",
		"dots alone": "..", "Bearer before it": "Bearer " + token, "in quotation marks": `"` + token + `"`,
		"the payload of another token":   parts[0] + "." + other[1] + "." + parts[2],
		"the signature of another token": parts[0] + "." + parts[1] + "." + other[2],
		"header and payload swapped":     parts[1] + "." + parts[0] + "." + parts[2],
		"half a signature":               token[:len(token)-43], "a signature and more": token + "AAAA", "a signature of zeros": parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86),
		"the JSON serialization":             parsed.FullSerialize(),
		"the general JSON serialization":     fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q}]}`, parts[1], parts[0], parts[2]),
		"the JSON serialization, in base64":  b64(parsed.FullSerialize()) + "." + parts[1] + "." + parts[2],
		"standard base64":                    strings.NewReplacer("-", "+", "_", "/").Replace(parts[0] + "." + parts[1] + "." + strings.Repeat("-_", 43)),
		"a token of a key that is not there": sign(t, newKeySet(t, jws.Key{Signer: numbered(9)}), jws.TypeAccessToken, payload),
		"another type":                       sign(t, newKeySet(t, key), jws.TypeJWT, payload),
	} {
		if err := verifies(t, text); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("%s: Verify = %v, want ErrInvalid", name, err)
		}
	}
}

func TestSignaturesOfOtherLengthsAreRefused(t *testing.T) {
	for _, algorithm := range algorithms {
		text := header(algorithm, "")
		input := b64(text) + "." + b64(payload)
		signature := rawSignature(genuineKey(algorithm), input)
		for n := range 2 * len(signature) {
			if n == len(signature) {
				continue
			}
			cut := append(append([]byte(nil), signature...), make([]byte, len(signature))...)[:n]
			if err := verifies(t, input+"."+b64(string(cut))); !errors.Is(err, jws.ErrInvalid) {
				t.Errorf("%s: a signature of %d bytes: Verify = %v, want ErrInvalid", algorithm, n, err)
			}
		}
		zeros := string(make([]byte, len(signature)))
		if err := verifies(t, input+"."+b64(zeros)); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("%s: a signature of zeros: Verify = %v, want ErrInvalid", algorithm, err)
		}
	}
}

// The same two integers in other widths are another spelling of the signature.
func TestPaddedECDSASignatureIsRefused(t *testing.T) {
	input := b64(header(jws.ES256, "")) + "." + b64(payload)
	signature := string(rawSignature(genuineKey(jws.ES256), input))
	for name, padded := range map[string]string{
		"r":    "\x00" + signature,
		"s":    signature[:32] + "\x00" + signature[32:],
		"both": "\x00" + signature[:32] + "\x00" + signature[32:],
		"DER":  string(der(new(big.Int).SetBytes([]byte(signature[:32])), new(big.Int).SetBytes([]byte(signature[32:])))),
	} {
		if err := verifies(t, input+"."+b64(padded)); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("%s: Verify = %v, want ErrInvalid", name, err)
		}
	}
}

// If a caller forgets the type, Verify accepts no token.
func TestEmptyTypeFitsNoToken(t *testing.T) {
	for _, text := range []string{header(jws.EdDSA, ""), strings.Replace(header(jws.EdDSA, ""), "at+jwt", "", 1), strings.Replace(header(jws.EdDSA, ""), `,"typ":"at+jwt"`, "", 1)} {
		if _, _, err := jws.Verify(t.Context(), genuine(), signRaw(genuineKey(jws.EdDSA), text, payload), "", start); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("Verify of %s with the type \"\" = %v, want ErrInvalid", text, err)
		}
	}
}

// A long token is refused by its length alone.
func TestLongTokensCostNothing(t *testing.T) {
	keys := genuine()
	key := newKeySet(t, genuineKey(jws.EdDSA))
	long := sign(t, key, jws.TypeAccessToken, strings.Repeat("a", 48<<10))
	fits := sign(t, key, jws.TypeAccessToken, strings.Repeat("a", 48<<10-200))
	if len(long) <= 64<<10 || len(fits) > 64<<10 || len(fits) < 63<<10 {
		t.Fatalf("the tokens have %d and %d bytes, want about 65536", len(long), len(fits))
	}
	if _, _, err := jws.Verify(t.Context(), keys, fits, jws.TypeAccessToken, start); err != nil {
		t.Errorf("Verify of %d bytes = %v, want no error", len(fits), err)
	}
	for name, tt := range map[string]struct {
		token string
		most  float64 // allocations
	}{
		"a genuine token": {long, 0}, "a megabyte": {strings.Repeat("a", 1<<20), 0}, "a megabyte of dots": {strings.Repeat(".", 1<<20), 0},
		"a megabyte of line breaks": {strings.Repeat("\n", 1<<20), 0}, "64 KiB of dots": {strings.Repeat(".", 64<<10), 12},
		"64 KiB in the first part": {strings.Repeat("a", 64<<10-2) + "..", 12},
	} {
		var err error
		got := testing.AllocsPerRun(10, func() { _, _, err = jws.Verify(t.Context(), keys, tt.token, jws.TypeAccessToken, start) })
		if !errors.Is(err, jws.ErrInvalid) || got > tt.most {
			t.Errorf("%s: Verify = %v after %v allocations, want ErrInvalid after %v at most", name, err, got, tt.most)
		}
	}
}
