package tokenendpoint_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// A grant around one of ours copies the request before it changes something in
// it. The endpoint uses up the credential that the copy presents all the same.
func TestACopiedRequestIsUsedUp(t *testing.T) {
	c := goodConfig(t)
	c.Logger = discard
	c.Grants["authorization_code"] = grants.Func(func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
		first := *r
		second := first
		return grants.AuthorizationCode{}.Authorize(ctx, &second)
	})
	c.AuthorizationEndpoint = "https://as.test/login"
	secret, h := aClient(t, c), newHandler(t, c)

	verifier := strings.Repeat("v", 43)
	sum := sha256.Sum256([]byte(verifier))
	code := storage.NewSecret(grants.CodePrefix)
	record, err := grants.NewCredential(code, storage.Credential{
		Kind: storage.KindAuthorizationCode, Issuer: c.Issuer, ClientID: "c1", Subject: "user:1", Scope: []string{"read"},
		RedirectURI: storage.NoRedirectURI, PKCE: storage.PKCES256, Challenge: base64.RawURLEncoding.EncodeToString(sum[:]),
		ExpiresAt: time.Now().Add(time.Minute),
	}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Storage.(*memory.Store).CreateCredential(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	body := url.Values{"grant_type": {"authorization_code"}, "code": {code.Reveal()}, "code_verifier": {verifier}}.Encode()
	if w := ask(h, secret, body); w.Code != http.StatusOK {
		t.Fatalf("the first use: got %d %s, want 200", w.Code, w.Body)
	}
	if w := ask(h, secret, body); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "invalid_grant") {
		t.Errorf("the second use: got %d %s, want invalid_grant", w.Code, w.Body)
	}
}

// A hook changes the claims of one token. A grant may give many requests the same.
func TestAHookChangesNoOtherTokensClaims(t *testing.T) {
	shared := &grants.Authorization{Subject: "u", Claims: map[string]any{
		"object": map[string]any{"deep": map[string]any{"n": 1}}, "list": []any{"a", map[string]any{"n": 1}}, "names": []string{"a"},
	}}
	var kept map[string]any
	c := goodConfig(t)
	c.Logger = discard
	c.Grants = map[string]grants.Grant{"own": grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) { return shared, nil })}
	c.Hook = func(_ context.Context, _ *grants.Request, a *grants.Authorization) error {
		if kept == nil {
			kept = a.Claims
			a.Claims["object"].(map[string]any)["deep"].(map[string]any)["n"] = 2
			a.Claims["list"].([]any)[1].(map[string]any)["n"] = 2
			a.Claims["names"].([]string)[0] = "b"
		}
		return nil
	}
	secret, h := aClient(t, c), newHandler(t, c)
	for _, want := range []string{"map[deep:map[n:2]] [a map[n:2]] [b]", "map[deep:map[n:1]] [a map[n:1]] [a]"} {
		_, claims := token(t, ask(h, secret, "grant_type=own"))
		if got := fmt.Sprint(claims["object"], claims["list"], claims["names"]); got != want {
			t.Errorf("the claims are %s, want %s", got, want)
		}
	}
}

// MayIntrospect decides, and changes neither the client nor the token in
// question.
func TestMayIntrospectGetsCopies(t *testing.T) {
	c := goodConfig(t)
	c.Logger = discard
	store := c.Storage.(*memory.Store)
	c.Revocations = store
	secret := aClient(t, c)
	secrets, cached := &clientauth.Secrets{Clients: store}, (*storage.Client)(nil)
	c.ClientValidator = tokenendpoint.ClientValidatorFunc(func(ctx context.Context, r clientauth.Request) (*storage.Client, error) {
		client, err := secrets.ValidateClient(ctx, r)
		if err == nil && cached == nil {
			cached = client
		}
		return cached, err // as one with a cache does
	})
	c.MayIntrospect = func(_ context.Context, client *storage.Client, t *jws.AccessToken) (bool, error) {
		client.Scope = append(client.Scope[:0], "admin")
		t.ID, t.Family, t.ExpiresAt = "another", "another", t.ExpiresAt.Add(time.Hour)
		return true, nil
	}
	h := newHandler(t, c)
	answer, _ := token(t, ask(h, secret, "grant_type=client_credentials"))
	about := func(path string) string {
		r := asked("c1", secret, "token="+answer["access_token"].(string))
		r.URL.Path = path
		return serve(h.Routes(), r).Body.String()
	}
	if got := about("/connect/introspect"); !strings.Contains(got, `"active":true`) {
		t.Errorf("introspection says %s, want an active token", got)
	}
	about("/connect/revocation")
	if got := about("/connect/introspect"); !strings.Contains(got, `"active":false`) {
		t.Errorf("after the revocation introspection says %s, want none that is active", got)
	}
	if w := ask(h, secret, "grant_type=client_credentials&scope=admin"); w.Code != http.StatusBadRequest {
		t.Errorf("a scope that MayIntrospect wrote: got %d %s, want 400", w.Code, w.Body)
	}
}

