package integration_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// The statements that look up a record, for one and for several, have these texts in
// them, and those for several have these.
const (
	findsCredential, findsCredentials = "m.parent_salt", "c.digest = v.digest"
	findsClient, findsClients         = "c.pkce_not_required", "c.id = v.id"
)

// lookup is a caller that looks up a record.
type lookup struct {
	what string
	find func(context.Context, *sqlstore.Store) (any, error)
	got  any
	err  error
}

func (l *lookup) on(ctx context.Context, s *sqlstore.Store) { l.got, l.err = l.find(ctx, s) }

func credentialLookup(what string, d storage.Digest) *lookup {
	return &lookup{what: what, find: func(ctx context.Context, s *sqlstore.Store) (any, error) { return s.Credential(ctx, d) }}
}

func clientLookup(what, id string) *lookup {
	return &lookup{what: what, find: func(ctx context.Context, s *sqlstore.Store) (any, error) { return s.Client(ctx, id) }}
}

// busyReading starts reads until one waits in the queue.
func (h *held) busyReading(text string, one func(context.Context, *sqlstore.Store) error) {
	h.Helper()
	h.busy(text, func(*storage.Credential) error {
		if err := one(h.Context(), h.store); !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		return nil
	})
}

func (h *held) busyFindingCredentials() {
	h.Helper()
	h.busyReading(findsCredential, func(ctx context.Context, s *sqlstore.Store) error {
		_, err := s.Credential(ctx, storage.Digest{9: 9})
		return err
	})
}

func (h *held) busyFindingClients() {
	h.Helper()
	h.busyReading(findsClient, func(ctx context.Context, s *sqlstore.Store) error {
		_, err := s.Client(ctx, "nobody")
		return err
	})
}

// credentialLookups has credentials in every state, and one that two callers want.
func (h *held) credentialLookups() (all []*lookup) {
	for what, m := range map[string]member{
		"a new one": fine, "a spent one": spentByAReplica, "a revoked one": revoked, "an unknown one": unknown, "a deleted one": forgotten,
	} {
		all = append(all, credentialLookup(what, m(h).old.Digest))
	}
	twice := fine(h).old.Digest
	return append(all, credentialLookup("one that two want", twice), credentialLookup("one that two want", twice))
}

// clientLookups is credentialLookups for clients.
func (h *held) clientLookups() (all []*lookup) {
	clients := []*storage.Client{
		{ID: "bare"},
		{ID: "Zoë", Scope: []string{"read", "admin:x"}, Audience: []string{"é", `"`}, DefaultScope: []string{}, RefreshGrace: time.Minute, Disabled: true},
		{ID: "secrets", Secrets: []storage.ClientSecret{{ID: "2", Hash: "$sha256$b"}, {ID: "1", Hash: "$sha256$a", ExpiresAt: start}}},
		{ID: "key", AuthMethod: storage.PrivateKeyJWT, Assertion: storage.ClientAssertion{JWKS: []byte(`{"keys":[]}`)}},
	}
	for _, c := range clients {
		must(h, "PutClient", h.replica.PutClient(h.Context(), c))
		all = append(all, clientLookup("the client "+c.ID, c.ID))
	}
	return append(all, clientLookup("one that two want", "secrets"), clientLookup("another case", "SECRETS"),
		clientLookup("a space more", "bare "), clientLookup("an unknown one", "nobody"), clientLookup("none", ""))
}

// findTogether has all look up in one statement, which meets with an error if it is to,
// and compares each answer with the answer to a caller alone.
func (h *held) findTogether(all []*lookup, several string, reaches bool, broken ...error) {
	h.Helper()
	for _, l := range all {
		h.start(func() { l.on(h.Context(), h.store) })
	}
	h.wire.taken()
	h.oneStatement()
	h.wire.breakOn(several, reaches, broken...)
	h.finish()
	shared := 0
	for _, trip := range h.wire.taken() {
		if strings.Contains(trip.statement, several) && !strings.HasPrefix(trip.statement, "PREPARE ") {
			shared++
		}
	}
	if shared == 0 {
		h.Error("got no statement for several: nothing was tested")
	}
	seen := make(map[any]bool)
	for _, l := range all {
		want := *l
		want.on(h.Context(), h.replica)
		if !errors.Is(l.err, want.err) || !reflect.DeepEqual(l.got, want.got) {
			h.Errorf("%s: got %+v and error %v, want %+v and error %v, as alone", l.what, l.got, l.err, want.got, want.err)
		}
		if l.err == nil && seen[l.got] {
			h.Errorf("%s: two callers got one record, want copies", l.what)
		}
		seen[l.got] = l.err == nil
	}
}

