package tokenendpoint

import (
	"context"
	"net/http"

	"github.com/contit/oauth/grants"
)

var errNoToken = grants.InvalidRequest.Describe("token is missing")

// aboutToken serves an endpoint whose requests are about a token (RFC 7009 §2.1,
// RFC 7662 §2.1). It reads the request and authenticates the client. Then act
// decides the answer.
func (h *Handler) aboutToken(name Endpoint, act func(ctx context.Context, c *call, token string) ([]byte, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := new(call)
		c.event.Endpoint = name
		h.serve(w, r, &c.event, func(w http.ResponseWriter, r *http.Request) ([]byte, error) {
			token, err := h.readToken(w, r, c)
			if err != nil {
				return nil, err
			}
			ctx, cancel := context.WithTimeout(r.Context(), h.timeout)
			defer cancel()
			err = h.braked(ctx, c, func() error {
				if err := h.identify(ctx, c, nil); err != nil {
					return err
				}
				return h.useUp(ctx, c)
			})
			if err != nil {
				return nil, err
			}
			return act(ctx, c, token)
		})
	})
}

// readToken reads a request, and the token that it is about.
func (h *Handler) readToken(w http.ResponseWriter, r *http.Request, c *call) (token string, err error) {
	h.watch(c)
	defer c.lap(&c.event.Read)
	if err := c.readParams(w, r); err != nil {
		return "", err
	}
	if err := h.seeCertificate(c); err != nil {
		return "", err
	}
	c.event.ClientID = h.knownIDs.public(c.shown.ID)
	token = c.params.Form["token"]
	if token == "" {
		return "", errNoToken.Because(c.params.Consumed)
	}
	return token, c.checkIdentified()
}
