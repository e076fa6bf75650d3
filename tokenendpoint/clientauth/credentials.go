package clientauth

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/contit/oauth/storage"
)

// Credentials are what a request shows of its client (RFC 6749 §2.3.1). They
// have been read and checked for syntax: ID and Secret are UTF-8 without control
// characters and at most 4 KiB long, Method is one of the constants, and no second
// mechanism was used.
type Credentials struct {
	// ID is the client_id.
	ID string
	// Method says how the secret was shown: storage.ClientSecretBasic,
	// storage.ClientSecretPost, or storage.AuthNone if none was.
	Method string
	// Secret is what was shown; empty if Method is storage.AuthNone. An empty
	// secret shown by Basic is a wrong one for a confidential client.
	Secret storage.Secret
	// GrantType is the grant that is asked for. It is empty at the revocation and
	// introspection endpoints, which no grant has to do with.
	GrantType string
	// Time is the instant at which the request is judged. It is never zero.
	Time time.Time
	// HTTP is the request: headers, TLS, peer. Its body is spent.
	HTTP *http.Request
}

// Format prints the client and the method, whatever the verb: the headers hold
// the secret.
func (c Credentials) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "clientauth.Credentials{ID: %q, Method: %q}", c.ID, c.Method)
}

// LogValue returns what [Credentials.Format] prints.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// MarshalText returns what [Credentials.Format] prints.
func (c Credentials) MarshalText() ([]byte, error) { return fmt.Append(nil, c), nil }
