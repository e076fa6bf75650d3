package tokenendpoint_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/contit/oauth/grants"
)

// A 401 has one body, for every fault and every place that found it (ruling R4):
// here a hook, which says more than the client may know.
func TestInvalidClientIsNotDescribed(t *testing.T) {
	c := goodConfig(t)
	c.Logger = discard
	c.Hook = func(context.Context, *grants.Request, *grants.Authorization) error {
		return grants.InvalidClient.Describe("the contract of the client has ended")
	}
	secret, h := aClient(t, c), newHandler(t, c)
	got, want := ask(h, secret, "grant_type=client_credentials"), ask(h, "wrong", "grant_type=client_credentials")
	if got.Code != http.StatusUnauthorized || got.Body.String() != want.Body.String() {
		t.Errorf("got %d %s, want 401 %s", got.Code, got.Body, want.Body)
	}
}
