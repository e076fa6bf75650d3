package tokenendpoint_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// payload decodes the claims of a JWT and verifies nothing.
func payload(t testing.TB, jwt string) (claims map[string]any) {
	t.Helper()
	parts := append(strings.Split(jwt, "."), "", "")
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(b, &claims)
	}
	if err != nil {
		t.Fatalf("the access token %q: %v", jwt, err)
	}
	return claims
}

// observed is an endpoint whose events and log are kept.
type observed struct {
	testing.TB
	handler *tokenendpoint.Handler
	store   *memory.Store
	secret  string

	mu     sync.Mutex
	events []tokenendpoint.Event
	lines  []slog.Record

	wait  time.Duration // of the limiter
	down  error         // of the store
	hook  grants.Hook   // of codes
	times steps
}

// steps are the times that the host's parts take.
type steps struct{ client, hook, signer, spend time.Duration }

func newObserved(t testing.TB, changes ...func(*tokenendpoint.Config)) *observed {
	t.Helper()
	c := goodConfig(t)
	o := &observed{TB: t, store: c.Storage.(*memory.Store), secret: aClient(t, c)}
	keys, err := jws.NewKeySet(jws.Key{Signer: slowSigner{o}})
	if err != nil {
		t.Fatal(err)
	}
	c.Keys, c.Storage, c.Timeout = keys, slowStore{o.store, o}, time.Minute
	c.Grants = map[string]grants.Grant{
		"client_credentials": grants.ClientCredentials{},
		"refresh_token":      grants.RefreshToken{},
		"authorization_code": grants.AuthorizationCode{Hook: o.ask},
	}
	c.AuthorizationEndpoint = "https://as.test/login"
	c.Limiter, c.Observe, c.Logger = limits{o}, o.observe, slog.New(o)
	for _, change := range changes {
		change(&c)
	}
	o.handler = newHandler(t, c)
	return o
}

func (o *observed) observe(_ context.Context, e tokenendpoint.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, e)
}

// observed is the slog.Handler of its own endpoint.

func (o *observed) Enabled(context.Context, slog.Level) bool { return true }
func (o *observed) WithAttrs([]slog.Attr) slog.Handler       { return o }
func (o *observed) WithGroup(string) slog.Handler            { return o }

func (o *observed) Handle(_ context.Context, r slog.Record) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, r)
	return nil
}

// limits is the Limiter.
type limits struct{ o *observed }

func (l limits) Reserve(context.Context, tokenendpoint.Attempt) (time.Duration, func(context.Context), error) {
	return l.o.wait, nil, nil
}

func (o *observed) ask(ctx context.Context, r *grants.Request, a *grants.Authorization) error {
	time.Sleep(o.times.hook)
	if o.hook == nil {
		return nil
	}
	return o.hook(ctx, r, a)
}

type slowStore struct {
	storage.Storage
	o *observed
}

func (s slowStore) Client(ctx context.Context, id string) (*storage.Client, error) {
	time.Sleep(s.o.times.client)
	if s.o.down != nil {
		return nil, s.o.down
	}
	return s.Storage.Client(ctx, id)
}

func (s slowStore) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	time.Sleep(s.o.times.spend)
	return s.Storage.Spend(ctx, old, next, at)
}

type slowSigner struct{ o *observed }

var slowKey = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

func (s slowSigner) Public() crypto.PublicKey { return slowKey.Public() }

func (s slowSigner) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	time.Sleep(s.o.times.signer)
	return ed25519.Sign(slowKey, message), nil
}

// code stores an authorization code and returns the body that redeems it.
func (o *observed) code() string {
	o.Helper()
	client, err := o.store.Client(o.Context(), "c1")
	if err != nil {
		o.Fatal(err)
	}
	client.RedirectURIs = []string{"https://c1.test/cb"}
	code, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
		Issuer: "https://as.test", Client: client, Subject: "u1", RedirectURI: "https://c1.test/cb", Scope: []string{"read"},
		CodeChallenge: testChallenge, CodeChallengeMethod: "S256",
	}, time.Now())
	if err == nil {
		err = o.store.CreateCredential(o.Context(), record)
	}
	if err != nil {
		o.Fatal(err)
	}
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code.Reveal()},
		"redirect_uri": {"https://c1.test/cb"}, "code_verifier": {testVerifier},
	}.Encode()
}

// refresh redeems a code and returns the body that uses the refresh token.
func (o *observed) refresh() string {
	o.Helper()
	response, _ := token(o, ask(o.handler, o.secret, o.code()))
	text, _ := response["refresh_token"].(string)
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {text}}.Encode()
}

// forget drops all observations so far.
func (o *observed) forget() { o.events, o.lines = nil, nil }

// one asserts that there was one event and one line, and returns them.
func (o *observed) one() (tokenendpoint.Event, map[string]string, slog.Level) {
	o.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.events) != 1 || len(o.lines) != 1 {
		o.Fatalf("there are %d events and %d lines, want one each: %+v %+v", len(o.events), len(o.lines), o.events, o.lines)
	}
	attrs := map[string]string{"msg": o.lines[0].Message}
	o.lines[0].Attrs(func(a slog.Attr) bool { attrs[a.Key] = a.Value.String(); return true })
	return o.events[0], attrs, o.lines[0].Level
}
