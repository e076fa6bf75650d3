package clientmetadata_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/clientmetadata"
)

// The log says what is wrong with a document: the client of a refusal learns nothing.
func TestReason(t *testing.T) {
	d := documents(t, &web{answer: says(200, document(appURL+"/other"))})
	secrets := clientauth.Secrets{Clients: d}
	_, err := secrets.ValidateClient(t.Context(), clientauth.Request{ID: appURL, Method: storage.AuthNone, Time: time.Now()})
	if !errors.Is(err, grants.InvalidClient) || !errors.Is(err, clientauth.ErrUnknownClient) || !strings.Contains(err.Error(), "client_id is not its URL") {
		t.Errorf("got %v, want invalid_client with the reason", err)
	}
}

// A document that takes long keeps no caller longer than the caller has time, and a
// caller that hangs up takes the document from nobody.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(r *http.Request) (*http.Response, error) {
			select {
			case <-r.Context().Done():
				return nil, r.Context().Err()
			case <-time.After(3 * time.Second):
				return says(200, document(appURL))(r)
			}
		}
		d := documents(t, &web{answer: slow})
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := d.Client(ctx, appURL); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 500*time.Millisecond {
			t.Errorf("got %v after %v, want the end of the deadline", err, time.Since(begin))
		}
		time.Sleep(time.Minute)
		hangsUp, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		if _, err := d.Client(hangsUp, appURL); err != nil {
			t.Errorf("a caller that hung up: %v", err)
		}
	})
}

// A document that its server has taken away does not come back because the server is
// down later: its owner may have taken it away because of a redirect_uri in it.
func TestT08TakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &web{answer: says(200, document(appURL, `,"client_name":"App"`), "Cache-Control", "max-age=300")}
		d := documents(t, w)
		if _, err := d.Client(t.Context(), appURL); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		w.set(says(404, ""))
		if _, err := d.Client(t.Context(), appURL); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("a document that was taken away: %v, want an unknown client", err)
		}
		if got := d.Name(appURL); got != "" {
			t.Errorf("its name is %q, want none", got)
		}
		w.set(away)
		time.Sleep(2 * time.Minute)
		if c, err := d.Client(t.Context(), appURL); err == nil || errors.Is(err, storage.ErrNotFound) {
			t.Errorf("with its server down later: %v, %v, want an outage", c, err)
		}
	})
}

// A host that changes its lists later does not change what strangers may have.
func TestBoundsAreCopied(t *testing.T) {
	bounds := clientmetadata.Bounds{
		GrantTypes: []string{grants.TypeAuthorizationCode}, Scope: []string{"read"}, DefaultScope: []string{"read"}, Audience: []string{"https://api.test"},
	}
	d := documents(t, &web{answer: says(200, document(appURL))}, func(c *clientmetadata.DocumentsConfig) { c.Bounds = bounds })
	r := registration(t, func(c *clientmetadata.RegistrationConfig) { c.Bounds = bounds })
	_, answer := register(t, r, mcpClient)
	id, _ := answer["client_id"].(string)
	for _, list := range [][]string{bounds.GrantTypes, bounds.Scope, bounds.DefaultScope, bounds.Audience} {
		list[0] = "admin"
	}
	for id, clients := range map[string]storage.Clients{appURL: d, id: r} {
		c, err := clients.Client(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(append(append(append(c.GrantTypes, c.Scope...), c.DefaultScope...), c.Audience...), " "); strings.Contains(got, "admin") {
			t.Errorf("%s may have %s, want the bounds as they were", id, got)
		}
	}
}
