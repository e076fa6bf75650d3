package integration_test

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/redisstore"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// BenchmarkEndpoint has whole requests (ES256) on every store, by turns with the
// cheapest round trip to its server, from as many callers. It reports the median
// of both, and how many times the trip a request costs. For the store in memory the
// trip is nothing, and there is no ratio. Ten rounds are few:
//
//	go test -run '^$' -bench Endpoint -benchtime 30x .
func BenchmarkEndpoint(b *testing.B) {
	for _, s := range benchStores(b) {
		for _, grant := range []string{grants.TypeClientCredentials, grants.TypeAuthorizationCode, grants.TypeRefreshToken} {
			for _, callers := range []int{1, 8, 64} {
				b.Run(fmt.Sprintf("%s/%s/%d", s.name, grant, callers), func(b *testing.B) {
					store, trip := s.open(b)
					bed := newBenchBed(b, store)
					const each = 20 // requests of a caller in a round
					round := func() float64 { return bed.round(grant, callers, each) }
					for range 5 { // the connections, and the plans
						round()
					}
					var requests, trips, ratio []float64
					for b.Loop() {
						request := round()
						requests = append(requests, request)
						if trip != nil {
							t := crowd(callers, each, func(int) { must(b, "the round trip", trip(b.Context())) })
							trips, ratio = append(trips, t), append(ratio, request/t)
						}
					}
					b.ReportMetric(0, "ns/op") // it says nothing
					b.ReportMetric(median(requests), "µs/request")
					if trip != nil {
						b.ReportMetric(median(trips), "µs/trip")
						b.ReportMetric(median(ratio), "x-trip")
					}
				})
			}
		}
	}
}

var growthFamilies = flag.Int("growth-families", 100_000, "live families in the big store of BenchmarkGrowth")

