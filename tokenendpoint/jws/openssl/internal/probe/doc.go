// Package probe looks at OpenSSL from within a test: at the memory that OpenSSL
// allocated, at the bytes left in freed memory, at its error queue. To do so it puts
// its own functions in the place of OpenSSL's allocator before main begins, so
// it must be linked into nothing but tests.
package probe
