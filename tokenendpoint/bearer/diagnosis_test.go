package bearer_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// watched is a verifier that keeps its events and log lines.
type watched struct {
	*bearer.Verifier
	log    bytes.Buffer
	events []bearer.Event
}

func watch(t testing.TB, keys jws.Keys, change func(*bearer.Config)) *watched {
	w := new(watched)
	w.Verifier = newVerifier(t, keys, func(c *bearer.Config) {
		c.Observe = func(_ context.Context, e bearer.Event) { w.events = append(w.events, e) }
		c.Logger = slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		if change != nil {
			change(c)
		}
	})
	return w
}

// one returns the event and the line of the one request since the last time.
func (w *watched) one(t testing.TB) (bearer.Event, string) {
	t.Helper()
	if len(w.events) != 1 {
		t.Fatalf("there are %d events, want one: %+v", len(w.events), w.events)
	}
	e, line := w.events[0], w.log.String()
	w.events = nil
	w.log.Reset()
	if strings.Count(line, "\n") > 1 {
		t.Errorf("the log is %q, want one line at most", line)
	}
	return e, line
}

// Each thing that may be wrong with a token has a reason of its own and a cause that
// tells the operator where to look. The client learns only that the token is bad.
func TestEveryRefusalHasItsOwnCause(t *testing.T) {
	now := time.Now()
	keys, store := edKeys(t), new(revocations)
	revoked := good(now)
	store.revoke(revoked.ID)
	whole := access(t, keys, good(now))
	p := payload(t, now)
	header := object{"alg": "EdDSA", "kid": "ed", "typ": "at+jwt"}
	signed := func(change object) string { return forge(header, changed(p, change), edSign(edKey())) }
	headed := func(change object) string { return forge(changed(header, change), p, edSign(edKey())) }
	replica := func(id string) string {
		return access(t, keySet(t, jws.Key{Signer: newEdKey(), ID: id}), good(now))
	}
	for _, tt := range []struct {
		name, token string
		reason      bearer.Reason
		cause       string
		verified    bool
	}{
		{"the key of another replica", replica("other"), bearer.UnknownKey, `the key "other", which is not here: is it the key of another replica, or has it been rotated out?`, false},
		{"another replica's key with this id", replica("ed"), bearer.WrongSignature, `the key "ed" has not signed this`, false},
		{"a kid with a line break", headed(object{"kid": "a\nlevel=ERROR"}), bearer.UnknownKey, "(one that is not printable)", false},
		{"a kid with a quote", headed(object{"kid": `a" cause="b`}), bearer.UnknownKey, "(one that is not printable)", false},
		{"a long kid", headed(object{"kid": strings.Repeat("k", 65)}), bearer.UnknownKey, "(a long one)", false},
		{"an empty kid", headed(object{"kid": ""}), bearer.UnknownKey, "(none)", false},
		{"no kid", headed(object{"kid": nil}), bearer.NotAToken, "its header has no kid", false},
		{"another typ", sign(t, keys, jws.TypeJWT, good(now)), bearer.WrongType, `its typ is "JWT", and "at+jwt" is wanted`, false},
		{"a typ with a line break", headed(object{"typ": "a\nb"}), bearer.WrongType, "its typ is (one that is not printable)", false},
		{"an alg with a line break", headed(object{"alg": "a\nb"}), bearer.WrongAlgorithm, "it is (one that is not printable)", false},
		{"no alg", headed(object{"alg": nil}), bearer.WrongAlgorithm, "its header has no alg", false},
		{"no typ", headed(object{"typ": nil}), bearer.WrongType, "its header has no typ", false},
		{"alg none", forge(object{"alg": "none", "kid": "ed", "typ": "at+jwt"}, p, nothing), bearer.WrongAlgorithm, `it is "none", and the key "ed" serves EdDSA alone`, false},
		{"alg HS256", forge(object{"alg": "HS256", "kid": "ed", "typ": "at+jwt"}, p, hmacSign(edKey()[32:])), bearer.WrongAlgorithm, `it is "HS256"`, false},
		{"a signature that was changed", forge(header, p, func(m []byte) []byte { s := ed25519.Sign(edKey(), m); s[0] ^= 1; return s }), bearer.WrongSignature, "was the token changed", false},
		{"a token cut by one character", whole[:len(whole)-1], bearer.NotAToken, "its signature is not base64url: was it cut", false},
		{"a token cut within the signature", whole[:len(whole)-22], bearer.NotAToken, "its signature has 48 bytes, and one by EdDSA has 64: was the token cut?", false},
		{"a token cut before the signature", whole[:strings.LastIndexByte(whole, '.')], bearer.NotAToken, "it has not three parts: was it cut?", false},
		{"no JWT", "rt_" + strings.Repeat("x", 49), bearer.NotAToken, "it has not three parts", false},
		{"a refresh token", storage.NewSecret(grants.RefreshTokenPrefix).Reveal(), bearer.NotAToken, "it is a refresh token", false},
		{"a code", storage.NewSecret(grants.CodePrefix).Reveal(), bearer.NotAToken, "it is an authorization code", false},
		{"an API key", storage.NewSecret("shop_").Reveal(), bearer.NotAToken, "it is an API key", false},
		{"crit", headed(object{"crit": []string{"x"}}), bearer.NotAToken, "crit or b64", false},
		{"no claims", forge(header, object{}, edSign(edKey())), bearer.NotAnAccessToken, "its claims are not those of an access token", false},
		{"another issuer", signed(object{"iss": "https://other.test"}), bearer.WrongIssuer, `of another issuer, "https://other.test"`, true},
		{"another audience", signed(object{"aud": []string{"a", "b"}}), bearer.WrongAudience, `for another audience, ["a" "b"], and this verifier is for "` + audience + `"`, true},
		{"expired", signed(object{"exp": now.Add(-time.Minute).Unix(), "iat": now.Add(-time.Hour).Unix()}), bearer.Expired, "it expired at " + now.Add(-time.Minute).UTC().Format(time.RFC3339), true},
		{"issued in the future", signed(object{"iat": now.Add(20 * time.Second).Unix()}), bearer.NotYetValid, "do the clocks differ?", true},
		{"not yet valid", signed(object{"nbf": now.Add(time.Minute).Unix()}), bearer.NotYetValid, "good from " + now.Add(time.Minute).UTC().Format(time.RFC3339), true},
		{"bound to a key", signed(object{"cnf": object{"jkt": "x"}}), bearer.BoundToKey, "without proof", true},
		{"revoked", access(t, keys, revoked), bearer.Revoked, "has been revoked", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := watch(t, keys, func(c *bearer.Config) { c.Revocations = store })
			for range 2 { // a remembered token is refused alike
				got := ask(w.Verifier, []string{"read"}, "/", "Bearer "+tt.token)
				if got.StatusCode != 401 || got.ran || got.body != `{"error":"invalid_token"}`+"\n" ||
					got.Header.Get("WWW-Authenticate") != `Bearer realm="api", error="invalid_token", scope="read"`+found {
					t.Errorf("the answer is %d %v %q, want the one for every bad token", got.StatusCode, got.Header, got.body)
				}
				e, line := w.one(t)
				if e.Outcome != bearer.Refused || e.Reason != tt.reason || e.Status != 401 || !slices.Equal(e.Scope, []string{"read"}) || e.Time.Before(now) {
					t.Errorf("the event is %+v, want %s", e, tt.reason)
				}
				if e.Cause == nil || !strings.Contains(e.Cause.Error(), tt.cause) || !errors.Is(e.Cause, jws.ErrInvalid) {
					t.Errorf("the cause is %v, want %q", e.Cause, tt.cause)
				}
				claims, level := e.Subject+e.ClientID+e.Family, "level=DEBUG"
				if tt.verified {
					level = "level=INFO"
					if claims != "user-1appfamily-1" || e.TokenID == "" || !strings.Contains(line, "sub=user-1 client_id=app family=family-1 jti="+e.TokenID) {
						t.Errorf("the event is %+v and the line %q, want the claims", e, line)
					}
				} else if claims+e.TokenID != "" || strings.Contains(line, "user-1") {
					t.Errorf("the event is %+v and the line %q, want no claim of a token that nobody has verified", e, line)
				}
				if tt.reason == bearer.NotAnAccessToken {
					level = "level=INFO" // signed by us, so it concerns the operator
				}
				if !strings.Contains(line, level) || !strings.Contains(line, "reason="+string(tt.reason)) || strings.Contains(line, "level=ERROR") {
					t.Errorf("the log is %q, want a line with %s and the reason", line, level)
				}
				if len(tt.token) > 100 && strings.Contains(line, tt.token[len(tt.token)-20:]) {
					t.Errorf("the log has the token: %q", line)
				}
			}
		})
	}
}

