//go:build !cgo

package main

import (
	"strings"
	"testing"
)

func TestWithoutCgo(t *testing.T) {
	if _, err := openKey(keyConfig{}); err == nil || !strings.Contains(err.Error(), "install a C compiler") {
		t.Errorf("openKey = %v, want what to do", err)
	}
}

func TestWithToken(t *testing.T) {
	t.Skip("\n\n!!! NOT TESTED: signing in an HSM needs cgo; install a C compiler and the package softhsm2 !!!\n")
}
