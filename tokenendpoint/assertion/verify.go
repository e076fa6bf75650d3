package assertion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// ErrInvalid is the verdict on an assertion that is not good here. The error
// that wraps it says why, for the log, and repeats no unprintable text of the assertion.
// Every error of [Verifier.Verify] that is no ErrInvalid is an outage.
var ErrInvalid = errors.New("assertion: it is not good here")

// maxAssertion bounds an assertion, in bytes: nobody has authenticated yet.
const maxAssertion = 16 << 10

// Verify returns the claims of an assertion that is good at an instant: its issuer has
// signed it, for this server, and it lives. Verify changes nothing. A caller that
// acts on an assertion adds its [Claims.Mark] to the store, unless Config.Reusable.
func (v *Verifier) Verify(ctx context.Context, text string, at time.Time) (*Claims, error) {
	if len(text) > maxAssertion {
		return nil, fmt.Errorf("%w: it is over %d bytes long", ErrInvalid, maxAssertion)
	}
	c := &v.config
	payload, _, err := jws.VerifyForeign(ctx, c.Keys, text, c.Types, c.Algorithms, at)
	switch {
	case errors.Is(err, jws.ErrInvalid):
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	case err != nil:
		return nil, fmt.Errorf("assertion: the keys of its issuer: %w", err)
	}
	claims, err := parseClaims(payload)
	if err == nil {
		err = v.judge(claims, at)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	claims.keep = claims.ExpiresAt.Add(Leeway)
	return claims, nil
}

// judge holds the claims against the configuration (RFC 7523 §3).
func (v *Verifier) judge(claims *Claims, at time.Time) error {
	c := &v.config
	switch {
	case claims.Issuer != c.Issuer:
		return errors.New("its iss is another")
	case claims.Subject == "":
		return errors.New("it has no sub")
	case c.Subject != "" && claims.Subject != c.Subject:
		return errors.New("its sub is another")
	case claims.inList && !c.AudienceInList:
		return errors.New("its aud is a list: the issuer of this server must stand there alone, as a string (a client that cannot do so is registered as Lenient)")
	case len(claims.Audience) != 1:
		return errors.New("its aud names another server too, or none")
	case !slices.Contains(c.Audience, claims.Audience[0]):
		return fmt.Errorf("its aud is not %s, byte for byte (a client that sends the URL of the token endpoint is registered as Lenient)", strings.Join(c.Audience, " or "))
	case claims.ExpiresAt.IsZero():
		return errors.New("it has no exp")
	case !at.Before(claims.ExpiresAt.Add(Leeway)):
		return fmt.Errorf("it expired %s ago: is the clock of its issuer late?", at.Sub(claims.ExpiresAt))
	case claims.ExpiresAt.After(at.Add(c.MaxLifetime + Leeway)):
		return fmt.Errorf("its exp is more than %s ahead", c.MaxLifetime)
	case claims.NotBefore.After(at.Add(Leeway)):
		return fmt.Errorf("its nbf is %s ahead: is the clock of its issuer early?", claims.NotBefore.Sub(at))
	case claims.IssuedAt.After(at.Add(Leeway)):
		return fmt.Errorf("its iat is %s ahead: is the clock of its issuer early?", claims.IssuedAt.Sub(at))
	case !claims.IssuedAt.IsZero() && claims.IssuedAt.Before(at.Add(-c.MaxLifetime-Leeway)):
		return fmt.Errorf("its iat is more than %s ago", c.MaxLifetime)
	case claims.ID == "" && !c.Reusable:
		return errors.New("it has no jti: without it, the assertion cannot be told from a copy")
	}
	for _, name := range []string{"cnf", "authorization_details"} {
		if _, there := claims.raw[name]; there {
			return fmt.Errorf("it has the constraint %s, which this server does not understand", name)
		}
	}
	return nil
}
