package jws

import (
	"context"
	"time"
)

// Package tokenendpoint calls the method of this file. No host needs it.

// AppendSigned appends the result of [KeySet.Sign] to b, so that the answer of the
// endpoint needs no copy of the token. With an error it returns b unchanged. Package
// tokenendpoint calls it; hosts call Sign.
func (s *KeySet) AppendSigned(ctx context.Context, b []byte, typ string, payload []byte, at time.Time) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return b, err
	}
	v, err := s.schedule.get(ctx, at)
	if err != nil {
		return b, err
	}
	return v.value.signer(at).appendCompact(ctx, b, typ, payload)
}
