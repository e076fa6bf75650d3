package clientauth_test

import (
	"crypto/x509"
	"errors"
	"slices"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// A nil pointer in Assertions or Certificates means what nil means: a host may have kept
// one that it did not make.
func TestNilPointers(t *testing.T) {
	store := storeOf(
		&storage.Client{ID: "keyed", AuthMethod: storage.PrivateKeyJWT, Assertion: storage.ClientAssertion{JWKSURI: "https://c.test/jwks"}},
		&storage.Client{ID: "named", AuthMethod: storage.TLSClientAuth, Certificate: storage.ClientCertificate{SANDNS: "a.test"}},
	)
	for name, s := range map[string]*clientauth.Secrets{
		"nothing":      {Clients: store},
		"nil pointers": {Clients: store, Assertions: (*clientauth.Assertions)(nil), Certificates: (*clientauth.Certificates)(nil)},
	} {
		methods, algorithms := s.AuthMethods()
		if !slices.Equal(methods, []string{storage.ClientSecretBasic, storage.ClientSecretPost}) || algorithms != nil {
			t.Errorf("%s: the methods are %v and the algorithms %v", name, methods, algorithms)
		}
		for id, want := range map[string]error{"keyed": clientauth.ErrNotAuthenticated, "nobody": clientauth.ErrUnknownClient} {
			_, err := s.ValidateClient(t.Context(), clientauth.Request{ID: id, Method: storage.PrivateKeyJWT, Assertion: storage.PresentedSecret("e30.e30.e30"), Time: now})
			if !errors.Is(err, grants.InvalidClient) || !errors.Is(err, want) {
				t.Errorf("%s: an assertion of %s: got %v, want a refusal because of %v", name, id, err, want)
			}
		}
		var verdict error
		_, err := s.ValidateClient(t.Context(), clientauth.Request{
			ID: "named", Method: storage.AuthNone, Certificates: []*x509.Certificate{{}}, Certified: func(why error) { verdict = why }, Time: now,
		})
		if err != nil || !errors.Is(verdict, clientauth.ErrNotAuthenticated) {
			t.Errorf("%s: a certificate: got %v and the verdict %v, want a refusal", name, err, verdict)
		}
	}
}
