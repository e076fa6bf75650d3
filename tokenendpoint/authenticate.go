package tokenendpoint

import (
	"context"
	"errors"
	"fmt"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

var (
	errDisabled        = errors.New("tokenendpoint: the client is disabled")
	errPublicSecret    = errors.New("tokenendpoint: a public client showed a secret")
	errUnauthenticated = errors.New("tokenendpoint: a confidential client showed no secret")
	errOnlyUndecoded   = fmt.Errorf("%w: it is not registered as one that does not encode", clientauth.ErrNotAuthenticated)
	errUsedAssertion   = fmt.Errorf("%w: its assertion was used before: a client makes one for each request", clientauth.ErrNotAuthenticated)
	errNoAssertions    = errors.New("tokenendpoint: the client showed an assertion, and the endpoint takes none: set Config.ClientAssertions to &clientauth.Assertions{}, or the Assertions of your clientauth.Secrets. A ClientValidator of another kind says by AuthMethods that it takes them")
	errNoUndecoded     = errors.New("Config.ClientValidator does not say by AuthMethods that it reads more than decoded secrets")
	errOtherClient     = errors.New("tokenendpoint: the validator answered with another client")
)

// authenticate authenticates the client and holds its registration against the
// grant. A client that has shown no secret learns of its registration when its
// stand-in has been verified.
func (h *Handler) authenticate(ctx context.Context, x *exchange) error {
	if err := h.identify(ctx, &x.call, x.clientID); err != nil {
		return err
	}
	x.request.Client = x.client
	if _, ok := h.grants[grants.TypeRefreshToken]; ok {
		x.request.Scope = grants.OmitOfflineAccess(x.client, x.request.Scope)
	}
	switch {
	case x.client.Public(), x.standsIn():
		x.request.AuthMethod = storage.AuthNone
	case x.certified():
		x.request.AuthMethod = x.client.AuthMethod
	}
	if x.verified() || !x.standIn.ownSecret {
		if err := x.mayUse(); err != nil {
			return err
		}
	}
	return h.useUp(ctx, &x.call)
}

// useUp adds the record of an assertion that is good once. It is the one thing that a
// request changes before it is decided: an assertion proves who asks, and an
// attacker with a copy of it must not try it at one request after another.
func (h *Handler) useUp(ctx context.Context, c *call) error {
	if c.mark == nil || c.mark.record == nil {
		return nil
	}
	defer c.lap(&c.event.Authenticate)
	ctx, cancel := h.lasting(ctx)
	defer cancel()
	err := h.storage.CreateCredential(ctx, c.mark.record)
	if errors.Is(err, storage.ErrExists) {
		return grants.InvalidClient.Because(errUsedAssertion)
	}
	return err
}

// mayUse refuses a grant that the client is not registered for. A broken record is an
// outage: it must not become a verdict about a client that did nothing wrong.
func (x *exchange) mayUse() error {
	if err := x.client.CheckUsed(); err != nil {
		return brokenRecord(err)
	}
	if !x.client.MayUse(x.request.GrantType) {
		return grants.UnauthorizedClient.Because(fmt.Errorf("tokenendpoint: the client is not registered for the grant %q (Client.GrantTypes)", x.request.GrantType))
	}
	return nil
}

// brokenRecord is an outage whose cause names the fields of a client's record that
// are to be mended.
func brokenRecord(faults error) error {
	return fmt.Errorf("tokenendpoint: mend the client's record in the store: %w", faults)
}

// identify finds and authenticates the client (RFC 6749 §2.3, §3.2.1). No other
// place decides, for any endpoint, which client may come without a secret. A
// failure costs nothing if the caller can learn nothing about a secret: the
// client does not exist, has no secret, or showed none. clientID names the client by its
// stand-in, if the request does not.
func (h *Handler) identify(ctx context.Context, c *call, clientID func(context.Context) (string, error)) (err error) {
	defer c.lap(&c.event.Authenticate)
	switch {
	case c.unreadable != nil && c.shown.Undecoded.Empty():
		c.free = true
		return grants.InvalidClient.Because(c.unreadable)
	case c.unreadable != nil && !h.saysAuthMethods():
		c.free = true
		return grants.InvalidClient.Because(fmt.Errorf("%w; %w", c.unreadable, errNoUndecoded))
	}
	if c.standIn.names {
		if c.shown.ID, err = clientID(ctx); err != nil {
			return err
		}
	}
	if c.shown.Method == storage.PrivateKeyJWT {
		if !h.takesAssertions() {
			c.free = true
			return grants.InvalidClient.Because(errNoAssertions)
		}
		if h.hasCredentials {
			m := new(mark)
			c.mark, c.shown.UseUp = m, func(record *storage.Credential) { m.record = record }
		}
	}
	client, err := h.clients.ValidateClient(ctx, c.shown)
	h.found(c, client, err)
	if err != nil {
		return c.refused(err)
	}
	// Some libraries name a public client by Basic with an empty password. Where
	// the grant takes a credential of its own, a public client's body secret is
	// the placeholder of a client that always sends all parameters.
	shown := c.shown.Shows()
	placeholder := c.standIn.ownSecret && c.shown.Method == storage.ClientSecretPost
	switch {
	case client == nil || client.ID != c.shown.ID:
		return grants.ServerError.Because(errOtherClient)
	case client.Disabled:
		return c.refused(grants.InvalidClient.Because(errDisabled))
	case client.Public() && shown && !placeholder:
		c.free = true
		return grants.InvalidClient.Because(errPublicSecret)
	case c.unreadable != nil && !client.BasicNotEncoded: // even if the host's validator has taken it
		return c.refused(grants.InvalidClient.Because(errOnlyUndecoded))
	case !client.Public() && !shown && !(c.certified() && client.ShowsCertificate()) && !c.standsIn():
		c.free = true // nobody guesses a private key
		if c.verdict != nil && c.verdict.uncertified != nil {
			return grants.InvalidClient.Because(c.verdict.uncertified)
		}
		if err := client.CheckAuthMethod(); err != nil { // it may be meant to be public
			return brokenRecord(err)
		}
		return grants.InvalidClient.Because(errUnauthenticated)
	}
	c.client, c.event.ClientID = client, client.ID
	return nil
}

// refused replaces a verdict about a client with one that tells nothing. Where a
// stand-in takes the place of the secret, it is the answer to a wrong stand-in.
func (c *call) refused(err error) error {
	c.free = !c.shown.Shows() || errors.Is(err, clientauth.ErrUnknownClient) || errors.Is(err, storage.ErrNotFound)
	cause := err
	if !errors.Is(err, storage.ErrNotFound) {
		v := grants.Verdict(err)
		if v == nil || v.Code != grants.InvalidClient {
			return err
		}
		cause = v.Cause
	}
	if c.unreadable != nil {
		cause = fmt.Errorf("%w: %w", c.unreadable, cause)
	}
	if c.standsIn() {
		return grants.InvalidGrant.Because(cause)
	}
	return grants.InvalidClient.Because(cause)
}

// found notes whether the validator knows the client that a request names. A
// refusal whose cause is not clientauth.ErrNotAuthenticated does not show that
// the client exists, nor does an outage whose cause is not clientauth.ErrBrokenRecord.
func (h *Handler) found(c *call, client *storage.Client, err error) {
	exists := errors.Is(err, clientauth.ErrNotAuthenticated) || errors.Is(err, clientauth.ErrBrokenRecord)
	if exists || err == nil && client != nil && client.ID == c.shown.ID {
		h.knownIDs.add(c.shown.ID)
		c.event.ClientID = c.shown.ID
	}
}
