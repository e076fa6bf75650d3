package clientauth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// Assertions verify the assertions of clients that are registered for
// storage.PrivateKeyJWT (RFC 7523 §2.2), for [Secrets]. They are safe for concurrent
// use, must not be copied after their first use, and their fields must not be changed.
//
// An endpoint takes them as its Config.ClientAssertions, or as [Secrets].Assertions.
// The registration decides: storage.Client.Assertion has the client's keys, or the URL
// where the client publishes them, or names another party that vouches for the client.
// Assertions remembers the keys of a thousand registrations.
type Assertions struct {
	// Issuer is the issuer of this server, which an assertion has as its "aud". If it is
	// empty, a Config.ClientAssertions has that of the endpoint. In [Secrets] it is required.
	Issuer string
	// TokenEndpoint is the URL of the token endpoint, which lenient clients may have as
	// "aud". If it is empty, a Config.ClientAssertions has that of the endpoint, and in
	// [Secrets] such clients are held to the Issuer too.
	TokenEndpoint string
	// Issuers are the parties that may vouch for clients, such as
	// assertion.GitHubActions().Config(issuer, keys). An assertion of any other is
	// refused.
	Issuers []assertion.Config
	// HTTP fetches the keys of a jwks_uri. If nil, a client that connects to public
	// addresses alone: a registration can name any URL. Remote of package jws says how
	// often keys are fetched; one host is asked 60 times a minute for all clients that
	// have not authenticated yet.
	HTTP *http.Client
	// Logger is told of keys that cannot be fetched. If it is nil, a Config.ClientAssertions
	// has that of the endpoint, and otherwise it is slog.Default().
	Logger *slog.Logger

	once     sync.Once
	fault    error // of the configuration
	issuers  map[string]assertion.Config
	decoys   *assertionDecoys
	keys     *keyFetches
	mu       sync.Mutex
	prepared map[[sha256.Size]byte]*registration
}

// registration is the meaning of a client's registration. It does not change, but for
// proven.
type registration struct {
	verifier *assertion.Verifier
	remote   bool            // its keys are fetched
	proven   atomic.Bool     // an assertion was good
	rules    assertion.Rules // nil if the client has a key of its own
	once     bool            // an assertion is good once
}

// maxPrepared bounds the registrations that are remembered.
const maxPrepared = 1000

var (
	errNotByKey      = fmt.Errorf("%w: it showed an assertion, and is registered for another authentication method (Client.AuthMethod)", ErrNotAuthenticated)
	errRules         = fmt.Errorf("%w: the claims of its assertion are not those of its registration (Client.Assertion.Claims)", ErrNotAuthenticated)
	errNoStore       = errors.New("clientauth: an assertion is good once, and there is no store that could tell: give the endpoint a Storage with Credentials")
	errNoOwnIssuer   = errors.New("clientauth: Assertions.Issuer is missing")
	errTwoIssuers    = errors.New("clientauth: Assertions.Issuers has one issuer twice")
	errNotRegistered = errors.New("its registration has neither JWKS nor JWKSURI nor Issuer")
)

// algorithms are those of the assertions that are taken.
func (a *Assertions) algorithms() []string {
	if a == nil {
		return nil
	}
	return jws.Algorithms()
}

// authenticate holds an assertion against the client that it names, or against a decoy
// if the client is unknown.
func (a *Assertions) authenticate(ctx context.Context, client *storage.Client, unknown error, c Request) error {
	if a == nil {
		return withoutAssertions(unknown)
	}
	if a.once.Do(a.start); a.fault != nil {
		return a.fault
	}
	refusal := unknown
	if unknown == nil && client.AuthMethod != storage.PrivateKeyJWT {
		refusal = errNotByKey
	}
	var err error
	if refusal == nil {
		err = a.verify(ctx, client, c)
	} else {
		err = grants.InvalidClient.Because(refusal)
	}
	if refusal != nil || unsigned(err) {
		a.decoys.pay(ctx, c.Assertion, c.Time)
	}
	return err
}

// ForEndpoint implements [AssertionVerifier]. Its error names every fault of a.
func (a *Assertions) ForEndpoint(issuer, tokenEndpoint string, logger *slog.Logger) (AssertionVerifier, error) {
	own := &Assertions{
		Issuer: cmp.Or(a.Issuer, issuer), TokenEndpoint: cmp.Or(a.TokenEndpoint, tokenEndpoint),
		Issuers: slices.Clone(a.Issuers), HTTP: a.HTTP, Logger: cmp.Or(a.Logger, logger),
	}
	own.once.Do(own.start)
	return own, own.fault
}

// unsigned reports whether an assertion was refused before a signature was verified,
// such as for a key or an algorithm that the client does not have.
func unsigned(err error) bool {
	return errors.Is(err, jws.ErrInvalid) && !errors.Is(err, jws.ErrSignature)
}

