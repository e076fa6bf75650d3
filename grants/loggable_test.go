package grants_test

import (
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// A refusal at the login page names the scope in its cause. A text that may be a secret
// does not come so far.
func TestRefusedScopeIsNamed(t *testing.T) {
	client := &storage.Client{ID: "app", Scope: []string{"read"}}
	for scope, want := range map[string]string{
		"read orders:write admin":                 `"orders:write"`,
		storage.NewSecret("ck_").Reveal():         "the scope is not among",
		"a" + strings.Repeat("b", 64):             "the scope is not among",
		"urn:" + strings.Repeat("a1", 10):         "the scope is not among",
		strings.Repeat("a1", 10) + " other":       `"other"`,
		"https://api.example.com/orders.v2.write": `"https://api.example.com/orders.v2.write"`,
	} {
		_, err := grants.RequestedScope(client, scope)
		v := grants.Verdict(err)
		if v == nil || v.Code != grants.InvalidScope || !strings.Contains(v.Cause.Error(), want) {
			t.Errorf("%q: got %v, want invalid_scope because of %s", scope, err, want)
			continue
		}
		if strings.Contains(v.Description, `"`) {
			t.Errorf("the client is told %q, which repeats its text", v.Description)
		}
	}
}
