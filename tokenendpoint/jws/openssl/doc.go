// Package openssl signs with RSA keys in OpenSSL 3, in a third of the time that
// crypto/rsa takes. A [Signer] is a [crypto.Signer], for the Signer of a
// jws.Key with RS256 or PS256. ES256 and EdDSA gain nothing here.
//
// # Build
//
// The package calls libcrypto through cgo, and only if asked to:
//
//	CGO_ENABLED=1 go build -tags openssl
//
// That needs a C compiler and OpenSSL's headers (gcc and libssl-dev on Debian),
// and the program needs libcrypto.so.3 where it runs (libssl3). Built in any
// other way the package compiles with Go alone, and [NewSigner] returns an
// error that is [errors.ErrUnsupported]: a server that counts on OpenSSL does
// not start without it, and one that does not goes on with crypto/rsa.
//
// # OpenSSL
//
// The process shares one OpenSSL, and the machine's openssl.cnf says which
// providers do the work. A key is held in ordinary memory of the process, as
// the keys of crypto/rsa are: this is no HSM. OpenSSL blinds each signature,
// and holds a lock of the key for about 10 µs of it: from some 25 cores on,
// signatures wait for the lock of their key.
package openssl
