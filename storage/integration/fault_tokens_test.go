package integration_test

import (
	"context"
	"crypto/rand"
	"errors"
	mrand "math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/redisstore"
	"github.com/contit/oauth/storage/sqlstore"
)

// keeper is a store that keeps revocations and signing keys.
type keeper interface {
	storage.Credentials
	storage.Revocations
	storage.SigningKeys
}

// tokenLoad asks about tokens, revokes them and their families, and makes
// signing keys, while its store goes and comes. It remembers the answers, and
// reports one that contradicts them.
type tokenLoad struct {
	testing.TB
	store keeper

	mu       sync.Mutex
	tokens   []string // that are revoked
	families []string
	made     []*storage.SigningKey // of which CreateSigningKey returned nil
	taken    []*storage.SigningKey // ErrExists, for a turn that nobody else asks for: the answer to a first try was lost
	turn     atomic.Int64

	calls, outages atomic.Int64
}

// newTokenLoad begins with one of each, while all is well.
func newTokenLoad(t testing.TB, s keeper) *tokenLoad {
	t.Helper()
	l := &tokenLoad{TB: t, store: s}
	for range 5 {
		l.round()
	}
	if l.outages.Load() > 0 {
		t.Fatal("the store has an outage before there is a fault")
	}
	return l
}

// known reports whether a call was answered. Any other result must not be a
// verdict either.
func (l *tokenLoad) known(what string, err error) bool {
	l.calls.Add(1)
	if err == nil {
		return true
	}
	l.outages.Add(1)
	time.Sleep(time.Millisecond) // or calls that are refused at once keep the machine busy
	if isVerdict(err) {
		l.Errorf("%s: got %v, which is a verdict, want an outage", what, err)
	}
	return false
}

// pick returns one of those that are known, or one that is new.
func (l *tokenLoad) pick(of *[]string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(*of) == 0 {
		return rand.Text()
	}
	return (*of)[mrand.IntN(len(*of))]
}

func (l *tokenLoad) note(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// round makes a call of each kind.
func (l *tokenLoad) round() {
	ctx, cancel := context.WithTimeout(l.Context(), 2*time.Second)
	defer cancel()
	id, family := rand.Text(), rand.Text()
	if l.known("RevokeToken", l.store.RevokeToken(ctx, id, time.Now().Add(time.Hour))) {
		l.note(func() { l.tokens = append(l.tokens, id) })
	}
	if l.known("Revoke", l.store.Revoke(ctx, family)) {
		l.note(func() { l.families = append(l.families, family) })
	}
	l.ask(ctx, "a token that is revoked", l.pick(&l.tokens), "", true)
	l.ask(ctx, "a token whose family is revoked", rand.Text(), l.pick(&l.families), true)
	l.ask(ctx, "a token that is good", rand.Text(), rand.Text(), false)

	k := signingKey(l.turn.Add(1))
	switch err := l.store.CreateSigningKey(ctx, k); {
	case errors.Is(err, storage.ErrExists):
		l.note(func() { l.taken = append(l.taken, k) })
	case l.known("CreateSigningKey", err):
		l.note(func() { l.made = append(l.made, k) })
	}
	l.mu.Lock()
	want := len(l.made)
	l.mu.Unlock()
	keys, err := l.store.SigningKeys(ctx)
	if l.known("SigningKeys", err) && len(keys) < want {
		l.Errorf("SigningKeys: got %d keys, want the %d at least that were made before", len(keys), want)
	}
}

func (l *tokenLoad) ask(ctx context.Context, what, id, family string, want bool) {
	got, err := l.store.Revoked(ctx, id, family)
	if l.known("Revoked", err) && got != want {
		l.Errorf("Revoked of %s: got %t, want %t or an outage", what, got, want)
	}
}

// while keeps four busy until f returns.
func (l *tokenLoad) while(f func()) {
	var busy sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		busy.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					l.round()
				}
			}
		})
	}
	f()
	close(stop)
	busy.Wait()
}

// settle compares, when the faults are over, the records in the store with its
// answers.
func (l *tokenLoad) settle() {
	l.Helper()
	ctx := l.Context()
	deadline := time.Now().Add(10 * time.Second)
	for _, err := l.store.SigningKeys(ctx); err != nil && time.Now().Before(deadline); _, err = l.store.SigningKeys(ctx) {
		time.Sleep(10 * time.Millisecond)
	}
	l.Logf("%d calls, %d outages, %d tokens and %d families revoked, %d keys made, %d found by their own makers",
		l.calls.Load(), l.outages.Load(), len(l.tokens), len(l.families), len(l.made), len(l.taken))
	if l.outages.Load() == 0 {
		l.Error("got no outage: the fault was not noticed")
	}
	for _, id := range l.tokens {
		wantRevoked(l, l.store, "a token whose RevokeToken returned nil", id, true)
	}
	for _, family := range l.families {
		if yes, err := l.store.Revoked(ctx, rand.Text(), family); err != nil || !yes {
			l.Errorf("Revoked of a token whose family's Revoke returned nil: got %t and error %v, want true", yes, err)
		}
	}
	keys, err := l.store.SigningKeys(ctx)
	if err != nil || !slices.IsSortedFunc(keys, func(a, b *storage.SigningKey) int { return int(a.Turn - b.Turn) }) {
		l.Fatalf("SigningKeys: got them in disorder, or error %v", err)
	}
	for _, want := range slices.Concat(l.made, l.taken) {
		i := slices.IndexFunc(keys, func(k *storage.SigningKey) bool { return k.Turn == want.Turn })
		if i < 0 || keys[i].ID != want.ID || string(keys[i].Sealed) != string(want.Sealed) {
			l.Errorf("SigningKeys: the key of turn %d is not there as it was made", want.Turn)
		}
	}
}

