package tokenendpoint

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"time"
)

// Limiter slows down attackers that guess client secrets and API keys (RFC 6749
// §2.3.1). A host with several processes can share the count through a Limiter of
// its own: its answer about a client in a network takes the place of this process's
// count. The bounds for a network over all clients are this
// process's and hold beside it, see [Config.Limiter]. It is called concurrently.
type Limiter interface {
	// Reserve counts an attempt as failed, before anything that it shows is
	// judged. So attempts that are under way together are counted together: a
	// Limiter that read the count first, and raised it once the attempt has
	// failed, would let all of them through.
	//
	// If the attempt may not go ahead, Reserve counts nothing and returns how long
	// to wait; a wait of zero or less is none. Else the endpoint calls refund, once,
	// if the attempt was right, or ended in another way than by a wrong guess. It is
	// called before the answer goes out, with a context that outlives a client that
	// hangs up. A nil refund takes nothing back.
	//
	// If Reserve returns an error, the count of this process serves. The endpoint
	// logs the first error, and the first success after it. Reserve and refund have
	// a quarter of Config.Timeout each.
	Reserve(ctx context.Context, a Attempt) (wait time.Duration, refund func(context.Context), err error)
}

// LimiterFunc is a function that is a [Limiter].
type LimiterFunc func(ctx context.Context, a Attempt) (wait time.Duration, refund func(context.Context), err error)

// Reserve calls f.
func (f LimiterFunc) Reserve(ctx context.Context, a Attempt) (wait time.Duration, refund func(context.Context), err error) {
	return f(ctx, a)
}

// Attempt is an attempt to authenticate.
type Attempt struct {
	// ClientID stands for the client that the request claims to come from. It is
	// a digest, the same in every process: the client_id of a request may be a
	// secret in the wrong place. Where an API key names the client, it stands
	// for the key. It is empty if the request names neither.
	ClientID string
	// Network is where it comes from: an IPv4 address, or the /64 of an IPv6
	// address.
	Network netip.Prefix
	// Time is when.
	Time time.Time
}

// attemptID stands for a client_id in an [Attempt]. A Limiter keeps it, maybe
// in a store that others read, so that it is a digest: the same in every process.
func attemptID(id string) string {
	if id == "" {
		return ""
	}
	sum := sha256.Sum256(append([]byte("github.com/contit/oauth attempt\x00"), id...))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
