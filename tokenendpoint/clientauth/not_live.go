package clientauth

import (
	"fmt"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
)

// notLive is the cause of a refusal of a client that has no live secret: what an operator
// must know to change that. The log makes its text after the client has the answer, so
// that this answer takes no longer than the one to an unknown client. It has no hash.
type notLive struct{ secrets []lifetime }

type lifetime struct {
	id           string
	begins, ends time.Time // only the instant that keeps the secret from being live is set
}

// whyNotLive says why none of the secrets is live. The text names at most 16 of them.
func whyNotLive(secrets []storage.ClientSecret, at time.Time) *notLive {
	const most = 16
	why := new(notLive)
	for _, s := range secrets[:min(len(secrets), most)] {
		l := lifetime{id: s.ID}
		switch {
		case s.Hash == "":
		case !s.NotBefore.IsZero() && at.Before(s.NotBefore):
			l.begins = s.NotBefore
		default:
			l.ends = s.ExpiresAt
		}
		why.secrets = append(why.secrets, l)
	}
	return why
}

// Error names each secret by its ID.
func (e *notLive) Error() string {
	text := ErrNotAuthenticated.Error() + ": it has no live secret"
	if len(e.secrets) == 0 {
		return text + ", and no other either (Client.Secrets)"
	}
	each := make([]string, len(e.secrets))
	for i, s := range e.secrets {
		switch {
		case !s.begins.IsZero():
			each[i] = fmt.Sprintf("%q begins at %s (NotBefore)", s.id, s.begins.UTC().Format(time.RFC3339))
		case !s.ends.IsZero():
			each[i] = fmt.Sprintf("%q ended at %s (ExpiresAt)", s.id, s.ends.UTC().Format(time.RFC3339))
		default:
			each[i] = fmt.Sprintf("%q has no Hash", s.id)
		}
	}
	return text + ": " + strings.Join(each, ", ")
}

// Unwrap returns ErrNotAuthenticated.
func (e *notLive) Unwrap() error { return ErrNotAuthenticated }
