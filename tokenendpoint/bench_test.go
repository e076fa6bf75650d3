package tokenendpoint_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const (
	benchIssuer   = "https://as.example.com"
	benchAudience = "https://api.example.com"
	benchRedirect = "https://app.example.com/cb"
)

var benchGrants = []string{
	grants.TypeClientCredentials, grants.TypeAPIKey, grants.TypeRefreshToken, grants.TypeAuthorizationCode,
}

// benchKeys are made once: RSA keys take long.
var benchKeys = sync.OnceValue(func() []jws.Key {
	ec, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, ed, err2 := ed25519.GenerateKey(rand.Reader)
	rsa, err3 := rsa.GenerateKey(rand.Reader, 2048)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			panic(err)
		}
	}
	return []jws.Key{
		{Signer: ec, Algorithm: jws.ES256}, {Signer: ed, Algorithm: jws.EdDSA}, {Signer: rsa, Algorithm: jws.RS256},
	}
})

// BenchmarkRequest is one whole request in process: time and allocations.
func BenchmarkRequest(b *testing.B) {
	for _, key := range benchKeys() {
		for _, grant := range benchGrants {
			b.Run(grant+"/"+key.Algorithm, func(b *testing.B) {
				bed := newBed(b, key)
				next := bed.requests(b, grant, b.N)
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					bed.serve(b, bed.endpoint, next())
				}
			})
		}
		b.Run("floor/"+key.Algorithm, func(b *testing.B) {
			bed := newBed(b, key)
			next := bed.requests(b, grants.TypeClientCredentials, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				bed.serve(b, bed.floor, next())
			}
		})
	}
}

// BenchmarkRatio takes the same request to the endpoint and to the floor in
// turn, with a bare signature between them, so that other work of the machine
// slows all three alike.
func BenchmarkRatio(b *testing.B) {
	for _, key := range benchKeys() {
		for _, grant := range benchGrants {
			b.Run(grant+"/"+key.Algorithm, func(b *testing.B) {
				bed := newBed(b, key)
				next := bed.requests(b, grant, b.N)
				same := bed.requests(b, grants.TypeClientCredentials, b.N)
				var endpoint, floor, signature testbed.Times
				b.ResetTimer()
				for range b.N {
					body, other := next(), same()
					start := time.Now()
					bed.serve(b, bed.endpoint, body)
					afterEndpoint := time.Now()
					bed.serve(b, bed.floor, other)
					afterFloor := time.Now()
					bed.sign(b)
					signature = append(signature, time.Since(afterFloor))
					floor = append(floor, afterFloor.Sub(afterEndpoint))
					endpoint = append(endpoint, afterEndpoint.Sub(start))
				}
				b.ReportMetric(endpoint.Over(floor), "x-floor")
				b.ReportMetric(endpoint.Over(signature), "x-signature")
			})
		}
	}
}

// bed is an endpoint and a floor with the same key.
type bed struct {
	endpoint, floor http.Handler
	sign            func(testing.TB)
	store           *memory.Store
	client          *storage.Client
	secret          storage.Secret
	codeLifetime    time.Duration // an hour: all are made before the first is redeemed
	request         *http.Request
	body            strings.Reader
	answer          sink
}

func newBed(b testing.TB, key jws.Key, others ...jws.Key) *bed {
	b.Helper()
	return newBedWith(b, key, func(*tokenendpoint.Config) {}, others...)
}

func newBedWith(b testing.TB, key jws.Key, change func(*tokenendpoint.Config), others ...jws.Key) *bed {
	b.Helper()
	keys, err := jws.NewKeySet(key, others...)
	if err != nil {
		b.Fatal(err)
	}
	secret, hash := clientauth.NewSecret()
	bed := &bed{store: new(memory.Store), codeLifetime: time.Hour, secret: secret, client: &storage.Client{
		ID: "app", Secrets: []storage.ClientSecret{{ID: "s", Hash: hash}}, GrantTypes: benchGrants,
		Scope: []string{"read", "write"}, RedirectURIs: []string{benchRedirect},
	}}
	if err := bed.store.PutClient(b.Context(), bed.client); err != nil {
		b.Fatal(err)
	}
	config := tokenendpoint.Config{
		Issuer: benchIssuer, Audience: []string{benchAudience}, Keys: keys, Storage: bed.store, Logger: discard,
		AuthorizationEndpoint: benchIssuer + "/login",
		Grants: map[string]grants.Grant{
			grants.TypeClientCredentials: grants.ClientCredentials{},
			grants.TypeAPIKey:            grants.APIKey{},
			grants.TypeRefreshToken:      grants.RefreshToken{},
			grants.TypeAuthorizationCode: grants.AuthorizationCode{},
		},
	}
	change(&config)
	bed.endpoint, err = tokenendpoint.New(config)
	if err != nil {
		b.Fatal(err)
	}
	if bed.floor, err = newFloor(key); err != nil {
		b.Fatal(err)
	}
	bed.sign = bareSignature(key)
	bed.answer.header = make(http.Header)
	bed.request, err = http.NewRequest(http.MethodPost, benchIssuer+"/connect/token", nil)
	if err != nil {
		b.Fatal(err)
	}
	bed.request.RemoteAddr = "192.0.2.1:1234"
	bed.request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	bed.request.Body = body{&bed.body}
	return bed
}

