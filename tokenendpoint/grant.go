package tokenendpoint

import (
	"context"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// configuredGrant is a grant under its name.
type configuredGrant struct {
	name string
	grants.Grant
	hosts     bool // it is code of the host's
	builtIn   bool // its parameters are known: they are those of a grant of ours
	guessable bool // it takes a credential that is worth guessing
}

// isBuiltIn reports whether a grant type is one of those whose parameters are
// known.
func isBuiltIn(grantType string) bool {
	switch grantType {
	case grants.TypeClientCredentials, grants.TypeRefreshToken, grants.TypeAuthorizationCode, grants.TypeAPIKey:
		return true
	}
	return false
}

// isGuessable reports whether an attacker can hope to guess the credential that a
// grant takes: an API key, or a password that a grant of the host's takes from
// people. Codes and refresh tokens have 256 bits.
func isGuessable(grantType string) bool {
	switch grantType {
	case grants.TypeAuthorizationCode, grants.TypeRefreshToken, grants.TypeClientCredentials:
		return false
	}
	return true
}

// isHosts reports whether a grant is code of the host. A pointer to one of our
// grants, or a type that contains one, is code of the host.
func isHosts(g grants.Grant) bool {
	switch g.(type) {
	case grants.ClientCredentials, grants.RefreshToken, grants.AuthorizationCode, grants.APIKey:
		return false
	}
	return true
}

// reader is the part of a store that a grant gets.
type reader struct{ store storage.Storage }

// Credential asks the store.
func (r reader) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	return r.store.Credential(ctx, d)
}

// APIKey asks the store.
func (r reader) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	return r.store.APIKey(ctx, d)
}
