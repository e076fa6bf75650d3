package tokenendpoint

import (
	"context"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// standIn is a credential that a request may show in place of its client's
// secret, such as an API key. The zero value is none.
type standIn struct {
	guessable  bool           // it is worth guessing
	right      bool           // the grant has taken it
	ownSecret  bool           // a grant takes it: a public client's body secret is a placeholder
	identifies bool           // it stands for the secret of a confidential client
	names      bool           // it names the client, and the request does not: see clientID
	shown      storage.Secret // the API key of a request that names no client; or empty
	malformed  bool           // it has not the form of a key, and costs no look-up
}

// readStandIn finds out whether the credential that the grant takes may stand
// for the client.
func (x *exchange) readStandIn(guessable bool) {
	x.standIn.guessable = guessable
	identifier, ok := x.grant.(grants.ClientIdentifier)
	if !ok {
		return
	}
	x.standIn.ownSecret, x.standIn.identifies = true, identifier.IdentifiesClient()
	if keys, ok := apiKeys(x.grant); ok && x.shown.ID == "" {
		var wellFormed bool
		x.standIn.shown, wellFormed = keys.Shown(x.request)
		x.standIn.malformed = !wellFormed
	}
	x.standIn.names = x.shown.ID == "" && x.standIn.identifies
}

// clientID asks the grant which client the stand-in names.
func (x *exchange) clientID(ctx context.Context) (id string, err error) {
	err = x.show(func(r *grants.Request) (err error) {
		id, err = x.grant.(grants.ClientIdentifier).ClientID(ctx, r)
		return err
	})
	return id, err
}

// apiKeys returns the ready grant for API keys, if g is that.
func apiKeys(g grants.Grant) (keys grants.APIKey, ok bool) {
	switch g := g.(type) {
	case grants.APIKey:
		return g, true
	case *grants.APIKey:
		return *g, true
	}
	return keys, false
}

// standsIn reports whether a stand-in takes the place of the client's secret. Then
// the endpoint tells nothing of the client before the stand-in has been verified.
func (c *call) standsIn() bool {
	return c.standIn.identifies && c.shown.Method == storage.AuthNone && !c.certified()
}

// verified reports whether the client has shown a secret that is right.
func (c *call) verified() bool { return !c.client.Public() && !c.standsIn() }
