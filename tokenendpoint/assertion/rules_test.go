package assertion_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/assertion"
)

// Rules compare whole claims, and a rule that looks like a pattern is a mistake.
func TestS09(t *testing.T) {
	key := newSigner(t, "k1")
	claims, err := newVerifier(t, client(t, key)).Verify(t.Context(), key.sign(t, good(map[string]any{
		"repository_id": "74", "run": 7, "protected": true, "environment": nil, "nothing": json.RawMessage("null"), "list": []string{"a"},
		"kubernetes.io": map[string]any{"namespace": "shop", "serviceaccount": map[string]any{"name": "web"}},
	})), now)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		rules assertion.Rules
		match bool
		fault string
	}{
		{"none", nil, false, "need a rule"},
		{"a string", assertion.Rules{assertion.Is("repository_id", "74")}, true, ""},
		{"a prefix of it", assertion.Rules{assertion.Is("repository_id", "7")}, false, ""},
		{"a number for a string", assertion.Rules{assertion.Is("repository_id", 74)}, false, ""},
		{"a number", assertion.Rules{assertion.Is("run", 7)}, true, ""},
		{"a string for a number", assertion.Rules{assertion.Is("run", "7")}, false, ""},
		{"a bool", assertion.Rules{assertion.Is("protected", true)}, true, ""},
		{"the other bool", assertion.Rules{assertion.Is("protected", false)}, false, ""},
		{"a claim that is not there", assertion.Rules{assertion.Is("environment", "production")}, false, ""},
		{"null", assertion.Rules{assertion.Is("nothing", nil)}, false, "a value of type <nil>"},
		{"a member of a list", assertion.Rules{assertion.Is("list", "a")}, false, ""},
		{"two that fit", assertion.Rules{assertion.Is("run", 7), assertion.Is("protected", true)}, true, ""},
		{"one of two that fits", assertion.Rules{assertion.Is("run", 7), assertion.Is("protected", false)}, false, ""},
		{"a path", assertion.Rules{{[]string{"kubernetes.io", "serviceaccount", "name"}, "web"}}, true, ""},
		{"a path with another end", assertion.Rules{{[]string{"kubernetes.io", "serviceaccount", "uid"}, "web"}}, false, ""},
		{"a path through a string", assertion.Rules{{[]string{"repository_id", "x"}, "web"}}, false, ""},
		{"an object", assertion.Rules{{[]string{"kubernetes.io"}, map[string]any{}}}, false, "of type map"},
		{"no claim", assertion.Rules{{nil, "x"}}, false, "names no claim"},
		{"iss and aud alone", assertion.Rules{assertion.Is("iss", "c1"), assertion.Is("aud", server)}, true, "need a rule"},
		{"sub with a star", assertion.Rules{assertion.Is("sub", "repo:contit/*")}, false, "prefix or a pattern"},
		{"sub that ends with a colon", assertion.Rules{assertion.Is("sub", "repo:contit/oauth:")}, false, "prefix or a pattern"},
		{"sub that ends with a slash", assertion.Rules{assertion.Is("sub", "spiffe://contit.test/")}, false, "prefix or a pattern"},
		{"one claim twice", assertion.Rules{assertion.Is("run", 7), assertion.Is("run", 7)}, true, "another rule is about"},
		{"an empty value", assertion.Rules{assertion.Is("environment", "")}, false, "empty value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.rules.Match(claims); got != tt.match {
				t.Errorf("Match = %v, want %v", got, tt.match)
			}
			if err := tt.rules.Check(); (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("Check = %v, want %q", err, tt.fault)
			}
		})
	}
	if got := fmt.Sprint(assertion.Rules{assertion.Is("sub", "someone")}); strings.Contains(got, "someone") || !strings.Contains(got, "sub") {
		t.Errorf("rules print as %s, want the names of the claims alone", got)
	}
}

// github are the claims of a token of GitHub Actions in its published form.
func github(changes map[string]any) map[string]any {
	c := map[string]any{
		"jti": "example-id", "sub": "repo:octo-org/octo-repo:environment:prod", "environment": "prod", "aud": server,
		"ref": "refs/heads/main", "sha": "example-sha", "repository": "octo-org/octo-repo", "repository_owner": "octo-org",
		"actor_id": "12", "repository_visibility": "private", "repository_id": "74", "repository_owner_id": "65",
		"run_id": "example-run-id", "run_number": "10", "run_attempt": "2", "runner_environment": "github-hosted", "actor": "octocat",
		"workflow": "example-workflow", "head_ref": "", "base_ref": "", "event_name": "workflow_dispatch", "ref_type": "branch",
		"job_workflow_ref": "octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main",
		"iss":              "https://token.actions.githubusercontent.com",
		"nbf":              now.Add(-5 * time.Minute).Unix(), "exp": now.Add(5 * time.Minute).Unix(), "iat": now.Unix(),
	}
	for name, value := range changes {
		c[name] = value
	}
	return c
}

