package bearer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const (
	issuer   = "https://as.test"
	audience = "https://api.test"
)

// start is when tests take place that are told the time.
var start = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

var discard = slog.New(slog.DiscardHandler)

// The keys are made once: RSA keys take long.
var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey  = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	edKey  = sync.OnceValue(func() ed25519.PrivateKey { return newEdKey() })
)

func newEdKey() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return must(key, err)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func keySet(t testing.TB, key jws.Key, others ...jws.Key) *jws.KeySet {
	t.Helper()
	s, err := jws.NewKeySet(key, others...)
	if err != nil {
		t.Fatalf("NewKeySet: %v", err)
	}
	return s
}

func edKeys(t testing.TB) *jws.KeySet { return keySet(t, jws.Key{Signer: edKey(), ID: "ed"}) }

// newVerifier returns one for tokens of keys; change may be nil.
func newVerifier(t testing.TB, keys jws.Keys, change func(*bearer.Config)) *bearer.Verifier {
	t.Helper()
	c := bearer.Config{Issuer: issuer, Audience: audience, Keys: keys, Logger: discard}
	if change != nil {
		change(&c)
	}
	v, err := bearer.New(c)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return v
}

var tokenNumber atomic.Int64

// good is the payload of a token that is good for an hour from an instant on.
func good(at time.Time) *jws.AccessToken {
	return &jws.AccessToken{
		Issuer: issuer, Subject: "user-1", ClientID: "app", ID: "jti-" + time.Duration(tokenNumber.Add(1)).String(),
		Audience: []string{audience}, Scope: []string{"read", "write"}, Family: "family-1",
		IssuedAt: at, ExpiresAt: at.Add(time.Hour),
	}
}

// with is good with something changed.
func with(at time.Time, change func(*jws.AccessToken)) *jws.AccessToken {
	t := good(at)
	change(t)
	return t
}

func sign(t testing.TB, keys *jws.KeySet, typ string, token *jws.AccessToken) string {
	t.Helper()
	payload, err := token.AppendJSON(nil)
	if err != nil {
		t.Fatalf("AppendJSON: %v", err)
	}
	text, err := keys.Sign(t.Context(), typ, payload, token.IssuedAt)
	if err != nil {
		t.Fatalf("Sign: %v", err)
	}
	return text
}

// access signs an access token.
func access(t testing.TB, keys *jws.KeySet, token *jws.AccessToken) string {
	t.Helper()
	return sign(t, keys, jws.TypeAccessToken, token)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// forge makes a token by hand.
func forge(header, payload any, sign func(message []byte) []byte) string {
	message := encode(must(json.Marshal(header))) + "." + encode(must(json.Marshal(payload)))
	return message + "." + encode(sign([]byte(message)))
}

func edSign(key ed25519.PrivateKey) func([]byte) []byte {
	return func(message []byte) []byte { return ed25519.Sign(key, message) }
}

// verdict names the result of a verification in a word.
func verdict(t *jws.AccessToken, err error) string {
	switch {
	case t != nil && err != nil:
		return "both a token and an error"
	case t != nil:
		return "good"
	case errors.Is(err, jws.ErrInvalid):
		return "invalid"
	case err != nil:
		return "outage"
	}
	return "neither"
}

func wantVerdict(t testing.TB, v *bearer.Verifier, token string, at time.Time, want string) {
	t.Helper()
	claims, err := v.Verify(t.Context(), token, at)
	if got := verdict(claims, err); got != want {
		t.Errorf("Verify = %s (%v), want %s", got, err, want)
	}
}

// revocations is a store in memory that counts.
type revocations struct {
	asked    atomic.Int64
	mu       sync.Mutex
	tokens   map[string]bool
	families map[string]bool
	err      error
}

var _ bearer.Revocations = (*revocations)(nil)

func (s *revocations) Revoked(ctx context.Context, id, family string) (bool, error) {
	s.asked.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.err, ctx.Err()); err != nil {
		return false, err
	}
	return s.tokens[id] || family != "" && s.families[family], nil
}

func (s *revocations) revoke(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		s.tokens = make(map[string]bool)
	}
	s.tokens[id] = true
}

func (s *revocations) revokeFamily(family string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.families = map[string]bool{family: true}
}

func (s *revocations) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// keysFunc is a function that is jws.Keys.
type keysFunc func(ctx context.Context, id string, at time.Time) (*jws.PublicKey, error)

func (f keysFunc) PublicKey(ctx context.Context, id string, at time.Time) (*jws.PublicKey, error) {
	return f(ctx, id, at)
}

// answer is the answer to a request, and whether the handler ran.
type answer struct {
	*http.Response
	body string
	ran  bool
}

// ask sends a request with Authorization headers through RequireToken.
func ask(v *bearer.Verifier, scope []string, target string, authorization ...string) answer {
	r := httptest.NewRequest("GET", target, nil)
	r.Header["Authorization"] = authorization
	if len(authorization) == 0 {
		delete(r.Header, "Authorization")
	}
	return serve(v, scope, r)
}

func serve(v *bearer.Verifier, scope []string, r *http.Request) (a answer) {
	w := httptest.NewRecorder()
	v.RequireToken(scope...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.ran = true
		w.WriteHeader(http.StatusNoContent)
	})).ServeHTTP(w, r)
	a.Response, a.body = w.Result(), w.Body.String()
	return a
}