// bareSignature signs as the endpoint does a message as long as a token's.
func bareSignature(key jws.Key) func(testing.TB) {
	message := []byte(strings.Repeat("x", 450))
	random := rand.Reader
	if key.Algorithm == jws.ES256 {
		random = nil // as a KeySet does, but for BoringCrypto
	}
	return func(b testing.TB) {
		digest, hash := message, crypto.Hash(0)
		if key.Algorithm != jws.EdDSA {
			sum := sha256.Sum256(message)
			digest, hash = sum[:], crypto.SHA256
		}
		if _, err := key.Signer.Sign(random, digest, hash); err != nil {
			b.Fatal(err)
		}
	}
}

// requests returns n bodies of a grant, made in advance.
func (bed *bed) requests(b testing.TB, grant string, n int) func() string {
	b.Helper()
	form := url.Values{"grant_type": {grant}, "client_id": {bed.client.ID}, "client_secret": {bed.secret.Reveal()}}
	switch grant {
	case grants.TypeAuthorizationCode:
		form.Set("redirect_uri", benchRedirect)
		form.Set("code_verifier", testVerifier)
	case grants.TypeAPIKey:
		form.Set("api_key", bed.apiKey(b))
	}
	common := form.Encode()
	if grant == grants.TypeClientCredentials || grant == grants.TypeAPIKey {
		return func() string { return common }
	}
	bodies := make([]string, n)
	for i := range bodies {
		name, secret := "code", bed.code(b)
		if grant == grants.TypeRefreshToken {
			name, secret = "refresh_token", bed.refreshToken(b)
		}
		bodies[i] = common + "&" + name + "=" + secret
	}
	i := 0
	return func() string {
		i++
		return bodies[i-1]
	}
}

func (bed *bed) apiKey(b testing.TB) string {
	key, record, err := grants.NewAPIKey("ck_", storage.APIKey{ClientID: bed.client.ID, Scope: bed.client.Scope}, time.Now())
	if err == nil {
		err = bed.store.PutAPIKey(b.Context(), record)
	}
	if err != nil {
		b.Fatal(err)
	}
	return key.Reveal()
}

func (bed *bed) code(b testing.TB) string {
	code, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
		Issuer: benchIssuer, Client: bed.client, Subject: "user-1", Scope: bed.client.Scope, RedirectURI: benchRedirect,
		CodeChallenge: testChallenge, CodeChallengeMethod: "S256",
	}, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	record.ExpiresAt = record.IssuedAt.Add(bed.codeLifetime)
	record.FamilyExpiresAt = record.ExpiresAt
	bed.add(b, record)
	return code.Reveal()
}

func (bed *bed) refreshToken(b testing.TB) string {
	secret := storage.NewSecret(grants.RefreshTokenPrefix)
	now := time.Now()
	bed.add(b, &storage.Credential{
		Digest: secret.Digest(storage.KindRefreshToken), Kind: storage.KindRefreshToken, Family: secret.Digest("family").String(),
		Issuer: benchIssuer, ClientID: bed.client.ID, Subject: "user-1", Scope: bed.client.Scope, Audience: []string{benchAudience},
		IssuedAt: now, ExpiresAt: now.Add(time.Hour), FamilyExpiresAt: now.Add(24 * time.Hour), MaxUses: 101,
	})
	return secret.Reveal()
}

func (bed *bed) add(b testing.TB, c *storage.Credential) {
	if err := bed.store.CreateCredential(context.Background(), c); err != nil {
		b.Fatal(err)
	}
}

// serve takes one request to a handler. The rig costs both handlers the same,
// and allocates nothing.
func (bed *bed) serve(b testing.TB, h http.Handler, text string) {
	bed.body.Reset(text)
	r := bed.request
	r.ContentLength, r.Form, r.PostForm = int64(len(text)), nil, nil
	clear(bed.answer.header)
	bed.answer.status, bed.answer.n = 0, 0
	h.ServeHTTP(&bed.answer, r)
	if bed.answer.status > http.StatusOK || bed.answer.n < 200 {
		b.Fatalf("got status %d and %d bytes, want a token", bed.answer.status, bed.answer.n)
	}
}

// body is a body that can be read again.
type body struct{ *strings.Reader }

func (body) Close() error { return nil }

// sink is a ResponseWriter that keeps nothing. It has deadlines, as that of
// net/http does.
type sink struct {
	header    http.Header
	status, n int
}

func (s *sink) Header() http.Header             { return s.header }
func (s *sink) WriteHeader(status int)          { s.status = status }
func (*sink) SetReadDeadline(_ time.Time) error { return nil }

func (s *sink) Write(b []byte) (int, error) {
	s.n += len(b)
	return len(b), nil
}
