package tokenendpoint_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
)

// user is a row of the host's own users.
type user struct {
	ID     string
	Tier   string
	Locked bool
}

// users are the host's own.
type users map[string]user

func (u users) ByID(_ context.Context, id string) (user, error) {
	if user, ok := u[id]; ok {
		return user, nil
	}
	return user{}, sql.ErrNoRows
}

func (u users) ByBadge(ctx context.Context, badge string) (user, error) {
	id, _ := strings.CutPrefix(badge, "badge of ")
	return u.ByID(ctx, id)
}

func notLocked(users users) grants.Hook {
	return func(ctx context.Context, r *grants.Request, a *grants.Authorization) error {
		id, isUser := strings.CutPrefix(a.Subject, "user:")
		if !isUser { // a client in its own name, or an API key of nobody
			return nil
		}
		user, err := users.ByID(ctx, id)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return grants.InvalidGrant.Because(err) // deleted since
		case err != nil:
			return err // an outage: 503, and nothing is used up
		case user.Locked:
			return grants.InvalidGrant.Describe("the account is locked")
		}
		a.AddClaim("tier", user.Tier)
		return nil
	}
}

func forUsers(c tokenendpoint.Config, users users) tokenendpoint.Config {
	c.Hook = notLocked(users) // asked last, for every grant
	c.Grants = map[string]grants.Grant{
		grants.TypeClientCredentials: grants.ClientCredentials{},
		grants.TypeAuthorizationCode: grants.AuthorizationCode{},
		grants.TypeRefreshToken:      grants.RefreshToken{},
		grants.TypeAPIKey:            grants.APIKey{},
		"urn:example:badge":          badgeGrant(users), // below
	}
	return c
}

// A hook has the last word on the answer of a grant.
func Example_hook() {
	store := new(memory.Store)
	err := store.PutClient(context.Background(), &storage.Client{
		ID:         "app",
		AuthMethod: storage.AuthNone,
		GrantTypes: []string{grants.TypeAPIKey},
	})
	if err != nil {
		log.Fatal(err)
	}
	endpoint, err := tokenendpoint.New(forUsers(tokenendpoint.Config{
		AuthorizationEndpoint: "https://www.example.com/login",

		Issuer:   "https://auth.example.com",
		Audience: []string{"https://api.example.com"},
		Keys:     exampleKeys(),
		Storage:  store,
		Logger:   discard,
	}, users{"u1": {ID: "u1", Tier: "gold"}, "u2": {ID: "u2", Locked: true}}))
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(endpoint.Token())
	defer server.Close()

	for _, id := range []string{"u1", "u2", "u3"} {
		key, record, err := grants.NewAPIKey("ck_", storage.APIKey{ClientID: "app", Subject: "user:" + id}, time.Now())
		if err != nil {
			log.Fatal(err)
		}
		if err := store.PutAPIKey(context.Background(), record); err != nil {
			log.Fatal(err)
		}
		answer := post(server.URL, url.Values{"grant_type": {"api_key"}, "client_id": {"app"}, "api_key": {key.Reveal()}})
		fmt.Println(id, answer["token_type"], answer["error"], answer["error_description"])
	}
	// Output:
	// u1 Bearer <nil> <nil>
	// u2 <nil> invalid_grant the account is locked
	// u3 <nil> invalid_grant <nil>
}

func badgeGrant(users users) grants.Func {
	return func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
		user, err := users.ByBadge(ctx, r.Form["badge"])
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil, grants.InvalidGrant
		case err != nil:
			return nil, err
		}
		return &grants.Authorization{Subject: "user:" + user.ID, Scope: []string{"doors", "lifts"}, Refresh: true}, nil
	}
}

// A grant of a host's own is one function. It returns the most that the request
// may have; the endpoint narrows that to the request.
func Example_customGrant() {
	store := new(memory.Store)
	gate := &storage.Client{
		ID:         "gate",
		AuthMethod: storage.AuthNone,
		GrantTypes: []string{"urn:example:badge", grants.TypeRefreshToken},
		Scope:      []string{"doors", "lifts"},
	}
	if err := store.PutClient(context.Background(), gate); err != nil {
		log.Fatal(err)
	}
	endpoint, err := tokenendpoint.New(forUsers(tokenendpoint.Config{
		AuthorizationEndpoint: "https://www.example.com/login",

		Issuer:   "https://auth.example.com",
		Audience: []string{"https://doors.example.com"},
		Keys:     exampleKeys(),
		Storage:  store,
		Logger:   discard,
	}, users{"u1": {ID: "u1"}, "u2": {ID: "u2", Locked: true}}))
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(endpoint.Token())
	defer server.Close()

	answer := post(server.URL, url.Values{
		"grant_type": {"urn:example:badge"}, "client_id": {"gate"}, "badge": {"badge of u1"}, "scope": {"doors"},
	})
	fmt.Println(answer["scope"], answer["error"])
	answer = post(server.URL, url.Values{
		"grant_type": {"refresh_token"}, "client_id": {"gate"}, "refresh_token": {answer["refresh_token"].(string)},
	})
	fmt.Println(answer["scope"], answer["error"])
	answer = post(server.URL, url.Values{
		"grant_type": {"urn:example:badge"}, "client_id": {"gate"}, "badge": {"badge of u2"},
	})
	fmt.Println(answer["error"], answer["error_description"]) // the grant does not know it, and Config.Hook does
	// Output:
	// doors <nil>
	// doors <nil>
	// invalid_grant the account is locked
}

// post sends a token request and returns the members of the answer.
func post(endpoint string, form url.Values) map[string]any {
	response, err := http.PostForm(endpoint, form)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	return answer
}
