package grants

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/contit/oauth/storage"
)

// reservedClaims are the claims that the endpoint sets by its own decisions, or that
// stand for a proof which it has checked (cnf, act). A grant or a hook that could set
// them could issue a token for another user.
var reservedClaims = [...]string{
	"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "family", "cnf", "act",
}

// ReservedClaim reports whether only the endpoint may set a claim: iss, sub, aud,
// exp, iat, nbf, jti, client_id, scope, family, cnf and act (RFC 7519 §4.1, RFC 9068
// §2.2), in any case of letters. [Authorization].Claims and
// [AuthorizationRequest].Claims must not have such a name. It returns the reserved
// claim that name stands for. JSON tells "sub" from "Sub", but decoders such as
// encoding/json take one for the other, and the last one wins.
func ReservedClaim(name string) (claim string, reserved bool) {
	for _, r := range reservedClaims {
		if strings.EqualFold(name, r) {
			return r, true
		}
	}
	return "", false
}

// maxClaims bounds the claims of a record, in bytes of JSON. With more, the token
// would be longer than 16 KiB, and no endpoint issues such a token.
const maxClaims = 12 << 10

var (
	errClaims   = errors.New("grants: the claims of a credential are not a JSON object")
	errMax      = errors.New("grants: the claims of a credential are longer than an access token may be")
	errText     = errors.New("grants: a subject, an audience or an ID has a control character, or is not UTF-8")
	errScope    = errors.New("grants: a scope is empty, or has a character that RFC 6749 §3.3 forbids")
	errNobody   = errors.New("grants: an audience that is not nil must have a member")
	errReserved = errors.New("is reserved for the endpoint")
)

// checkClaims refuses the names that the endpoint would refuse at redemption.
func checkClaims[V any](claims map[string]V) error {
	for name := range claims {
		if claim, reserved := ReservedClaim(name); reserved {
			return fmt.Errorf("grants: the claim %q %w", claim, errReserved)
		}
	}
	return nil
}

// redeemable refuses a record that the endpoint would refuse at every redemption. The
// host that makes the record should learn this, and not the client.
func redeemable(c *storage.Credential) error {
	if len(c.Claims) > maxClaims {
		return errMax
	}
	if len(c.Claims) > 0 {
		var claims map[string]json.RawMessage
		if err := json.Unmarshal(c.Claims, &claims); err != nil || claims == nil {
			return errClaims
		}
		if err := checkClaims(claims); err != nil {
			return err
		}
	}
	return grantable(c.Subject, c.Scope, c.Audience)
}

// grantable refuses a subject, a scope or an audience that cannot stand in a token.
func grantable(subject string, scope, audience []string) error {
	switch {
	case !isText(subject) || !all(audience, isText):
		return errText
	case !all(scope, storage.IsScopeToken):
		return errScope
	case audience != nil && len(audience) == 0:
		return errNobody
	}
	return nil
}

func all(list []string, ok func(string) bool) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !ok(s) })
}

func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}
