package clientauth

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// AssertionVerifier verifies the assertions of clients. [Assertions] is the one there is.
//
// Secrets, and the Config of package tokenendpoint, name this interface and not
// Assertions, so that only a program that makes an Assertions contains the code: with it
// come the verifier of other parties' JWTs and the HTTP client that fetches their keys.
type AssertionVerifier interface {
	// ForEndpoint returns a verifier for one endpoint. It has the settings of this one;
	// the arguments are for those that are empty. It shares no state with this one, which
	// stays unused. The error names the faults of the settings. Package tokenendpoint
	// calls it.
	ForEndpoint(issuer, tokenEndpoint string, logger *slog.Logger) (AssertionVerifier, error)

	algorithms() []string
	authenticate(ctx context.Context, client *storage.Client, unknown error, c Request) error
}

// CertificateVerifier verifies the certificates of clients. [Certificates] is the one
// there is. It is an interface for the reason that [AssertionVerifier] is one.
type CertificateVerifier interface {
	methods() []string
	authenticate(ctx context.Context, client *storage.Client, r Request) error
}

var (
	errNoAssertions   = fmt.Errorf("%w: it showed an assertion, and Secrets.Assertions is nil", ErrNotAuthenticated)
	errNoCertificates = fmt.Errorf("%w: it is registered to show a certificate, and Secrets.Certificates is nil", ErrNotAuthenticated)
)

// AuthMethods are the ways in which clients can show themselves, and the algorithms of
// their assertions, nil if there are none: token_endpoint_auth_methods_supported and
// token_endpoint_auth_signing_alg_values_supported of the metadata (RFC 8414 §2).
func (s *Secrets) AuthMethods() (methods, algorithms []string) {
	methods = []string{storage.ClientSecretBasic, storage.ClientSecretPost}
	if s.Assertions != nil {
		algorithms = s.Assertions.algorithms()
	}
	if algorithms != nil {
		methods = append(methods, storage.PrivateKeyJWT)
	}
	if s.Certificates != nil {
		methods = append(methods, s.Certificates.methods()...)
	}
	return methods, algorithms
}

// ServerMetadata are the members of the metadata (RFC 8414 §2) that follow from how
// clients come to be known: those of s.Clients, if they say any, as those of package
// clientmetadata do.
func (s *Secrets) ServerMetadata() map[string]any {
	clients := s.Clients
	if parts, split := clients.(storage.Parts); split {
		clients = parts.Clients
	}
	if c, says := clients.(interface{ ServerMetadata() map[string]any }); says {
		return c.ServerMetadata()
	}
	return nil
}

// validateAssertion authenticates a client by its assertion.
func (s *Secrets) validateAssertion(ctx context.Context, c Request) (*storage.Client, error) {
	client, unknown, err := s.find(ctx, c.ID)
	switch {
	case err != nil:
	case s.Assertions == nil:
		err = withoutAssertions(unknown)
	default:
		err = s.Assertions.authenticate(ctx, client, unknown, c)
	}
	if err != nil {
		return nil, err
	}
	return client, nil
}

// withoutAssertions refuses an assertion that nobody verifies.
func withoutAssertions(unknown error) error {
	if unknown != nil {
		return grants.InvalidClient.Because(unknown)
	}
	return grants.InvalidClient.Because(errNoAssertions)
}

// validateCertificate gives the verdict on the certificate of a request that shows no
// other credentials.
func (s *Secrets) validateCertificate(ctx context.Context, client *storage.Client, r Request) error {
	if s.Certificates == nil {
		withoutCertificates(client, r)
		return nil
	}
	return s.Certificates.authenticate(ctx, client, r)
}

// withoutCertificates refuses a certificate that nobody verifies.
func withoutCertificates(client *storage.Client, r Request) {
	if client != nil && client.ShowsCertificate() {
		r.Certified(errNoCertificates)
	}
}
