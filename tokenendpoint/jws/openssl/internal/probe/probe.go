//go:build cgo && openssl

package probe

/*
#cgo LDFLAGS: -lcrypto

#include "probe.h"
*/
import "C"

// Live returns how many blocks OpenSSL has allocated and not freed. It is -1
// if OpenSSL had its own allocator in use before this one could be put in.
func Live() int { return int(C.contit_probe_live()) }

// Watch makes [Spills] count, from zero, the blocks that hold one of these
// patterns when they are freed. There are at most 32, each of 32 bytes. It must
// not be called while OpenSSL is at work.
func Watch(patterns ...[32]byte) {
	if len(patterns) > 32 {
		panic("probe: more than 32 patterns")
	}
	var first *C.uchar
	if len(patterns) > 0 {
		first = (*C.uchar)(&patterns[0][0])
	}
	C.contit_probe_watch(first, C.int(len(patterns)))
}

// Spills returns how many blocks were freed with a pattern in them.
func Spills() int { return int(C.contit_probe_spills()) }

// FailAfter makes one allocation fail, after that many others. If negative,
// none does.
func FailAfter(allocations int) { C.contit_probe_fail(C.long(allocations)) }

// Hold makes the next allocation wait for [Release].
func Hold() { C.contit_probe_hold() }

// Holding reports whether an allocation waits.
func Holding() bool { return C.contit_probe_holding() != 0 }

// Release ends the wait that [Hold] began.
func Release() { C.contit_probe_release() }

// Pending reports whether there are errors in the queue of this thread.
func Pending() bool { return C.contit_probe_pending() != 0 }

// Raise leaves an error in the queue of this thread, as other users of OpenSSL
// in the program may.
func Raise() { C.contit_probe_raise() }
