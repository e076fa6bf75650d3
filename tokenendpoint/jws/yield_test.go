package jws_test

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// A goroutine that waits for a processor gets it after an RSA signature.
func TestOthersRunAfterAnRSASignature(t *testing.T) {
	keys, err := jws.NewKeySet(genuineKey(jws.RS256))
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var ran atomic.Bool
	go ran.Store(true)
	for range 3 { // the scheduler looks for others in one place, and now and then in another first
		if _, err := keys.Sign(t.Context(), jws.TypeAccessToken, []byte("{}"), start); err != nil {
			t.Fatal(err)
		}
	}
	if !ran.Load() {
		t.Error("another goroutine has not run, after three signatures")
	}
}
