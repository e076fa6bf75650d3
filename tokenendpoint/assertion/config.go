package assertion

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/nils"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// Config holds the demands of a [Verifier] on the assertions of one issuer. [New] copies
// it.
type Config struct {
	// Issuer is the "iss", byte for byte. It is required.
	Issuer string
	// Subject is the "sub", byte for byte. If empty, every subject is right, and the
	// assertion must have one; the caller holds it against its [Rules].
	Subject string
	// Keys verify the signatures: *jws.StaticKeys of a registration, a *jws.Remote, or
	// the host's own. They are required.
	Keys jws.KeyList
	// Algorithms are the algorithms that the issuer may use, such as jws.ES256. If
	// nil, all those of package jws.
	Algorithms []string
	// Types are the values of typ that an assertion may have, without regard to case.
	// "" stands for an assertion without typ. If nil, [ClientTypes], or for a
	// [TrustedIssuer] these without client-authentication+jwt: what a party signs to
	// authenticate itself is no grant (RFC 8725 §3.11).
	Types []string

	// Audience are the names by which an assertion may call this server: its issuer
	// alone, unless the party is registered otherwise (RFC 7523, and the advice of
	// RFC 9700 §2.5 against the URLs of endpoints). It is required.
	Audience []string
	// AudienceInList accepts a list with one member in place of the string. A list of
	// two is refused in any case.
	AudienceInList bool

	// MaxLifetime bounds the time from now to "exp", and from "iat" to now. If zero,
	// 5 minutes; at most a year. A mark is kept for that long and [Leeway].
	MaxLifetime time.Duration
	// Reusable lets an assertion be used again while it lives, as those of Kubernetes
	// are by design. If false, "jti" is required.
	Reusable bool
}

// ClientTypes are the typ of client assertions: none, as most libraries send, JWT, and
// client-authentication+jwt, of draft-ietf-oauth-rfc7523bis.
var ClientTypes = []string{"", jws.TypeJWT, "client-authentication+jwt"}

const (
	// Leeway is by how much the clock of an issuer may differ from this server's.
	Leeway = 30 * time.Second

	defaultLifetime = 5 * time.Minute
	longestLifetime = 365 * 24 * time.Hour
)

// Verifier verifies the assertions of one issuer. It is safe for concurrent use. Only
// [New] makes a working one.
type Verifier struct{ config Config }

// New returns a Verifier. It fetches no keys yet. Its error names every fault of the
// configuration.
func New(c Config) (*Verifier, error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("assertion: "+format, args...))
	}
	if c.Issuer == "" {
		fault("Issuer is missing")
	}
	if nils.Is(c.Keys) {
		fault("Keys are missing")
	}
	for _, a := range c.Algorithms {
		if !slices.Contains(jws.Algorithms(), a) {
			fault("Algorithms: %q is none of RS256, PS256, ES256, EdDSA", a)
		}
	}
	if c.Algorithms != nil && len(c.Algorithms) == 0 {
		fault("Algorithms is empty: nothing would verify")
	}
	if c.Types == nil {
		c.Types = ClientTypes
	}
	if len(c.Types) == 0 {
		fault("Types is empty: nothing would verify")
	}
	if len(c.Audience) == 0 || slices.Contains(c.Audience, "") {
		fault("Audience is missing or has an empty member")
	}
	switch {
	case c.MaxLifetime == 0:
		c.MaxLifetime = defaultLifetime
	case c.MaxLifetime < 0 || c.MaxLifetime > longestLifetime:
		fault("MaxLifetime is negative or over a year")
	}
	c.Algorithms, c.Types, c.Audience = slices.Clone(c.Algorithms), slices.Clone(c.Types), slices.Clone(c.Audience)
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &Verifier{c}, nil
}
