package sqlstore

import (
	"context"
	"slices"
	"strings"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore/internal/coalesce"
)

// sizes are the numbers of rows for which there is a statement. Fewer rows are
// filled up with rows of NULL, which add nothing and cost little.
//
// So there are few statements, each prepared once for a connection, and
// PostgreSQL keeps their plans under all settings of the session: after five
// executions it finds that plans for the very values are no better. If the rows
// came in arrays it would find that plans for their very lengths are, and plan
// again and again.
var sizes = [...]int{4, 8, 16, 32, coalesce.MostRows}

// recordColumns are those that args.record adds.
func recordColumns(further ...named) []named {
	return slices.Concat(credentialColumns.named(), []named{{"delete_after", aNumber}, {"receipt", aNumber}}, further)
}

// parameter is one whose type the database would not guess, since it does not
// go into a column of a table at once. To MySQL it would be text.
func (d Dialect) parameter(holds kind) string {
	switch d {
	case Postgres:
		return [...]string{"?::BYTEA", "?::BYTEA", "?::TEXT", "?::BIGINT"}[holds]
	case MySQL:
		return [...]string{"CAST(? AS BINARY(32))", "CAST(? AS BINARY)", "CAST(? AS BINARY)", "CAST(? AS SIGNED)"}[holds]
	}
	return "?"
}

// rows is a table v of n rows of parameters.
func (d Dialect) rows(columns []named, n int) string {
	var names, first, row []string
	for _, c := range columns {
		names = append(names, c.name)
		first = append(first, d.parameter(c.holds)+" AS "+c.name)
		row = append(row, d.parameter(c.holds))
	}
	values := strings.Join(row, ", ")
	if d == Postgres {
		return "(VALUES (" + values + ")" + strings.Repeat(", ("+values+")", n-1) + ") v (" + strings.Join(names, ", ") + ")"
	}
	return "(SELECT " + strings.Join(first, ", ") + strings.Repeat(" UNION ALL SELECT "+values, n-1) + ") v"
}

// spendAllSQL is spendSQL for n rows. The text makes every dialect take row
// after row and find the spent record by its index: databases keep plans, and a
// plan made while the table is small would read all of it when it has grown.
func (d Dialect) spendAllSQL(n int) string {
	v := d.rows(recordColumns(named{"spent_at", aNumber}, named{"salt", aBlob}, named{"ends_at", aNumber}, named{"parent", aDigest}), n)
	spendable := `old.kind IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {}revoked_families r WHERE r.family = old.family)`
	from := map[Dialect]string{
		Postgres: ` CROSS JOIN LATERAL (SELECT old.digest, old.family, old.max_uses FROM {}credentials old
			WHERE old.digest = v.parent AND ` + spendable + ` LIMIT 1) old`,
		MySQL:  ` STRAIGHT_JOIN {}credentials old FORCE INDEX (PRIMARY) ON old.digest = v.parent WHERE ` + spendable,
		SQLite: ` CROSS JOIN {}credentials old ON old.digest = v.parent WHERE ` + spendable,
	}[d]
	return spendIntoSQL + ` SELECT ` + credentialColumns.names("v.") + `, v.delete_after, v.receipt, old.family,
		old.digest, 1, old.max_uses, v.spent_at, v.salt, v.ends_at FROM ` + v + from + ` {or ignore} ` + d.returning()
}

// createAllSQL is createCredentialSQL for n rows.
func (d Dialect) createAllSQL(n int) string {
	v := d.rows(recordColumns(named{"family", aText}), n)
	return `INSERT INTO {}credentials (` + recordNames + `) SELECT v.* FROM ` + v + ` WHERE v.digest IS NOT NULL {or ignore} ` + d.returning()
}

// returning has the database tell which rows it added, where it can.
func (d Dialect) returning() string {
	if d == Postgres {
		return "RETURNING digest"
	}
	return ""
}

// shared is a statement of each of the sizes.
type shared [len(sizes)]*statement

