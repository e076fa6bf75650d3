//go:build !cgo

package main

import (
	"strings"
	"testing"
)

func TestWithoutCgo(t *testing.T) {
	if _, err := openKey(keyConfig{}); err == nil || !strings.Contains(err.Error(), "install a C compiler") {
		t.Errorf("openKey = %v, want an error that says how to mend it", err)
	}
}

func TestWithToken(t *testing.T) {
	t.Skip("NOT TESTED: needs cgo and SoftHSM: install a C compiler and the package softhsm2")
}
