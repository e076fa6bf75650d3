// Package storagetest proves that a store keeps the promises of
// [github.com/contit/oauth/storage]. The author of a store calls it in a test:
//
//	func TestStore(t *testing.T) {
//		storagetest.Run(t, func(t testing.TB) storagetest.Store { return newStore(t) })
//	}
//
// Each rule of the contract is a subtest of its own, and its failure names the
// rule and the comment that it comes from. The suite skips nothing and asks for
// no part that a store does not have: its author calls [RunClients],
// [RunCredentials], [RunAPIKeys], [RunRevocations] or [RunSigningKeys] for the
// parts that it has, and [RunManagement] or its parts for the methods of a
// host's pages.
//
// Run the suite with the race detector, and against a real server with as many
// connections as production has: some rules set fifty callers against each
// other.
package storagetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
)

// Clients is a store that [RunClients] can test: the part under test and the
// means to put a client into it.
type Clients interface {
	storage.Clients
	// PutClient adds a client whose ID is new.
	PutClient(ctx context.Context, c *storage.Client) error
}

// APIKeys is a store that [RunAPIKeys] can test: the part under test and the
// means to put an API key into it.
type APIKeys interface {
	storage.APIKeys
	// PutAPIKey adds a key whose Digest and ID are new.
	PutAPIKey(ctx context.Context, k *storage.APIKey) error
}

// Revocations is a store that [RunRevocations] can test: the part under test,
// and the credentials whose families it knows.
type Revocations interface {
	storage.Revocations
	storage.Credentials
}

// Store is a store that [Run] can test: all of a [storage.Storage], its
// revocations of access tokens, and the means to put clients and API keys into
// it. A store that has no such means gets them from a type in its test that
// embeds the store. One without revocations is tested by its parts.
type Store interface {
	Clients
	storage.Credentials
	APIKeys
	storage.Revocations
}

// Run tests all of a store. It calls open for each rule. The store need not be
// empty or new: the suite draws its identifiers at random, and it leaves its
// records behind. Some are kept until the year 2100.
func Run(t *testing.T, open func(t testing.TB) Store) {
	t.Helper()
	t.Run("Clients", func(t *testing.T) {
		RunClients(t, func(t testing.TB) Clients { return open(t) })
	})
	t.Run("Credentials", func(t *testing.T) {
		RunCredentials(t, func(t testing.TB) storage.Credentials { return open(t) })
	})
	t.Run("APIKeys", func(t *testing.T) {
		RunAPIKeys(t, func(t testing.TB) APIKeys { return open(t) })
	})
	t.Run("Storage", func(t *testing.T) { run(t, storageRules, open) })
	t.Run("Revocations", func(t *testing.T) {
		RunRevocations(t, func(t testing.TB) Revocations { return open(t) })
	})
}

// RunClients tests a store of clients, as [Run] does.
func RunClients(t *testing.T, open func(t testing.TB) Clients) {
	t.Helper()
	run(t, clientRules, open)
}

// RunCredentials tests a store of credentials, as [Run] does.
//
// If the store has a method
//
//	DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error)
//
// the suite also tests that it deletes at most limit (if that is positive) of
// those credentials whose ExpiresAt and FamilyExpiresAt lie before the instant,
// and returns how many. It is not part of the contract; a store without it has
// one subtest less to pass, and the log says so.
func RunCredentials(t *testing.T, open func(t testing.TB) storage.Credentials) {
	t.Helper()
	run(t, credentialRules, open)
	t.Run("DeleteExpired", func(t *testing.T) {
		if _, ok := open(t).(deleter); !ok {
			t.Log(noDeleteExpired)
			return
		}
		run(t, deletionRules, func(t testing.TB) deleter { return open(t).(deleter) })
	})
}

// RunAPIKeys tests a store of API keys, as [Run] does.
func RunAPIKeys(t *testing.T, open func(t testing.TB) APIKeys) {
	t.Helper()
	run(t, apiKeyRules, open)
}

// RunRevocations tests how a store remembers revoked access tokens, as [Run]
// does.
//
// If the store has a DeleteExpired, as [RunCredentials] describes it, the suite
// also tests that it forgets those tokens whose expiresAt lies before the instant,
// no others, and counts them.
func RunRevocations(t *testing.T, open func(t testing.TB) Revocations) {
	t.Helper()
	run(t, revocationRules, open)
	t.Run("DeleteExpired", func(t *testing.T) {
		if _, ok := open(t).(revocationDeleter); !ok {
			t.Log(noDeleteExpired)
			return
		}
		run(t, revocationDeletionRules, func(t testing.TB) revocationDeleter { return open(t).(revocationDeleter) })
	})
}

const noDeleteExpired = "this store has no DeleteExpired(context.Context, time.Time, int) (int, error): its deletion is not tested"

// RunSigningKeys tests a store of signing keys, as [Run] does. Its keys have
// turns of many digits, and it deletes them.
func RunSigningKeys(t *testing.T, open func(t testing.TB) storage.SigningKeys) {
	t.Helper()
	run(t, signingKeyRules, open)
}

// rule is one promise of the contract.
type rule[S any] struct {
	name  string // the promise in plain words
	doc   string // the comment that makes it
	check func(t *tester, s S)
}

func run[S any](t *testing.T, rules []rule[S], open func(testing.TB) S) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) { r.run(t, open(t)) })
	}
}

// patience bounds each rule, so that a store that hangs fails with the name of
// the rule instead of the time limit of the whole test.
const patience = time.Minute

// run takes a testing.TB and not a *testing.T, so that the tests of the suite
// can record its reports.
func (r rule[S]) run(t testing.TB, s S) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r.check(&tester{TB: t, ctx: ctx, rule: r.name, doc: r.doc}, s)
}

// tester reports the failures of a rule, and names the rule with each.
type tester struct {
	testing.TB
	ctx       context.Context
	rule, doc string
}

// Errorf reports a failure and names the rule.
func (t *tester) Errorf(format string, args ...any) {
	t.Helper()
	t.TB.Errorf("%s", t.withRule(fmt.Sprintf(format, args...)))
}

// Fatalf reports a failure, names the rule, and ends it.
func (t *tester) Fatalf(format string, args ...any) {
	t.Helper()
	t.TB.Fatalf("%s", t.withRule(fmt.Sprintf(format, args...)))
}

func (t *tester) withRule(finding string) string {
	return fmt.Sprintf("%s\n\trule: %s\n\tsee:  %s", finding, t.rule, t.doc)
}
