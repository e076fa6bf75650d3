package endpointtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var timedOutageRules = []rule{
	{"Q09_a_store_that_hangs", hangingStore},
}

var outageRules = []rule{
	{"Q08_every_answer_of_a_store_has_one_response", storeByGrant},
	{"Q09_a_failing_store_is_an_outage", outageByGrant},
	{"Q09_a_failing_store_is_no_replay", outageAtReplay},
	{"Q09_a_failing_store_within_the_grace", outageInGrace},
	{"Q09_a_failing_store_when_the_key_names_the_client", outageOfKeyAlone},
	{"Q09_a_failing_ClientValidator_is_an_outage", validatorOutage},
	{"Q09_a_failing_hook_or_grant_is_an_outage", hookOutage},
	{"Q09_all_at_once", allDown},
}

// outageByGrant lets each call of the store fail that a request makes, one at a
// time. Which these are is found out by sending one.
func outageByGrant(t *testing.T, open testbed.Opener) {
	for name, options := range map[string][]testbed.Option{
		"as configured by default": {testbed.WithOwnGrants},
		"refresh tokens for all":   {testbed.WithRefreshEverywhere},
	} {
		t.Run(name, func(t *testing.T) {
			f := testbed.New(t, open, options...)
			p := f.NewWideClient()
			all := append(testbed.Ways(), keyRefresh(), notRotated(f))
			for _, w := range all {
				f.Sub(w.Name, func() {
					probe := w.Request(f, p)
					f.Store.Counted()
					f.Send(probe).Tokens()
					calls := f.Store.Counted()
					if calls[testbed.CallClient] != 1 || w.Reads != "" && calls[w.Reads] == 0 {
						f.Fatalf("the request made the calls %v, want Client and %s", calls, w.Reads)
					}
					for _, method := range slices.Sorted(maps.Keys(calls)) {
						for n := range calls[method] {
							failing(f, w, p, method, n+1)
						}
					}
				})
			}
		})
	}
}

// failing sends a request whose n-th call of a method fails, and then shows
// that nothing was used up.
func failing(f *testbed.Fixture, w testbed.Way, p *testbed.Party, method string, n int) {
	f.Helper()
	for name, outage := range testbed.Outages() {
		right := w.Request(f, p)
		f.Store.FailNth(method, n, outage)
		for _, r := range testbed.Both(right) {
			f.Send(r).Unavailable()
			f.Store.FailNth(method, n, outage)
		}
		e := f.LastEvent()
		if e.Outcome != tokenendpoint.Failed || !errors.Is(e.Cause, outage) || e.ErrorID == "" {
			f.Errorf("%s, call %d of %s: the event is %s with the cause %v and the id %q, want the outage", name, n, method, e.Outcome, e.Cause, e.ErrorID)
		}
		f.Store.Heal()
		f.Send(right).Tokens()
	}
}

// keyRefresh is the refresh token of an API key, which is read with it.
func keyRefresh() testbed.Way {
	w := testbed.Way{Name: "the refresh token of a key", GrantType: grants.TypeRefreshToken, Reads: testbed.CallAPIKey, Spends: true}
	w.Request = func(f *testbed.Fixture, p *testbed.Party) *testbed.Request {
		f.Helper()
		key := f.APIKey(p)
		secret, at := storage.NewSecret(grants.RefreshTokenPrefix), time.Now().UTC().Truncate(time.Microsecond)
		digest := secret.Digest(storage.KindRefreshToken)
		c := &storage.Credential{
			Digest: digest, Kind: storage.KindRefreshToken, Family: digest.String(), Issuer: f.Issuer, ClientID: p.ID, Subject: "owner",
			Scope: []string{"read", "write"}, APIKey: storage.PresentedSecret(key).Digest(storage.KindAPIKey),
			IssuedAt: at, ExpiresAt: at.Add(time.Minute), FamilyExpiresAt: at.Add(time.Hour),
		}
		if err := f.Store.CreateCredential(f.Context(), c); err != nil {
			f.Fatal(err)
		}
		return testbed.Refresh(p, f.Secret(secret.Reveal()))
	}
	return w
}

// notRotated is a refresh for a client that keeps its token.
func notRotated(f *testbed.Fixture) testbed.Way {
	f.Helper()
	q := f.NewWideClient(func(c *storage.Client) { c.RefreshNotRotated = true })
	w := testbed.Way{Name: "a refresh that does not rotate", GrantType: grants.TypeRefreshToken, Reads: testbed.CallCredential}
	w.Request = func(f *testbed.Fixture, _ *testbed.Party) *testbed.Request {
		f.Helper()
		return testbed.Refresh(q, f.Mint(q, storage.KindRefreshToken, grants.RefreshTokenPrefix))
	}
	return w
}