// BenchmarkGrowth refreshes by turns in a store that holds a thousand families
// and in one that holds many: x-small is the cost of the large store as a
// multiple of the small one's.
//
//	go test -run '^$' -bench Growth -benchtime 100x -growth-families 1000000 .
func BenchmarkGrowth(b *testing.B) {
	for _, s := range benchStores(b) {
		b.Run(fmt.Sprintf("%s/%d", s.name, *growthFamilies), func(b *testing.B) {
			var beds [2]*benchBed
			for i, families := range []int{1000, *growthFamilies} {
				store, _ := s.open(b)
				beds[i] = newBenchBed(b, store)
				s.fill(b, store, families)
			}
			var costs [2][]float64
			turn := func(i int) float64 { return beds[i].round(grants.TypeRefreshToken, 1, 50) }
			for range 4 {
				turn(0)
				turn(1)
			}
			for b.Loop() {
				for i := range beds {
					costs[i] = append(costs[i], turn(i))
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(costs[1])/median(costs[0]), "x-small")
		})
	}
}

// benchStore is a store to measure. open makes a new one, empty, and the round
// trip to its server; fill puts that many families into it that no client uses; alone
// is the store that open has made, and coalesces nothing.
type benchStore struct {
	name  string
	open  func(b *testing.B) (managed, func(context.Context) error)
	fill  func(b *testing.B, store managed, families int)
	alone func(b *testing.B) managed
}

type managed interface {
	storage.Storage
	PutClient(context.Context, *storage.Client) error
}

func benchStores(b *testing.B) []benchStore {
	all := []benchStore{{
		"memory", func(*testing.B) (managed, func(context.Context) error) { return new(memory.Store), nil }, fillOneByOne, nil,
	}}
	for _, s := range servers(b) {
		if s.missing != "" {
			continue
		}
		s.dsn = strings.Replace(s.dsn, "synchronous%28NORMAL%29", "synchronous%28FULL%29", 1) // as durable as the others
		var config sqlstore.Config
		all = append(all, benchStore{s.name, func(b *testing.B) (managed, func(context.Context) error) {
			config = migrated(b, s.config(b, s.open(b)))
			one, err := config.DB.PrepareContext(b.Context(), "SELECT 1")
			must(b, "Prepare", err)
			b.Cleanup(func() { one.Close() })
			return opened(b, config), func(ctx context.Context) error {
				var n int
				return one.QueryRowContext(ctx).Scan(&n)
			}
		}, func(b *testing.B, _ managed, families int) { fillCredentials(b, s, config, families) },
			func(b *testing.B) managed {
				c := config
				c.Uncoalesced = true
				return opened(b, c)
			}})
	}
	if os.Getenv("OAUTH_TEST_REDIS") != "" {
		var store managed
		all = append(all, benchStore{"Redis", func(b *testing.B) (managed, func(context.Context) error) {
			rdb := redisClient(b, os.Getenv("OAUTH_TEST_REDIS"))
			redis, err := redisstore.New(redisstore.Config{Do: viaGoRedis(rdb), Prefix: ownPrefix(b, rdb), SingleServer: true})
			must(b, "New", err)
			store = redis
			return store, func(ctx context.Context) error { return rdb.Ping(ctx).Err() }
		}, fillOneByOne, func(*testing.B) managed { return store }})
	}
	return all
}

// idle returns a credential that lives for a day and that no client uses.
func idle(now time.Time) *storage.Credential {
	c := sample("somebody")
	c.IssuedAt, c.ExpiresAt, c.FamilyExpiresAt = now, now.Add(24*time.Hour), now.Add(24*time.Hour)
	return c
}

func fillOneByOne(b *testing.B, store managed, families int) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	var left atomic.Int64
	left.Store(int64(families))
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := store.CreateCredential(b.Context(), idle(now)); err != nil {
					b.Errorf("CreateCredential: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
}

func fillCredentials(b *testing.B, s server, c sqlstore.Config, families int) {
	in := inserter{t: b, db: s.open(b), dialect: c.Dialect, prefix: c.TablePrefix}
	now := time.Now()
	end := now.Add(24 * time.Hour).UnixMicro()
	in.each(families, "credentials", 24, func(i int) []any {
		return []any{counted("idle", i), grants.TypeRefreshToken, fmt.Sprintf("family-%d", i), fmt.Sprintf("client-%d", i/10),
			fmt.Sprintf("subject-%d", i/10), `["read"]`, nil, []byte("{}"), nil, "", "", "", now.UnixMicro(), end, end, 3, end, i,
			nil, nil, nil, nil, nil, nil}
	})
	run(b, in.db, analyzing[c.Dialect]+c.TablePrefix+"credentials")
}

// benchBed is an endpoint on a store.
type benchBed struct {
	*testing.B
	store    managed
	endpoint http.Handler
	client   *storage.Client
	secret   string
	askers   sync.Pool // of *asker
}

func newBenchBed(b *testing.B, store managed) *benchBed {
	return newBenchBedWith(b, store, store)
}

// newBenchBedWith makes an endpoint that finds its clients elsewhere than in the store,
// such as in a cache.
func newBenchBedWith(b *testing.B, store managed, clients storage.Clients) *benchBed {
	secret, hash := clientauth.NewSecret()
	bed := &benchBed{B: b, store: store, secret: secret.Reveal(), client: &storage.Client{
		ID: "app-" + rand.Text(), Secrets: []storage.ClientSecret{{ID: "1", Hash: hash}}, Scope: []string{"read"},
		GrantTypes:   []string{grants.TypeClientCredentials, grants.TypeRefreshToken, grants.TypeAuthorizationCode},
		RedirectURIs: []string{faultRedirect}, PKCENotRequired: true,
	}}
	must(b, "PutClient", store.PutClient(b.Context(), bed.client))
	var err error
	parts := storage.Parts{Clients: clients, Credentials: store, APIKeys: store}
	bed.endpoint, err = newHandler(parts, faultKey(), tokenendpoint.Config{Grants: map[string]grants.Grant{
		grants.TypeClientCredentials: grants.ClientCredentials{},
		grants.TypeRefreshToken:      grants.RefreshToken{},
		grants.TypeAuthorizationCode: grants.AuthorizationCode{},
	}})
	must(b, "New", err)
	return bed
}

// round lets callers make requests, so many each, and returns what crowd does. The codes,
// and the families that are refreshed, are new: a family that is refreshed more often
// than the endpoint allows would be refused.
func (b *benchBed) round(grant string, callers, each int) float64 {
	if grant == grants.TypeRefreshToken {
		chains := b.refreshTokens(callers)
		return crowd(callers, each, func(i int) { chains[i] = b.refresh(chains[i]) })
	}
	bodies := b.bodies(grant, callers*each)
	var n atomic.Int64
	return crowd(callers, each, func(int) { b.post(bodies[n.Add(1)-1]) })
}

// bodies returns n requests, each with a code of its own if it needs one.
func (b *benchBed) bodies(grant string, n int) []string {
	form := url.Values{"grant_type": {grant}, "client_id": {b.client.ID}, "client_secret": {b.secret}}
	bodies := make([]string, n)
	var records []*storage.Credential
	for i := range bodies {
		if grant == grants.TypeAuthorizationCode {
			code, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
				Issuer: testIssuer, Client: b.client, Subject: "alice", RedirectURI: faultRedirect, Scope: b.client.Scope,
			}, time.Now())
			must(b, "NewAuthorizationCode", err)
			records = append(records, record)
			form.Set("code", code.Reveal())
			form.Set("redirect_uri", faultRedirect)
		}
		bodies[i] = form.Encode()
	}
	var next atomic.Int64
	crowd(len(records), 1, func(int) {
		must(b, "CreateCredential", b.store.CreateCredential(b.Context(), records[next.Add(1)-1]))
	})
	return bodies
}

