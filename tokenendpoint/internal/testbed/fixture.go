// Package testbed serves a token endpoint over any store, with the clients of the
// specification and with a store that can be watched, broken and edited. The
// rules of package endpointtest and the tests of package tokenendpoint stand on
// it.
//
// At the end of every test all that the endpoint logged and reported is searched
// for the secrets that the test used (row D33).
package testbed

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/storagetest"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const (
	Issuer    = "https://as.test"
	Audience  = "https://api.test"
	TokenPath = "/connect/token"

	AuthorizationEndpoint = "https://as.test/login?tenant=1"

	RevocationPath    = "/connect/revocation"
	IntrospectionPath = "/connect/introspect"

	// Verifier is a code_verifier of 64 characters.
	Verifier = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
)

// A Party is a client as the other side knows it.
type Party struct {
	ID, Secret, RedirectURI string
	Record                  *storage.Client
}

// Fixture is an endpoint with the clients of the specification: c1 and c2 may
// do everything, cc has only client_credentials and the scope read, pub is
// public, off is disabled, sp has an identifier and a secret that must be
// encoded. They are registered in the store under identifiers of their own.
type Fixture struct {
	*testing.T
	Store   *Spy
	Keys    *jws.KeySet
	Handler *tokenendpoint.Handler
	Issuer  string
	URL     string
	client  *http.Client

	C1, C2, CC, Pub, Off, Sp *Party
	parties                  map[string]*Party // by their identifiers

	mu      sync.Mutex
	log     bytes.Buffer
	events  []tokenendpoint.Event
	secrets []string
}

// An Option changes the configuration before the endpoint is made.
type Option func(*tokenendpoint.Config)

// SigningKey is made once: a key takes longer to make than a rule to test.
var SigningKey = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

// New serves an endpoint over a real httptest.Server.
func New(t *testing.T, open Opener, options ...Option) *Fixture {
	t.Helper()
	return newOn(nil, t, open, options)
}

// NewTimed serves one over a listener in memory, for a rule that runs in a
// bubble.
func NewTimed(t *testing.T, open Opener, options ...Option) *Fixture {
	t.Helper()
	return newOn(newListener(), t, open, options)
}

