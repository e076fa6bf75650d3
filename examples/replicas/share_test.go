//go:build unix

package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

func TestOneKeySetVerifiesTheTokensOfBoth(t *testing.T) {
	p := start(t)
	published := get(t, p.url+"/.well-known/jwks.json")
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(published), &keys); err != nil || len(keys.Keys) != 1 {
		t.Fatalf("key set %s (%v), want one key", published, err)
	}
	for name, r := range p.replicas {
		if got := get(t, r.url+"/.well-known/jwks.json"); got != published {
			t.Errorf("%s publishes %s, want %s", name, got, published)
		}
		token := mustPost(t, r.url, p.serviceRequest())
		parsed, err := jwt.ParseSigned(token.AccessToken, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatalf("%s answers %d %s: %v", name, token.status, token.body, err)
		}
		var claims jwt.Claims
		if err := parsed.Claims(&keys, &claims); err != nil {
			t.Errorf("verifying the token of %s: %v", name, err)
		}
		want := jwt.Expected{Issuer: "https://auth.contit.com", AnyAudience: jwt.Audience{"contit-api"}, Time: time.Now()}
		if err := claims.Validate(want); err != nil {
			t.Errorf("the claims of %s: %v", name, err)
		}
	}
}

func TestCodeRedeemedAtOneReplicaIsRefusedByTheOther(t *testing.T) {
	p := start(t)
	form := codeRequest(t, p.url)
	first, second := mustPost(t, p.url, form), mustPost(t, p.url, form)
	if first.servedBy == second.servedBy {
		t.Fatalf("%s served both, want the balancer to take turns", first.servedBy)
	}
	if first.status != 200 || second.status != 400 || second.Error != "invalid_grant" {
		t.Errorf("%s = %d, then %s = %d %s; want 200, then 400 invalid_grant",
			first.servedBy, first.status, second.servedBy, second.status, second.body)
	}
}

func TestRefreshTokenHopsBetweenReplicas(t *testing.T) {
	p := start(t)
	token := mustPost(t, p.url, codeRequest(t, p.url))
	served := map[string]int{}
	for range 6 {
		last := token.RefreshToken
		token = mustPost(t, p.url, refreshRequest(last))
		if token.status != 200 || token.RefreshToken == last {
			t.Fatalf("refresh at %s = %d %s, want 200 with another token", token.servedBy, token.status, token.body)
		}
		served[token.servedBy]++
	}
	if len(served) != 2 {
		t.Errorf("served by %v, want both replicas", served)
	}
}

func TestOneOfManyRedemptionsWins(t *testing.T) {
	p := start(t)
	for range 10 {
		served, outcomes := map[string]int{}, map[string]int{}
		for _, r := range crowd(t, p.url, codeRequest(t, p.url), 50) {
			served[r.servedBy]++
			outcomes[fmt.Sprintf("%d%s", r.status, r.Error)]++
		}
		if want := map[string]int{"200": 1, "400invalid_grant": 49}; !maps.Equal(outcomes, want) {
			t.Errorf("outcomes %v, want %v", outcomes, want)
		}
		if len(served) != 2 {
			t.Errorf("served by %v, want both replicas", served)
		}
	}
}

// Many refreshes at once, as of several tabs, all get the same successor,
// whichever replica they meet.
func TestManyRefreshesAtOnceGetOneSuccessor(t *testing.T) {
	p := start(t)
	token := mustPost(t, p.url, codeRequest(t, p.url))
	var successors []string
	for _, r := range crowd(t, p.url, refreshRequest(token.RefreshToken), 50) {
		if r.status != 200 {
			t.Fatalf("%s = %d %s, want 200", r.servedBy, r.status, r.body)
		}
		successors = append(successors, r.RefreshToken)
	}
	slices.Sort(successors)
	if n := len(slices.Compact(successors)); n != 1 {
		t.Errorf("%d successors, want one", n)
	}
}

// crowd sends a request n times at once.
func crowd(t testing.TB, base string, form url.Values, n int) []*reply {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	replies, errs := make([]*reply, n), make([]error, n)
	var together sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		together.Go(func() {
			<-begin
			replies[i], errs[i] = post(client, base, form)
		})
	}
	close(begin)
	together.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return replies
}