// TestReadsOfAStatement looks up for several callers in one statement. Each gets what it
// would get alone: if the statement goes well, and if it fails in any way.
func TestReadsOfAStatement(t *testing.T) {
	ways := []struct {
		name    string
		reaches bool
		broken  []error
	}{
		{"as it should be", true, nil},
		{"the answer is lost", true, []error{errReset}},
		{"the driver asks for a repetition", true, []error{driver.ErrBadConn}},
		{"the database refuses it", false, []error{refusal("40P01")}},
	}
	for _, dialect := range []sqlstore.Dialect{sqlstore.Postgres, sqlstore.MySQL} { // SQLite shares no reads
		t.Run(dialect.String(), func(t *testing.T) {
			h := hold(t, on(t, dialect))
			for _, way := range ways {
				t.Run(way.name, func(t *testing.T) {
					h := &held{TB: t, wire: h.wire, config: h.config, store: h.store, replica: h.replica}
					lookups := h.credentialLookups()
					h.busyFindingCredentials()
					h.findTogether(lookups, findsCredentials, way.reaches, way.broken...)
					lookups = h.clientLookups()
					h.busyFindingClients()
					h.findTogether(lookups, findsClients, way.reaches, way.broken...)
				})
			}
		})
	}
}

// TestAReaderLeaves has a caller whose context ends while others wait with it, and while
// it leads.
func TestAReaderLeaves(t *testing.T) {
	for _, dialect := range []sqlstore.Dialect{sqlstore.Postgres, sqlstore.MySQL} {
		t.Run(dialect.String(), func(t *testing.T) {
			h := hold(t, on(t, dialect))
			lookups := h.credentialLookups()
			leaving, leave := context.WithCancel(t.Context())
			first := credentialLookup("one that leaves", fine(h).old.Digest)
			last := credentialLookup("the leader, which leaves", fine(h).old.Digest)
			h.busyFindingCredentials()
			h.start(func() { first.on(leaving, h.store) })
			for _, l := range lookups {
				h.start(func() { l.on(t.Context(), h.store) })
			}
			h.start(func() { last.on(leaving, h.store) }) // the last that came leads
			h.oneStatement()
			leave()
			h.finish()
			for _, l := range []*lookup{first, last} {
				if !errors.Is(l.err, context.Canceled) {
					t.Errorf("%s: got %v and error %v, want that its context has ended", l.what, l.got, l.err)
				}
			}
			for _, l := range lookups {
				want := *l
				want.on(t.Context(), h.replica)
				if !errors.Is(l.err, want.err) || !reflect.DeepEqual(l.got, want.got) {
					t.Errorf("%s: got %+v and error %v, want %+v and error %v, as alone", l.what, l.got, l.err, want.got, want.err)
				}
			}
		})
	}
}

// sayTogether writes and reads in statements of every size. The largest comes first: after a
// crowd, a second statement would begin before there are so many.
func sayTogether(h *held) {
	for _, n := range []int{40, 20, 12, 7, 2} {
		h.busySpending()
		for range n {
			s := fine(h)
			h.start(func() { must(h, "Spend", h.store.Spend(h.Context(), s.old, s.next, start)) })
		}
		h.oneStatement()
		h.finish()

		h.busy("receipt, family)", func(c *storage.Credential) error { return h.store.CreateCredential(h.Context(), c) })
		for range n {
			h.start(func() { must(h, "CreateCredential", h.store.CreateCredential(h.Context(), sample("alice"))) })
		}
		h.oneStatement()
		h.finish()

		if h.config.Dialect == sqlstore.SQLite { // it shares no reads
			continue
		}
		h.busyFindingCredentials()
		for range n {
			h.start(func() { credentialLookup("unknown", sample("nobody").Digest).on(h.Context(), h.store) })
		}
		h.oneStatement()
		h.finish()
		h.busyFindingClients()
		for i := range n {
			h.start(func() { clientLookup("one of many", fmt.Sprint("client-", i)).on(h.Context(), h.store) })
		}
		h.oneStatement()
		h.finish()
	}
}