// A key that is gone is told from one that was never there.
func TestKeyThatWasWithdrawnIsNamed(t *testing.T) {
	keys := edKeys(t)
	gone := false
	w := watch(t, keysFunc(func(ctx context.Context, id string, at time.Time) (*jws.PublicKey, error) {
		if gone {
			return nil, jws.ErrUnknownKey
		}
		return keys.PublicKey(ctx, id, at)
	}), nil)
	token := "Bearer " + access(t, keys, good(time.Now()))
	ask(w.Verifier, nil, "/", token)
	if e, line := w.one(t); e.Outcome != bearer.Admitted || e.Reason != "" || e.Cause != nil || e.Status != 0 || e.Subject != "user-1" || line != "" {
		t.Errorf("the event is %+v and the log %q, want that it was admitted, and no line", e, line)
	}
	gone = true
	ask(w.Verifier, nil, "/", token)
	if e, line := w.one(t); e.Reason != bearer.KeyWithdrawn || e.Subject != "user-1" || !strings.Contains(line, `its key \"ed\" is no longer published`) {
		t.Errorf("the event is %+v and the log %q, want that the key is gone", e, line)
	}
}

func TestEventOfARequestWithoutAGoodHeader(t *testing.T) {
	keys := edKeys(t)
	w := watch(t, keys, nil)
	token := access(t, keys, good(time.Now()))
	for _, tt := range []struct {
		name, target  string
		authorization []string
		status        int
		reason        bearer.Reason
		cause         string
	}{
		{"none", "/", nil, 401, bearer.NoToken, "no Authorization header"},
		{"another scheme", "/", []string{"basic YTpi"}, 401, bearer.NoToken, "has Basic"},
		{"a token alone", "/", []string{token}, 401, bearer.NoToken, "forget the word Bearer"},
		{"malformed", "/", []string{"Bearer a b"}, 400, bearer.MalformedHeader, "RFC 6750"},
		{"two", "/", []string{"Bearer " + token, "Bearer " + token}, 400, bearer.TwoTokens, "two tokens"},
		{"one in the query, too", "/?access_token=x", []string{"Bearer " + token}, 400, bearer.TwoTokens, "two tokens"},
	} {
		ask(w.Verifier, nil, tt.target, tt.authorization...)
		if e, line := w.one(t); e.Outcome != bearer.Refused || e.Reason != tt.reason || e.Status != tt.status || e.Subject != "" || !strings.Contains(line, "level=DEBUG") {
			t.Errorf("%s: the event is %+v and the log %q, want %s at debug", tt.name, e, line, tt.reason)
		} else if cause := e.Cause.Error(); !strings.Contains(cause, tt.cause) || strings.Contains(cause, token) {
			t.Errorf("%s: the cause is %q, want it to have %q, and not the token", tt.name, cause, tt.cause)
		}
	}
	ask(w.Verifier, []string{"read", "admin"}, "/", "Bearer "+token)
	e, line := w.one(t)
	if e.Reason != bearer.LacksScope || e.Status != 403 || e.ClientID != "app" || !slices.Equal(e.Scope, []string{"read", "admin"}) {
		t.Errorf("the event is %+v, want that a scope is missing", e)
	}
	for _, want := range []string{"level=INFO", "sub=user-1", "client_id=app", `wanted="[read admin]"`, `lacks the scope \"admin\"`} {
		if !strings.Contains(line, want) {
			t.Errorf("the log is %q, want %s", line, want)
		}
	}
}

