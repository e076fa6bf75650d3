package sqlstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/contit/oauth/storage/sqlstore"
)

// poolerError is an error of PostgreSQL or PgBouncer as pgx gives it.
type poolerError struct{ severity, state string }

func (e poolerError) Error() string    { return e.severity + ": refused (SQLSTATE " + e.state + ")" }
func (e poolerError) SQLState() string { return e.state }

// fatalError is one as lib/pq gives it.
type fatalError struct{ poolerError }

func (fatalError) Error() string { return "pq: refused" }
func (fatalError) Fatal() bool   { return true }

// An outage of the server behind a pooler is no sign that the pooler loses statements.
func TestErrorsOfALostStatement(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"none", nil, false},
		{"it does not exist", poolerError{"ERROR", "26000"}, true},
		{"it exists, wrapped", fmt.Errorf("prepare: %w", poolerError{"ERROR", "42P05"}), true},
		{"it has other parameters", poolerError{"ERROR", "08P01"}, true},
		{"the pooler has lost the server", poolerError{"FATAL", "08P01"}, false},
		{"the pooler has lost the server, by lib/pq", fatalError{poolerError{"", "08P01"}}, false},
		{"an error of another kind", poolerError{"ERROR", "42P01"}, false},
	} {
		got, err := sqlstore.Lost(tt.err)
		if got != tt.want || (err != nil) != (tt.err != nil && !tt.want) {
			t.Errorf("%s: got %t and error %v, want %t", tt.name, got, err, tt.want)
		}
		told := sqlstore.Explained(tt.err)
		if !errors.Is(told, tt.err) || tt.err != nil && strings.Contains(told.Error(), "Config.Unprepared") != tt.want {
			t.Errorf("%s: got the explanation %v, want %v, with the remedy: %t", tt.name, told, tt.err, tt.want)
		}
	}
}