// refreshTokens returns n, each of a family of its own.
func (b *benchBed) refreshTokens(n int) []string {
	tokens := b.bodies(grants.TypeAuthorizationCode, n)
	for i, body := range tokens {
		tokens[i] = b.post(body)
	}
	return tokens
}

func (b *benchBed) refresh(token string) (next string) {
	return b.post("grant_type=refresh_token&client_id=" + b.client.ID + "&client_secret=" + b.secret + "&refresh_token=" + token)
}

// post returns the refresh token of the answer, if there is one. What it does itself is
// next to nothing, as in the benchmarks of package tokenendpoint: what a request is
// held against has no HTTP at all.
func (b *benchBed) post(body string) string {
	a, _ := b.askers.Get().(*asker)
	if a == nil {
		a = newAsker()
	}
	defer b.askers.Put(a)
	text := a.ask(b.endpoint, body)
	if a.status != http.StatusOK || !strings.Contains(text, `"access_token":"`) {
		b.Errorf("got %d %s, want a token", a.status, text)
	}
	_, token, _ := strings.Cut(text, `"refresh_token":"`)
	token, _, _ = strings.Cut(token, `"`)
	return strings.Clone(token)
}

// asker is a request that can be made again, and the ResponseWriter of its answer. It has
// deadlines, as that of net/http does.
type asker struct {
	request *http.Request
	body    readAgain
	header  http.Header
	status  int
	answer  []byte
}

type readAgain struct{ strings.Reader }

func (*readAgain) Close() error { return nil }

func newAsker() *asker {
	a := &asker{header: make(http.Header)}
	a.request = httptest.NewRequest(http.MethodPost, "/connect/token", &a.body)
	a.request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return a
}

func (a *asker) ask(h http.Handler, body string) (answer string) {
	a.body.Reset(body)
	r := a.request
	r.Body, r.ContentLength, r.Form, r.PostForm = &a.body, int64(len(body)), nil, nil
	clear(a.header)
	a.status, a.answer = http.StatusOK, a.answer[:0]
	h.ServeHTTP(a, r)
	return string(a.answer)
}

func (a *asker) Header() http.Header             { return a.header }
func (a *asker) WriteHeader(status int)          { a.status = status }
func (*asker) SetReadDeadline(_ time.Time) error { return nil }

func (a *asker) Write(b []byte) (int, error) {
	a.answer = append(a.answer, b...)
	return len(b), nil
}

// crowd lets callers do something so many times each, and returns for how many
// microseconds each time held up the whole.
func crowd(callers, each int, do func(caller int)) float64 {
	began := time.Now()
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for range each {
				do(i)
			}
		})
	}
	all.Wait()
	return float64(time.Since(began).Nanoseconds()) / 1000 / float64(callers*each)
}
