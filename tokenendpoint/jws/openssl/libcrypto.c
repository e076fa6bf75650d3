//go:build cgo && openssl

#include <openssl/opensslv.h>

#if OPENSSL_VERSION_MAJOR < 3
#error "OpenSSL 3 or later is required"
#endif

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "libcrypto.h"

// The error queue belongs to the thread, and the next call from Go may run on
// another. So each function clears the errors of others when it begins, and its
// own errors when it ends.

// leave empties the queue. It returns 0 if all is well, else the first error,
// which is the cause of the others.
static unsigned long leave(int ok) {
	unsigned long fault = ERR_peek_error();
	ERR_clear_error();
	if (ok)
		return 0;
	return fault != 0 ? fault : ERR_PACK(ERR_LIB_USER, 0, ERR_R_INTERNAL_ERROR);
}

static const char *const names[] = {
	OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
	OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
	OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
	OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

enum { NUMBERS = sizeof names / sizeof names[0] };

// reverse turns a big-endian number into one of this machine.
static void reverse(unsigned char *number, size_t width) {
	const int one = 1;
	if (*(const char *)&one != 1)
		return;
	for (size_t i = 0; i < width / 2; i++) {
		unsigned char c = number[i];
		number[i] = number[width - 1 - i];
		number[width - 1 - i] = c;
	}
}

// contit_openssl_import returns a private key, or NULL and an error code. The
// numbers are those of an RSAPrivateKey (RFC 8017 A.1.2) in its order, each
// big-endian in width bytes. It changes them. A decoder of DER or PEM would
// leave copies of them in memory that it has freed.
EVP_PKEY *contit_openssl_import(unsigned char *numbers, size_t width,
                                unsigned long *fault) {
	ERR_clear_error();
	OSSL_PARAM params[NUMBERS + 1];
	for (int i = 0; i < NUMBERS; i++) {
		unsigned char *number = numbers + (size_t)i * width;
		reverse(number, width);
		params[i] = OSSL_PARAM_construct_BN(names[i], number, width);
	}
	params[NUMBERS] = OSSL_PARAM_construct_end();

	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	int ok = ctx != NULL && EVP_PKEY_fromdata_init(ctx) > 0 &&
	         EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) > 0;
	EVP_PKEY_CTX_free(ctx);
	*fault = leave(ok);
	if (ok)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

// Callers allow three hashes, so the length of the digest names one.
static const EVP_MD *hash(size_t digest_len) {
	switch (digest_len) {
	case 32: return EVP_sha256();
	case 48: return EVP_sha384();
	case 64: return EVP_sha512();
	}
	return NULL;
}

static int set(EVP_PKEY_CTX *ctx, const EVP_MD *md, int salt_len) {
	int padding = salt_len > 0 ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, padding) > 0 &&
	       EVP_PKEY_CTX_set_signature_md(ctx, md) > 0 &&
	       (salt_len == 0 || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt_len) > 0);
}

// sign verifies what it has signed, as crypto/rsa does. If memory runs out while
// OpenSSL 3.0 renews a blinding factor, it returns 32 wrong signatures as good
// ones, until it renews the factor again.
static int sign(EVP_PKEY_CTX *ctx, const unsigned char *digest, size_t digest_len,
                int salt_len, unsigned char *sig, size_t sig_len) {
	const EVP_MD *md = hash(digest_len);
	size_t written = sig_len;
	return md != NULL &&
	       EVP_PKEY_sign_init(ctx) > 0 && set(ctx, md, salt_len) &&
	       EVP_PKEY_sign(ctx, sig, &written, digest, digest_len) > 0 &&
	       written == sig_len &&
	       EVP_PKEY_verify_init(ctx) > 0 && set(ctx, md, salt_len) &&
	       EVP_PKEY_verify(ctx, sig, sig_len, digest, digest_len) > 0;
}

// contit_openssl_sign writes a signature of sig_len bytes and returns 0, or an
// error code. It signs with PSS if there is to be a salt, else with PKCS #1
// v1.5. It may be called by many threads with one key: a context is not
// shared, and OpenSSL locks what blinding changes in a key.
unsigned long contit_openssl_sign(EVP_PKEY *key, const unsigned char *digest,
                                  size_t digest_len, int salt_len,
                                  unsigned char *sig, size_t sig_len) {
	ERR_clear_error();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	int ok = ctx != NULL && sign(ctx, digest, digest_len, salt_len, sig, sig_len);
	EVP_PKEY_CTX_free(ctx);
	return leave(ok);
}
