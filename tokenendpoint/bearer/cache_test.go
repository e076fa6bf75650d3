package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// The verifier checks a signature when a token comes first, and not again later. It
// asks no store unless Config.Revocations is set.
func TestCostOfARequest(t *testing.T) {
	for _, asks := range []bool{false, true} {
		for _, cached := range []bool{false, true} {
			t.Run(fmt.Sprintf("revocations %t, cached %t", asks, cached), func(t *testing.T) {
				var lookups atomic.Int64
				keys, store := edKeys(t), new(revocations)
				v := newVerifier(t, keysFunc(func(ctx context.Context, id string, at time.Time) (*jws.PublicKey, error) {
					lookups.Add(1)
					return keys.PublicKey(ctx, id, at)
				}), func(c *bearer.Config) {
					if asks {
						c.Revocations = store
					}
					if !cached {
						c.CacheSize = -1
					}
				})
				signatures := bearer.CountVerifications(v)
				token := access(t, keys, good(time.Now()))
				for n := range int64(10) {
					if got := ask(v, []string{"read"}, "/", "Bearer "+token); got.StatusCode != 204 {
						t.Fatalf("request %d is answered with %d", n, got.StatusCode)
					}
					wantSignatures, wantAsked := n+1, int64(0)
					if cached {
						wantSignatures = 1
					}
					if asks {
						wantAsked = n + 1
					}
					if signatures.Load() != wantSignatures || store.asked.Load() != wantAsked || lookups.Load() != n+1 {
						t.Errorf("after %d requests: %d signatures, %d questions to the store, %d look-ups of the key, want %d, %d, %d",
							n+1, signatures.Load(), store.asked.Load(), lookups.Load(), wantSignatures, wantAsked, n+1)
					}
				}
			})
		}
	}
}

func TestLeeway(t *testing.T) {
	keys := edKeys(t)
	token := access(t, keys, good(start)) // until an hour later
	end := start.Add(time.Hour)
	for _, tt := range []struct {
		name        string
		leeway      time.Duration
		asks        bool
		early, late time.Duration // at these it is just not good
	}{
		{"by default", 0, false, 10*time.Second + 1, 10 * time.Second},
		{"none", -1, false, 1, 0},
		{"a minute", time.Minute, false, time.Minute + 1, time.Minute},
		{"by default with a store, which may forget at the end", 0, true, 10*time.Second + 1, 0},
		{"a minute with a store", time.Minute, true, time.Minute + 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, remembered := range []bool{false, true} {
				v := newVerifier(t, keys, func(c *bearer.Config) {
					c.Leeway = tt.leeway
					if tt.asks {
						c.Revocations = new(revocations)
					}
				})
				if remembered {
					wantVerdict(t, v, token, start, "good")
				}
				wantVerdict(t, v, token, start.Add(-tt.early), "invalid")
				wantVerdict(t, v, token, start.Add(-tt.early+1), "good")
				wantVerdict(t, v, token, end.Add(tt.late-1), "good")
				wantVerdict(t, v, token, end.Add(tt.late), "invalid")
			}
		})
	}
}

func TestNotBeforeHoldsForWhatIsRemembered(t *testing.T) {
	keys := edKeys(t)
	v := newVerifier(t, keys, nil)
	token := forge(object{"alg": "EdDSA", "kid": "ed", "typ": "at+jwt"},
		changed(payload(t, start), object{"nbf": start.Add(time.Minute).Unix()}), edSign(edKey()))
	for range 2 {
		wantVerdict(t, v, token, start.Add(50*time.Second-1), "invalid")
		wantVerdict(t, v, token, start.Add(50*time.Second), "good")
	}
}

func TestRevocationHoldsAtOnce(t *testing.T) {
	keys, store := edKeys(t), new(revocations)
	v := newVerifier(t, keys, func(c *bearer.Config) { c.Revocations = store })
	one, two := good(start), good(start)
	other := with(start, func(a *jws.AccessToken) { a.Family = "family-2" })
	alone := with(start, func(a *jws.AccessToken) { a.Family = "" })
	tokens := []string{access(t, keys, one), access(t, keys, two), access(t, keys, other), access(t, keys, alone)}
	want := func(verdicts ...string) {
		t.Helper()
		for i, token := range tokens {
			wantVerdict(t, v, token, start, verdicts[i])
		}
	}
	want("good", "good", "good", "good")
	store.revoke(one.ID)
	want("invalid", "good", "good", "good")
	store.revokeFamily(two.Family)
	want("invalid", "invalid", "good", "good")
	store.fail(errors.New("down"))
	want("outage", "outage", "outage", "outage")
	store.fail(nil)
	want("invalid", "invalid", "good", "good")
}

