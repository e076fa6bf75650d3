package tokenendpoint

import (
	"context"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// ClientValidator knows the clients. The ready one is clientauth.Secrets over
// a host's storage.Clients; a host whose clients live elsewhere writes its own.
// It is called concurrently.
//
// A validator can say more by two further methods, as clientauth.Secrets does, and a
// validator that embeds *clientauth.Secrets. [New] calls them, for the metadata:
//
//   - AuthMethods() (methods, algorithms []string): the ways in which clients can show
//     who they are, and the algorithms of their assertions. Without it, they are
//     client_secret_basic and client_secret_post, and a request that has no decoded secret
//     and is not meant to come without one never reaches the validator: neither an
//     assertion, for which the methods have storage.PrivateKeyJWT, nor a secret in Basic
//     that cannot be decoded (storage.Client.BasicNotEncoded).
//   - ServerMetadata() map[string]any: members that follow from how clients come to be
//     known, such as registration_endpoint. Without it, there are none.
type ClientValidator interface {
	// ValidateClient returns the client that c names, if the secret or key that
	// c shows is right. It returns grants.InvalidClient if the client is unknown
	// or its secret wrong, with the same effort for both unless c is Crowded. If
	// the client is unknown, the cause is [clientauth.ErrUnknownClient], or the
	// error is storage.ErrNotFound: without it, requests with made-up clients
	// use up the failures that their network is allowed with clients that exist.
	// Every other error is an outage. One that wraps grants.InvalidClient or
	// either cause of clientauth counts as a wrong guess all the same, and so
	// does every outage of a request whose client has hung up.
	//
	// The cause of the refusal is for the log. If it is, or wraps,
	// clientauth.ErrNotAuthenticated, it says that the client exists: only then
	// the log names it, see [Event].
	//
	// It need not ask whether the client is disabled, whether a confidential
	// client may come without a secret, or which credentials a public one may
	// show: the endpoint does that for every validator. So a client whose
	// credentials have the method storage.AuthNone is returned if it exists.
	ValidateClient(ctx context.Context, c clientauth.Request) (*storage.Client, error)
}

// ClientValidatorFunc is a function that is a [ClientValidator].
type ClientValidatorFunc func(ctx context.Context, c clientauth.Request) (*storage.Client, error)

// ValidateClient calls f.
func (f ClientValidatorFunc) ValidateClient(ctx context.Context, c clientauth.Request) (*storage.Client, error) {
	return f(ctx, c)
}
