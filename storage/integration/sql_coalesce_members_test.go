package integration_test

import (
	"context"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// spender is a caller that spends a credential, and the error that it must get.
type spender struct {
	what      string
	old, next *storage.Credential
	want      error
	err       error
	spent     bool // old, afterwards
}

// member prepares the spend of a member of a batch.
type member func(h *held) *spender

// fine spends a credential whose successor has all fields, or next to none.
func fine(h *held) *spender {
	c := sample("Zoë")
	add(h, h.replica, c)
	next := following(c)
	switch h.started % 3 {
	case 0:
		next.Scope, next.Audience, next.Claims, next.APIKey = []string{}, []string{"a", "é"}, []byte("\xff\x00{}"), next.Digest
		next.RedirectURI, next.PKCE, next.Challenge = "https://app.test/?é", storage.PKCES256, strings.Repeat("c", 43)
	case 1:
		next.Scope, next.Claims = nil, nil
	case 2:
		next.Claims = []byte(strings.Repeat("claims! ", 1500))
	}
	old := find(h, h.replica, c)
	old.Salt, old.FamilyExpiresAt = []byte("\xffsalt"), old.FamilyExpiresAt.Add(time.Hour)
	return &spender{what: "what can be spent", old: old, next: next, spent: true}
}

func withoutSuccessor(h *held) *spender {
	s := fine(h)
	s.what, s.next = "what is spent without a successor", nil
	return s
}

func spentByAReplica(h *held) *spender {
	s := fine(h)
	s.what, s.want = "what was spent by a replica", storage.ErrSpent
	must(h, "Spend", h.replica.Spend(h.Context(), s.old, following(s.old), start))
	return s
}

func revoked(h *held) *spender {
	s := fine(h)
	s.what, s.want, s.spent = "what was revoked", storage.ErrSpent, false
	must(h, "Revoke", h.replica.Revoke(h.Context(), s.old.Family))
	return s
}

func unknown(h *held) *spender {
	s := fine(h)
	s.what, s.want, s.spent = "what is not there", storage.ErrNotFound, false
	s.old.Digest = storage.Digest{1: 1}
	return s
}

// forgotten returns a spender of a deleted record. Its row stays, as
// DeleteExpired leaves it, because it is the mark of another record.
func forgotten(h *held) *spender {
	s := fine(h)
	s.what, s.want, s.spent = "what was deleted", storage.ErrNotFound, false
	forget := `UPDATE {}credentials SET kind = NULL WHERE digest = ?`
	if h.config.Dialect == sqlstore.Postgres {
		forget = `UPDATE {}credentials SET kind = NULL WHERE digest = $1`
	}
	run(h, h.config.DB, table(h.config, forget), s.old.Digest[:])
	return s
}

func taken(h *held) *spender {
	s, other := fine(h), sample("bob")
	add(h, h.replica, other)
	s.what, s.want, s.spent = "whose successor's digest is taken", storage.ErrExists, false
	s.next.Digest = other.Digest
	return s
}

// poisoned is refused by the database, as poison makes it.
func poisoned(h *held) *spender {
	s := fine(h)
	s.what, s.want, s.spent = "what the database refuses", errOutage, false
	s.next.Subject = "poison"
	return s
}

// poison has the database refuse a subject: PostgreSQL when it commits, after it
// has told which rows it added, the others at once.
func (h *held) poison() {
	h.Helper()
	statements := map[sqlstore.Dialect][]string{
		sqlstore.Postgres: {
			`CREATE FUNCTION {}no_poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poison'; END $$`,
			`CREATE CONSTRAINT TRIGGER no_poison AFTER INSERT ON {}credentials DEFERRABLE INITIALLY DEFERRED
				FOR EACH ROW WHEN (NEW.subject = 'poison') EXECUTE PROCEDURE {}no_poison()`,
		},
		sqlstore.MySQL: {`ALTER TABLE {}credentials ADD CONSTRAINT no_poison CHECK (subject <> 'poison')`},
		sqlstore.SQLite: {`CREATE TRIGGER {}no_poison BEFORE INSERT ON {}credentials WHEN NEW.subject = 'poison'
			BEGIN SELECT RAISE(ABORT, 'poison'); END`},
	}
	for _, statement := range statements[h.config.Dialect] {
		run(h, h.config.DB, table(h.config, statement))
	}
	if h.config.Dialect == sqlstore.Postgres {
		h.Cleanup(func() {
			if _, err := h.config.DB.ExecContext(context.Background(), table(h.config, `DROP FUNCTION {}no_poison CASCADE`)); err != nil {
				h.Errorf("dropping a function: %v", err)
			}
		})
	}
}