// The database is stopped, and started again.
func TestFaultTokensStopped(t *testing.T) {
	ownServers(t, func(t *testing.T, s *ownServer) {
		c := migrated(t, s.config(t, s.open(t)))
		l := newTokenLoad(t, opened(t, c))
		forFaults(t, 3*time.Second, func() {
			l.while(func() {
				time.Sleep(200 * time.Millisecond)
				s.kill()
				time.Sleep(500 * time.Millisecond)
				s.start()
				time.Sleep(300 * time.Millisecond)
			})
		})
		l.settle()
	})
}

// All connections to the database are cut, again and again, at any moment.
func TestFaultTokensCut(t *testing.T) {
	t.Parallel()
	for _, dialect := range []sqlstore.Dialect{sqlstore.Postgres, sqlstore.MySQL} {
		t.Run(dialect.String(), func(t *testing.T) {
			b := newFaultBed(t, on(t, dialect))
			cutter, dsn := b.through()
			cutter.calm.Store(true) // it knows spends alone
			_, store := b.pool(dsn)
			l := newTokenLoad(t, store)
			forFaults(t, 2*time.Second, func() {
				l.while(func() {
					for range 20 {
						time.Sleep(time.Duration(5+mrand.IntN(60)) * time.Millisecond)
						cutter.closeAll()
					}
				})
			})
			l.settle()
		})
	}
}

// Redis is killed, and comes back with all that it has acknowledged.
func TestFaultTokensRedisKilled(t *testing.T) {
	for name, single := range modes {
		t.Run(name, func(t *testing.T) {
			server := newRedis(t, "--appendonly", "yes", "--appendfsync", "always")
			rdb := redis.NewClient(&redis.Options{Addr: server.addr(), MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true})
			t.Cleanup(func() { rdb.Close() })
			l := newTokenLoad(t, openRedis(t, redisstore.Config{Do: viaGoRedis(rdb), SingleServer: single}))
			forFaults(t, 2*time.Second, func() {
				l.while(func() {
					time.Sleep(100 * time.Millisecond)
					server.kill()
					time.Sleep(50 * time.Millisecond)
					server.start()
					time.Sleep(100 * time.Millisecond)
				})
			})
			l.settle()
		})
	}
}

// TestFaultTokensRedisFlushed shows the loss of which the comment of package
// redisstore warns. It tests no promise; it shows the lack of one.
func TestFaultTokensRedisFlushed(t *testing.T) {
	server := newRedis(t)
	s := openRedis(t, redisstore.Config{Do: viaGoRedis(server.client())})
	ctx := t.Context()
	wantVerdict(t, "RevokeToken", s.RevokeToken(ctx, "jti", time.Now().Add(time.Hour)), nil)
	wantVerdict(t, "CreateSigningKey", s.CreateSigningKey(ctx, signingKey(1)), nil)
	if err := server.client().FlushAll(ctx).Err(); err != nil {
		t.Fatalf("FLUSHALL: %v", err)
	}
	wantRevoked(t, s, "a token, after a flush", "jti", false)
	wantSigningKeys(t, s)
	other := signingKey(1)
	wantVerdict(t, "CreateSigningKey for the turn that was lost", s.CreateSigningKey(ctx, other), nil)
	wantSigningKeys(t, s, other)
}

// Two processes on one database race to make the key of each turn.
func TestFaultReplicasMakeSigningKeys(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, s server) {
		b := newFaultBed(t, s)
		at := []string{b.newChild(tuning{}, 0).url, b.newChild(tuning{}, 0).url}
		const turns, racers = 10, 20
		winners := make(map[int64]string)
		for turn := int64(1); turn <= turns; turn++ {
			answers, ids := make([]string, racers), make([]string, racers)
			var done sync.WaitGroup
			for i := range racers {
				ids[i] = "kid-" + rand.Text()
				done.Go(func() { answers[i] = makeSigningKey(at[i%len(at)], turn, ids[i]) })
			}
			done.Wait()
			for i, answer := range answers {
				switch {
				case answer == "made" && winners[turn] == "":
					winners[turn] = ids[i]
				case answer != "exists":
					t.Errorf("turn %d: got %q, want one to have made it and all others that it exists", turn, answer)
				}
			}
		}
		keys, err := b.store.SigningKeys(t.Context())
		must(t, "SigningKeys", err)
		if len(keys) != turns {
			t.Errorf("SigningKeys: got %d keys, want %d", len(keys), turns)
		}
		for i, k := range keys {
			if k.Turn != int64(i+1) || k.ID != winners[k.Turn] {
				t.Errorf("SigningKeys: got turn %d with the ID %s in place %d, want it with %s", k.Turn, k.ID, i, winners[k.Turn])
			}
		}
	})
}

func makeSigningKey(at string, turn int64, id string) string {
	query := url.Values{"turn": {strconv.FormatInt(turn, 10)}, "id": {id}}
	answer, err := http.Get(at + "/signing-key?" + query.Encode())
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	return answer.Header.Get("Outcome")
}

// serveSigningKey makes a key, in a child.
func serveSigningKey(s storage.SigningKeys) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		turn, _ := strconv.ParseInt(r.URL.Query().Get("turn"), 10, 64)
		k := signingKey(turn)
		k.ID = r.URL.Query().Get("id")
		switch err := s.CreateSigningKey(r.Context(), k); {
		case err == nil:
			w.Header().Set("Outcome", "made")
		case errors.Is(err, storage.ErrExists):
			w.Header().Set("Outcome", "exists")
		default:
			w.Header().Set("Outcome", "outage")
		}
	}
}
