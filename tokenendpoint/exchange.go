package tokenendpoint

import (
	"net/http"

	"github.com/contit/oauth/grants"
)

// exchange is one request on its way through the token endpoint. Each step
// writes its results into a part of it, for the later steps.
type exchange struct {
	call    // call.go: the parameters of the request, and its client
	request *grants.Request
	grant   grants.Grant
	hosts   bool // the grant is code of the host's

	decision // decide.go: the answer of the grant, narrowed
	renewal  // refresh.go: the refresh token that goes along
	signed   // sign.go: the access token
	scratch  // scratch.go: memory for all of them
}

// Token returns the token endpoint alone (RFC 6749 §3.2), and answers at every
// path where a host mounts it. It reads the body itself: if middleware has
// called ParseForm, no body is left.
func (h *Handler) Token() http.Handler { return http.HandlerFunc(h.serveToken) }

func (h *Handler) serveToken(w http.ResponseWriter, r *http.Request) {
	var x exchange
	x.begin()
	x.event.Endpoint = EndpointToken
	h.serve(w, r, &x.event, func(w http.ResponseWriter, r *http.Request) ([]byte, error) { return h.issue(w, r, &x) })
	x.release()
}

// issue is the token endpoint: the eight steps, each in the file of its name.
// Every step may refuse. No step before commit uses anything up, so that a refusal
// costs the client nothing. There is one exception: an assertion is used up when it has
// shown who the client is, see useUp. commit is one atomic call of the store for what
// the server has issued, and the signed token is already in hand.
func (h *Handler) issue(w http.ResponseWriter, r *http.Request, x *exchange) ([]byte, error) {
	if err := h.read(w, r, x); err != nil {
		return nil, err
	}
	ctx := x.deciding.Begin(r.Context(), x.arrived.Add(h.timeout))
	defer x.deciding.End()
	err := h.braked(ctx, &x.call, func() error {
		if err := h.authenticate(ctx, x); err != nil {
			return err
		}
		return h.decide(ctx, x)
	})
	if err != nil {
		return nil, err
	}
	if err := h.judge(ctx, x); err != nil {
		return nil, err
	}
	if err := h.hook(ctx, x); err != nil {
		return nil, err
	}
	defer h.countGrowth(x)
	if err := h.sign(ctx, x); err != nil {
		return nil, err
	}
	if err := h.commit(ctx, x); err != nil {
		return nil, err
	}
	return x.respond(), nil
}
