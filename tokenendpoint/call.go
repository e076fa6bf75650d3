package tokenendpoint

import (
	"context"
	"net/http"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// call is one request on its way through an endpoint, as far as all endpoints
// treat it alike: what it says, and who says it.
type call struct {
	http       *http.Request
	parameters parameters
	shown      clientauth.Credentials
	unreadable error // why what was shown cannot authenticate
	key        key
	attempt    Attempt
	client     *storage.Client // authenticated

	event *Event
	mark  time.Time // when the last step ended
}

// key is what a request may show in place of its client's secret, such as an
// API key. The zero value is none.
type key struct {
	guessable  bool                                  // it is worth guessing
	ownSecret  bool                                  // a grant takes it: a public client's body secret is a placeholder
	identifies bool                                  // it stands for the secret of a confidential client
	clientID   func(context.Context) (string, error) // names the client that the request does not; or nil
}

// lap adds the time since the last step to d.
func (c *call) lap(d *time.Duration) {
	now := time.Now()
	*d += now.Sub(c.mark)
	c.mark = now
}

// read takes in the request: its parameters, and what it shows of its client.
func (c *call) read(w http.ResponseWriter, r *http.Request) (err error) {
	c.http = r
	if c.parameters, err = read(w, r); err != nil {
		return err
	}
	c.event.Time = now() // the whole request is here
	c.shown, c.unreadable, err = readCredentials(r, &c.parameters, c.event.Time)
	return err
}

// checkIdentified refuses a request that says nothing of its client.
func (c *call) checkIdentified() error {
	switch {
	case c.shown.ID == "" && c.unreadable == nil && !c.key.identifies:
		return errNoClientID
	case c.unreadable == errAssertion && c.key.identifies: // beside the key it is a second mechanism
		return errTwoMechanisms
	}
	return nil
}

// authenticate finds and authenticates the client, unless it has failed too
// often.
func (h *Handler) authenticate(ctx context.Context, c *call) error {
	defer c.lap(&c.event.Client)
	if err := h.limit(ctx, c); err != nil {
		return err
	}
	if c.unreadable != nil {
		return h.countFailure(ctx, c, grants.InvalidClient.Because(c.unreadable))
	}
	if err := h.identify(ctx, c); err != nil {
		return h.countFailure(ctx, c, err)
	}
	c.event.ClientID = c.client.ID
	return nil
}
