package tokenendpoint

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// AuthorizationEndpoint returns what the host's own login page, at
// Config.AuthorizationEndpoint, needs to read and answer authorization requests: it has
// the issuer, the audiences, the grants, the clients and the Logger of this endpoint. It
// finds a client through Config.ClientValidator, within Config.Timeout, as a client
// that shows no secret; the HTTP of that [clientauth.Request] is an empty request. The
// host adds a Show for its own design.
func (h *Handler) AuthorizationEndpoint() grants.AuthorizationEndpoint {
	return grants.AuthorizationEndpoint{
		Issuer:     h.issuer,
		Clients:    validated{h},
		Audience:   slices.Clone(h.audience),
		GrantTypes: slices.Sorted(maps.Keys(h.grants)),
		ErrorURI:   h.errorURI,
		Logger:     h.logger,
	}
}

// validated are the clients of the ClientValidator, for a page that asks for none of
// their secrets.
type validated struct{ *Handler }

var _ storage.Clients = validated{}

// Client returns the client with this identifier, or [storage.ErrNotFound].
func (v validated) Client(ctx context.Context, id string) (*storage.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, v.timeout)
	defer cancel()
	client, err := v.clients.ValidateClient(ctx, clientauth.Request{
		ID:     id,
		Method: storage.AuthNone,
		Time:   time.Now().UTC(),
		HTTP:   (&http.Request{Method: http.MethodGet, URL: new(url.URL), Header: make(http.Header)}).WithContext(ctx),
	})
	if v := grants.Verdict(err); v != nil && v.Code == grants.InvalidClient && !errors.Is(err, storage.ErrNotFound) {
		return nil, fmt.Errorf("tokenendpoint: %w: %w", storage.ErrNotFound, err)
	}
	return client, err
}
