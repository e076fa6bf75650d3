package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
)

// Prometheus reads what the endpoint did, and no label that a stranger chose.
func TestMetrics(t *testing.T) {
	site := open(t)
	for _, form := range []url.Values{
		{"grant_type": {"api_key"}, "api_key": {laptop}},
		{"grant_type": {"api_key"}, "api_key": {revokedToken}},
		{"grant_type": {"made-up"}, "client_id": {"stranger"}, "client_secret": {"x"}},
	} {
		site.token(form, nil)
	}
	site.token(url.Values{"grant_type": {"made-up"}}, func(r *http.Request) { r.SetBasicAuth("nightly-report", reportSecret) })
	recorder := httptest.NewRecorder()
	site.oauth.metrics.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	got := recorder.Body.String()
	for _, want := range []string{
		`oauth_requests_total{endpoint="token",error="",grant_type="api_key",outcome="issued"} 1`,
		`oauth_requests_total{endpoint="token",error="invalid_grant",grant_type="api_key",outcome="refused"} 1`,
		`oauth_request_seconds_count{endpoint="token",outcome="issued"} 1`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("the metrics lack %s:\n%s", want, got)
		}
	}
	if strings.Contains(got, "made-up") || strings.Contains(got, "stranger") {
		t.Errorf("a stranger has chosen a label:\n%s", got)
	}
}

// An attacker behind the proxy is counted by its own address.
func TestProxies(t *testing.T) {
	site := open(t, "-proxies", "127.0.0.0/8,10.0.0.0/8")
	guess := func(from string) int {
		return site.token(url.Values{"grant_type": {"client_credentials"}}, func(r *http.Request) {
			r.SetBasicAuth("nightly-report", "wrong")
			r.Header.Set("X-Forwarded-For", "192.0.2.1, "+from+", 10.0.0.7")
		}).status
	}
	limited := false
	for range 400 {
		if limited = guess("198.51.100.9") == http.StatusTooManyRequests; limited {
			break
		}
	}
	if !limited {
		t.Error("400 wrong secrets from one address: got no 429")
	}
	if got := guess("203.0.113.5"); got != http.StatusUnauthorized {
		t.Errorf("a wrong secret from another address: got %d, want 401", got)
	}
}

// The store has no pool of its own: its connections are those of the site, under load too.
func TestOnePool(t *testing.T) {
	site := open(t)
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if got := site.token(url.Values{"grant_type": {"api_key"}, "api_key": {laptop}}, nil); got.status != 200 {
				t.Errorf("got %d %s, want 200", got.status, got.body)
			}
			if _, err := site.oauth.store.Revoked(t.Context(), "a token", "a family"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	store, pool := site.oauth.db.Stats().OpenConnections, site.pool.Stat()
	if store == 0 || store > connections/2 || int(pool.AcquiredConns()) < store {
		t.Errorf("the store holds %d connections, and %d are out of the pool, want 1 to %d of those", store, pool.AcquiredConns(), connections/2)
	}
	if got := pool.TotalConns(); got > connections {
		t.Errorf("the pool has %d connections, want %d at most", got, connections)
	}
}

// Another process over the same database takes the tokens of this one.
func TestReplica(t *testing.T) {
	first := open(t)
	token := first.browser().connect(first.reader(), "ada")
	second, err := newSite(t.Context(), first.pool, first.settings, first.log)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	ask := func(r *http.Request) *httptest.ResponseRecorder {
		recorder := httptest.NewRecorder()
		second.ServeHTTP(recorder, r)
		return recorder
	}
	me := httptest.NewRequest(http.MethodGet, "/api/me", nil)
	me.Header.Set("Authorization", "Bearer "+token.AccessToken)
	if got := ask(me); got.Code != http.StatusOK {
		t.Errorf("GET /api/me at the other: got %d %s, want 200", got.Code, got.Body)
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.RefreshToken}, "client_id": {"reader"}}
	refresh := httptest.NewRequest(http.MethodPost, "/connect/token", strings.NewReader(form.Encode()))
	refresh.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if got := ask(refresh); got.Code != http.StatusOK {
		t.Errorf("a refresh at the other: got %d %s, want 200", got.Code, got.Body)
	}
}

// The site deletes expired records while it runs.
func TestSweep(t *testing.T) {
	site := open(t)
	old := time.Now().Add(-48 * time.Hour).UTC()
	secret := storage.PresentedSecret("expired")
	record := &storage.Credential{
		Digest: secret.Digest(storage.KindRefreshToken), Kind: storage.KindRefreshToken, Family: "old", Issuer: site.url, ClientID: "reader",
		Subject: "user:1", IssuedAt: old, ExpiresAt: old.Add(time.Hour), FamilyExpiresAt: old.Add(time.Hour),
	}
	if err := site.oauth.store.CreateCredential(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	site.oauth.stop() // the sweep of this start is over; the next start sweeps at once
	site.oauth.beside.Wait()
	site.startBeside(t.Context())
	for deadline := time.Now().Add(time.Minute); site.count(`SELECT count(*) FROM oauth_store_credentials`) > 0; {
		if time.Now().After(deadline) {
			t.Fatal("the expired record is still there")
		}
		time.Sleep(5 * time.Millisecond) // the sweep is in a goroutine of the site
	}
}
