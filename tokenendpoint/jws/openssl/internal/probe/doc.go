// Package probe looks at OpenSSL from within a test: what it has allocated,
// what it left in freed memory, what is in its error queue. To do so it puts
// its own functions in the place of OpenSSL's allocator before main begins, so
// it must be linked into nothing but tests.
package probe
