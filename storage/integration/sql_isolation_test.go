package integration_test

import (
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/storage/storagetest"
)

// TestIsolation runs the suite at the levels that a host may have chosen.
func TestIsolation(t *testing.T) {
	t.Parallel()
	levels := map[sqlstore.Dialect]map[string]string{
		sqlstore.Postgres: {
			"REPEATABLE READ": "repeatable read", "SERIALIZABLE": "serializable",
		},
		sqlstore.MySQL: {
			"READ COMMITTED": "'READ-COMMITTED'", "SERIALIZABLE": "'SERIALIZABLE'",
		},
	}
	for dialect, values := range levels {
		for level, value := range values {
			t.Run(dialect.String()+" "+level, func(t *testing.T) {
				s := on(t, dialect)
				show := `SHOW default_transaction_isolation`
				if dialect == sqlstore.Postgres {
					s.dsn = s.with("default_transaction_isolation", value)
				} else {
					s.dsn, show = atLevel(t, s, value)
				}
				db := s.open(t)
				var got string
				if err := db.QueryRowContext(t.Context(), show).Scan(&got); err != nil || (got != value && "'"+got+"'" != value) {
					t.Fatalf("the level: got %q and error %v, want %s", got, err, value)
				}
				store := s.newStore(t, db)
				defer amid(t, store, enough)()
				storagetest.RunCredentials(t, func(testing.TB) storage.Credentials { return store })
				storagetest.RunRevocations(t, func(testing.TB) storagetest.Revocations { return store })
				storagetest.RunSigningKeys(t, func(testing.TB) storage.SigningKeys { return store })
			})
		}
	}
}

// atLevel finds out the server's name of the variable: MariaDB and MySQL
// differ.
func atLevel(t *testing.T, s server, value string) (dsn, show string) {
	for _, name := range []string{"transaction_isolation", "tx_isolation"} {
		other := s
		other.dsn = s.with(name, value)
		if other.open(t).PingContext(t.Context()) == nil {
			return other.dsn, `SELECT @@` + name
		}
	}
	t.Fatal("the server knows no isolation levels")
	return "", ""
}

// TestLockTimeout has fifty callers wait for each other, and the server give up
// on most of them: they may get an outage, but no wrong verdict.
func TestLockTimeout(t *testing.T) {
	s := on(t, sqlstore.Postgres)
	s.dsn = s.with("lock_timeout", "1ms")
	store := s.newStore(t, s.open(t))
	for range 10 {
		c := sample("alice")
		add(t, store, c)
		errs := make(chan error)
		for range 50 {
			go func() { errs <- store.Spend(t.Context(), c, following(c), start) }()
		}
		won := 0
		for range 50 {
			switch err := <-errs; {
			case err == nil:
				won++
			case !isVerdict(err):
				t.Logf("an outage: %v", err)
			default:
				wantErr(t, "Spend of a loser", err, storage.ErrSpent)
			}
		}
		if won != 1 {
			t.Errorf("%d of 50 won, want 1", won)
		}
	}
}
