//go:build !(cgo && openssl)

package openssl_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws/openssl"
)

func TestWithoutOpenSSLTheErrorSaysHowToBuild(t *testing.T) {
	signer, err := openssl.NewSigner(key2048())
	if signer != nil || !errors.Is(err, errors.ErrUnsupported) {
		t.Fatalf("NewSigner = %v, %v, want errors.ErrUnsupported", signer, err)
	}
	if !strings.HasPrefix(err.Error(), "openssl: ") || !strings.Contains(err.Error(), "CGO_ENABLED=1 go build -tags openssl") {
		t.Errorf("NewSigner = %q, want openssl: … and the command that builds it", err)
	}
}
