//go:build cgo && openssl

package openssl

/*
#cgo LDFLAGS: -lcrypto

#include <openssl/err.h>
#include "libcrypto.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
)

// privateKey is a key in OpenSSL's memory. When the privateKey is collected, OpenSSL
// overwrites the key and frees it.
type privateKey struct{ pkey *C.EVP_PKEY }

// importKey returns the key of these numbers, each of width bytes. It changes the
// numbers.
func importKey(numbers []byte, width int) (*privateKey, error) {
	var fault C.ulong
	pkey := C.contit_openssl_import((*C.uchar)(&numbers[0]), C.size_t(width), &fault)
	if pkey == nil {
		return nil, fmt.Errorf("openssl: import the private key: %w", reason(fault))
	}
	k := &privateKey{pkey}
	runtime.AddCleanup(k, func(pkey *C.EVP_PKEY) { C.EVP_PKEY_free(pkey) }, pkey)
	return k, nil
}

// sign fills signature, with PSS if salt is not 0. The digest is of a hash that
// newScheme allows.
func (k *privateKey) sign(digest []byte, salt int, signature []byte) error {
	fault := C.contit_openssl_sign(k.pkey,
		(*C.uchar)(&digest[0]), C.size_t(len(digest)), C.int(salt),
		(*C.uchar)(&signature[0]), C.size_t(len(signature)))
	runtime.KeepAlive(k) // otherwise the key could be freed while it signs
	if fault != 0 {
		return fmt.Errorf("openssl: sign: %w", reason(fault))
	}
	return nil
}

// reason returns OpenSSL's text for an error code. The text comes from a table and
// has no input in it.
func reason(fault C.ulong) error {
	var text [256]C.char
	C.ERR_error_string_n(fault, &text[0], C.size_t(len(text)))
	return errors.New(C.GoString(&text[0]))
}
