package testbed

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// shortestSecret is the length of the shortest secret that is looked for. A
// shorter one turns up by chance.
const shortestSecret = 6

// Leaked returns a secret that stands in text, as it is, in hexadecimal or in
// base64. It passes over secrets of less than six characters.
//
// A test may log megabytes and use thousands of secrets. So the text is read
// once: the last six characters before each place are looked up among the last
// six of all secrets.
func Leaked(text string, secrets []string) (string, bool) {
	type form struct{ text, secret string }
	byEnd := make(map[string][]form)
	var may [1 << 13]uint64 // a bit for each hash of an end that is there
	for _, s := range secrets {
		if len(s) < shortestSecret {
			continue
		}
		for _, f := range []string{s, hex.EncodeToString([]byte(s)), base64.StdEncoding.EncodeToString([]byte(s))} {
			end := f[len(f)-shortestSecret:]
			if x := (form{f, s}); !slices.Contains(byEnd[end], x) {
				byEnd[end] = append(byEnd[end], x)
			}
			h := hashOfEnd(end)
			may[h/64] |= 1 << (h % 64)
		}
	}
	for i := shortestSecret; i <= len(text); i++ {
		end := text[i-shortestSecret : i]
		h := hashOfEnd(end)
		if may[h/64]&(1<<(h%64)) == 0 {
			continue
		}
		for _, f := range byEnd[end] {
			if strings.HasSuffix(text[:i], f.text) {
				return f.secret, true
			}
		}
	}
	return "", false
}

// hashOfEnd is 19 bits of six characters.
func hashOfEnd(end string) uint64 {
	_ = end[5]
	n := uint64(end[0]) | uint64(end[1])<<8 | uint64(end[2])<<16 | uint64(end[3])<<24 | uint64(end[4])<<32 | uint64(end[5])<<40
	return n * 0x9e3779b97f4a7c15 >> 45
}
