package grants

import (
	"errors"

	"github.com/contit/oauth/storage"
)

var (
	errOnceIncomplete = errors.New("grants: the record of a credential that is good once lacks a Digest, Kind, Family, Subject or an end to come, or is of another issuer or client")
	errOnceTwice      = errors.New("grants: a request may rest on only one credential that is good once")
)

// UseOnce makes a credential that the server has not issued good once, such as the
// assertion of another party (RFC 7523 §3). record stands for it: its Digest is the
// same whenever the credential comes again, and it is kept until nobody would take the
// credential any more. If the request is granted, the endpoint adds the record to its
// store in the last step, before anything else is written, and refuses the request
// with InvalidGrant if it is there already.
//
// Call it in Authorize. The record has a Digest, Kind, Family and Subject, the Issuer
// and the Client of the request, and an ExpiresAt and FamilyExpiresAt to come: else the
// error is ServerError, and so it is for a second call.
func (r *Request) UseOnce(record *storage.Credential) error {
	f := r.found()
	switch {
	case f.once != nil:
		return ServerError.Because(errOnceTwice)
	case record == nil || record.Digest.IsZero() || record.Kind == "" || record.Family == "" || record.Subject == "" ||
		record.Issuer != r.Issuer || r.Client == nil || record.ClientID != r.Client.ID ||
		!record.ExpiresAt.After(r.Time) || record.FamilyExpiresAt.Before(record.ExpiresAt):
		return ServerError.Because(errOnceIncomplete)
	}
	f.once = record.Clone()
	return nil
}
