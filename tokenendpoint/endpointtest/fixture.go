package endpointtest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const (
	issuer   = "https://as.test"
	audience = "https://api.test"
	path     = "/connect/token"

	revocationPath    = "/connect/revocation"
	introspectionPath = "/connect/introspect"

	// verifier is a code_verifier of 64 characters.
	verifier = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
)

// A party is a client as the other side knows it.
type party struct {
	id, secret, redirectURI string
	record                  *storage.Client
}

// fixture is an endpoint with the clients of the specification: c1 and c2 may
// do everything, cc has only client_credentials and the scope read, pub is
// public, off is disabled, sp has an identifier and a secret that must be
// encoded. They are registered in the store under identifiers of their own.
type fixture struct {
	*testing.T
	store   *spy
	keys    *jws.KeySet
	handler *tokenendpoint.Handler
	url     string
	client  *http.Client

	c1, c2, cc, pub, off, sp *party
	parties                  map[string]*party // by their identifiers

	mu      sync.Mutex
	log     bytes.Buffer
	events  []tokenendpoint.Event
	secrets []string
}

// An option changes the configuration before the endpoint is made.
type option func(*tokenendpoint.Config)

// signingKey is made once: a key takes longer to make than a rule to test.
var signingKey = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

// newFixture serves an endpoint over a real httptest.Server.
func newFixture(t *testing.T, open opener, options ...option) *fixture {
	t.Helper()
	return newFixtureOn(nil, t, open, options)
}

// newTimed serves one over a listener in memory, for a rule that runs in a
// bubble.
func newTimed(t *testing.T, open opener, options ...option) *fixture {
	t.Helper()
	return newFixtureOn(newListener(), t, open, options)
}

