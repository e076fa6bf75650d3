//go:build cgo && openssl

#include "probe.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

enum { HEADER = 16, PATTERNS = 32, PATTERN = 32 }; // a header keeps the alignment of malloc

static atomic_long live, spills, until_failure = -1;
static atomic_int installed, patterns;
static unsigned char pattern[PATTERNS][PATTERN];

static size_t *header(void *p) { return (size_t *)((unsigned char *)p - HEADER); }

static void look(const unsigned char *p, size_t len) {
	for (int i = 0; i < atomic_load(&patterns); i++)
		for (size_t at = 0; at + PATTERN <= len; at++)
			if (memcmp(p + at, pattern[i], PATTERN) == 0) {
				atomic_fetch_add(&spills, 1);
				return;
			}
}

static int fails(void) {
	return atomic_load(&until_failure) >= 0 && atomic_fetch_sub(&until_failure, 1) == 0;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
static atomic_int armed, holding;

static void wait(void) {
	int one = 1;
	if (!atomic_compare_exchange_strong(&armed, &one, 0))
		return;
	pthread_mutex_lock(&gate);
	atomic_store(&holding, 1);
	while (atomic_load(&holding))
		pthread_cond_wait(&opened, &gate);
	pthread_mutex_unlock(&gate);
}

static void *allocate(size_t len, const char *file, int line) {
	(void)file, (void)line;
	wait();
	if (len == 0 || fails())
		return NULL;
	unsigned char *p = malloc(len + HEADER);
	if (p == NULL)
		return NULL;
	p += HEADER;
	*header(p) = len;
	atomic_fetch_add(&live, 1);
	return p;
}

static void release(void *p, const char *file, int line) {
	(void)file, (void)line;
	if (p == NULL)
		return;
	look(p, *header(p));
	atomic_fetch_sub(&live, 1);
	free(header(p));
}

static void *reallocate(void *old, size_t len, const char *file, int line) {
	if (len == 0) {
		release(old, file, line);
		return NULL;
	}
	void *p = allocate(len, file, line);
	if (p == NULL || old == NULL)
		return p;
	memcpy(p, old, *header(old) < len ? *header(old) : len);
	release(old, file, line);
	return p;
}

__attribute__((constructor)) static void install(void) {
	atomic_store(&installed, CRYPTO_set_mem_functions(allocate, reallocate, release));
}

long contit_probe_live(void) { return atomic_load(&installed) ? atomic_load(&live) : -1; }

long contit_probe_spills(void) { return atomic_load(&spills); }

void contit_probe_watch(const unsigned char *bytes, int count) {
	atomic_store(&patterns, 0);
	memcpy(pattern, bytes, (size_t)count * PATTERN);
	atomic_store(&spills, 0);
	atomic_store(&patterns, count);
}

void contit_probe_fail(long after) { atomic_store(&until_failure, after); }

void contit_probe_hold(void) { atomic_store(&armed, 1); }

int contit_probe_holding(void) { return atomic_load(&holding); }

void contit_probe_release(void) {
	atomic_store(&armed, 0);
	pthread_mutex_lock(&gate);
	atomic_store(&holding, 0);
	pthread_cond_signal(&opened);
	pthread_mutex_unlock(&gate);
}

int contit_probe_pending(void) { return ERR_peek_error() != 0; }

void contit_probe_raise(void) { ERR_raise(ERR_LIB_ASN1, ERR_R_NESTED_ASN1_ERROR); }