// outageAtReplay: the verdict about a replay is given once the family is
// revoked, not before.
func outageAtReplay(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	for name, outage := range testbed.Outages() {
		f.Sub(name, func() {
			at := time.Now().Add(-30 * time.Second)
			code := f.CodeAt(at, f.C1)
			digest := storage.PresentedSecret(code).Digest(storage.KindAuthorizationCode)
			record, err := f.Store.Store.Credential(f.Context(), digest)
			if err != nil {
				f.Fatal(err)
			}
			token := storage.NewSecret(grants.RefreshTokenPrefix)
			next := record.Clone()
			next.Digest, next.Kind = token.Digest(storage.KindRefreshToken), storage.KindRefreshToken
			next.FamilyExpiresAt = time.Now().Add(time.Hour)
			next.ExpiresAt, next.PKCE, next.Challenge, next.RedirectURI = next.FamilyExpiresAt, "", "", ""
			record.FamilyExpiresAt = next.FamilyExpiresAt
			if err := f.Store.Store.Spend(f.Context(), record, next, at.Add(time.Second)); err != nil {
				f.Fatal(err)
			}
			f.Store.FailWith(testbed.CallRevoke, outage)
			for _, r := range testbed.Both(f.Redeem(f.C1, code)) {
				f.Send(r).Unavailable()
			}
			f.Store.Heal()
			f.Send(f.Redeem(f.C1, code)).Refused("invalid_grant")
			if e := f.LastEvent(); e.Outcome != tokenendpoint.Replayed {
				f.Errorf("the outcome is %s, want %s", e.Outcome, tokenendpoint.Replayed)
			}
			f.Send(testbed.Refresh(f.C1, f.Secret(token.Reveal()))).Refused("invalid_grant")
		})
	}
}

// outageInGrace: a refresh that is asked again looks for the successor, and
// that can fail too.
func outageInGrace(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, func(c *tokenendpoint.Config) { c.RefreshGrace = time.Minute })
	for name, outage := range testbed.Outages() {
		f.Sub(name, func() {
			parent := f.RefreshToken(f.C1)
			next := f.Send(testbed.Refresh(f.C1, parent)).Tokens().RefreshToken
			f.Store.Counted()
			if again := f.Send(testbed.Refresh(f.C1, parent)).Tokens().RefreshToken; again != next {
				f.Fatalf("within the grace the successor is another one")
			}
			calls := f.Store.Counted()
			if calls[testbed.CallCredential] < 2 || calls[testbed.CallSpend] != 1 {
				f.Fatalf("the repeated refresh made the calls %v", calls)
			}
			for _, method := range slices.Sorted(maps.Keys(calls)) {
				for n := range calls[method] {
					f.Store.FailNth(method, n+1, outage)
					f.Send(testbed.Refresh(f.C1, parent)).Unavailable()
				}
			}
			f.Store.Heal()
			if again := f.Send(testbed.Refresh(f.C1, parent)).Tokens().RefreshToken; again != next {
				f.Errorf("after the outage the successor is another one")
			}
			f.Send(testbed.Refresh(f.C1, next)).Tokens()
		})
	}
}

// outageOfKeyAlone: the key is read before the client, since it names it.
func outageOfKeyAlone(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, func(c *tokenendpoint.Config) {
		c.Grants[grants.TypeAPIKey] = grants.APIKey{ClientIDOptional: true}
	})
	w := testbed.Way{Name: "a key alone", GrantType: grants.TypeAPIKey, Reads: testbed.CallAPIKey}
	w.Request = func(f *testbed.Fixture, p *testbed.Party) *testbed.Request {
		f.Helper()
		return testbed.PresentKey(p, f.APIKey(p)).Without("client_id")
	}
	for _, method := range []string{testbed.CallAPIKey, testbed.CallClient} {
		failing(f, w, f.C1, method, 1)
	}
}

func validatorOutage(t *testing.T, open testbed.Opener) {
	var outage error
	secrets := new(clientauth.Secrets)
	f := testbed.New(t, open, testbed.WithRefreshEverywhere, func(c *tokenendpoint.Config) {
		secrets.Clients = c.Storage
		c.ClientValidator = tokenendpoint.ClientValidatorFunc(func(ctx context.Context, s clientauth.Request) (*storage.Client, error) {
			if outage != nil {
				return nil, outage
			}
			return secrets.ValidateClient(ctx, s)
		})
	})
	p := f.NewWideClient()
	for _, w := range testbed.Ways() {
		f.Sub(w.Name, func() {
			right := w.Request(f, p)
			f.Store.Counted()
			for _, outage = range testbed.Outages() {
				for _, r := range testbed.Both(right) {
					f.Send(r).Unavailable()
				}
			}
			f.Asked(nil)
			for _, outage = range []error{
				grants.InvalidClient, grants.InvalidClient.Because(errors.New("db down")),
				storage.ErrNotFound, fmt.Errorf("find: %w", storage.ErrNotFound),
			} {
				status, _ := w.Stranger()
				saidNo(f.Send(right), outage.Error(), status)
			}
			outage = nil
			f.Send(right).Tokens()
		})
	}
}

