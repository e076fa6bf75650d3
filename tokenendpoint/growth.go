package tokenendpoint

import (
	"fmt"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

var (
	errRotations = fmt.Errorf("tokenendpoint: the family is refreshed too often (%s), whatever the network: does the client refresh in a loop? It may use an access token until expires_in", rotationLimit)
	errFamilies  = fmt.Errorf("tokenendpoint: no refresh token, because the client has got too many for this subject (%s)", familyLimit)
)

// rotationInterval is the time in which a family may grow by one record in the
// long run. A family is a chain: while each of its tokens is used that long after
// its issue, or later, it grows no faster, and there is nothing to count.
const rotationInterval = 10 * time.Second

// boundGrowth bounds the records that one holder of a credential can add to the
// store, before anything is signed or written.
//
// A family that is refreshed too fast is refused. Nothing is reserved for it: all
// requests that are under way with one refresh token add one record together,
// since the store lets one of them win. A request with the successor can be a
// moment ahead of the count, but no record goes uncounted. So repeats and races,
// which add none, cost nothing.
//
// A family that would begin with a credential that is not used up, such as the
// client's secret or an API key, begins without a refresh token if there are too
// many: the client can come again with the credential (RFC 6749 §4.4.3).
func (h *Handler) boundGrowth(x *exchange) error {
	switch {
	case x.quick() && h.rotates(x):
		if wait := h.counts.rotations.Wait(h.counts.familySlot(x.family)); wait > 0 {
			return grants.RateLimited(wait).Because(errRotations)
		}
	case x.presented == nil && x.refreshes:
		slot := h.counts.subjectSlot(x.client.ID, x.authorization.Subject)
		if x.begun.Try(h.counts.families, slot) > 0 {
			x.refreshes, x.family, x.event.Family, x.event.Cause = false, "", "", errFamilies
		}
	}
	return nil
}

// rotates reports whether the presented refresh token is to get a successor.
func (h *Handler) rotates(x *exchange) bool {
	return x.successor.Empty() && x.refreshes && !h.keeps(x)
}

// countGrowth counts the record that the request has added, if any.
func (h *Handler) countGrowth(x *exchange) {
	x.begun.Settle(x.grown)
	if x.grown && x.quick() {
		h.counts.rotations.Count(h.counts.familySlot(x.family))
	}
}

// quick reports whether a refresh token is used soon after its issue. If every
// token of a family were used so soon, the family would grow too fast.
func (x *exchange) quick() bool {
	p := x.presented
	return p != nil && p.Kind == storage.KindRefreshToken && x.request.Time.Sub(p.IssuedAt) < rotationInterval
}
