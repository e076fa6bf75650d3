package grants_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

// A host's own grant is one function. It returns the widest scope that the client may
// have. The endpoint narrows it to the requested scope, signs, stores and answers.
func ExampleFunc() {
	badges := map[string]string{"badge-17": "alice"}

	badge := grants.Func(func(_ context.Context, r *grants.Request) (*grants.Authorization, error) {
		subject, ok := badges[r.Form["badge"]]
		if !ok {
			return nil, grants.InvalidGrant
		}
		return &grants.Authorization{Subject: subject, Scope: []string{"door", "lift"}, Refresh: true}, nil
	})

	// In production the endpoint calls it; tests can do so too.
	r := &grants.Request{
		Client: &storage.Client{ID: "reader", Scope: []string{"door", "lift"}},
		Form:   grants.Form{"badge": "badge-17"},
	}
	a, err := badge.Authorize(context.Background(), r)
	fmt.Println(a.Subject, a.Scope, err)

	r.Form["badge"] = "badge-18"
	_, err = badge.Authorize(context.Background(), r)
	fmt.Println(err)
	// Output:
	// alice [door lift] <nil>
	// invalid_grant
}

// A hook changes the decision of a grant. This one refuses locked users and adds a claim.
func ExampleHook() {
	locked := map[string]bool{"mallory": true}
	errLocked := errors.New("users: locked")

	hook := grants.Hook(func(_ context.Context, r *grants.Request, a *grants.Authorization) error {
		if locked[a.Subject] {
			return grants.InvalidGrant.Because(errLocked) // the client sees the code, the log the cause
		}
		a.AddClaim("tenant", "t-"+r.Client.ID)
		return nil
	})
	grant := grants.AuthorizationCode{Hook: hook}

	r := &grants.Request{Client: &storage.Client{ID: "shop"}}
	a := &grants.Authorization{Subject: "alice"}
	fmt.Println(grant.Hook(context.Background(), r, a), a.Claims)
	fmt.Println(grant.Hook(context.Background(), r, &grants.Authorization{Subject: "mallory"}))
	// Output:
	// <nil> map[tenant:t-shop]
	// invalid_grant: users: locked
}

// The host's authorization page calls NewAuthorizationCode when the user has agreed.
func ExampleNewAuthorizationCode() {
	client := &storage.Client{
		ID:           "shop",
		GrantTypes:   []string{grants.TypeAuthorizationCode},
		Scope:        []string{"read", "write"},
		RedirectURIs: []string{"https://shop.example/cb"},
	}
	query, _ := url.ParseQuery("response_type=code&client_id=shop&redirect_uri=https%3A%2F%2Fshop.example%2Fcb&scope=read&state=xyz" +
		"&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256")

	if !grants.MayRedirect(client, query.Get("redirect_uri")) {
		fmt.Println("show an error page: nobody knows where that would lead")
		return
	}
	scope, err := grants.RequestedScope(client, query.Get("scope"))
	if err != nil {
		fmt.Println(err)
		return
	}
	request := grants.AuthorizationRequest{
		Issuer:              "https://auth.example.com",
		Client:              client,
		RedirectURI:         query.Get("redirect_uri"),
		Scope:               scope,
		CodeChallenge:       query.Get("code_challenge"),
		CodeChallengeMethod: query.Get("code_challenge_method"),
	}
	if err := request.Check(); err != nil {
		fmt.Println(err)
		return
	}
	// Let the user log in, and agree to the scope.
	request.Subject = "alice"
	code, record, err := grants.NewAuthorizationCode(request, time.Now())
	if err != nil {
		fmt.Println(err)
		return
	}
	// Store the record, then send the code to the client.
	target := query.Get("redirect_uri") + "?" + url.Values{"code": {code.Reveal()}, "state": {query.Get("state")}}.Encode()

	fmt.Println(strings.HasPrefix(target, "https://shop.example/cb?code=ac_"))
	fmt.Println(record.Subject, record.Scope, record.ExpiresAt.Sub(record.IssuedAt))
	fmt.Println(code) // it does not print
	// Output:
	// true
	// alice [read] 1m0s
	// REDACTED
}

// The endpoint uses up a host's own single-use credential, such as a ticket, once. A
// replay of it ends the tokens that came from it.
func ExampleNewCredential() {
	ctx, store := context.Background(), new(memory.Store)
	const kind = "ticket"

	ticket, now := storage.NewSecret("tk_"), time.Now()
	record, err := grants.NewCredential(ticket, storage.Credential{
		Kind:      kind,
		Issuer:    "https://auth.example.com", // that of the endpoint which takes it
		ClientID:  "gate",
		Subject:   "alice",
		Scope:     []string{"enter"},
		ExpiresAt: now.Add(time.Hour),
	}, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := store.CreateCredential(ctx, record); err != nil {
		fmt.Println(err)
		return
	}

	enter := grants.Func(func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
		c, err := r.Present(ctx, kind, storage.PresentedSecret(r.Form["ticket"]))
		if err != nil {
			return nil, err
		}
		return &grants.Authorization{Subject: c.Subject, Scope: c.Scope}, nil
	})
	r := &grants.Request{
		Issuer:  "https://auth.example.com",
		Client:  &storage.Client{ID: "gate"},
		Form:    grants.Form{"ticket": ticket.Reveal()},
		Time:    now,
		Storage: store,
	}
	a, err := enter.Authorize(ctx, r)
	fmt.Println(a.Subject, a.Scope, err)
	_, _, usedUp := r.Presented() // by the endpoint, if the request is granted
	fmt.Println(usedUp)
	// Output:
	// alice [enter] <nil>
	// true
}

// The host shows the key to its owner once. The store has only a digest, which nobody
// can present.
func ExampleNewAPIKey() {
	key, record, err := grants.NewAPIKey("ck_live_", storage.APIKey{
		ID:       "key-1",
		ClientID: "shop",
		Scope:    []string{"read"},
	}, time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC))
	if err != nil {
		fmt.Println(err)
		return
	}
	shown := key.Reveal()
	fmt.Println(shown[:8], len(shown))
	fmt.Println(record.ID, record.ClientID, record.Scope, record.CreatedAt.Format(time.DateOnly))
	fmt.Println(record.Digest == storage.PresentedSecret(shown).Digest(storage.KindAPIKey))
	// Output:
	// ck_live_ 57
	// key-1 shop [read] 2026-05-04
	// true
}

// Returning a Code is a verdict; any other error is an outage.
func ExampleVerdict() {
	refusal := fmt.Errorf("badge: %w", grants.InvalidGrant.Describe("the badge is locked"))
	fmt.Println(grants.Verdict(refusal).Code, "-", grants.Verdict(refusal).Description)
	fmt.Println(grants.Verdict(errors.New("dial tcp: connection refused")))
	// Output:
	// invalid_grant - the badge is locked
	// <nil>
}