func newFixtureOn(l *listener, t *testing.T, open opener, options []option) *fixture {
	t.Helper()
	f := &fixture{T: t, parties: make(map[string]*party)}
	keys, err := jws.NewKeySet(jws.Key{Signer: signingKey()})
	if err != nil {
		t.Fatal(err)
	}
	f.keys = keys
	f.store = newSpy(open(t))
	f.register()
	c := tokenendpoint.Config{
		Issuer:   issuer,
		Audience: []string{audience},
		Keys:     keys,
		Storage:  f.store,

		Revocations: f.store,
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
	if f.handler, err = tokenendpoint.New(c); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(path, f.handler)
	mux.Handle(revocationPath, f.handler.Revocation())
	mux.Handle(introspectionPath, f.handler.Introspection())
	server := httptest.NewUnstartedServer(mux)
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	if l != nil {
		server.Listener.Close()
		server.Listener, transport.DialContext = l, l.dial
	}
	f.client = &http.Client{Transport: transport}
	f.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	server.Start()
	f.url = server.URL
	t.Cleanup(func() {
		f.client.CloseIdleConnections()
		server.Close()
		f.checkNothingLeaked()
	})
	return f
}

// register adds the clients of the specification to the store.
func (f *fixture) register() {
	all := []string{grants.TypeClientCredentials, grants.TypeRefreshToken, grants.TypeAuthorizationCode, grants.TypeAPIKey}
	wide := []string{"read", "write", "admin:x"}
	full := func(name string) *party {
		return f.newClient(&storage.Client{ID: name, GrantTypes: all, Scope: wide, RedirectURIs: []string{"https://" + name + ".test/cb"}})
	}
	f.c1, f.c2 = full("c1"), full("c2")
	f.cc = f.newClient(&storage.Client{ID: "cc", GrantTypes: all[:1], Scope: wide[:1]})
	f.pub = f.newClient(&storage.Client{ID: "pub", AuthMethod: storage.AuthNone, GrantTypes: all[1:3], Scope: wide[:2], RedirectURIs: []string{"http://127.0.0.1/cb"}})
	f.off = f.newClient(&storage.Client{ID: "off", Disabled: true, GrantTypes: all, Scope: wide})
	f.sp = f.newClient(&storage.Client{ID: "a:b é", GrantTypes: all, Scope: wide}, "p+ss w%rd:&=é")
}

// newClient registers a client under its identifier and a random end. A
// confidential one gets the given secrets, or one that is drawn.
func (f *fixture) newClient(c *storage.Client, secrets ...string) *party {
	f.Helper()
	c.ID += "-" + rand.Text()[:8]
	p := &party{id: c.ID, record: c}
	if len(c.RedirectURIs) > 0 {
		p.redirectURI = c.RedirectURIs[0]
	}
	if !c.Public() && len(secrets) == 0 {
		secret, hash := clientauth.NewSecret()
		p.secret = secret.Reveal()
		c.Secrets = append(c.Secrets, storage.ClientSecret{ID: "drawn", Hash: hash})
	}
	for i, s := range secrets {
		p.secret = s
		c.Secrets = append(c.Secrets, storage.ClientSecret{ID: fmt.Sprint(i), Hash: hashed(s)})
	}
	f.secret(p.secret)
	if err := f.store.PutClient(f.Context(), c); err != nil {
		f.Fatalf("registering a client: %v", err)
	}
	f.parties[p.id] = p
	return p
}

var hashes sync.Map

// hashed is the hash of a secret that somebody chose. It is made once: a slow
// hash takes longer than a rule to test.
func hashed(secret string) string {
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

// code makes an authorization code of a client for the user u1 with the scope
// read write and the challenge of verifier, and stores it.
func (f *fixture) code(p *party, changes ...func(*grants.AuthorizationRequest)) string {
	f.Helper()
	return f.codeAt(time.Now(), p, changes...)
}

// codeAt is code at another time.
func (f *fixture) codeAt(at time.Time, p *party, changes ...func(*grants.AuthorizationRequest)) string {
	f.Helper()
	a := grants.AuthorizationRequest{
		Client:              p.record,
		Subject:             "u1",
		RedirectURI:         p.redirectURI,
		Scope:               []string{"read", "write"},
		CodeChallenge:       challenge(verifier),
		CodeChallengeMethod: "S256",
	}
	for _, change := range changes {
		change(&a)
	}
	code, record, err := grants.NewAuthorizationCode(a, at)
	if err != nil {
		f.Fatalf("making a code: %v", err)
	}
	if err := f.store.CreateCredential(f.Context(), record); err != nil {
		f.Fatalf("storing a code: %v", err)
	}
	return f.secret(code.Reveal())
}

// refreshToken makes a refresh token of a client by redeeming a code.
func (f *fixture) refreshToken(p *party, changes ...func(*grants.AuthorizationRequest)) string {
	f.Helper()
	return f.send(f.redeem(p, f.code(p, changes...))).tokens().refreshToken
}

// apiKey makes an API key of a client for the scope read write.
func (f *fixture) apiKey(p *party, changes ...func(*storage.APIKey)) string {
	f.Helper()
	k := storage.APIKey{ClientID: p.id, Subject: "owner", Scope: []string{"read", "write"}}
	for _, change := range changes {
		change(&k)
	}
	secret, record, err := grants.NewAPIKey("ck_test_", k, time.Now())
	if err != nil {
		f.Fatalf("making an API key: %v", err)
	}
	if err := f.store.PutAPIKey(f.Context(), record); err != nil {
		f.Fatalf("storing an API key: %v", err)
	}
	return f.secret(secret.Reveal())
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// secret notes a text that must not turn up in any log or event.
func (f *fixture) secret(s string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(s) >= 6 { // shorter ones turn up by chance
		f.secrets = append(f.secrets, s)
	}
	return s
}

func (f *fixture) observe(_ context.Context, e tokenendpoint.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, e)
	fmt.Fprintf(&f.log, "%+v\n", e)
}

// lastEvent returns the event of the last request. It is there when the answer
// is, since the endpoint reports before the server sends what it has buffered.
func (f *fixture) lastEvent() tokenendpoint.Event {
	f.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == 0 {
		f.Fatal("no event was reported")
	}
	return f.events[len(f.events)-1]
}

// checkNothingLeaked is row D33.
func (f *fixture) checkNothingLeaked() {
	f.mu.Lock()
	defer f.mu.Unlock()
	log := f.log.String()
	for _, s := range f.secrets {
		for _, form := range []string{s, hex.EncodeToString([]byte(s)), base64.StdEncoding.EncodeToString([]byte(s))} {
			if strings.Contains(log, form) {
				f.Errorf("D33: a secret of this test stands in the log or an event:\n%s", log)
				return
			}
		}
	}
}

// locked is the fixture's log.
type locked struct{ f *fixture }

func (l *locked) Write(b []byte) (int, error) {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	return l.f.log.Write(b)
}
