package owngrant

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/examples/internal/ask"
	"github.com/contit/oauth/examples/internal/blocks"
	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const issuer = "https://auth.example.com"

// newEndpoint makes an endpoint that has the grant, and registers the app "mobile"
// for it.
func newEndpoint(store *memory.Store) (*tokenendpoint.Handler, *storage.Client) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: key})
	if err != nil {
		panic(err)
	}
	app := &storage.Client{
		ID:         "mobile",
		AuthMethod: storage.AuthNone,
		GrantTypes: []string{typeMailedLink, grants.TypeRefreshToken},
		Scope:      []string{"read"},
	}
	if err := store.PutClient(context.Background(), app); err != nil {
		panic(err)
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer: issuer, Audience: []string{"https://api.example.com"},
		Keys: keys, Storage: store, Revocations: store, Logger: slog.New(slog.DiscardHandler),
		Grants: map[string]grants.Grant{
			typeMailedLink:          MailedLink{},
			grants.TypeRefreshToken: grants.RefreshToken{},
		},
	})
	if err != nil {
		panic(err)
	}
	return endpoint, app
}

// A host mails the link. The app exchanges it, once.
func Example() {
	ctx, store := context.Background(), new(memory.Store)
	endpoint, app := newEndpoint(store)
	link, err := newLink(ctx, store, issuer, "user:42", app, time.Now())
	if err != nil {
		fmt.Println(err)
		return
	}
	first := ask.Token(endpoint, "grant_type", typeMailedLink, "client_id", "mobile", "link", link.Reveal())
	fmt.Println("the link:        ", first)
	fmt.Println("the link again:  ", ask.Token(endpoint, "grant_type", typeMailedLink, "client_id", "mobile", "link", link.Reveal()))
	fmt.Println("another link:    ", ask.Token(endpoint, "grant_type", typeMailedLink, "client_id", "mobile", "link", "link_made_up"))
	fmt.Println("no link:         ", ask.Token(endpoint, "grant_type", typeMailedLink, "client_id", "mobile"))
	fmt.Println("its refresh token:", ask.Token(endpoint, "grant_type", "refresh_token", "client_id", "mobile", "refresh_token", first.Text("refresh_token")))
	// Output:
	// the link:         200 read
	// the link again:   400 invalid_grant
	// another link:     400 invalid_grant
	// no link:          400 invalid_request link is missing
	// its refresh token: 200 read
}

// TestMailedLink asks the grant for its decision, without an endpoint.
func TestMailedLink(t *testing.T) {
	ctx, store := context.Background(), new(memory.Store)
	app := &storage.Client{ID: "mobile", Scope: []string{"read"}}
	link, err := newLink(ctx, store, issuer, "user:42", app, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := &grants.Request{
		Client:  app,
		Issuer:  issuer,
		Form:    grants.Form{"link": link.Reveal()},
		Time:    time.Now(),
		Storage: store,
	}
	got, err := MailedLink{}.Authorize(ctx, r)
	want := &grants.Authorization{Subject: "user:42", Scope: []string{"read"}, Refresh: true}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the grant decides %+v, %v; want %+v", got, err, want)
	}
}

// TestRefused asks for the decisions that refuse.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, store := context.Background(), new(memory.Store)
		app := &storage.Client{ID: "mobile", Scope: []string{"read"}}
		link, err := newLink(ctx, store, issuer, "user:42", app, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		other := &storage.Client{ID: "other"}
		for _, tt := range []struct {
			name   string
			client *storage.Client
			link   string
			at     time.Time
		}{
			{"a link that nobody made", app, "link_made_up", time.Now()},
			{"another app's link", other, link.Reveal(), time.Now()},
			{"a link after its end", app, link.Reveal(), time.Now().Add(linkLifetime)},
		} {
			r := &grants.Request{Client: tt.client, Issuer: issuer, Form: grants.Form{"link": tt.link}, Time: tt.at, Storage: store}
			if a, err := (MailedLink{}).Authorize(ctx, r); !errors.Is(err, grants.InvalidGrant) {
				t.Errorf("%s: %+v, %v; want invalid_grant", tt.name, a, err)
			}
		}
	})
}

// TestReplay: the end of the family is the endpoint's, and no line of the grant.
func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(memory.Store)
		endpoint, app := newEndpoint(store)
		link, err := newLink(context.Background(), store, issuer, "user:42", app, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		first := ask.Token(endpoint, "grant_type", typeMailedLink, "client_id", "mobile", "link", link.Reveal())
		time.Sleep(time.Minute)
		ask.Token(endpoint, "grant_type", typeMailedLink, "client_id", "mobile", "link", link.Reveal())
		refreshed := ask.Token(endpoint, "grant_type", "refresh_token", "client_id", "mobile", "refresh_token", first.Text("refresh_token"))
		if first.Status != 200 || refreshed.Text("error") != "invalid_grant" {
			t.Errorf("the link got %v, and its refresh token after a replay %v; want 200, and invalid_grant", first, refreshed)
		}
	})
}

// TestGuide executes the blocks of the README.
func TestGuide(t *testing.T) { blocks.Guide(t, "owngrant", nil) }
