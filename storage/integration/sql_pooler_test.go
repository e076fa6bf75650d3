package integration_test

import (
	"io"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/storage/storagetest"
	"github.com/contit/oauth/tokenendpoint/endpointtest"
)

// sending is a way in which a driver sends a statement that is not prepared.
type sending struct {
	name, driver, settings string
	atOnce                 bool // whether text and parameters go together, and nothing is prepared
	suites                 int  // 2: all of them run with it, 1: that of credentials
}

var sendings = []sending{
	{"pgx cache_statement", "pgx", "", false, 0},
	{"pgx describe_exec", "pgx", "default_query_exec_mode=describe_exec", false, 0},
	{"pgx cache_describe", "pgx", "default_query_exec_mode=cache_describe", true, 0},
	{"pgx exec", "pgx", "default_query_exec_mode=exec", true, 2},
	{"pgx simple_protocol", "pgx", "default_query_exec_mode=simple_protocol", true, 0},
	{"lib pq", "postgres", "", false, 0},
	{"lib pq with binary_parameters", "postgres", "binary_parameters=yes", true, 1},
}

// A pooler that knows no prepared statements gives each transaction the connection that
// is free. Open finds that out, and the store keeps its promises with every driver that
// can work so.
func TestStoreThroughAPooler(t *testing.T) {
	p := newPooler(t)
	for _, w := range sendings {
		if !w.atOnce {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			s := p.with(w.driver, "transaction", w.settings)
			c := migrated(t, s.config(t, s.open(t)))
			store := opened(t, c)
			stop := p.stir(t)
			full := fullCode()
			add(t, store, full)
			if got := find(t, store, full); !reflect.DeepEqual(got, full) {
				t.Errorf("a code with every field: got %+v, want %+v", got, full)
			}
			switch w.suites {
			case 2:
				storagetest.Run(t, func(testing.TB) storagetest.Store { return store })
				endpointtest.Run(t, func(testing.TB) storagetest.Store { return store })
				storagetest.RunManagement(t, func(testing.TB) storagetest.Management { return store })
				storagetest.RunSigningKeys(t, func(testing.TB) storage.SigningKeys { return store })
			case 1:
				storagetest.RunCredentials(t, func(testing.TB) storage.Credentials { return store })
			}
			stop()
		})
		t.Run(w.name+" shares, and sweeps", func(t *testing.T) {
			s := p.with(w.driver, "transaction", w.settings)
			c := migrated(t, s.config(t, s.open(t)))
			store := opened(t, c)
			var callers sync.WaitGroup
			for range enough {
				callers.Go(func() {
					next := sample("alice")
					add(t, store, next)
					for range 10 {
						old := next
						next = following(old)
						spend(t, store, old, next, start)
					}
				})
			}
			callers.Wait()
			wantRows(t, c, "before the sweep", 11*enough, 0)
			end := sample("alice").FamilyExpiresAt
			deleted(t, store, end.Add(time.Second), 0)  // the credentials
			deleted(t, store, end.Add(25*time.Hour), 0) // the marks of their use
			wantRows(t, c, "after the sweep", 0, 0)
		})
	}
}

// Clients of an endpoint behind a pooler see what they would see without one.
func TestFamiliesThroughAPooler(t *testing.T) {
	b := newFaultBed(t, newPooler(t).server)
	at := []string{b.newChild(tuning{}, 0).url, b.newChild(tuning{}, 0).url}
	for range 3 {
		b.n.faults.Add(1)
		b.raceOnce(at, 50)
	}
	b.liveFamilies(at, time.Second)
	b.n.report(t)
}

// Where the driver would prepare statements, or send a text and its parameters in two
// parts, the parameters could reach the statement of another client. Open refuses it.
func TestOpenRefusesADriverThatPreparesThroughAPooler(t *testing.T) {
	p, direct := newPooler(t), on(t, sqlstore.Postgres)
	c := migrated(t, direct.config(t, direct.open(t)))
	for _, w := range sendings {
		t.Run(w.name, func(t *testing.T) {
			ways := map[string]string{
				"found": p.with(w.driver, "transaction", w.settings).dsn,
				"said":  strings.TrimSuffix(direct.with("application_name", "test")+"&"+w.settings, "&"),
			}
			if w.driver == "postgres" { // a pool of one, in which a connection can be waited for in vain
				ways["one"] = p.with(w.driver, "one", w.settings).dsn
			}
			for name, dsn := range ways {
				c := c
				c.DB, c.Unprepared = direct.openAs(t, w.driver, dsn), name == "said"
				store, err := sqlstore.Open(t.Context(), c)
				switch {
				case !w.atOnce:
					wantRemedy(t, name, err, "default_query_exec_mode=exec")
					wantRemedy(t, name, err, "binary_parameters=yes")
				case err != nil:
					t.Errorf("%s: Open: got error %v, want none", name, err)
				default:
					must(t, "Close", store.Close())
				}
			}
		})
	}
}