// The platforms' tokens, in their published form, verify by their configuration, and
// a token of another workload does not match.
func TestPlatforms(t *testing.T) {
	key := newSigner(t, "k1")
	for _, tt := range []struct {
		name     string
		platform assertion.Platform
		issuer   string
		claims   map[string]any
		rules    assertion.Rules
		others   []map[string]any // changes of which each makes it another workload's
	}{
		{
			"GitHub Actions", assertion.GitHubActions(), "", github(nil),
			assertion.Rules{assertion.Is("repository_id", "74"), assertion.Is("environment", "prod")},
			[]map[string]any{{"repository_id": "75"}, {"environment": "test"}, {"repository_id": 74}},
		},
		{
			"Kubernetes", assertion.Kubernetes(), "https://kubernetes.default.svc.cluster.local", map[string]any{
				"aud": []string{server}, "iss": "https://kubernetes.default.svc.cluster.local", "sub": "system:serviceaccount:shop:web",
				"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": "d3c4",
				"kubernetes.io": map[string]any{
					"namespace": "shop", "pod": map[string]any{"name": "web-1", "uid": "p"}, "node": map[string]any{"name": "n", "uid": "n"},
					"serviceaccount": map[string]any{"name": "web", "uid": "s"},
				},
			},
			assertion.Rules{{[]string{"kubernetes.io", "namespace"}, "shop"}, {[]string{"kubernetes.io", "serviceaccount", "name"}, "web"}},
			[]map[string]any{{"kubernetes.io": map[string]any{"namespace": "shop", "serviceaccount": map[string]any{"name": "db"}}}, {"kubernetes.io": "shop"}},
		},
		{
			"SPIFFE", assertion.SPIFFE(), "https://spire.test", map[string]any{
				"aud": []string{server}, "iss": "https://spire.test", "sub": "spiffe://contit.test/ns/shop/sa/web",
				"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
			},
			assertion.Rules{assertion.Is("sub", "spiffe://contit.test/ns/shop/sa/web")},
			[]map[string]any{{"sub": "spiffe://contit.test/ns/shop/sa/db"}, {"sub": "spiffe://contit.test/ns/shop/sa/web/x"}},
		},
		{
			"GitLab", assertion.GitLab(), "", map[string]any{
				"namespace_id": "72", "project_id": "20", "project_path": "my-group/my-project", "ref": "main", "ref_type": "branch", "ref_protected": "true",
				"jti": "235b3a54", "iss": "https://gitlab.com", "iat": now.Unix(), "nbf": now.Add(-5 * time.Second).Unix(), "exp": now.Add(time.Hour).Unix(),
				"sub": "project_path:my-group/my-project:ref_type:branch:ref:main", "aud": server,
			},
			assertion.Rules{assertion.Is("project_id", "20"), assertion.Is("ref_protected", "true")},
			[]map[string]any{{"project_id": "21"}, {"ref_protected": "false"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.issuer != "" {
				tt.platform.Issuer = tt.issuer
			}
			if err := tt.rules.Check(); err != nil {
				t.Error(err)
			}
			if got := tt.platform.Warnings(tt.rules); len(got) > 0 {
				t.Errorf("these rules are warned of: %v", got)
			}
			c := tt.platform.Config(server, keys(t, key))
			c.Algorithms = nil // the test signs with Ed25519
			v := newVerifier(t, c)
			claims, err := v.Verify(t.Context(), key.sign(t, tt.claims), now)
			if err != nil {
				t.Fatal(err)
			}
			if !tt.rules.Match(claims) {
				t.Error("the workload does not match")
			}
			for _, changes := range tt.others {
				other := map[string]any{}
				for name, value := range tt.claims {
					other[name] = value
				}
				for name, value := range changes {
					other[name] = value
				}
				claims, err := v.Verify(t.Context(), key.sign(t, other), now)
				if err != nil || tt.rules.Match(claims) {
					t.Errorf("with %v: %v, want a good assertion that does not match", changes, err)
				}
			}
		})
	}
}

// Rules that would match the pull request of a fork are warned of.
func TestWarnings(t *testing.T) {
	for _, tt := range []struct {
		rules assertion.Rules
		want  []string
	}{
		{assertion.Rules{assertion.Is("repository_id", "74")}, []string{"fork"}},
		{assertion.Rules{assertion.Is("ref", "refs/heads/main")}, []string{"no repository"}},
		{assertion.Rules{assertion.Is("actor", "octocat")}, []string{"no repository", "fork"}},
		{assertion.Rules{assertion.Is("sub", "repo:octo-org/octo-repo:ref:refs/heads/main")}, nil},
	} {
		got := assertion.GitHubActions().Warnings(tt.rules)
		if len(got) != len(tt.want) {
			t.Errorf("%v: got %q, want %q", tt.rules, got, tt.want)
			continue
		}
		for i, want := range tt.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("%v: got %q, want %q", tt.rules, got, tt.want)
			}
		}
	}
}

// Rules of a registration are read whole: none is dropped because it says nothing.
func TestS09Registered(t *testing.T) {
	for _, tt := range []struct {
		object, fault string
		rules         int
	}{
		{`{"repository_id":"74","kubernetes.io":{"serviceaccount":{"name":"web"},"namespace":"shop"}}`, "", 3},
		{`{"repository_id":"74","environment":{}}`, "environment has no member", 0},
		{`{"repository_id":"74","kubernetes.io":{"serviceaccount":{ }}}`, "kubernetes.io.serviceaccount has no member", 0},
		{`{"run":1.5}`, "no integer", 0},
		{`{"run":1,"run":2}`, "a name twice", 0},
		{`[]`, "no JSON object", 0},
	} {
		rules, err := assertion.ParseRules([]byte(tt.object))
		if len(rules) != tt.rules || (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s: got %v, %v, want %d rules or %q", tt.object, rules, err, tt.rules, tt.fault)
		}
	}
}
