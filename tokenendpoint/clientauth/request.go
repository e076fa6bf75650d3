package clientauth

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/contit/oauth/storage"
)

// Request asks a validator to authenticate a client. It holds the part of an HTTP
// request that tells of the client (RFC 6749 §2.3.1). The endpoint has read it and
// checked its syntax: ID and Secret are UTF-8 without control characters and at most
// 4 KiB long, Method is one of the constants, and the client used no second
// mechanism.
type Request struct {
	// ID is the client_id.
	ID string
	// Method says how the client showed itself: storage.ClientSecretBasic,
	// storage.ClientSecretPost, storage.PrivateKeyJWT if it showed an assertion, or
	// storage.AuthNone if it showed nothing.
	Method string
	// Secret is the secret that the client showed; empty if Method is
	// storage.AuthNone or storage.PrivateKeyJWT. An empty secret shown by Basic is a
	// wrong secret for a confidential client.
	Secret storage.Secret
	// Undecoded is the secret as it stood in the Basic header, if form-decoding
	// (RFC 6749 §2.3.1) has changed it or is impossible, else empty. If impossible,
	// Secret is empty, which is a wrong secret. A validator accepts it for a client
	// with storage.Client.BasicNotEncoded and for no other: a second, looser reading
	// is a second secret to guess. With it a validator can tell the log that the
	// client does not form-encode its secret.
	Undecoded storage.Secret
	// Assertion is the client_assertion of a client whose Method is
	// storage.PrivateKeyJWT (RFC 7523 §2.2), else empty. If the request has no
	// client_id, ID is the "sub" of the assertion, which nobody has verified.
	Assertion storage.Secret
	// UseUp takes the record of an assertion that is good once. A validator calls it
	// when all else is right, and returns the client: the endpoint adds the record to
	// its store, and refuses the client if it is there already. It is nil if there is
	// no store for it.
	UseUp func(*storage.Credential)
	// Certificates are the certificate that the client has shown in the TLS handshake and
	// those that came with it, the client's first. They are nil if it has shown none, or
	// if the endpoint has no Config.ClientCertificate. A client may show one beside a
	// secret, to which its tokens are bound.
	Certificates []*x509.Certificate
	// Certified takes the verdict on the certificate of a client that is registered to
	// authenticate by it, if Method is storage.AuthNone: nil if it has, or why it has not,
	// for the log. A validator calls it, and returns the client in both cases. Without a
	// call, the client has not authenticated. It is nil if there is no certificate.
	Certified func(why error)
	// GrantType is the grant_type of the request. It is empty at the revocation and
	// introspection endpoints, and for the authorization endpoint, which have no
	// grants.
	GrantType string
	// Time is the instant of the request. It is never zero.
	Time time.Time
	// Network is the network of the request: an IPv4 address, or the /64 of an IPv6
	// address. Requests from one network wait for each other before they keep those
	// of another waiting. It is zero if the request shows nothing that an attacker
	// could guess.
	Network netip.Prefix
	// HTTP is the request itself: headers, TLS, peer. Its body has been read. For the
	// authorization endpoint, where no client shows anything, it is an empty one.
	HTTP *http.Request
	// Crowded says that the network of the request has failed too often, for clients
	// of every name. A validator then computes nothing for a client that it does not
	// know: the endpoint answers every failure of the request alike.
	Crowded bool
}

// Shows reports whether the client showed a secret, in either reading, or an assertion.
func (c Request) Shows() bool {
	return !c.Secret.Empty() || !c.Undecoded.Empty() || !c.Assertion.Empty()
}

// Format prints the method alone, for every verb: the headers hold the secret, and
// a careless client may send a secret in the place of its identifier.
func (c Request) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "clientauth.Request{Method: %q}", c.Method)
}

// LogValue returns the text of [Request.Format].
func (c Request) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// MarshalText returns the text of [Request.Format].
func (c Request) MarshalText() ([]byte, error) { return fmt.Append(nil, c), nil }
