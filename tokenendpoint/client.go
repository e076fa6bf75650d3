package tokenendpoint

import (
	"context"
	"errors"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// ClientValidator knows the clients. The ready one is clientauth.Secrets over
// a host's storage.Clients; a host whose clients live elsewhere writes its own.
// It is called concurrently.
type ClientValidator interface {
	// ValidateClient returns the client that c names, if what c shows of it is
	// right. It returns grants.InvalidClient if the client is unknown or its
	// secret wrong, with the same effort for both. Every other error is an
	// outage.
	//
	// It need not ask whether the client is disabled, whether a confidential
	// client may come without a secret, or what a public one may show: the
	// endpoint does, for every validator alike. So a client whose credentials
	// have the method storage.AuthNone is returned if it exists.
	ValidateClient(ctx context.Context, c clientauth.Credentials) (*storage.Client, error)
}

// ClientValidatorFunc is a function that is a [ClientValidator].
type ClientValidatorFunc func(ctx context.Context, c clientauth.Credentials) (*storage.Client, error)

// ValidateClient calls f.
func (f ClientValidatorFunc) ValidateClient(ctx context.Context, c clientauth.Credentials) (*storage.Client, error) {
	return f(ctx, c)
}

var (
	errDisabled        = errors.New("tokenendpoint: the client is disabled")
	errPublicSecret    = errors.New("tokenendpoint: a public client showed a secret")
	errUnauthenticated = errors.New("tokenendpoint: a confidential client showed no secret")
	errOtherClient     = errors.New("tokenendpoint: the validator answered with another client")
)

// identify finds and authenticates the client (RFC 6749 §2.3, §3.2.1). It is the
// one place that says who may come without a secret, at whatever endpoint.
func (h *Handler) identify(ctx context.Context, c *call) (err error) {
	if c.key.clientID != nil {
		if c.shown.ID, err = c.key.clientID(ctx); err != nil {
			return err
		}
	}
	client, err := h.clients.ValidateClient(ctx, c.shown)
	if err != nil {
		return clientError(err)
	}
	// Basic with an empty password is how some libraries name a public client.
	// Where the grant has a key of its own, a public client's body secret is the
	// placeholder of a client that always sends all parameters.
	shown := !c.shown.Secret.Empty()
	placeholder := c.key.ownSecret && c.shown.Method == storage.ClientSecretPost
	switch {
	case client == nil || client.ID != c.shown.ID:
		return grants.ServerError.Because(errOtherClient)
	case client.Disabled:
		return grants.InvalidClient.Because(errDisabled)
	case client.Public() && shown && !placeholder:
		return grants.InvalidClient.Because(errPublicSecret)
	case !client.Public() && !shown && !(c.key.identifies && c.shown.Method == storage.AuthNone):
		return grants.InvalidClient.Because(errUnauthenticated)
	}
	c.client = client
	return nil
}

// clientError keeps a verdict about a client to the one that tells nothing.
func clientError(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return grants.InvalidClient.Because(err)
	}
	if v := grants.Verdict(err); v != nil && v.Code == grants.InvalidClient {
		return grants.InvalidClient.Because(v.Cause)
	}
	return err
}
