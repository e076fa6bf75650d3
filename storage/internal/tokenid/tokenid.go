// Package tokenid has the digest by which the stores of this module remember a revoked
// access token.
package tokenid

import "github.com/contit/oauth/storage"

// Digest stands for the identifier of an access token, its "jti": it is as long for a
// long one as for a short one.
func Digest(id string) storage.Digest {
	return storage.PresentedSecret(id).Digest(storage.KindAccessToken)
}
