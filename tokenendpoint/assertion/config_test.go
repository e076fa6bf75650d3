package assertion_test

import (
	"strings"
	"testing"

	"github.com/contit/oauth/tokenendpoint/assertion"
)

// NewJWTBearer names every fault of every issuer.
func TestNewJWTBearer(t *testing.T) {
	good := client(t, newSigner(t, "k1"))
	for _, tt := range []struct {
		name    string
		issuers []assertion.TrustedIssuer
		want    []string
	}{
		{"no issuer", nil, []string{"there is no issuer"}},
		{"nothing to decide", []assertion.TrustedIssuer{{Config: good}}, []string{"has no Authorize"}},
		{"ID-JAG without subject", []assertion.TrustedIssuer{assertion.IDJAG(good, nil)}, []string{"has no Authorize"}},
		{"two faults", []assertion.TrustedIssuer{{Config: assertion.Config{Issuer: "https://p.test"}}}, []string{"Keys are missing", "Audience", "has no Authorize"}},
		{"one twice", []assertion.TrustedIssuer{{Config: good}, {Config: good}}, []string{"is there twice"}},
	} {
		_, err := assertion.NewJWTBearer(tt.issuers...)
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q in it", tt.name, err, want)
			}
		}
	}
}
