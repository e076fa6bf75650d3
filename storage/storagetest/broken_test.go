package storagetest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/storagetest"
)

// fault names the bug of a table.
type fault string

const (
	getThenSet           fault = "get, then set"
	revokesRowByRow      fault = "revokes the rows that it sees, one by one"
	marksThenAdds        fault = "marks old, then adds next, and may stop between"
	sharesRecords        fault = "returns its own pointers"
	forgetsSpent         fault = "deletes what is spent"
	revokesWhatIsThere   fault = "revokes rows and not the family"
	ignoresContext       fault = "ignores the context"
	everyErrorIsNotFound fault = "every error is not found"
	notFoundIsOutage     fault = "passes on the database's own not found"
	alwaysFinds          fault = "finds something for every digest"
	overwrites           fault = "overwrites"
	hidesExpired         fault = "hides what is expired"
	refusesExpired       fault = "does not spend what is expired"
	spendsRevoked        fault = "spends what is revoked"
	lastSpendWins        fault = "the last Spend wins"
	spendsBeforeItLooks  fault = "spends old, then finds next's digest taken"
	spendNeedsNext       fault = "does nothing without a salt"
	keepsFamilyExpiry    fault = "does not take FamilyExpiresAt from old"
	writesOldBack        fault = "a repeated use writes the caller's record back"
	countsFromZero       fault = "allows one use too many"
	repeatsUnspent       fault = "counts a repeated use of what was never spent"
	addsAgain            fault = "adds a successor at a repeated use"
	revokesUnspent       fault = "shows only what is unspent as revoked"
	revokeNeedsMembers   fault = "cannot revoke what does not exist"
	foldsCase            fault = "compares without case"
	deletesByExpiresAt   fault = "deletes by ExpiresAt"
	neverDeletes         fault = "never deletes"
	ignoresLimit         fault = "ignores the limit"
	forgetsRevocation    fault = "forgets a revocation with the first deletion"
	epochForZero         fault = "keeps the zero time as 1970"
	nilBecomesEmpty      fault = "turns nil into an empty list"
	joinsWithComma       fault = "joins lists with commas"
	encodesClaimsAnew    fault = "decodes and encodes claims"
	cutsClaims           fault = "cuts claims at 1 KiB"
	keepsMilliseconds    fault = "keeps milliseconds"
	dropsZone            fault = "writes local times down without their zone"
	dropsBadBytes        fault = "drops bytes that are not UTF-8"
)

// spoilIn changes a record on its way into the table.
func (s *table) spoilIn(c *storage.Credential) {
	switch s.fault {
	case keepsMilliseconds:
		c.SpentAt, c.ExpiresAt = c.SpentAt.Truncate(time.Millisecond), c.ExpiresAt.Truncate(time.Millisecond)
	case dropsZone:
		at := c.ExpiresAt
		c.ExpiresAt = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
	case joinsWithComma:
		c.Scope = strings.Split(strings.Join(c.Scope, ","), ",")
	case encodesClaimsAnew:
		var claims map[string]any
		if json.Unmarshal(c.Claims, &claims) == nil {
			c.Claims, _ = json.Marshal(claims)
		}
	case cutsClaims:
		c.Claims = c.Claims[:min(len(c.Claims), 1024)]
	case dropsBadBytes:
		c.Subject = strings.ToValidUTF8(c.Subject, "")
	}
}

// spoilOut changes a record on its way out.
func (s *table) spoilOut(c *storage.Credential) {
	switch {
	case s.fault == epochForZero && c.SpentAt.IsZero():
		c.SpentAt = time.Unix(0, 0)
	case s.fault == nilBecomesEmpty && c.Audience == nil:
		c.Audience = []string{}
	}
}

// TestRejectsBrokenTables is the proof that each rule about credentials can
// fail, and for the reason that it is there for.
func TestRejectsBrokenTables(t *testing.T) {
	for f, rules := range rejected {
		t.Run(string(f), func(t *testing.T) {
			for _, rule := range rules {
				wantRejected(t, rule, newTable(f))
			}
		})
	}
}

// TestRecorderPassesGoodStores shows that the suite rejects the broken stores
// because of their faults and not because of the recorder.
func TestRecorderPassesGoodStores(t *testing.T) {
	for _, r := range storagetest.Rules() {
		if got := failures(t, r, newTable("")); len(got) > 0 {
			t.Errorf("rule %q about a good store: got failures %q, want none", r.Name, got)
		}
	}
}

// TestEveryRuleCanFail wants for each rule a store that it rejects.
func TestEveryRuleCanFail(t *testing.T) {
	seen := make(map[string]bool)
	for _, rules := range rejected {
		for _, rule := range rules {
			seen[rule] = true
		}
	}
	for _, rules := range rejectedKeyrings {
		for _, rule := range rules {
			seen[rule] = true
		}
	}
	for _, b := range brokenDirectories {
		seen[b.rule] = true
	}
	for _, r := range storagetest.Rules() {
		if !seen[r.Name] {
			t.Errorf("rule %q: no broken store fails it", r.Name)
		}
	}
}

// TestNaiveStoreFailsSoon measures the suite against the store that most people
// write first.
func TestNaiveStoreFailsSoon(t *testing.T) {
	start := time.Now()
	var rules []string
	for _, r := range storagetest.Rules() {
		if len(failures(t, r, newTable(getThenSet))) > 0 {
			rules = append(rules, r.Name)
		}
	}
	t.Logf("rejected by %d rules in %v: %q", len(rules), time.Since(start), rules)
	if len(rules) == 0 {
		t.Error("a store that gets, then sets: passed, want it rejected")
	}
}
