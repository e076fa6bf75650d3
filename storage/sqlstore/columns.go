package sqlstore

import (
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
)

// kind is the type of a column's values.
type kind int

const (
	aDigest kind = iota
	aBlob
	aText
	aNumber
	aFlag
)

// named is the name and the kind of a column.
type named struct {
	name  string
	holds kind
}

// column is a column of a table whose rows are records. It has one function to
// write the field of a record and one to read it.
type column[T any] struct {
	named
	add  func(a *args, record *T)
	dest func(record *T) any
}

// columns are the columns of a record. Names, placeholders, parameters and scan
// targets follow from them, in one order.
type columns[T any] []column[T]

// names lists the columns, of a table with an alias such as "c." or none.
func (cs columns[T]) names(alias string) string {
	var b strings.Builder
	for i, c := range cs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(alias + c.name)
	}
	return b.String()
}

// placeholders is a parameter for each column.
func (cs columns[T]) placeholders() string {
	return "?" + strings.Repeat(", ?", len(cs)-1)
}

// assignments gives each column a parameter.
func (cs columns[T]) assignments() string {
	return strings.ReplaceAll(cs.names(""), ", ", " = ?, ") + " = ?"
}

// add adds the record's value for each column.
func (cs columns[T]) add(a *args, record *T) {
	a.values = slices.Grow(a.values, len(cs)+8) // and room for parameters that a statement adds
	for _, c := range cs {
		c.add(a, record)
	}
}

// dest is where a row of the columns goes in a record.
func (cs columns[T]) dest(record *T) []any {
	dest := make([]any, len(cs), len(cs)+8)
	for i, c := range cs {
		dest[i] = c.dest(record)
	}
	return dest
}

func (cs columns[T]) named() (all []named) {
	for _, c := range cs {
		all = append(all, c.named)
	}
	return all
}

func digestColumn[T any](name string, of func(*T) *storage.Digest) column[T] {
	return column[T]{named{name, aDigest}, func(a *args, r *T) { a.digest(*of(r)) }, func(r *T) any { return (*digest)(of(r)) }}
}

func identifierColumn[T any](name string, of func(*T) *string) column[T] {
	return column[T]{named{name, aText}, func(a *args, r *T) { a.identifier(*of(r)) }, func(r *T) any { return of(r) }}
}

func textColumn[T any](name string, of func(*T) *string) column[T] {
	return column[T]{named{name, aText}, func(a *args, r *T) { a.text(*of(r)) }, func(r *T) any { return of(r) }}
}

func listColumn[T any](name string, of func(*T) *[]string) column[T] {
	return column[T]{named{name, aText}, func(a *args, r *T) { a.list(*of(r)) }, func(r *T) any { return (*list)(of(r)) }}
}

func blobColumn[T any](name string, of func(*T) *[]byte) column[T] {
	return column[T]{named{name, aBlob}, func(a *args, r *T) { a.bytes(*of(r)) }, func(r *T) any { return of(r) }}
}

func instantColumn[T any](name string, of func(*T) *time.Time) column[T] {
	return column[T]{named{name, aNumber}, func(a *args, r *T) { a.instant(*of(r)) }, func(r *T) any { return (*instant)(of(r)) }}
}

func durationColumn[T any](name string, of func(*T) *time.Duration) column[T] {
	return column[T]{named{name, aNumber}, func(a *args, r *T) { a.duration(*of(r)) }, func(r *T) any { return (*duration)(of(r)) }}
}

func numberColumn[T any](name string, of func(*T) *int) column[T] {
	return column[T]{named{name, aNumber}, func(a *args, r *T) { a.number(int64(*of(r))) }, func(r *T) any { return of(r) }}
}

func flagColumn[T any](name string, of func(*T) *bool) column[T] {
	return column[T]{named{name, aFlag}, func(a *args, r *T) { a.flag(*of(r)) }, func(r *T) any { return of(r) }}
}

func assertionColumn[T any](name string, of func(*T) *storage.ClientAssertion) column[T] {
	return column[T]{named{name, aText}, func(a *args, r *T) { a.assertion(of(r)) }, func(r *T) any { return (*assertion)(of(r)) }}
}

func certificateColumn[T any](name string, of func(*T) *storage.ClientCertificate) column[T] {
	return column[T]{named{name, aText}, func(a *args, r *T) { a.certificate(of(r)) }, func(r *T) any { return (*certificate)(of(r)) }}
}
