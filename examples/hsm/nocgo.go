//go:build !cgo

package main

import "errors"

// openKey needs cgo: the library of an HSM is written in C.
func openKey(keyConfig) (signer, error) {
	return nil, errors.New("this was built without cgo, which PKCS #11 needs: install a C compiler, and leave CGO_ENABLED unset or 1")
}
