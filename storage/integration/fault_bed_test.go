package integration_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

const faultRedirect = "https://app.test/cb"

// faultBed is a database with a client in it, with helpers that ask the
// endpoints on it. Its own store connects to the database past all faults.
type faultBed struct {
	testing.TB
	server server
	config sqlstore.Config
	store  *sqlstore.Store
	client *storage.Client
	secret string
	apiKey string
	http   *http.Client
	n      *faultCounts
	wires  []*wire // of the pools
	amid   bool    // whether in each child others spend all the time
	// endpoints counts those that the bed has made, in this process and in children.
	endpoints atomic.Int64
	// patient has the page that issues codes wait for a database that has gone.
	patient bool
}

func newFaultBed(t testing.TB, s server) *faultBed {
	t.Helper()
	b := &faultBed{TB: t, server: s, n: new(faultCounts)}
	b.config = migrated(t, s.config(t, s.open(t)))
	b.store = opened(t, b.config)
	secret, hash := clientauth.NewSecret()
	b.secret = secret.Reveal()
	b.client = &storage.Client{
		ID:      "app",
		Secrets: []storage.ClientSecret{{ID: "1", Hash: hash}},
		GrantTypes: []string{
			grants.TypeClientCredentials, grants.TypeRefreshToken, grants.TypeAuthorizationCode, grants.TypeAPIKey,
		},
		Scope:           []string{"read"},
		RedirectURIs:    []string{faultRedirect},
		PKCENotRequired: true,
	}
	key := storage.NewSecret("key_")
	b.apiKey = key.Reveal()
	record := &storage.APIKey{
		Digest: key.Digest(storage.KindAPIKey), ID: "key", ClientID: b.client.ID, Subject: "alice",
		Scope: []string{"read"}, CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
	if err := b.store.PutClient(t.Context(), b.client); err != nil {
		t.Fatalf("PutClient: %v", err)
	}
	if err := b.store.PutAPIKey(t.Context(), record); err != nil {
		t.Fatalf("PutAPIKey: %v", err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	b.http = &http.Client{Transport: transport, Timeout: 20 * time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	return b
}

// pool opens a pool of its own on the bed's tables, by another way if dsn says so.
func (b *faultBed) pool(dsn string) (*sql.DB, *sqlstore.Store) {
	b.Helper()
	s := b.server
	s.dsn = dsn
	w, db := s.wired(b)
	w.counts = true
	b.wires = append(b.wires, w)
	c := b.config
	c.DB = db
	return db, opened(b, c)
}

// amidOthers lets other callers write with a store, until the test calls the
// function that it returns, so that the endpoints' writes share statements with
// theirs.
func (b *faultBed) amidOthers(store *sqlstore.Store) (stop func()) {
	b.Helper()
	others := amid(b, store, enough)
	return func() {
		others()
		for _, w := range b.wires {
			wantShared(b, w)
		}
	}
}

// cached reports whether the bed's next endpoint has a cache of clients. Each second one
// has, from the first on: a fault must spare neither kind. The bed decides for its
// children, too, since a child makes one endpoint and has no turns to count.
func (b *faultBed) cached(c tuning) bool {
	return b.endpoints.Add(1)%2 == 1 && !c.EachClientRead
}

// serve serves an endpoint in this process, and returns its address.
func (b *faultBed) serve(store storage.Storage, c tuning) string {
	b.Helper()
	h, err := faultHandler(store, faultKey(), c, b.cached(c))
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(h)
	b.Cleanup(server.Close)
	return server.URL
}

// code issues an authorization code that expires at an instant.
func (b *faultBed) code(expires time.Time) (string, *storage.Credential) {
	b.Helper()
	secret, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
		Issuer: testIssuer, Client: b.client, Subject: "alice", RedirectURI: faultRedirect, Scope: []string{"read"}, Lifetime: 10 * time.Minute,
	}, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	record.ExpiresAt = expires.UTC().Truncate(time.Microsecond)
	record.FamilyExpiresAt = record.ExpiresAt
	for b.patient {
		err := b.store.CreateCredential(b.Context(), record)
		if err == nil || errors.Is(err, storage.ErrExists) { // a try before has created it
			return secret.Reveal(), record
		}
		time.Sleep(50 * time.Millisecond)
	}
	add(b, b.store, record)
	return secret.Reveal(), record
}

// newCode issues one that lasts.
func (b *faultBed) newCode() string {
	b.Helper()
	code, _ := b.code(time.Now().Add(time.Hour))
	return code
}

// patiently calls f again while it returns an outage, for a while if the bed is patient.
func (b *faultBed) patiently(f func() error) error {
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err := f(); err == nil || isVerdict(err) || !b.patient || !time.Now().Before(end) {
			return err
		}
	}
}

// reply is the answer to a request, or its error.
type reply struct {
	err        error // nothing came, or half of it
	status     int
	retryAfter string
	body       struct {
		Error   string `json:"error"`
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
}

func (r *reply) ok() bool { return r.err == nil && r.status == http.StatusOK }

// refused reports a verdict about a code, a token or a client.
func (r *reply) refused() bool { return r.err == nil && r.status >= 400 && r.status < 500 }

// unknown reports whether the outcome of the request is unknown.
func (r *reply) unknown() bool { return !r.ok() && !r.refused() }

// post sends a request of the bed's client, and checks that the answer has the
// form of every answer: an outage is 503 with Retry-After, and tokens come with
// 200 and never without (INV7).
func (b *faultBed) post(url string, form url.Values) *reply {
	b.Helper()
	b.n.attempts.Add(1)
	if form.Get("client_id") == "" {
		form.Set("client_id", b.client.ID)
		form.Set("client_secret", b.secret)
	}
	r := new(reply)
	answer, err := b.http.Post(url, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	if err == nil {
		defer answer.Body.Close()
		r.status, r.retryAfter = answer.StatusCode, answer.Header.Get("Retry-After")
		var body []byte
		if body, err = io.ReadAll(answer.Body); err == nil {
			err = json.Unmarshal(body, &r.body)
		}
	}
	r.err = err
	tokens := r.body.Access != "" || r.body.Refresh != ""
	switch {
	case r.err != nil:
	case tokens != (r.status == http.StatusOK):
		b.n.mistake(b, "status %d, and tokens: %v", r.status, tokens)
	case r.status >= 500 && (r.status != http.StatusServiceUnavailable || r.retryAfter == "" || r.body.Error != "temporarily_unavailable"):
		b.n.mistake(b, "status %d with error %q and Retry-After %q, want 503", r.status, r.body.Error, r.retryAfter)
	}
	if r.unknown() {
		b.n.lost.Add(1)
	}
	return r
}

func (b *faultBed) redeem(at, code string) *reply {
	return b.post(at, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {faultRedirect}})
}

func (b *faultBed) refresh(at, token string) *reply {
	return b.post(at, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (b *faultBed) clientCredentials(at string) *reply {
	return b.post(at, url.Values{"grant_type": {"client_credentials"}})
}

func (b *faultBed) exchangeKey(at string) *reply {
	return b.post(at, url.Values{"grant_type": {"api_key"}, "api_key": {b.apiKey}})
}

func (b *faultBed) wrongSecret(at string) *reply {
	return b.post(at, url.Values{"grant_type": {"client_credentials"}, "client_id": {b.client.ID}, "client_secret": {"wrong"}})
}

// wantStored reports a refresh token that was handed out and is not there (INV3).
func (b *faultBed) wantStored(token string) {
	b.Helper()
	digest := storage.PresentedSecret(token).Digest(storage.KindRefreshToken)
	err := b.patiently(func() error { _, err := b.store.Credential(b.Context(), digest); return err })
	if err != nil {
		b.n.mistake(b, "a refresh token was handed out, and the store says %v", err)
	}
}

// wantOneLeaf reports families with more than one refresh token that can be
// used (INV4).
func (b *faultBed) wantOneLeaf() {
	b.Helper()
	var families int
	err := b.patiently(func() error {
		return b.config.DB.QueryRowContext(b.Context(), table(b.config, `SELECT COUNT(*) FROM (
			SELECT c.family FROM {}credentials c WHERE c.kind = 'refresh_token'
				AND NOT EXISTS (SELECT 1 FROM {}credentials m WHERE m.parent = c.digest)
			GROUP BY c.family HAVING COUNT(*) > 1) f`)).Scan(&families)
	})
	switch {
	case err != nil:
		b.Errorf("counting the families with two refresh tokens that can be used: %v", err)
	case families > 0:
		b.n.double(b, "%d families have two refresh tokens that can be used", families)
	}
}

// recovery is how soon an endpoint must work when its database does. A pool may
// still hold connections that are dead, and finds out by using them.
const recovery = 2 * time.Second

// wantRecovered repeats a request until it succeeds, and returns how long it took.
func (b *faultBed) wantRecovered(what string, f func() *reply) time.Duration {
	b.Helper()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		r := f()
		switch took := time.Since(began); {
		case r.ok() && took < recovery:
			return took
		case r.refused():
			b.n.mistake(b, "%s after a fault: status %d with error %q, want 200", what, r.status, r.body.Error)
			return took
		case took >= recovery:
			b.Errorf("%s after a fault: got status %d and error %v after %v, want 200 within %v", what, r.status, r.err, took, recovery)
			return took
		}
	}
}
