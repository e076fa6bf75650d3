#include <stddef.h>
#include <openssl/evp.h>

EVP_PKEY *contit_openssl_import(unsigned char *numbers, size_t width,
                                unsigned long *fault);

unsigned long contit_openssl_sign(EVP_PKEY *key, const unsigned char *digest,
                                  size_t digest_len, int salt_len,
                                  unsigned char *sig, size_t sig_len);
