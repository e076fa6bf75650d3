package tokenendpoint

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/contit/oauth/grants"
)

// maxSignedTokens bounds the tokens that are remembered: at 4 KiB each, the default
// of MaxTokenSize, no more than 8 MiB.
const maxSignedTokens = 2048

// signedTokens remembers access tokens that were signed a moment ago, so that the
// same decision need not be signed again. It is for RS256, whose signature costs
// thirty times as much as one of ES256.
//
// The digest of the decision chooses the entry of a token, and another token
// with the same entry takes its place. No request waits for another.
type signedTokens [maxSignedTokens]atomic.Pointer[signedToken]

// signedToken is a token that may be given again. It does not change.
type signedToken struct {
	decision [sha256.Size]byte
	keyID    string
	id       string // the jti
	issued   time.Time
	expires  time.Time
	body     []byte // of an answer, as far as the token
}

func (s *signedTokens) entry(decision [sha256.Size]byte) *atomic.Pointer[signedToken] {
	return &s[binary.BigEndian.Uint64(decision[:])%maxSignedTokens]
}

func (s *signedTokens) keep(t *signedToken) { s.entry(t.decision).Store(t) }

// signOrReuse signs the drafted token, or answers with one that was signed for the
// same decision a moment ago.
func (h *Handler) signOrReuse(ctx context.Context, x *exchange, lifetime time.Duration) error {
	decision, again, err := h.digestDecision(x, lifetime)
	switch {
	case err != nil:
		return err
	case !again:
		return h.signDraft(ctx, x)
	}
	if t := h.signedBefore(ctx, x, decision); t != nil {
		x.reuse(t)
		return nil
	}
	signer := h.keys.SigningKey(x.request.Time).ID()
	if err := h.signDraft(ctx, x); err != nil {
		return err
	}
	if signer == h.keys.SigningKey(x.request.Time).ID() { // else other keys were loaded meanwhile
		h.signedTokens.keep(&signedToken{
			decision: decision, keyID: signer, id: x.token.ID,
			issued: x.request.Time, expires: x.token.ExpiresAt, body: bytes.Clone(x.body),
		})
	}
	return nil
}

// digestDecision is the digest of all that the drafted token says but its jti and
// its times, of how long it is to live, and of the client as it is registered now.
// ok is false for a token that is not reused: one that belongs to a family, one that
// a grant of the host's has decided, which may count its tokens, and one for a
// client that JSON cannot write.
func (h *Handler) digestDecision(x *exchange, lifetime time.Duration) (decision [sha256.Size]byte, ok bool, err error) {
	switch x.grant.(type) { // the name may be a host's own grant's
	case grants.ClientCredentials, *grants.ClientCredentials, grants.APIKey, *grants.APIKey:
	default:
		return decision, false, nil
	}
	if h.signedTokens == nil || x.presented != nil || x.family != "" {
		return decision, false, nil
	}
	t := x.token
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

// signedBefore returns the token that was signed for a decision, if it may be given
// again: signed by the key whose turn it is, less than ReuseAccessTokens ago, in
// the first half of its life, not revoked, and expired no later than the drafted one
// would be. If the store cannot tell in a quarter of the time that the stores have,
// the draft is signed.
func (h *Handler) signedBefore(ctx context.Context, x *exchange, decision [sha256.Size]byte) *signedToken {
	at := x.request.Time
	t := h.signedTokens.entry(decision).Load()
	if t == nil || t.decision != decision || at.Before(t.issued) || at.Sub(t.issued) >= h.reuseFor ||
		t.expires.After(x.token.ExpiresAt) || at.Sub(t.issued) > t.expires.Sub(at) {
		return nil
	}
	// This call also loads keys that are due.
	if _, err := h.keys.PublicKey(ctx, t.keyID, at); err != nil || h.keys.SigningKey(at).ID() != t.keyID {
		return nil
	}
	if !h.hasRevocations { // then nothing is ever revoked
		return t
	}
	// A store that hangs must leave time to sign.
	ctx, cancel := context.WithTimeout(ctx, h.timeout/4)
	defer cancel()
	if revoked, err := h.revocations.Revoked(ctx, t.id, ""); err != nil || revoked {
		return nil
	}
	return t
}

// reuse answers with a token that was signed before, in place of the drafted one.
func (x *exchange) reuse(t *signedToken) {
	x.event.TokenID, x.event.Reused = t.id, true
	x.token.ID, x.token.ExpiresAt = t.id, t.expires
	x.body = append(make([]byte, 0, len(t.body)+512), t.body...)
}
