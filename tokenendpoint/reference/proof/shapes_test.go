package proof

import (
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// equal compares names, in any order.
func equal(t *testing.T, what string, got iter.Seq[string], want []string) {
	t.Helper()
	if names := slices.Sorted(got); !slices.Equal(names, want) {
		t.Errorf("%s are %q, want %q", what, names, want)
	}
}

// grantsOf are the schemas of the grants.
func grantsOf(doc *openapi3.T) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range doc.Components.Schemas {
			if strings.HasPrefix(name, "Grant_") && !yield(name) {
				return
			}
		}
	}
}

// flowsOf are the flows of the scheme oauth2.
func flowsOf(doc *openapi3.T) iter.Seq[string] {
	return func(yield func(string) bool) {
		scheme, ok := doc.Components.SecuritySchemes["oauth2"]
		if !ok {
			return
		}
		flows := scheme.Value.Flows
		for name, flow := range map[string]*openapi3.OAuthFlow{
			"authorizationCode": flows.AuthorizationCode, "clientCredentials": flows.ClientCredentials,
			"implicit": flows.Implicit, "password": flows.Password,
		} {
			if flow != nil && !yield(name) {
				return
			}
		}
	}
}