// Where statements stay prepared the store prepares them, and a pooler that begins no
// transactions is refused.
func TestModesOfAPooler(t *testing.T) {
	p := newPooler(t)
	session := p.with("pgx", "session", "")
	c := migrated(t, session.config(t, session.open(t)))
	c.DB.SetMaxOpenConns(2)
	opened(t, c)
	if n := count(t, c.DB, `SELECT COUNT(*) FROM pg_prepared_statements`); n < 50 {
		t.Errorf("in the mode session: got %d prepared statements, want all of the store's", n)
	}
	c.DB = session.openAs(t, "pgx", p.with("pgx", "statement", "default_query_exec_mode=exec").dsn)
	_, err := sqlstore.Open(t.Context(), c)
	wantRemedy(t, "Open in the mode statement", err, `mode must be "transaction" or "session"`)
}

// With one connection Open cannot find a pooler. The error of the first statement that
// is lost tells what to do.
func TestLostStatementNamesTheRemedy(t *testing.T) {
	p := newPooler(t)
	s := p.with("pgx", "transaction", "default_query_exec_mode=exec")
	c := migrated(t, s.config(t, s.open(t)))
	c.DB = s.open(t)
	c.DB.SetMaxOpenConns(1)
	store, err := sqlstore.Open(t.Context(), c)
	must(t, "Open", err)
	defer store.Close() // it may say that its connection has gone
	others := s.open(t)
	for range 3 { // of four connections to the server
		tx, err := others.BeginTx(t.Context(), nil)
		must(t, "BEGIN", err)
		defer tx.Rollback()
		_, err = tx.Exec(`SELECT 1`)
		must(t, "SELECT", err)
	}
	_, err = store.Client(t.Context(), "nobody")
	wantRemedy(t, "a lost statement", err, "Config.Unprepared")

	c.DB, c.Unprepared = others, true
	must(t, "PutClient", opened(t, c).PutClient(t.Context(), &storage.Client{ID: "client"}))
}

// Unprepared is one trip for each statement, however the driver sends it.
func TestTripsOfStatementsThatAreNotPrepared(t *testing.T) {
	direct := on(t, sqlstore.Postgres)
	u, err := url.Parse(direct.dsn)
	must(t, "the data source name", err)
	for _, w := range sendings {
		if !w.atOnce {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			trips := new(atomic.Int64)
			link := newCutter(t, u.Host, func() protocol {
				return &countedProtocol{postgresProtocol{spends: make(map[string]bool)}, trips}
			})
			link.calm.Store(true)
			s, through := direct, *u
			through.Host = link.addr
			s.driver, s.dsn = w.driver, through.String()+"&"+w.settings
			c := s.config(t, s.open(t))
			c.DB.SetMaxOpenConns(1)
			c.Unprepared = true
			store := opened(t, migrated(t, c))
			rotate := func() {
				old := sample("alice")
				must(t, "CreateCredential", store.CreateCredential(t.Context(), old))
				found, err := store.Credential(t.Context(), old.Digest)
				must(t, "Credential", err)
				must(t, "Spend", store.Spend(t.Context(), found, following(found), time.Now()))
			}
			rotate() // cache_describe asks once for each text
			trips.Store(0)
			rotate()
			if n := trips.Load(); n != 3 {
				t.Errorf("to create, find and spend a credential: got %d round trips, want 3", n)
			}
		})
	}
}

// countedProtocol counts the trips: each ends with ReadyForQuery.
type countedProtocol struct {
	postgresProtocol
	trips *atomic.Int64
}

func (p *countedProtocol) answer(r io.Reader) (m []byte, spent int, committed bool, err error) {
	m, spent, committed, err = p.postgresProtocol.answer(r)
	if err == nil && m[0] == 'Z' {
		p.trips.Add(1)
	}
	return m, spent, committed, err
}
