package tokenendpoint

import (
	"net/http"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/params"
)

// call is one request on its way through an endpoint, as far as all endpoints
// treat it alike: its parameters and its client.
type call struct {
	http       *http.Request
	params     params.Params
	shown      clientauth.Request
	unreadable error // why the shown credentials cannot authenticate
	standIn    standIn
	guess      guess
	client     *storage.Client // authenticated
	mark       *mark           // of the assertion that the client showed, to be used up; or nil
	binding                    // certificate.go
	free       bool            // no secret was guessed at: see identify

	event   Event
	arrived time.Time // when the whole request was here; event.Time is the same, for stores
	lapped  time.Time // when the last step ended; zero if nobody observes
}

// mark is the record that a validator gives to be used up. It has memory of its own,
// since the validator may keep the function that takes it.
type mark struct{ record *storage.Credential }

var errNoClientID = grants.InvalidRequest.Describe("client_id is missing")

// watch starts the watch over the steps, if the host observes. Only an event for the host
// tells how long a step took, and seven readings of the clock cost a fortieth of an EdDSA
// token.
func (h *Handler) watch(c *call) {
	if h.observe != nil {
		c.lapped = time.Now()
	}
}

// lap adds the time since the last step to d.
func (c *call) lap(d *time.Duration) {
	if c.lapped.IsZero() { // nobody observes
		return
	}
	now := time.Now()
	*d += now.Sub(c.lapped)
	c.lapped = now
}

// readParams reads the parameters of the request and the client's credentials in
// it.
func (c *call) readParams(w http.ResponseWriter, r *http.Request) (err error) {
	c.http = r
	if c.params, err = params.Read(w, r); err != nil {
		return err
	}
	c.arrived = time.Now()
	c.event.Time = instant(c.arrived)
	c.shown, c.unreadable, err = params.Credentials(r, &c.params, c.event.Time)
	return err
}

// checkIdentified refuses a request that says nothing of its client.
func (c *call) checkIdentified() error {
	switch {
	case c.shown.ID == "" && c.unreadable == nil && !c.standIn.identifies:
		return errNoClientID
	case c.shown.Method == storage.PrivateKeyJWT && c.standIn.identifies: // beside the stand-in it is a second mechanism
		return params.ErrTwoMechanisms
	}
	return nil
}