func (a *Assertions) start() {
	a.prepared = make(map[[sha256.Size]byte]*registration)
	a.keys = newKeyFetches(a.HTTP)
	a.issuers = make(map[string]assertion.Config)
	if a.Issuer == "" {
		a.fault = errNoOwnIssuer
	}
	for _, c := range a.Issuers {
		if _, twice := a.issuers[c.Issuer]; twice {
			a.fault = errors.Join(a.fault, errTwoIssuers)
		}
		if c.Audience == nil {
			c.Audience = []string{a.Issuer}
		}
		if _, err := assertion.New(c); err != nil {
			a.fault = errors.Join(a.fault, err)
		}
		a.issuers[c.Issuer] = c
	}
	decoys, err := newAssertionDecoys(a.Issuer)
	a.decoys, a.fault = decoys, errors.Join(a.fault, err)
}

// verify holds an assertion against the registration of the client that it names.
func (a *Assertions) verify(ctx context.Context, client *storage.Client, c Request) error {
	r, err := a.registration(client)
	if err != nil {
		return err
	}
	claims, err := r.verifier.Verify(ctx, c.Assertion.Reveal(), c.Time)
	switch {
	case errors.Is(err, assertion.ErrInvalid):
		return grants.InvalidClient.Because(fmt.Errorf("%w: %w", ErrNotAuthenticated, err))
	case err != nil:
		return err
	}
	r.proven.Store(true)
	switch {
	case r.rules != nil && !r.rules.Match(claims):
		return grants.InvalidClient.Because(errRules)
	case !r.once:
		return nil
	case c.UseUp == nil:
		return errNoStore
	}
	c.UseUp(claims.Mark(a.Issuer, client.ID, c.Time))
	return nil
}

// registration returns the verifier of a client's registration, and makes it at the first
// call. The digest of the whole registration names it, so that a changed registration gets
// a new one.
func (a *Assertions) registration(client *storage.Client) (*registration, error) {
	key, err := json.Marshal([]any{client.ID, client.Assertion})
	if err != nil {
		return nil, fmt.Errorf("%w: the registration of client %q: %w", ErrBrokenRecord, client.ID, err)
	}
	name := sha256.Sum256(key)
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.prepared[name]; r != nil {
		return r, nil
	}
	r, err := a.prepare(client)
	if err != nil {
		return nil, fmt.Errorf("%w: Assertion of client %q: %w", ErrBrokenRecord, client.ID, err)
	}
	if len(a.prepared) >= maxPrepared {
		a.forgetOne()
	}
	a.prepared[name] = r
	return r, nil
}

// forgetOne forgets the registration that it costs least to prepare again, so that
// clients that register themselves push out no keys that were fetched for others.
func (a *Assertions) forgetOne() {
	var name [sha256.Size]byte
	least := -1
	for other, r := range a.prepared {
		if worth := r.worth(); least < 0 || worth < least {
			name, least = other, worth
		}
		if least == 0 {
			break
		}
	}
	delete(a.prepared, name)
}

func (r *registration) worth() int { return worthOf(r.remote, r.proven.Load()) }

// worthOf says how much it costs to prepare a registration again.
func worthOf(remote, proven bool) int {
	switch {
	case !remote:
		return 0
	case !proven:
		return 1
	}
	return 2
}

func (a *Assertions) prepare(client *storage.Client) (r *registration, err error) {
	said := &client.Assertion
	c := assertion.Config{Issuer: client.ID, Subject: client.ID, Audience: []string{a.Issuer}}
	r = new(registration)
	switch {
	case said.Issuer != "":
		trusted, ok := a.issuers[said.Issuer]
		if !ok {
			return nil, fmt.Errorf("its Issuer %q is none of Assertions.Issuers", said.Issuer)
		}
		if r.rules, err = assertion.ParseRules(said.Claims); err == nil {
			err = r.rules.Check()
		}
		if err != nil {
			return nil, err
		}
		c = trusted
	case said.JWKS != nil:
		if c.Keys, err = jws.ParseJWKS(said.JWKS); err != nil {
			return nil, err
		}
	case said.JWKSURI != "":
		r.remote = true
		if c.Keys, err = jws.NewRemote(jws.RemoteConfig{URL: said.JWKSURI, Client: a.keys.of(&r.proven), Logger: a.Logger}); err != nil {
			return nil, err
		}
	default:
		return nil, errNotRegistered
	}
	if said.Algorithm != "" {
		c.Algorithms = []string{said.Algorithm}
	}
	if said.Lenient {
		c.AudienceInList = true
		if a.TokenEndpoint != "" && !slices.Contains(c.Audience, a.TokenEndpoint) {
			c.Audience = append(slices.Clone(c.Audience), a.TokenEndpoint)
		}
	}
	r.once = !c.Reusable
	r.verifier, err = assertion.New(c)
	return r, err
}