// A Limiter that hangs takes a quarter of the time, and the count of this process
// serves.
func TestAHangingLimiterIsNoOutage(t *testing.T) {
	hang := func(ctx context.Context) { <-ctx.Done() }
	for name, limiter := range map[string]tokenendpoint.LimiterFunc{
		"Reserve": func(ctx context.Context, _ tokenendpoint.Attempt) (time.Duration, func(context.Context), error) {
			hang(ctx)
			return 0, nil, ctx.Err()
		},
		"refund": func(context.Context, tokenendpoint.Attempt) (time.Duration, func(context.Context), error) {
			return 0, hang, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := goodConfig(t)
			c.Logger, c.Limiter, c.Timeout = discard, limiter, 4*time.Second
			secret, h := aClient(t, c), newHandler(t, c)
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				token(t, ask(h, secret, "grant_type=client_credentials"))
				if took := time.Since(start); took != time.Second {
					t.Errorf("the request took %s, want a quarter of the timeout", took)
				}
			})
		})
	}
}

// Keys without a client share no count: a stranger's garbage would keep out
// every key of the network.
func TestGarbageKeepsNoAPIKeyOut(t *testing.T) {
	t.Run("a value", func(t *testing.T) { garbageKeepsNoAPIKeyOut(t, grants.APIKey{ClientIDOptional: true}) })
	t.Run("a pointer", func(t *testing.T) { garbageKeepsNoAPIKeyOut(t, &grants.APIKey{ClientIDOptional: true}) })
}

func garbageKeepsNoAPIKeyOut(t *testing.T, grant grants.Grant) {
	c := goodConfig(t)
	c.Logger = discard
	c.Grants["api_key"] = grant
	store := c.Storage.(*memory.Store)
	if err := store.PutClient(t.Context(), &storage.Client{ID: "app", AuthMethod: storage.AuthNone, GrantTypes: []string{"api_key"}}); err != nil {
		t.Fatal(err)
	}
	key, record, err := grants.NewAPIKey("ck_", storage.APIKey{ClientID: "app"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := store.PutAPIKey(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	h := newHandler(t, c)
	present := func(key string) int {
		r := asked("", "", "grant_type=api_key&api_key="+key)
		r.Header.Del("Authorization")
		return serve(h, r).Code
	}
	statuses := map[int]int{}
	for i := range 4000 {
		statuses[present(fmt.Sprint("garbage-", i))]++
	}
	if statuses[http.StatusTooManyRequests] == 0 || statuses[http.StatusOK] > 0 {
		t.Errorf("the answers to garbage were %v, want 400, and 429 after some hundreds", statuses)
	}
	if got := present(key.Reveal()); got != http.StatusOK {
		t.Errorf("a right key after the garbage: got %d, want 200", got)
	}
}

// An author who returns the verdict of a store, or joins a verdict with an
// error, gets an outage. The log tells the author which error to return.
func TestTheLogSaysWhatAGrantOrAHookShouldReturn(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"a store's verdict":      {fmt.Errorf("find: %w", storage.ErrNotFound), "return grants.InvalidGrant.Because(err)"},
		"a verdict among others": {errors.Join(grants.InvalidGrant, errors.New("x")), "by Because"},
		"an outage":              {errors.New("connection refused"), "connection refused"},
	} {
		for _, where := range []string{"grant", "hook"} {
			t.Run(name+" of a "+where, func(t *testing.T) {
				var cause error
				c := goodConfig(t)
				c.Logger = discard
				c.Observe = func(_ context.Context, e tokenendpoint.Event) { cause = e.Cause }
				c.Grants = map[string]grants.Grant{"own": grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) {
					if where == "grant" {
						return nil, tt.err
					}
					return &grants.Authorization{Subject: "user:1"}, nil
				})}
				c.Hook = func(context.Context, *grants.Request, *grants.Authorization) error { return tt.err }
				secret, h := aClient(t, c), newHandler(t, c)
				if w := ask(h, secret, "grant_type=own"); w.Code != http.StatusServiceUnavailable {
					t.Errorf("got %d %s, want 503", w.Code, w.Body)
				}
				if cause == nil || !strings.Contains(cause.Error(), tt.want) || !strings.Contains(cause.Error(), where) {
					t.Errorf("the cause is %v, want one that names the %s and says %q", cause, where, tt.want)
				}
			})
		}
	}
}
