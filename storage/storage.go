package storage

import (
	"context"
	"errors"
	"time"
)

// The verdicts of a store. Every other error is an outage.
var (
	// ErrNotFound says that there is no such record.
	ErrNotFound = errors.New("storage: not found")
	// ErrExists says that a record with this key (digest, or ID) is already
	// there.
	ErrExists = errors.New("storage: already exists")
	// ErrSpent says that a credential cannot be spent: another caller was
	// first, its family was revoked, or its uses are used up.
	ErrSpent = errors.New("storage: already spent")
)

// Storage is all that the endpoint needs kept: the sum of the small interfaces.
// A host that keeps its records in several places joins them with [Parts].
type Storage interface {
	Clients
	Credentials
	APIKeys
}

// Clients finds the clients of the authorization server (RFC 6749 §2).
type Clients interface {
	// Client returns the client with this identifier, a disabled one too, or
	// [ErrNotFound]. Identifiers are compared byte for byte: fill in the ID of
	// the row that was found, and the endpoint notices a database that ignores
	// case.
	Client(ctx context.Context, id string) (*Client, error)
}

// Credentials keeps single-use credentials: authorization codes, refresh
// tokens, and the credentials of a host's own grants.
type Credentials interface {
	// CreateCredential adds a new credential: its Uses, SpentAt, Salt and
	// Revoked are zero. It returns [ErrExists], and changes nothing, if there
	// is one with its digest. A credential that is added to a family that was
	// revoked is revoked from the start.
	CreateCredential(ctx context.Context, c *Credential) error

	// Credential returns the credential with this digest, spent and revoked
	// ones too, or [ErrNotFound]. Its Revoked field tells whether its family
	// has been revoked.
	Credential(ctx context.Context, d Digest) (*Credential, error)

	// Spend counts one use of old, which is a record as [Credentials.Credential]
	// returned it, and at its first use adds next, unless next is nil: all of
	// it or nothing, in one step.
	//
	// If old.Uses is zero, Spend succeeds if the stored record is unspent and
	// not revoked. It then sets SpentAt to at, Uses to 1, and takes Salt and
	// FamilyExpiresAt from old. However many callers race, one succeeds.
	//
	// If old.Uses is not zero, the caller repeats a use that it knows of. Spend
	// then succeeds if next is nil and the stored record is spent, not revoked,
	// and has fewer uses than its MaxUses; it adds one to Uses and changes
	// nothing else.
	//
	// In every other case it returns [ErrSpent], or [ErrNotFound] if the
	// record is gone, and changes nothing. If old could be spent and next's
	// digest is taken it returns [ErrExists] and changes nothing. next is new,
	// and of old's family. A store does not look at ExpiresAt: the endpoint
	// has.
	Spend(ctx context.Context, old, next *Credential, at time.Time) error

	// Revoke ends a family. Once it has returned nil, no caller finds a
	// credential of the family unrevoked or can spend it, not even one that a
	// concurrent Spend was adding. It is no error to revoke a family again, or
	// a family without credentials; the store remembers the latter for a day,
	// in case the first credential is on its way.
	Revoke(ctx context.Context, family string) error
}

// APIKeys finds API keys.
type APIKeys interface {
	// APIKey returns the key with this digest, a revoked or expired one too,
	// or [ErrNotFound].
	APIKey(ctx context.Context, d Digest) (*APIKey, error)
}

// Reader is the part of [Storage] that looks up credentials and API keys. A
// grant gets only a Reader: a grant decides, the endpoint acts.
type Reader interface {
	// Credential is the method of [Credentials].
	Credential(ctx context.Context, d Digest) (*Credential, error)
	// APIKey is the method of [APIKeys].
	APIKey(ctx context.Context, d Digest) (*APIKey, error)
}
