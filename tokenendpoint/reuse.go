package tokenendpoint

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// maxReusable bounds the tokens that are remembered for reuse: at 4 KiB each, the
// default of MaxTokenSize, no more than 8 MiB.
const maxReusable = 2048

// reuse remembers access tokens that were signed a moment ago, so that the same
// decision need not be signed again. It is for RS256, whose signature costs
// thirty times that of ES256.
//
// A token has its place by the digest of its decision, and goes when another
// takes the place. Nobody waits for anybody.
type reuse [maxReusable]atomic.Pointer[reusable]

// reusable is a token that may be given again. It does not change.
type reusable struct {
	decision [sha256.Size]byte
	keyID    string
	id       string // the jti
	issued   time.Time
	expires  time.Time
	token    []byte // with what stands before it in an answer
}

// decisionOf is the digest of all that a token says but its jti and its times,
// of how long it is to live, and of the client as it is registered now. ok is
// false for what is not reused: what belongs to a family, what a grant of the
// host's has decided, which may count its tokens, and what a client gets that
// JSON cannot write.
func (h *Handler) decisionOf(x *exchange, t jws.AccessToken, lifetime time.Duration) (decision [sha256.Size]byte, ok bool, err error) {
	switch x.grant.(type) { // the name may be a host's own grant's
	case grants.ClientCredentials, *grants.ClientCredentials, grants.APIKey, *grants.APIKey:
	default:
		return decision, false, nil
	}
	if h.reuse == nil || x.presented != nil || t.Family != "" {
		return decision, false, nil
	}
	t.ID, t.IssuedAt, t.ExpiresAt = "-", time.Unix(0, 0), time.Unix(1, 0)
	b, err := t.AppendJSON(make([]byte, 0, 1024))
	if err != nil {
		return decision, false, grants.ServerError.Because(err)
	}
	client, err := json.Marshal(x.request.Client)
	if err != nil { // such as a secret that lives beyond the year 9999
		return decision, false, nil
	}
	b = binary.BigEndian.AppendUint64(b, uint64(lifetime))
	return sha256.Sum256(append(b, client...)), true, nil
}

func (r *reuse) place(decision [sha256.Size]byte) *atomic.Pointer[reusable] {
	return &r[binary.BigEndian.Uint64(decision[:])%maxReusable]
}

func (r *reuse) keep(t *reusable) { r.place(t.decision).Store(t) }

// reusable returns the token that was signed for a decision, if it may be given
// again: signed by the key whose turn it is, less than ReuseAccessTokens ago, in
// the first half of its life, not revoked, and expired no later than a new one
// would be. If the store cannot tell in a quarter of the time that the stores have,
// a new one is signed.
func (h *Handler) reusable(ctx context.Context, x *exchange, decision [sha256.Size]byte, expires time.Time) *reusable {
	at := x.request.Time
	r := h.reuse.place(decision).Load()
	if r == nil || r.decision != decision || at.Before(r.issued) || at.Sub(r.issued) >= h.reuseFor ||
		r.expires.After(expires) || at.Sub(r.issued) > r.expires.Sub(at) {
		return nil
	}
	// This is also what loads keys that are due.
	if _, err := h.keys.PublicKey(ctx, r.keyID, at); err != nil || h.keys.SigningKey(at).ID() != r.keyID {
		return nil
	}
	if h.forgetful { // without Revocations nothing is ever revoked
		return r
	}
	// A store that hangs must leave time to sign.
	ctx, cancel := context.WithTimeout(ctx, h.timeout/4)
	defer cancel()
	if revoked, err := h.revocations.Revoked(ctx, r.id, ""); err != nil || revoked {
		return nil
	}
	return r
}
