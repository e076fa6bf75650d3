package sqlstore

import (
	"context"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore/internal/coalesce"
)

// sharesReads reports whether callers that look up records share statements. A read of
// SQLite is no trip to a server, so that there is none to save.
func (d Dialect) sharesReads() bool { return d != SQLite }

// credentialAllSQL is credentialSQL for n digests.
func (d Dialect) credentialAllSQL(n int) string {
	return `SELECT ` + credentialColumns.names("c.") + `, c.family,
		m.digest, m.parent_uses, m.parent_spent_at, m.parent_salt, m.parent_family_expires_at, r.family IS NOT NULL
	FROM ` + d.joined(n, named{"digest", aDigest}, "credentials", "AND c.kind IS NOT NULL") + `
	` + d.leftJoin("credentials m", "m.parent = c.digest") + `
	` + d.leftJoin("revoked_families r", "r.family = c.family")
}

// clientAllSQL is the statement client for n identifiers.
func (d Dialect) clientAllSQL(n int) string {
	return `SELECT ` + clientColumns.names("c.") + `, ` + secretColumns + `
	FROM ` + d.joined(n, named{"id", aText}, "clients", "") + `
	LEFT JOIN {}client_secrets s ON s.client_id = c.id`
}

// joined is the rows c of a table that n parameters name. As in spendAllSQL, the text
// makes a database find each by its index.
func (d Dialect) joined(n int, key named, table, condition string) string {
	on := `c.` + key.name + ` = v.` + key.name + ` ` + condition
	v := d.rows([]named{key}, n)
	if d == Postgres {
		return v + ` CROSS JOIN LATERAL (SELECT * FROM {}` + table + ` c WHERE ` + on + ` LIMIT 1) c`
	}
	return v + ` STRAIGHT_JOIN {}` + table + ` c FORCE INDEX (PRIMARY) ON ` + on
}

// leftJoin joins the one row of a table, if it is there.
func (d Dialect) leftJoin(table, on string) string {
	if d == Postgres {
		return `LEFT JOIN LATERAL (SELECT * FROM {}` + table + ` WHERE ` + on + ` LIMIT 1) ` + table[len(table)-1:] + ` ON TRUE`
	}
	return `LEFT JOIN {}` + table + ` ON ` + on
}

// of returns the statement for so many keys, and its parameters. It has rows of NULL,
// which find nothing.
func (all *shared) of(keys []string, add func(*args, string)) (*statement, *args) {
	size := 0
	for sizes[size] < len(keys) {
		size++
	}
	a := &args{values: make([]any, 0, sizes[size])}
	for _, k := range keys {
		add(a, k)
	}
	a.values = a.values[:cap(a.values)]
	return all[size], a
}

// wanted is a record that a caller looks up by its key.
type wanted[T any] struct {
	key   string
	found *T // if it is there
}

// Keys implements [coalesce.Row]. Callers that read are no rivals.
func (*wanted[T]) Keys() (none [2]coalesce.Key) { return none }

// Size implements [coalesce.Row].
func (w *wanted[T]) Size() int { return len(w.key) }

// readLimits are the limits of the queues of reads. A read waits for no disk: two at once
// keep a server busy, and eight writes do.
var readLimits = coalesce.Limits{FewRows: 2, MostStatements: 2}

// readQueue makes a queue of records that are looked up alone with one function, and
// together with another.
func readQueue[T any, P interface {
	*T
	Clone() *T
}](s *Store, one func(context.Context, string) (*T, error), all func(context.Context, []string) (map[string]*T, error)) *coalesce.Queue[*wanted[T]] {
	q := &coalesce.Queue[*wanted[T]]{Reads: true, Limits: readLimits, Alone: func(ctx context.Context, w *wanted[T]) (ok bool, err error) {
		w.found, err = one(ctx, w.key)
		return err == nil, err
	}}
	if s.uncoalesced || !s.dialect.sharesReads() {
		return q
	}
	q.Shared = func(ctx context.Context, together []*wanted[T]) (func(*wanted[T]) coalesce.Result, error) {
		callers := make(map[string]int, len(together))
		keys := make([]string, 0, len(together))
		for _, w := range together {
			if callers[w.key]++; callers[w.key] == 1 {
				keys = append(keys, w.key)
			}
		}
		found, err := all(ctx, keys)
		return func(w *wanted[T]) coalesce.Result {
			w.found = found[w.key]
			if w.found != nil && callers[w.key] > 1 { // each has one of its own
				w.found = P(w.found).Clone()
			}
			return coalesce.Added
		}, err
	}
	return q
}

// lookUp finds a record, or returns [storage.ErrNotFound].
func lookUp[T any](ctx context.Context, q *coalesce.Queue[*wanted[T]], what, key string) (*T, error) {
	w := &wanted[T]{key: key}
	switch _, err := q.Add(ctx, w); {
	case err != nil:
		return nil, wrap(what, err)
	case w.found == nil:
		return nil, storage.ErrNotFound
	}
	return w.found, nil
}
