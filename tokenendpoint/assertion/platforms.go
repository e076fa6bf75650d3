package assertion

import (
	"slices"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// Platform is a well-known issuer of assertions about workloads. It holds data alone:
// a host fills in what differs, and makes a [Config] of it.
type Platform struct {
	// Name is for people.
	Name string
	// Issuer is the "iss", and JWKS the address of its keys. Those of a cluster or of
	// an instance of your own are empty: fill them in.
	Issuer, JWKS string
	// Types, Algorithms, MaxLifetime, Reusable and AudienceInList are as in [Config].
	Types, Algorithms        []string
	MaxLifetime              time.Duration
	Reusable, AudienceInList bool
	// Narrow are the claims that tell a workload from others of the same owner. Of
	// each list, [Platform.Warnings] wants one rule.
	Narrow []Narrowing
}

// Narrowing is a choice of claims of which one should be in the [Rules], and the
// reason.
type Narrowing struct {
	Claims [][]string
	Reason string
}

// Config returns the configuration for a server with this issuer. keys are the keys
// at Platform.JWKS.
func (p Platform) Config(server string, keys jws.KeyList) Config {
	return Config{
		Issuer: p.Issuer, Keys: keys, Algorithms: p.Algorithms, Types: p.Types,
		Audience: []string{server}, AudienceInList: p.AudienceInList,
		MaxLifetime: p.MaxLifetime, Reusable: p.Reusable,
	}
}

// Warnings say where rules would match more of a platform's workloads than a host is
// likely to mean, such as the pull request of a fork. A host that means it ignores
// them.
func (p Platform) Warnings(r Rules) (warnings []string) {
	for _, n := range p.Narrow {
		if !r.about(n.Claims) {
			warnings = append(warnings, p.Name+": "+n.Reason)
		}
	}
	return warnings
}

// about reports whether a rule is about one of these claims.
func (r Rules) about(claims [][]string) bool {
	return slices.ContainsFunc(r, func(rule Rule) bool {
		return slices.ContainsFunc(claims, func(claim []string) bool { return slices.Equal(claim, rule.Claim) })
	})
}

func claims(names ...string) (paths [][]string) {
	for _, name := range names {
		paths = append(paths, []string{name})
	}
	return paths
}

// GitHubActions are the tokens of workflows of github.com. A workflow asks for one
// with the issuer of this server as its audience.
func GitHubActions() Platform {
	return Platform{
		Name:        "GitHub Actions",
		Issuer:      "https://token.actions.githubusercontent.com",
		JWKS:        "https://token.actions.githubusercontent.com/.well-known/jwks",
		Types:       []string{jws.TypeJWT},
		Algorithms:  []string{jws.RS256},
		MaxLifetime: 15 * time.Minute,
		Narrow: []Narrowing{
			{claims("sub", "repository_id", "repository"), "the rules name no repository: add repository_id, since a name can be given up and taken by others"},
			{claims("sub", "environment", "ref", "event_name", "job_workflow_ref"), "the rules would match the pull request of a fork: add environment, ref or event_name"},
		},
	}
}

// GitLab are the id_tokens of jobs of gitlab.com. For an instance of your own, set
// Issuer and JWKS.
func GitLab() Platform {
	return Platform{
		Name:        "GitLab",
		Issuer:      "https://gitlab.com",
		JWKS:        "https://gitlab.com/oauth/discovery/keys",
		Types:       []string{jws.TypeJWT},
		Algorithms:  []string{jws.RS256},
		MaxLifetime: time.Hour,
		Narrow: []Narrowing{
			{claims("sub", "project_id", "project_path"), "the rules name no project: add project_id"},
			{claims("sub", "ref_protected", "ref", "environment", "environment_protected"), "the rules would match every branch, also that of a merge request: add ref_protected, ref or environment"},
		},
	}
}

// Kubernetes are the tokens of service accounts of a cluster (TokenRequest API, a
// projected volume whose audience is this server). Fill in Issuer and JWKS. A token
// lies in a file and is used until the kubelet renews it, so it may be used again.
func Kubernetes() Platform {
	return Platform{
		Name:           "Kubernetes",
		Types:          []string{"", jws.TypeJWT},
		MaxLifetime:    24 * time.Hour,
		Reusable:       true,
		AudienceInList: true,
		Narrow: []Narrowing{
			{[][]string{{"sub"}, {"kubernetes.io", "namespace"}}, "the rules name no namespace"},
			{[][]string{{"sub"}, {"kubernetes.io", "serviceaccount", "name"}, {"kubernetes.io", "serviceaccount", "uid"}}, "the rules match every service account of the namespace: add kubernetes.io, serviceaccount, name"},
		},
	}
}

// SPIFFE are JWT-SVIDs. Fill in the Issuer, which SPIRE calls jwt_issuer, and the JWKS
// of its discovery provider. The "sub" is the SPIFFE ID.
func SPIFFE() Platform {
	return Platform{
		Name:           "SPIFFE",
		Types:          []string{"", jws.TypeJWT, "JOSE"},
		MaxLifetime:    time.Hour,
		Reusable:       true, // a JWT-SVID need not have a jti
		AudienceInList: true,
		Narrow: []Narrowing{
			{claims("sub"), "the rules name no SPIFFE ID: add sub"},
		},
	}
}
