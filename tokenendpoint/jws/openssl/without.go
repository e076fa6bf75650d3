//go:build !(cgo && openssl)

package openssl

import (
	"errors"
	"fmt"
)

// privateKey is never made in this build.
type privateKey struct{}

func importKey([]byte, int) (*privateKey, error) {
	return nil, fmt.Errorf("openssl: the program was built without OpenSSL; build it with CGO_ENABLED=1 go build -tags openssl: %w", errors.ErrUnsupported)
}

func (*privateKey) sign([]byte, int, []byte) error { return errors.ErrUnsupported }
