package grants

import (
	"context"
	"errors"

	"github.com/contit/oauth/storage"
)

// Package tokenendpoint calls the methods of this file. No host and no grant needs
// them.

// Share makes all later copies of r remember together the credential that one of them
// finds. Package tokenendpoint calls it before it shows a request to the host's own
// code: a grant that calls another grant with a copy of its request must not lose the
// credential that the endpoint has to use up.
func (r *Request) Share() {
	if r.shared == nil {
		own := r.own
		if own.record != nil { // the endpoint may have it, see Taken
			own.record = own.record.Clone()
		}
		r.shared = &own
	}
}

// Taken is Presented for package tokenendpoint. Until Share was called, nobody but the
// caller has seen the request, so the record is not copied: the caller may change it.
func (r *Request) Taken() (record *storage.Credential, secret storage.Secret, ok bool) {
	if r.shared != nil {
		return r.Presented()
	}
	return r.own.record, r.own.secret, r.own.record != nil
}

// PresentAgain looks up the presented credential once more, and refuses the same
// credentials as Present. Package tokenendpoint calls it when another request was the
// first to use the credential.
func (r *Request) PresentAgain(ctx context.Context) error {
	f := r.found()
	if f.record == nil {
		return ServerError.Because(errNotPresented)
	}
	c, err := r.find(ctx, f.record.Kind, f.secret)
	if err != nil {
		return err
	}
	f.record = c
	return nil
}

var errNotPresented = errors.New("grants: nothing was presented")

// UsedOnce returns a copy of the record that UseOnce was called with, or nil. Package
// tokenendpoint calls it when the grant has decided.
func (r *Request) UsedOnce() *storage.Credential {
	once := r.found().once
	if once == nil {
		return nil
	}
	return once.Clone()
}

// Shown returns the API key that a request shows, in the body or in X-Api-Key, and
// whether it can be one, by its checksum or as Digest says. Package tokenendpoint calls
// it when it counts wrong guesses.
func (g APIKey) Shown(r *Request) (key storage.Secret, wellFormed bool) {
	text := r.shownKey()
	_, wellFormed = g.digest(text)
	return storage.PresentedSecret(text), wellFormed
}