// hookOutage: every error of a host's own code is an outage unless it is a code
// of package grants. storage.ErrNotFound is the verdict of a store, not of a
// hook.
func hookOutage(t *testing.T, open testbed.Opener) {
	var outage error
	f := testbed.New(t, open, testbed.WithHook(func(context.Context, *grants.Request, *grants.Authorization) error { return outage }),
		func(c *tokenendpoint.Config) {
			c.Grants["urn:example:failing"] = grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) { return nil, outage })
		})
	p := f.NewWideClient(func(c *storage.Client) { c.GrantTypes = append(c.GrantTypes, "urn:example:failing") })
	failures := testbed.Outages()
	failures["not found"] = storage.ErrNotFound
	failures["spent"] = storage.ErrSpent
	for _, w := range testbed.Ways() {
		f.Sub(w.Name, func() {
			right := w.Request(f, p)
			f.Store.Counted()
			for _, outage = range failures {
				for _, r := range testbed.Both(right) {
					f.Send(r).Unavailable()
				}
			}
			f.WroteNothing()
			outage = nil
			f.Send(right).Tokens()
		})
	}
	for _, outage = range failures {
		f.Send(testbed.Form("grant_type", "urn:example:failing").By(p)).Unavailable()
	}
	outage = grants.InvalidGrant
	f.Send(testbed.Form("grant_type", "urn:example:failing").By(p)).Refused("invalid_grant")
}

// allDown: while nothing works, nobody learns anything about anybody.
func allDown(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.WithOwnGrants)
	p := f.NewWideClient()
	f.Store.FailWith("", errors.New("db down"))
	for range 3 {
		for _, q := range []*testbed.Party{p, p.Showing(testbed.WrongSecret), p.Named("ghost"), f.Pub, f.Off} {
			f.Send(testbed.ClientCredentials(q).Basic(q.ID, q.Secret)).Unavailable()
			f.Send(testbed.Form("grant_type", "refresh_token", "refresh_token", storage.NewSecret("rt_").Reveal()).By(q)).Unavailable()
		}
	}
	f.Store.Heal()
	for _, w := range testbed.Ways() {
		f.Send(w.Request(f, p)).Tokens()
	}
}

// hangingStore: a store that hangs, but honours its context, costs a request no
// more than Timeout.
func hangingStore(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open, testbed.WithRefreshEverywhere)
	p := f.NewWideClient()
	for _, w := range testbed.Ways() {
		for _, method := range []string{testbed.CallClient, testbed.CallCredential, testbed.CallAPIKey, testbed.CallSpend, testbed.CallCreateCredential} {
			right := w.Request(f, p)
			hung := new(atomic.Bool)
			f.Store.Set(func(s *testbed.Spy) {
				s.Before = func(ctx context.Context, m string) error {
					if m != method {
						return nil
					}
					hung.Store(true)
					<-ctx.Done()
					return ctx.Err()
				}
			})
			start := time.Now()
			got := f.Send(right)
			f.Store.Heal()
			if !hung.Load() {
				got.Tokens()
				continue
			}
			got.Unavailable()
			if took := time.Since(start); took > 4*time.Second {
				t.Errorf("%s with a hanging %s took %v, want at most twice the Timeout", w.Name, method, took)
			}
			f.Send(right).Tokens()
		}
	}
}

// storeByGrant is the table of all that a store can say with a sentinel. A
// sentinel that a method never means is an outage like any other error.
func storeByGrant(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.WithRefreshEverywhere)
	p := f.NewWideClient()
	verdicts := map[string]int{ // of the pairs that mean something
		testbed.CallCredential + " not found": http.StatusBadRequest,
		testbed.CallAPIKey + " not found":     http.StatusBadRequest, testbed.CallSpend + " not found": http.StatusBadRequest,
	}
	sentinels := map[string]error{"not found": storage.ErrNotFound, "exists": storage.ErrExists, "spent": storage.ErrSpent}
	for _, w := range append(testbed.Ways(), keyRefresh()) {
		f.Sub(w.Name, func() {
			probe := w.Request(f, p)
			f.Store.Counted()
			f.Send(probe).Tokens()
			for method := range f.Store.Counted() {
				for name, sentinel := range sentinels {
					for _, err := range []error{sentinel, fmt.Errorf("store: %w", sentinel)} {
						right := w.Request(f, p)
						f.Store.FailWith(method, err)
						for _, r := range testbed.Both(right) {
							status := verdicts[method+" "+name]
							if method == testbed.CallClient && name == "not found" {
								status, _ = w.Stranger()
							}
							saidNo(f.Send(r), method+" "+name, status)
						}
						f.Store.Heal()
						f.Send(right).Tokens()
					}
				}
			}
		})
	}
}

// saidNo asserts the response to a store that answers with a sentinel: zero is
// an outage.
func saidNo(r *testbed.Reply, what string, status int) {
	r.T.Helper()
	switch {
	case status == 0 && r.Status != http.StatusServiceUnavailable:
		r.T.Errorf("%s: got %d %s, want 503", what, r.Status, r.Body)
	case status == 0:
		r.Unavailable()
	case status == http.StatusUnauthorized:
		r.Unauthorized()
	default:
		r.Refused("invalid_grant")
	}
}
