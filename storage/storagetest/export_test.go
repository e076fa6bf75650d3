package storagetest

import (
	"slices"
	"testing"

	"github.com/contit/oauth/storage"
)

// Rule is a rule as the tests of the suite see it: over any testing.TB, so that
// they can record its reports.
type Rule struct {
	Name  string
	Check func(t testing.TB, s Store)
}

// Rules are all rules of the suite.
func Rules() []Rule {
	return slices.Concat(
		erase(clientRules, func(s Store) Clients { return s }),
		erase(credentialRules, func(s Store) storage.Credentials { return s }),
		erase(deletionRules, func(s Store) deleter { return s.(deleter) }),
		erase(apiKeyRules, func(s Store) APIKeys { return s }),
		erase(storageRules, func(s Store) Store { return s }),
		erase(revocationRules, func(s Store) Revocations { return s }),
		erase(revocationDeletionRules, func(s Store) revocationDeleter { return s.(revocationDeleter) }),
		erase(signingKeyRules, func(s Store) storage.SigningKeys { return s.(storage.SigningKeys) }),
	)
}

func erase[S any](rules []rule[S], part func(Store) S) []Rule {
	var erased []Rule
	for _, r := range rules {
		erased = append(erased, Rule{r.name, func(t testing.TB, s Store) { r.run(t, part(s)) }})
	}
	return erased
}

// ManagementRule is a rule of [storagetest.RunManagement], as the tests of the
// suite see it.
type ManagementRule struct {
	Name  string
	Check func(t testing.TB, s Management)
}

// ManagementRules are all rules of [RunManagement].
func ManagementRules() (all []ManagementRule) {
	for _, r := range managedClientRules {
		all = append(all, ManagementRule{r.name, func(t testing.TB, s Management) { r.run(t, s) }})
	}
	for _, r := range managedAPIKeyRules {
		all = append(all, ManagementRule{r.name, func(t testing.TB, s Management) { r.run(t, s) }})
	}
	for _, r := range managedFamilyRules {
		all = append(all, ManagementRule{r.name, func(t testing.TB, s Management) { r.run(t, s) }})
	}
	return all
}