func (all *shared) entries(text func(n int) string) (found []entry) {
	for i, n := range sizes {
		found = append(found, entry{&all[i], text(n)})
	}
	return found
}

// entries returns all statements.
func (s *Store) entries() []entry {
	all := s.statements.all()
	if s.dialect == Postgres {
		all = append(all, entry{&s.confirmCreated, confirmCreatedSQL}, entry{&s.confirmSpent, confirmSpentSQL})
	}
	if !s.uncoalesced {
		all = append(all, s.spendAll.entries(s.dialect.spendAllSQL)...)
		all = append(all, s.createAll.entries(s.dialect.createAllSQL)...)
		if s.dialect.sharesReads() {
			all = append(all, s.credentialAll.entries(s.dialect.credentialAllSQL)...)
			all = append(all, s.clientAll.entries(s.dialect.clientAllSQL)...)
		}
	}
	return all
}

// row is a row that is to be added, whose first column is its digest.
type row struct {
	*args
	parent storage.Digest // or its own digest, if it has no parent
}

func (r row) digest() storage.Digest { return storage.Digest(r.values[0].([]byte)) }

// Keys implements [coalesce.Row].
func (r row) Keys() [2]coalesce.Key {
	return [2]coalesce.Key{coalesce.Key(r.parent), coalesce.Key(r.digest())}
}

// Size implements [coalesce.Row].
func (r row) Size() (n int) {
	for _, v := range r.values {
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
	}
	return n
}

// limits returns the limits of the dialect's queues. SQLite has one writer at a
// time: others would wait for the file instead, and find out by turns whether
// it is free.
func (d Dialect) limits() coalesce.Limits {
	if d == SQLite {
		return coalesce.Limits{FewRows: 1, MostStatements: 1}
	}
	return coalesce.Limits{FewRows: 8, MostStatements: 4}
}

// queue makes a queue of rows that are added alone with one statement and shared
// with others.
func (s *Store) queue(one *statement, many *shared) *coalesce.Queue[row] {
	q := &coalesce.Queue[row]{Limits: s.dialect.limits(), Alone: func(ctx context.Context, r row) (bool, error) {
		n, err := s.exec(ctx, one, r.args)
		return err == nil && n > 0, err
	}}
	if !s.uncoalesced {
		q.Shared = func(ctx context.Context, all []row) (func(row) coalesce.Result, error) {
			return s.addAll(ctx, many, all)
		}
	}
	return q
}

// addAll adds rows with one statement. That it fails is not looked into, and it
// is not repeated.
func (s *Store) addAll(ctx context.Context, many *shared, all []row) (func(row) coalesce.Result, error) {
	size := 0
	for sizes[size] < len(all) {
		size++
	}
	a := &args{values: make([]any, 0, sizes[size]*len(all[0].values))}
	for _, r := range all {
		a.values = append(a.values, r.values...)
	}
	a.values = a.values[:cap(a.values)] // and rows of NULL
	if s.dialect == Postgres {
		return s.addAllReturning(ctx, many[size], a)
	}
	// The database tells how many rows it added. Unless they are all, each caller
	// looks for its own.
	n, err := execOn(ctx, toPool, many[size], a)
	return func(row) coalesce.Result {
		if n == int64(len(all)) {
			return coalesce.Added
		}
		return coalesce.NotAdded
	}, err
}

// addAllReturning has the database tell which rows it added. Its answer holds
// when all of it has been read without an error: the statement is committed then.
func (s *Store) addAllReturning(ctx context.Context, st *statement, a *args) (func(row) coalesce.Result, error) {
	found := make(map[storage.Digest]bool)
	_, err := queryOn(ctx, toPool, st, a, func(row scan) (d digest, err error) {
		err = row(&d)
		found[storage.Digest(d)] = true
		return d, err
	})
	return func(r row) coalesce.Result {
		if found[r.digest()] {
			return coalesce.Added
		}
		return coalesce.NotAdded
	}, err
}
