package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/contit/oauth/storage"
)

// sizes are the numbers of rows for which there is a statement. Fewer rows are
// filled up with rows of NULL, which add nothing and cost little.
//
// So there are few statements, each prepared once for a connection, and
// PostgreSQL keeps their plans, whatever the settings of the session: after five
// executions it finds that plans for the very values are no better. If the rows
// came in arrays it would find that plans for their very lengths are, and plan
// again and again.
var sizes = [...]int{4, 8, 16, 32, mostRows}

// column is one of a row, and what it holds.
type column struct {
	name  string
	holds kind
}

type kind int

const (
	aDigest kind = iota
	aBlob
	aText
	aNumber
)

// recordRow is the row that args.record makes.
var recordRow = []column{
	{"digest", aDigest}, {"kind", aText}, {"client_id", aText}, {"subject", aText}, {"scope", aText}, {"audience", aText},
	{"claims", aBlob}, {"api_key", aDigest}, {"redirect_uri", aText}, {"pkce", aText}, {"challenge", aText},
	{"issued_at", aNumber}, {"expires_at", aNumber}, {"family_expires_at", aNumber}, {"max_uses", aNumber},
	{"delete_after", aNumber}, {"receipt", aNumber},
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
func (d Dialect) rows(columns []column, n int) string {
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

// spendAllSQL is spendSQL for n rows. Every dialect is made to take row after
// row and to find what it spends by its index: plans are kept, and one that is
// made while a table is small would read all of it when it has grown.
func (d Dialect) spendAllSQL(n int) string {
	v := d.rows(append(slices.Clip(recordRow), column{"spent_at", aNumber}, column{"salt", aBlob}, column{"ends_at", aNumber}, column{"parent", aDigest}), n)
	spendable := `old.kind IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {}revoked_families r WHERE r.family = old.family)`
	from := map[Dialect]string{
		Postgres: ` CROSS JOIN LATERAL (SELECT old.digest, old.family, old.max_uses FROM {}credentials old
			WHERE old.digest = v.parent AND ` + spendable + ` LIMIT 1) old`,
		MySQL:  ` STRAIGHT_JOIN {}credentials old FORCE INDEX (PRIMARY) ON old.digest = v.parent WHERE ` + spendable,
		SQLite: ` CROSS JOIN {}credentials old ON old.digest = v.parent WHERE ` + spendable,
	}[d]
	return spendIntoSQL + ` SELECT v.digest, v.kind, v.client_id, v.subject, v.scope, v.audience, v.claims, v.api_key, v.redirect_uri,
		v.pkce, v.challenge, v.issued_at, v.expires_at, v.family_expires_at, v.max_uses, v.delete_after, v.receipt, old.family,
		old.digest, 1, old.max_uses, v.spent_at, v.salt, v.ends_at FROM ` + v + from + ` {or ignore} ` + d.returning()
}

// createAllSQL is createCredentialSQL for n rows.
func (d Dialect) createAllSQL(n int) string {
	v := d.rows(append(slices.Clip(recordRow), column{"family", aText}), n)
	return `INSERT INTO {}credentials (` + recordColumns + `) SELECT v.* FROM ` + v + ` WHERE v.digest IS NOT NULL {or ignore} ` + d.returning()
}

// returning has the database tell which rows it added, where it can.
func (d Dialect) returning() string {
	if d == Postgres {
		return "RETURNING digest"
	}
	return ""
}

// shared is a statement of each of the sizes.
type shared [len(sizes)]*sql.Stmt

func (all *shared) prepared(text func(n int) string) (p []prepared) {
	for i, n := range sizes {
		p = append(p, prepared{&all[i], text(n)})
	}
	return p
}

// prepared returns all statements.
func (s *Store) prepared() []prepared {
	all := s.statements.all()
	if !s.uncoalesced {
		all = append(all, s.spendAll.prepared(s.dialect.spendAllSQL)...)
		all = append(all, s.createAll.prepared(s.dialect.createAllSQL)...)
	}
	return all
}

// queue makes a queue of writes that are executed alone with one statement and
// together with others.
func (s *Store) queue(one *sql.Stmt, many *shared) *queue {
	q := &queue{limits: s.dialect.limits(), alone: func(ctx context.Context, w *write) (bool, error) {
		n, err := s.exec(ctx, one, w.args)
		return err == nil && n > 0, err
	}}
	if !s.uncoalesced {
		q.together = func(ctx context.Context, all []*write) (func(*write) word, error) { return s.addAll(ctx, many, all) }
	}
	return q
}

// addAll adds rows with one statement. That it fails is not looked into, and it
// is not repeated.
func (s *Store) addAll(ctx context.Context, many *shared, all []*write) (func(*write) word, error) {
	size := 0
	for sizes[size] < len(all) {
		size++
	}
	a := &args{values: make([]any, 0, sizes[size]*len(all[0].values))}
	for _, w := range all {
		a.values = append(a.values, w.values...)
	}
	a.values = a.values[:cap(a.values)] // and rows of NULL
	if s.dialect == Postgres {
		return s.addAllReturning(ctx, many[size], a)
	}
	// The database tells how many rows it added. Unless they are all, it is up
	// to each of the callers to look.
	n, err := execOn(ctx, toPool, many[size], a)
	return func(*write) word {
		if n == int64(len(all)) {
			return added
		}
		return notAdded
	}, err
}

// addAllReturning has the database tell which rows it added. What it says holds
// when all has been read without an error: the statement is committed then.
func (s *Store) addAllReturning(ctx context.Context, st *sql.Stmt, a *args) (func(*write) word, error) {
	found := make(map[storage.Digest]bool)
	_, err := queryOn(ctx, toPool, st, a, func(row scan) (d digest, err error) {
		err = row(&d)
		found[storage.Digest(d)] = true
		return d, err
	})
	return func(w *write) word {
		if found[w.digest()] {
			return added
		}
		return notAdded
	}, err
}

// size is about how many bytes the row has.
func (w *write) size() (n int) {
	for _, v := range w.values {
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
	}
	return n
}
