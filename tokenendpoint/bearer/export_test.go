package bearer

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// CountVerifications counts the signatures that v checks from now on.
func CountVerifications(v *Verifier) *atomic.Int64 {
	n := new(atomic.Int64)
	verify := v.verify
	v.verify = func(ctx context.Context, keys jws.Keys, token, typ string, at time.Time) ([]byte, *jws.PublicKey, error) {
		n.Add(1)
		return verify(ctx, keys, token, typ, at)
	}
	return n
}

// Remembered returns how many tokens v remembers.
func Remembered(v *Verifier) (n int) {
	for i := range v.remembered.pages {
		page := v.remembered.pages[i].Load()
		if page == nil {
			continue
		}
		for p := range page {
			for w := range page[p] {
				if page[p][w].Load() != nil {
					n++
				}
			}
		}
	}
	return n
}
