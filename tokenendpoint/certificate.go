package tokenendpoint

import (
	"errors"
	"fmt"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/mtls"
)

// binding is the certificate of a request (RFC 8705).
type binding struct {
	verdict    *verdict // on the certificate; nil if nobody is asked
	thumbprint string   // of the certificate to which the tokens are bound, or empty
}

// verdict is what the validator says of a certificate. It has memory of its own, since
// the validator may keep the function that takes it.
type verdict struct {
	certified   bool  // it has authenticated the client
	uncertified error // why it has not, or nil
}

// certified reports whether the certificate has authenticated the client.
func (b *binding) certified() bool { return b.verdict != nil && b.verdict.certified }

var (
	errNotShown         = grants.InvalidRequest.Describe("the client must show its certificate in the TLS handshake (RFC 8705)")
	errNoSource         = errors.New("tokenendpoint: the tokens of the client are bound to its certificate (Client.Certificate.Bound), and Config.ClientCertificate is nil")
	errOtherCertificate = errors.New("tokenendpoint: the refresh token is bound to another certificate than the client has shown, or it has shown none")
)

// seeCertificate asks whose certificate the request has.
func (h *Handler) seeCertificate(c *call) error {
	if h.clientCertificate == nil {
		return nil
	}
	shown, err := h.clientCertificate(c.http)
	if err != nil {
		return fmt.Errorf("tokenendpoint: ClientCertificate: %w", err)
	}
	if len(shown) > 0 {
		c.shown.Certificates = shown
	}
	if len(shown) > 0 && c.shown.Method == storage.AuthNone {
		v := new(verdict)
		c.verdict, c.shown.Certified = v, func(why error) { v.certified, v.uncertified = why == nil, why }
	}
	return nil
}

// bind decides to which certificate the tokens of the request are bound. A refresh token
// of a public client is good with its own certificate alone (RFC 8705 §4), whatever the
// client is registered for now.
func (h *Handler) bind(x *exchange) error {
	bound, own := x.request.Client.Certificate.Bound, ""
	if p := x.presented; p != nil && p.Kind == storage.KindRefreshToken {
		var err error
		if own, err = p.CertificateThumbprint(); err != nil {
			return grants.ServerError.Because(err)
		}
	}
	switch {
	case !bound && own == "":
		return nil
	case h.clientCertificate == nil:
		return grants.ServerError.Because(errNoSource)
	}
	shown := ""
	if len(x.shown.Certificates) > 0 {
		shown = mtls.Thumbprint(x.shown.Certificates[0])
	}
	switch {
	case own != "" && own != shown:
		return grants.InvalidGrant.Because(errOtherCertificate)
	case shown == "":
		return errNotShown
	}
	x.thumbprint = shown
	return nil
}

// bindRefreshToken binds the next refresh token of a public client. That of a
// confidential client is bound to the client's own credentials.
func (x *exchange) bindRefreshToken(next *storage.Credential) {
	if x.thumbprint == "" || !x.request.Client.Public() {
		return
	}
	if own, err := next.CertificateThumbprint(); err == nil && own == "" {
		next.BindToCertificate(x.thumbprint)
	}
}
