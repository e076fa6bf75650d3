//go:build cgo && openssl

package openssl_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
)

func TestSignerPrintsWithoutItsPrivatePart(t *testing.T) {
	const want = "openssl.Signer{RSA, 2048 bits}"
	signer := newSigner(t, key2048())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q", "%t"} {
		if got := fmt.Sprintf(verb, signer); got != want {
			t.Errorf("%s of a pointer = %q, want %q", verb, got, want)
		}
		if got := fmt.Sprintf(verb, *signer); got != want {
			t.Errorf("%s = %q, want %q", verb, got, want)
		}
		hidden := fmt.Sprintf(verb, struct{ signer any }{signer}) // fmt cannot call Format here
		noSecret(t, verb+" of a hidden field", hidden)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("started", "signer", signer)
	if !strings.Contains(log.String(), `"signer":"`+want+`"`) {
		t.Errorf("the log has %s, want the signer as %q", log.String(), want)
	}
	if got := string(must(json.Marshal(signer))); got != `"`+want+`"` {
		t.Errorf("JSON = %s, want %q", got, want)
	}
}

func noSecret(t *testing.T, what, text string) {
	t.Helper()
	for name, n := range map[string]*big.Int{"D": key2048().D, "P": key2048().Primes[0], "Q": key2048().Primes[1]} {
		for _, form := range []string{n.String(), n.Text(16), fmt.Sprint(n.Bytes()), fmt.Sprint(n.Bits())} {
			if strings.Contains(strings.ToLower(text), strings.Trim(form, "[]")) {
				t.Errorf("%s prints %s", what, name)
			}
		}
	}
}