// A remembered token follows the key set: if its key is gone, if another key has its
// id, and if the key set cannot tell.
func TestKeyOfARememberedToken(t *testing.T) {
	before, after := edKeys(t), keySet(t, jws.Key{Signer: newEdKey(), ID: "ed"})
	same := edKeys(t) // the same key behind another pointer
	token := access(t, before, good(start))
	keys, failure := jws.Keys(before), error(nil)
	v := newVerifier(t, keysFunc(func(ctx context.Context, id string, at time.Time) (*jws.PublicKey, error) {
		if failure != nil {
			return nil, failure
		}
		return keys.PublicKey(ctx, id, at)
	}), nil)
	signatures := bearer.CountVerifications(v)
	want := func(verdict string, checks int64) {
		t.Helper()
		wantVerdict(t, v, token, start, verdict)
		if got := signatures.Swap(0); got != checks {
			t.Errorf("%d signatures were checked, want %d", got, checks)
		}
	}
	want("good", 1)
	want("good", 0)
	failure = jws.ErrUnknownKey
	want("invalid", 0)
	failure = errors.New("down")
	want("outage", 0)
	failure = nil
	want("good", 0)
	keys = same
	want("good", 1)
	want("good", 0)
	keys = after
	want("invalid", 1)
	keys = before
	want("good", 1)
}

func TestKeySetThatRotatesRetiresTokens(t *testing.T) {
	old, next := newEdKey(), newEdKey()
	list := []jws.Key{{Signer: old, ID: "old"}}
	source := jws.KeySourceFunc(func(context.Context, jws.Rotation, time.Time) ([]jws.Key, error) { return list, nil })
	keys, err := jws.OpenKeySet(t.Context(), source, jws.Rotation{Logger: discard}, start)
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, keys, nil)
	token := access(t, keys, with(start, func(a *jws.AccessToken) { a.ExpiresAt = start.Add(24 * time.Hour) })) // longer than the set promises
	wantVerdict(t, v, token, start, "good")
	list = append(list, jws.Key{Signer: next, ID: "next"})
	seen := start.Add(keys.Rotation().Reload())
	wantVerdict(t, v, token, seen, "good") // now the next key is announced
	list = list[1:]
	removed := seen.Add(keys.Rotation().Lead())
	wantVerdict(t, v, token, removed, "good") // now the old key is left out, and published for a while
	gone := removed.Add(keys.Rotation().Keep())
	wantVerdict(t, v, token, gone.Add(-1), "good")
	wantVerdict(t, v, token, gone, "invalid")
}

func TestRememberedTokensAreBounded(t *testing.T) {
	keys := edKeys(t)
	v := newVerifier(t, keys, func(c *bearer.Config) { c.CacheSize = 30 })
	signatures := bearer.CountVerifications(v)
	for range 300 {
		wantVerdict(t, v, access(t, keys, good(start)), start, "good")
	}
	if n := bearer.Remembered(v); n != 32 {
		t.Errorf("%d tokens are remembered, want 32", n)
	}
	signatures.Store(0)
	last := access(t, keys, good(start))
	wantVerdict(t, v, last, start, "good")
	wantVerdict(t, v, last, start, "good")
	if n := signatures.Load(); n != 1 {
		t.Errorf("the last token is checked %d times, want once: the old ones make room", n)
	}
}

// As long as there is room, nothing is pushed out.
func TestRoomIsUsed(t *testing.T) {
	keys := edKeys(t)
	for range 20 {
		v := newVerifier(t, keys, func(c *bearer.Config) { c.CacheSize = 4 })
		signatures := bearer.CountVerifications(v)
		tokens := make([]string, 4)
		for i := range tokens {
			tokens[i] = access(t, keys, good(start))
		}
		for range 2 {
			for _, token := range tokens {
				wantVerdict(t, v, token, start, "good")
			}
		}
		if n := signatures.Load(); n != 4 {
			t.Fatalf("%d signatures were checked, want one for each of 4 tokens", n)
		}
	}
}

