package clientmetadata_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/clientmetadata"
)

// A stranger that names new URLs for a day gets no more room than Size, and no more
// requests than a hundred a minute. Each of them costs the log one refusal (429), which is
// no outage.
func TestT07Bounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &web{answer: func(r *http.Request) (*http.Response, error) { return says(200, document(r.URL.String()))(r) }}
		d := documents(t, w, func(c *clientmetadata.DocumentsConfig) { c.Size = 50 })
		secrets := clientauth.Secrets{Clients: d}
		limited := 0
		const minutes = 30
		for minute := range minutes {
			for i := range 300 {
				_, err := secrets.ValidateClient(t.Context(), clientauth.Request{
					ID: fmt.Sprintf("https://h%d-%d.example.com/c", minute, i), Method: storage.AuthNone, Time: time.Now(),
				})
				v := grants.Verdict(err)
				switch {
				case err == nil:
				case v == nil || !v.Limited || v.RetryAfter <= 0 || errors.Is(err, grants.InvalidClient):
					t.Fatalf("got %v, want a client or 429", err)
				default:
					limited++
				}
			}
			if got := d.Kept(); got > 50 {
				t.Fatalf("%d URLs are remembered, want 50 at most", got)
			}
			time.Sleep(time.Minute)
		}
		if got := w.count(); got > 100*(minutes+1) || got+limited != 300*minutes {
			t.Errorf("%d requests and %d refusals in %d minutes, want 100 a minute, and a refusal for each other", got, limited, minutes)
		}
	})
}

// The clients of both wrappers are marked as ones that nobody has vetted, and those that
// are registered by hand are not.
func TestU12Marked(t *testing.T) {
	store := new(memory.Store)
	if err := store.PutClient(t.Context(), &storage.Client{ID: "known", AuthMethod: storage.AuthNone}); err != nil {
		t.Fatal(err)
	}
	r := registration(t, func(c *clientmetadata.RegistrationConfig) { c.Clients = store })
	d := documents(t, &web{answer: says(200, document(appURL))}, func(c *clientmetadata.DocumentsConfig) { c.Clients = r })
	_, got := register(t, r, mcpClient)
	registered, _ := got["client_id"].(string)
	for id, want := range map[string]bool{"known": false, registered: true, appURL: true} {
		if c, err := d.Client(t.Context(), id); err != nil || c.Unvetted != want {
			t.Errorf("%.30s: got %+v, %v, want Unvetted %t", id, c, err, want)
		}
	}
}
