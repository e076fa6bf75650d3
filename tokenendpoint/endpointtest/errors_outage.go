package endpointtest

import (
	"context"
	"database/sql"
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
)

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

// outages are errors that say nothing about a credential, whatever they are
// called elsewhere.
func outages() map[string]error {
	return map[string]error{
		"db down":           errors.New("db down"),
		"deadline exceeded": context.DeadlineExceeded,
		"canceled":          fmt.Errorf("pool: %w", context.Canceled),
		"no rows":           fmt.Errorf("find: %w", sql.ErrNoRows),
	}
}

// withRefreshEverywhere makes every grant write.
func withRefreshEverywhere(c *tokenendpoint.Config) {
	withOwnGrants(c)
	c.Grants[grants.TypeClientCredentials] = grants.ClientCredentials{Refresh: true}
	c.Grants[grants.TypeAPIKey] = grants.APIKey{Refresh: true}
}

// failNth makes the n-th call of a method fail, counted from one.
func (s *spy) failNth(method string, n int, err error) {
	var calls atomic.Int64
	s.set(func(s *spy) {
		s.before = func(_ context.Context, m string) error {
			if m == method && calls.Add(1) == int64(n) {
				return err
			}
			return nil
		}
	})
}

// outageByGrant lets each call of the store fail that a request makes, one at a
// time. Which these are is found out by sending one.
func outageByGrant(t *testing.T, open opener) {
	for name, options := range map[string][]option{
		"as configured by default": {withOwnGrants},
		"refresh tokens for all":   {withRefreshEverywhere},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, open, options...)
			p := f.newWideClient()
			all := append(ways(), keyRefresh(), notRotated(f))
			for _, w := range all {
				f.sub(w.name, func() {
					probe := w.request(f, p)
					f.store.counted()
					f.send(probe).tokens()
					calls := f.store.counted()
					if calls[mClient] != 1 || w.reads != "" && calls[w.reads] == 0 {
						f.Fatalf("the request made the calls %v, want Client and %s", calls, w.reads)
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
func failing(f *fixture, w way, p *party, method string, n int) {
	f.Helper()
	for name, outage := range outages() {
		right := w.request(f, p)
		f.store.failNth(method, n, outage)
		for _, r := range both(right) {
			f.send(r).unavailable()
			f.store.failNth(method, n, outage)
		}
		e := f.lastEvent()
		if e.Outcome != tokenendpoint.Failed || !errors.Is(e.Cause, outage) || e.ErrorID == "" {
			f.Errorf("%s, call %d of %s: the event is %s with the cause %v and the id %q, want the outage", name, n, method, e.Outcome, e.Cause, e.ErrorID)
		}
		f.store.heal()
		f.send(right).tokens()
	}
}

// keyRefresh is the refresh token of an API key, which is read with it.
func keyRefresh() way {
	w := way{name: "the refresh token of a key", grantType: grants.TypeRefreshToken, reads: mAPIKey, spends: true}
	w.request = func(f *fixture, p *party) *request {
		f.Helper()
		key := f.apiKey(p)
		secret, at := storage.NewSecret(grants.RefreshTokenPrefix), time.Now().UTC().Truncate(time.Microsecond)
		digest := secret.Digest(storage.KindRefreshToken)
		c := &storage.Credential{
			Digest: digest, Kind: storage.KindRefreshToken, Family: digest.String(), ClientID: p.id, Subject: "owner",
			Scope: []string{"read", "write"}, APIKey: storage.PresentedSecret(key).Digest(storage.KindAPIKey),
			IssuedAt: at, ExpiresAt: at.Add(time.Minute), FamilyExpiresAt: at.Add(time.Hour),
		}
		if err := f.store.CreateCredential(f.Context(), c); err != nil {
			f.Fatal(err)
		}
		return refresh(p, f.secret(secret.Reveal()))
	}
	return w
}

// notRotated is a refresh for a client that keeps its token.
func notRotated(f *fixture) way {
	f.Helper()
	q := f.newWideClient(func(c *storage.Client) { c.RefreshNotRotated = true })
	w := way{name: "a refresh that does not rotate", grantType: grants.TypeRefreshToken, reads: mCredential}
	w.request = func(f *fixture, _ *party) *request {
		f.Helper()
		return refresh(q, f.mint(q, storage.KindRefreshToken, grants.RefreshTokenPrefix))
	}
	return w
}

// outageAtReplay: the verdict about a replay is given once the family is
// revoked, not before.
func outageAtReplay(t *testing.T, open opener) {
	f := newFixture(t, open)
	for name, outage := range outages() {
		f.sub(name, func() {
			at := time.Now().Add(-30 * time.Second)
			code := f.codeAt(at, f.c1)
			digest := storage.PresentedSecret(code).Digest(storage.KindAuthorizationCode)
			record, err := f.store.Store.Credential(f.Context(), digest)
			if err != nil {
				f.Fatal(err)
			}
			token := storage.NewSecret(grants.RefreshTokenPrefix)
			next := record.Clone()
			next.Digest, next.Kind = token.Digest(storage.KindRefreshToken), storage.KindRefreshToken
			next.FamilyExpiresAt = time.Now().Add(time.Hour)
			next.ExpiresAt, next.PKCE, next.Challenge, next.RedirectURI = next.FamilyExpiresAt, "", "", ""
			record.FamilyExpiresAt = next.FamilyExpiresAt
			if err := f.store.Store.Spend(f.Context(), record, next, at.Add(time.Second)); err != nil {
				f.Fatal(err)
			}
			f.store.failWith(mRevoke, outage)
			for _, r := range both(f.redeem(f.c1, code)) {
				f.send(r).unavailable()
			}
			f.store.heal()
			f.send(f.redeem(f.c1, code)).refused("invalid_grant")
			if e := f.lastEvent(); e.Outcome != tokenendpoint.Replayed {
				f.Errorf("the outcome is %s, want %s", e.Outcome, tokenendpoint.Replayed)
			}
			f.send(refresh(f.c1, f.secret(token.Reveal()))).refused("invalid_grant")
		})
	}
}

// outageInGrace: a refresh that is asked again looks for the successor, and
// that can fail too.
func outageInGrace(t *testing.T, open opener) {
	f := newFixture(t, open, func(c *tokenendpoint.Config) { c.RefreshGrace = time.Minute })
	for name, outage := range outages() {
		f.sub(name, func() {
			parent := f.refreshToken(f.c1)
			next := f.send(refresh(f.c1, parent)).tokens().refreshToken
			f.store.counted()
			if again := f.send(refresh(f.c1, parent)).tokens().refreshToken; again != next {
				f.Fatalf("within the grace the successor is another one")
			}
			calls := f.store.counted()
			if calls[mCredential] < 2 || calls[mSpend] != 1 {
				f.Fatalf("the repeated refresh made the calls %v", calls)
			}
			for _, method := range slices.Sorted(maps.Keys(calls)) {
				for n := range calls[method] {
					f.store.failNth(method, n+1, outage)
					f.send(refresh(f.c1, parent)).unavailable()
				}
			}
			f.store.heal()
			if again := f.send(refresh(f.c1, parent)).tokens().refreshToken; again != next {
				f.Errorf("after the outage the successor is another one")
			}
			f.send(refresh(f.c1, next)).tokens()
		})
	}
}

// outageOfKeyAlone: the key is read before the client, since it names it.
func outageOfKeyAlone(t *testing.T, open opener) {
	f := newFixture(t, open, func(c *tokenendpoint.Config) {
		c.Grants[grants.TypeAPIKey] = grants.APIKey{ClientIDOptional: true}
	})
	w := way{name: "a key alone", grantType: grants.TypeAPIKey, reads: mAPIKey}
	w.request = func(f *fixture, p *party) *request {
		f.Helper()
		return presentKey(p, f.apiKey(p)).without("client_id")
	}
	for _, method := range []string{mAPIKey, mClient} {
		failing(f, w, f.c1, method, 1)
	}
}

func validatorOutage(t *testing.T, open opener) {
	var outage error
	secrets := new(clientauth.Secrets)
	f := newFixture(t, open, withRefreshEverywhere, func(c *tokenendpoint.Config) {
		secrets.Clients = c.Storage
		c.Clients = tokenendpoint.ClientValidatorFunc(func(ctx context.Context, s clientauth.Credentials) (*storage.Client, error) {
			if outage != nil {
				return nil, outage
			}
			return secrets.ValidateClient(ctx, s)
		})
	})
	p := f.newWideClient()
	for _, w := range ways() {
		f.sub(w.name, func() {
			right := w.request(f, p)
			f.store.counted()
			for _, outage = range outages() {
				for _, r := range both(right) {
					f.send(r).unavailable()
				}
			}
			f.asked(nil)
			for _, outage = range []error{
				grants.InvalidClient, grants.InvalidClient.Because(errors.New("db down")),
				storage.ErrNotFound, fmt.Errorf("find: %w", storage.ErrNotFound),
			} {
				f.send(right).unauthorized()
			}
			outage = nil
			f.send(right).tokens()
		})
	}
}

// hookOutage: what a host's own code returns is an outage unless it is a code of
// package grants. storage.ErrNotFound is the verdict of a store, not of a hook.
func hookOutage(t *testing.T, open opener) {
	var outage error
	f := newFixture(t, open, withHook(func(context.Context, *grants.Request, *grants.Authorization) error { return outage }),
		func(c *tokenendpoint.Config) {
			c.Grants["urn:example:failing"] = grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) { return nil, outage })
		})
	p := f.newWideClient(func(c *storage.Client) { c.GrantTypes = append(c.GrantTypes, "urn:example:failing") })
	failures := outages()
	failures["not found"] = storage.ErrNotFound
	failures["spent"] = storage.ErrSpent
	for _, w := range ways() {
		f.sub(w.name, func() {
			right := w.request(f, p)
			f.store.counted()
			for _, outage = range failures {
				for _, r := range both(right) {
					f.send(r).unavailable()
				}
			}
			f.wroteNothing()
			outage = nil
			f.send(right).tokens()
		})
	}
	for _, outage = range failures {
		f.send(form("grant_type", "urn:example:failing").by(p)).unavailable()
	}
	outage = grants.InvalidGrant
	f.send(form("grant_type", "urn:example:failing").by(p)).refused("invalid_grant")
}

// allDown: while nothing works, nobody learns anything about anybody.
func allDown(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	p := f.newWideClient()
	f.store.failWith("", errors.New("db down"))
	for range 3 {
		for _, q := range []*party{p, p.showing(wrongSecret), p.named("ghost"), f.pub, f.off} {
			f.send(clientCredentials(q).basic(q.id, q.secret)).unavailable()
			f.send(form("grant_type", "refresh_token", "refresh_token", storage.NewSecret("rt_").Reveal()).by(q)).unavailable()
		}
	}
	f.store.heal()
	for _, w := range ways() {
		f.send(w.request(f, p)).tokens()
	}
}

// hangingStore: a store that honours its context costs what Timeout says.
func hangingStore(t *testing.T, open opener) {
	f := newTimed(t, open, withRefreshEverywhere)
	p := f.newWideClient()
	for _, w := range ways() {
		for _, method := range []string{mClient, mCredential, mAPIKey, mSpend, mCreateCredential} {
			right := w.request(f, p)
			hung := new(atomic.Bool)
			f.store.set(func(s *spy) {
				s.before = func(ctx context.Context, m string) error {
					if m != method {
						return nil
					}
					hung.Store(true)
					<-ctx.Done()
					return ctx.Err()
				}
			})
			start := time.Now()
			got := f.send(right)
			f.store.heal()
			if !hung.Load() {
				got.tokens()
				continue
			}
			got.unavailable()
			if took := time.Since(start); took > 4*time.Second {
				t.Errorf("%s with a hanging %s took %v, want at most twice the Timeout", w.name, method, took)
			}
			f.send(right).tokens()
		}
	}
}

// storeByGrant is the table of all that a store can say with a sentinel. A
// sentinel that a method never means is an outage like any other error.
func storeByGrant(t *testing.T, open opener) {
	f := newFixture(t, open, withRefreshEverywhere)
	p := f.newWideClient()
	verdicts := map[string]int{ // of the pairs that mean something
		mClient + " not found": http.StatusUnauthorized, mCredential + " not found": http.StatusBadRequest,
		mAPIKey + " not found": http.StatusBadRequest, mSpend + " not found": http.StatusBadRequest,
	}
	sentinels := map[string]error{"not found": storage.ErrNotFound, "exists": storage.ErrExists, "spent": storage.ErrSpent}
	for _, w := range append(ways(), keyRefresh()) {
		f.sub(w.name, func() {
			probe := w.request(f, p)
			f.store.counted()
			f.send(probe).tokens()
			for method := range f.store.counted() {
				for name, sentinel := range sentinels {
					for _, err := range []error{sentinel, fmt.Errorf("store: %w", sentinel)} {
						right := w.request(f, p)
						f.store.failWith(method, err)
						for _, r := range both(right) {
							saidNo(f.send(r), method+" "+name, verdicts[method+" "+name])
						}
						f.store.heal()
						f.send(right).tokens()
					}
				}
			}
		})
	}
}

// saidNo asserts the response to a store that answers with a sentinel: zero is
// an outage.
func saidNo(r *reply, what string, status int) {
	r.t.Helper()
	switch {
	case status == 0 && r.status != http.StatusServiceUnavailable:
		r.t.Errorf("%s: got %d %s, want 503", what, r.status, r.body)
	case status == 0:
		r.unavailable()
	case status == http.StatusUnauthorized:
		r.unauthorized()
	default:
		r.refused("invalid_grant")
	}
}