// Unused tokens make room for tokens in use.
func TestOldTokensLeave(t *testing.T) {
	keys := edKeys(t)
	v := newVerifier(t, keys, func(c *bearer.Config) { c.CacheSize = 4 })
	for range 4 {
		wantVerdict(t, v, access(t, keys, good(start)), start, "good")
	}
	tokens := make([]string, 4)
	for i := range tokens {
		tokens[i] = access(t, keys, good(start))
	}
	signatures := bearer.CountVerifications(v)
	for range 500 {
		signatures.Store(0)
		for _, token := range tokens {
			wantVerdict(t, v, token, start, "good")
		}
	}
	if n := signatures.Load(); n != 0 {
		t.Errorf("%d of four tokens in use are still not remembered", n)
	}
}

func TestLongTokensAreVerifiedAndNotRemembered(t *testing.T) {
	keys := edKeys(t)
	v := newVerifier(t, keys, nil)
	long := func(n int) string {
		return access(t, keys, with(start, func(a *jws.AccessToken) { a.Claims = map[string]any{"pad": string(make([]byte, n))} }))
	}
	for range 2 {
		wantVerdict(t, v, long(2<<10), start, "good") // each zero byte is six of JSON
	}
	if n := bearer.Remembered(v); n != 0 {
		t.Errorf("%d tokens over 8 KiB are remembered", n)
	}
	wantVerdict(t, v, long(500), start, "good")
	if n := bearer.Remembered(v); n != 1 {
		t.Errorf("%d tokens below 8 KiB are remembered, want 1", n)
	}
}

func TestHandlersTokenIsACopy(t *testing.T) {
	keys := edKeys(t)
	v := newVerifier(t, keys, nil)
	now := time.Now().UTC().Truncate(time.Second)
	issued := func() *jws.AccessToken { // anew each time: it shares nothing with the token it is compared with
		return &jws.AccessToken{
			Issuer: issuer, Subject: "user-1", ClientID: "app", ID: "1", Audience: []string{audience}, Scope: []string{"read"},
			IssuedAt: now, ExpiresAt: now.Add(time.Hour),
			Claims: map[string]any{"tenant": "t1", "roles": []any{"a", map[string]any{"b": []any{"c"}}}},
		}
	}
	vandalize := func(got *jws.AccessToken, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, issued()) {
			t.Fatalf("the claims are %+v, %v, want %+v", got, err, issued())
		}
		got.Subject, got.Audience[0], got.Scope[0] = "x", "x", "admin"
		roles := got.Claims["roles"].([]any)
		roles[1].(map[string]any)["b"].([]any)[0] = "x"
		roles[1].(map[string]any)["more"] = "x"
		roles[0], got.Claims["tenant"], got.Claims["more"] = "x", "x", "x"
	}
	r := httptest.NewRequest("GET", "/", nil)
	token := access(t, keys, issued())
	r.Header.Set("Authorization", "Bearer "+token)
	handler := v.RequireToken("read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 2 {
			got, ok := bearer.Token(r.Context())
			if !ok {
				t.Fatal("the handler has no token")
			}
			vandalize(got, nil)
		}
		w.WriteHeader(204)
	}))
	for range 2 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != 204 {
			t.Fatalf("the answer is %d", w.Code)
		}
		vandalize(v.Verify(t.Context(), token, now))
	}
}

func TestNoTokenOutsideOfRequireToken(t *testing.T) {
	if got, ok := bearer.Token(t.Context()); ok || got != nil {
		t.Errorf("Token = %v, %t, want none", got, ok)
	}
}

// A crowd with few places: every caller gets the claims of its own token, and forged
// tokens get nothing, however many tokens push each other out.
func TestCrowd(t *testing.T) {
	keys, store := edKeys(t), new(revocations)
	v := newVerifier(t, keys, func(c *bearer.Config) { c.CacheSize, c.Revocations = 8, store })
	type issued struct{ token, id string }
	var all []issued
	for range 32 {
		a := good(start)
		all = append(all, issued{access(t, keys, a), a.ID})
	}
	store.revoke(all[0].id)
	var crowd sync.WaitGroup
	for n := range 32 {
		crowd.Go(func() {
			for i := range 100 {
				one := all[(n*7+i)%len(all)]
				got, err := v.Verify(t.Context(), one.token, start)
				switch want := one.id; {
				case want == all[0].id && verdict(got, err) != "invalid":
					t.Errorf("a revoked token: %s", verdict(got, err))
				case want != all[0].id && (err != nil || got.ID != want):
					t.Errorf("Verify = %v, %v, want the claims of %s", got, err, want)
				}
				wantVerdict(t, v, tampered(one.token), start, "invalid")
			}
		})
	}
	crowd.Wait()
	if n := bearer.Remembered(v); n > 8 {
		t.Errorf("%d tokens are remembered, want 8 at most", n)
	}
}