func newOn(l *listener, t *testing.T, open Opener, options []Option) *Fixture {
	t.Helper()
	f := &Fixture{T: t, parties: make(map[string]*Party)}
	keys, err := jws.NewKeySet(jws.Key{Signer: SigningKey()})
	if err != nil {
		t.Fatal(err)
	}
	f.Keys = keys
	f.Store = NewSpy(open(t))
	f.register()
	c := tokenendpoint.Config{
		Issuer:   Issuer,
		Audience: []string{Audience},
		Keys:     keys,
		Storage:  f.Store,

		Revocations: f.Store,

		AuthorizationEndpoint: AuthorizationEndpoint,
		Grants: map[string]grants.Grant{
			grants.TypeClientCredentials: grants.ClientCredentials{},
			grants.TypeRefreshToken:      grants.RefreshToken{},
			grants.TypeAuthorizationCode: grants.AuthorizationCode{},
			grants.TypeAPIKey:            grants.APIKey{},
		},
		Observe: f.observe,
		Logger:  slog.New(slog.NewTextHandler(&locked{f: f}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, o := range options {
		o(&c)
	}
	f.Issuer = c.Issuer
	if f.Handler, err = tokenendpoint.New(c); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(Recorded(f.Handler, f.Handler.Routes()))
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	if l != nil {
		server.Listener.Close()
		server.Listener, transport.DialContext = l, l.dial
	}
	f.client = &http.Client{Transport: transport}
	f.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	server.Start()
	f.URL = server.URL
	t.Cleanup(func() {
		f.client.CloseIdleConnections()
		server.Close()
		f.checkNothingLeaked()
	})
	return f
}

// register adds the clients of the specification to the store.
func (f *Fixture) register() {
	all := []string{grants.TypeClientCredentials, grants.TypeRefreshToken, grants.TypeAuthorizationCode, grants.TypeAPIKey}
	wide := []string{"read", "write", "admin:x"}
	full := func(name string) *Party {
		return f.NewClient(&storage.Client{ID: name, GrantTypes: all, Scope: wide, RedirectURIs: []string{"https://" + name + ".test/cb"}})
	}
	f.C1, f.C2 = full("c1"), full("c2")
	f.CC = f.NewClient(&storage.Client{ID: "cc", GrantTypes: all[:1], Scope: wide[:1]})
	f.Pub = f.NewClient(&storage.Client{ID: "pub", AuthMethod: storage.AuthNone, GrantTypes: all[1:3], Scope: wide[:2], RedirectURIs: []string{"http://127.0.0.1/cb"}})
	f.Off = f.NewClient(&storage.Client{ID: "off", Disabled: true, GrantTypes: all, Scope: wide})
	f.Sp = f.NewClient(&storage.Client{ID: "a:b é", GrantTypes: all, Scope: wide}, "p+ss w%rd:&=é")
}

// NewClient registers a client under its identifier and a random end. A
// confidential one gets the given secrets, or one that is drawn.
func (f *Fixture) NewClient(c *storage.Client, secrets ...string) *Party {
	f.Helper()
	c.ID += "-" + rand.Text()[:8]
	p := &Party{ID: c.ID, Record: c}
	if len(c.RedirectURIs) > 0 {
		p.RedirectURI = c.RedirectURIs[0]
	}
	if !c.Public() && c.AuthMethod != storage.PrivateKeyJWT && !c.ShowsCertificate() && len(secrets) == 0 {
		secret, hash := clientauth.NewSecret()
		p.Secret = secret.Reveal()
		c.Secrets = append(c.Secrets, storage.ClientSecret{ID: "drawn", Hash: hash})
	}
	for i, s := range secrets {
		p.Secret = s
		c.Secrets = append(c.Secrets, storage.ClientSecret{ID: fmt.Sprint(i), Hash: Hashed(s)})
	}
	f.Secret(p.Secret)
	if err := f.Store.PutClient(f.Context(), c); err != nil {
		f.Fatalf("registering a client: %v", err)
	}
	f.parties[p.ID] = p
	return p
}

var hashes sync.Map

// Hashed is the hash of a secret that somebody chose. It is made once: a slow
// hash takes longer than a rule to test.
func Hashed(secret string) string {
	if hash, ok := hashes.Load(secret); ok {
		return hash.(string)
	}
	hash, err := clientauth.Hash(storage.PresentedSecret(secret))
	if err != nil {
		panic(err)
	}
	hashes.Store(secret, hash)
	return hash
}

// Code makes an authorization code of a client for the user u1 with the scope
// read write and the challenge of verifier, and stores it.
func (f *Fixture) Code(p *Party, changes ...func(*grants.AuthorizationRequest)) string {
	f.Helper()
	return f.CodeAt(time.Now(), p, changes...)
}

// CodeAt is code at another time.
func (f *Fixture) CodeAt(at time.Time, p *Party, changes ...func(*grants.AuthorizationRequest)) string {
	f.Helper()
	a := grants.AuthorizationRequest{
		Issuer:              f.Issuer,
		Client:              p.Record,
		Subject:             "u1",
		RedirectURI:         p.RedirectURI,
		Scope:               []string{"read", "write"},
		CodeChallenge:       Challenge(Verifier),
		CodeChallengeMethod: "S256",
	}
	for _, change := range changes {
		change(&a)
	}
	code, record, err := grants.NewAuthorizationCode(a, at)
	if err != nil {
		f.Fatalf("making a code: %v", err)
	}
	if err := f.Store.CreateCredential(f.Context(), record); err != nil {
		f.Fatalf("storing a code: %v", err)
	}
	return f.Secret(code.Reveal())
}

// RefreshToken makes a refresh token of a client by redeeming a code.
func (f *Fixture) RefreshToken(p *Party, changes ...func(*grants.AuthorizationRequest)) string {
	f.Helper()
	return f.Send(f.Redeem(p, f.Code(p, changes...))).Tokens().RefreshToken
}

// APIKey makes an API key of a client for the scope read write.
func (f *Fixture) APIKey(p *Party, changes ...func(*storage.APIKey)) string {
	f.Helper()
	k := storage.APIKey{ClientID: p.ID, Subject: "owner", Scope: []string{"read", "write"}}
	for _, change := range changes {
		change(&k)
	}
	secret, record, err := grants.NewAPIKey("ck_test_", k, time.Now())
	if err != nil {
		f.Fatalf("making an API key: %v", err)
	}
	if err := f.Store.PutAPIKey(f.Context(), record); err != nil {
		f.Fatalf("storing an API key: %v", err)
	}
	return f.Secret(secret.Reveal())
}

// Challenge is the S256 challenge of a verifier (RFC 7636 §4.2).
func Challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Secret notes a text that must not turn up in any log or event.
func (f *Fixture) Secret(s string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.secrets = append(f.secrets, s)
	return s
}

func (f *Fixture) observe(_ context.Context, e tokenendpoint.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, e)
	fmt.Fprintf(&f.log, "%+v\n", e)
}

// LastEvent returns the event of the last request. It is there when the answer
// is, since the endpoint reports before the server sends its buffer.
func (f *Fixture) LastEvent() tokenendpoint.Event {
	f.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == 0 {
		f.Fatal("no event was reported")
	}
	return f.events[len(f.events)-1]
}

// checkNothingLeaked is row D33.
func (f *Fixture) checkNothingLeaked() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, leaked := Leaked(f.log.String(), f.secrets); leaked {
		f.Errorf("D33: a secret of this test stands in the log or an event:\n%s", f.log.String())
	}
}

// locked is the fixture's log.
type locked struct{ f *Fixture }

func (l *locked) Write(b []byte) (int, error) {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	return l.f.log.Write(b)
}

// Logged is the log and the events so far.
func (f *Fixture) Logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.String()
}

// An Opener returns a store for one rule.
type Opener func(t testing.TB) storagetest.Store
