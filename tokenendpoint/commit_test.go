package tokenendpoint_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// overtaken is a store in which another request always spends first.
type overtaken struct {
	storage.Storage
	before func()
}

func (s *overtaken) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	return s.Storage.Spend(ctx, old, next, at)
}

// A request may sign a token for a first use, and then not be the first. Such a
// token must not outlive the stores' memory of its family: if the family is
// revoked and then forgotten, the token would verify again.
func TestLostRaceKeepsTheBoundOfTheFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := goodConfig(t)
		secret, store := aClient(t, c), &overtaken{Storage: c.Storage}
		c.Storage, c.Logger, c.RefreshTokenLifetime = store, discard, 10*time.Minute
		c.Grants = map[string]grants.Grant{
			"client_credentials": grants.ClientCredentials{Refresh: true},
			"refresh_token":      grants.RefreshToken{},
		}
		c.Hook = func(_ context.Context, r *grants.Request, a *grants.Authorization) error {
			if r.Form["short"] != "" {
				a.Lifetime = time.Minute
			}
			return nil
		}
		h := newHandler(t, c)
		response, _ := token(t, ask(h, secret, "grant_type=client_credentials"))
		body := "grant_type=refresh_token&refresh_token=" + response["refresh_token"].(string)
		// The winner's token is short, so the family is remembered for ten minutes.
		store.before = func() { token(t, ask(h, secret, body+"&short=1")) }
		w := ask(h, secret, body) // and this one was to live for an hour
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "temporarily_unavailable") {
			t.Errorf("got %d %s, want 503: the client comes back and gets a token that ends with the family", w.Code, w.Body)
		}
		again, _ := token(t, ask(h, secret, body))
		if life := again["expires_in"]; life != 600.0 {
			t.Errorf("the next answer lives %v seconds, want the 600 of the family", life)
		}
	})
}