func TestEventOfAnOutage(t *testing.T) {
	keys, down := edKeys(t), errors.New("down")
	w := watch(t, keys, func(c *bearer.Config) {
		c.Revocations = bearer.RevocationsFunc(func(context.Context, string, string) (bool, error) { return false, down })
	})
	token := "Bearer " + access(t, keys, good(time.Now()))
	ask(w.Verifier, nil, "/", token)
	e, line := w.one(t)
	if e.Outcome != bearer.Failed || e.Reason != bearer.Outage || e.Status != 503 || len(e.ErrorID) != 36 || !errors.Is(e.Cause, down) || e.Subject != "user-1" {
		t.Errorf("the event is %+v, want a failure", e)
	}
	if !strings.Contains(line, "error_id="+e.ErrorID) || !strings.Contains(line, "level=ERROR") {
		t.Errorf("the log is %q, want the error id", line)
	}
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	r := must(http.NewRequestWithContext(ctx, "GET", "/", nil))
	r.Header.Set("Authorization", token)
	serve(w.Verifier, nil, r)
	if e, line := w.one(t); e.Outcome != bearer.Abandoned || e.Reason != bearer.HungUp || !strings.Contains(line, "level=INFO") {
		t.Errorf("the event is %+v and the log %q, want that the client has gone", e, line)
	}
}

// A panic of the host's function, or of its logger, changes no answer.
func TestPanicInObserve(t *testing.T) {
	keys := edKeys(t)
	token := "Bearer " + access(t, keys, good(time.Now()))
	w := watch(t, keys, func(c *bearer.Config) {
		c.Observe = func(context.Context, bearer.Event) { panic("no events today") }
	})
	for authorization, want := range map[string]int{token: 204, "Bearer x": 401} {
		w.log.Reset()
		if got := ask(w.Verifier, nil, "/", authorization); got.StatusCode != want || got.ran != (want == 204) {
			t.Errorf("the answer is %d, want %d", got.StatusCode, want)
		}
		if line := w.log.String(); !strings.Contains(line, "level=ERROR") || !strings.Contains(line, "no events today") {
			t.Errorf("the log is %q, want the panic", line)
		}
	}
	v := newVerifier(t, keys, func(c *bearer.Config) {
		c.Observe = func(context.Context, bearer.Event) { panic("no events today") }
		c.Logger = slog.New(panicking{})
	})
	if got := ask(v, nil, "/", "Bearer x"); got.StatusCode != 401 {
		t.Errorf("the answer is %d, want 401", got.StatusCode)
	}
}

type panicking struct{ slog.Handler }

func (panicking) Enabled(context.Context, slog.Level) bool  { return true }
func (panicking) Handle(context.Context, slog.Record) error { panic("no log today") }
