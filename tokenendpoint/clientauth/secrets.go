package clientauth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// Secrets validates client secrets against storage.Clients (RFC 6749 §2.3.1).
//
// An unknown client costs the hashing that a known one costs, and a wrong
// secret costs it whatever is wrong with it. What known clients cost is learned
// from those that have come, per process; until then an unknown one costs a
// SHA-256. Of an unknown client_id, the cost is always the same while nothing
// new is learned. Public clients are not hidden: their identifiers are in every
// copy of the app.
//
// Slow hashes are paid once: a verified secret is remembered for ten minutes of
// [Credentials.Time], in this process, at most 10,000 of them, as a keyed hash
// under a key that the process draws. The client is still read at each request,
// so disabling it, or changing or expiring the secret, works at once.
//
// Secrets is safe for concurrent use. It must not be copied after its first
// use, nor its fields changed.
type Secrets struct {
	// Clients finds the clients. It is required: without it every request is
	// an outage.
	Clients storage.Clients

	// MaxHashes is how many requests may compute slow hashes at once. Each
	// takes a processor, and memory as its hash says (19 MiB for [Hash]). If
	// zero or less, GOMAXPROCS. A request waits 100 ms for its turn and then
	// gets grants.TemporarilyUnavailable.
	MaxHashes int

	// Upgrade, if not nil, is called after a secret was verified against a
	// hash that is weaker than what [Hash] makes: bcrypt, or argon2id with
	// less work. Concurrent requests may each call it, within the request and
	// with its context. It returns nothing, because the client has
	// authenticated whether or not the new hash could be kept; report failures
	// where the host reports its own. Until the record has the new hash, it is
	// called again each time the secret is not remembered.
	Upgrade func(ctx context.Context, r Rehash)

	once     sync.Once
	key      [32]byte // of this process, for what must not be predictable
	slots    chan struct{}
	decoys   decoys
	verified memory
	together together
	observe  func(cost) // tests count hashes with it
}

// Rehash is a better hash of a secret that has just been verified. Replace Old,
// and only Old, by New, so that a secret that was changed meanwhile stays
// changed:
//
//	UPDATE client_secret SET hash = New
//	WHERE client_id = ClientID AND id = SecretID AND hash = Old
type Rehash struct {
	// ClientID and SecretID are storage.Client.ID and storage.ClientSecret.ID.
	ClientID, SecretID string
	// Old is the storage.ClientSecret.Hash that was verified.
	Old string
	// New is the hash of the same secret as [Hash] makes it now.
	New string
}

// The causes of refusals, for the log. They carry no input.
var (
	errUnknown    = errors.New("clientauth: no such client")
	errOtherID    = errors.New("clientauth: the store answered with another client than it was asked for")
	errWrong      = errors.New("clientauth: no live secret of the client matches")
	errNotLive    = errors.New("clientauth: the client has no live secret")
	errMethod     = errors.New("clientauth: the client is registered for another authentication method")
	errBusy       = errors.New("clientauth: too many slow hashes at once")
	errNoClients  = errors.New("clientauth: Secrets.Clients is nil")
	errNoTime     = errors.New("clientauth: Credentials.Time is zero")
	errNoRecord   = errors.New("clientauth: find client: the store returned neither a client nor an error")
	errManySecret = errors.New("clientauth: a client has more than 16 live secrets")
)

// ValidateClient finds the client and verifies the secret that was shown.
//
// A nil error means that nothing shown was wrong, and NOT that the client has
// authenticated. These are returned identified only, and the caller decides:
//   - a client with Method storage.AuthNone, which showed no secret, whether
//     public or confidential;
//   - a public client that showed a secret, since there is nothing to verify;
//   - a client that is Disabled, after its secret was verified.
//
// Unknown clients, wrong, expired and empty secrets, and a secret shown in
// another way than the client is registered for are grants.InvalidClient with a
// cause for the log. A busy process is grants.TemporarilyUnavailable. Every
// other error is an outage: of the store, or of a record whose hash cannot be
// read where no other secret of the client matched.
func (s *Secrets) ValidateClient(ctx context.Context, c Credentials) (*storage.Client, error) {
	switch {
	case s.Clients == nil:
		return nil, errNoClients
	case c.Time.IsZero():
		return nil, errNoTime // no secret would ever expire
	}
	s.once.Do(s.start)

	client, unknown, err := s.find(ctx, c.ID)
	switch {
	case err != nil:
		return nil, err
	case c.Method == storage.AuthNone && unknown != nil:
		return nil, grants.InvalidClient.Because(unknown)
	case c.Method == storage.AuthNone:
		return client, nil
	case unknown == nil && client.Public():
		return client, nil
	}

	t := s.trial(client, unknown, c)
	matched, err := s.verify(ctx, t, c)
	switch {
	case err != nil:
		return nil, err
	case t.refusal != nil: // only now: it has cost what a wrong secret costs
		return nil, grants.InvalidClient.Because(t.refusal)
	case !matched:
		return nil, grants.InvalidClient.Because(errWrong)
	}
	return client, nil
}

func (s *Secrets) start() {
	rand.Read(s.key[:]) // it cannot fail: the process ends instead
	n := s.MaxHashes
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	s.slots = make(chan struct{}, n)
}

// find returns a client, or why there is none, or an outage.
func (s *Secrets) find(ctx context.Context, id string) (client *storage.Client, unknown, err error) {
	client, err = s.Clients.Client(ctx, id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, errUnknown, nil
	case err != nil:
		return nil, nil, fmt.Errorf("clientauth: find client: %w", err)
	case client == nil:
		return nil, nil, errNoRecord
	case client.ID != id: // such as a database that ignores case
		return nil, errOtherID, nil
	}
	return client, nil, nil
}

// trial is what a shown secret is held against.
type trial struct {
	secrets []storage.ClientSecret
	known   bool  // the secrets are those of a client, and no decoys
	refusal error // why even the right secret is refused, or nil
	fresh   bool  // the full cost is due, right secret or not
}

// trial chooses the secrets to try. There is always one, so that every request
// that shows a secret has its cost.
func (s *Secrets) trial(client *storage.Client, unknown error, c Credentials) trial {
	decoys := s.decoys.pick(&s.key, c.ID) // for known clients too: it takes time
	if unknown != nil {
		return trial{secrets: decoys, refusal: unknown, fresh: true}
	}
	// A fast answer would tell who tries to use a disabled client, or the
	// wrong method, that the secret was right.
	t := trial{known: true, fresh: client.Disabled}
	if !methodFits(client.AuthMethod, c.Method) {
		t.refusal, t.fresh = errMethod, true
	}
	if allUsable(client.Secrets, c.Time) { // the usual case, without a copy
		t.secrets = client.Secrets
		return t
	}
	var dead []storage.ClientSecret
	for _, secret := range client.Secrets {
		switch {
		case secret.Hash == "": // matches nothing
		case live(secret, c.Time):
			t.secrets = append(t.secrets, secret)
		default:
			dead = append(dead[:0], secret)
		}
	}
	if len(t.secrets) > 0 {
		return t
	}
	t.refusal, t.fresh = errNotLive, true
	t.secrets = dead
	if len(dead) == 0 {
		t.secrets, t.known = decoys, false
	}
	return t
}

func allUsable(secrets []storage.ClientSecret, at time.Time) bool {
	for i := range secrets {
		if secrets[i].Hash == "" || !live(secrets[i], at) {
			return false
		}
	}
	return len(secrets) > 0
}

// methodFits tells whether a client with this registered method may show its
// secret in this way (RFC 7591 §2). A method that is not known here, such as
// private_key_jwt, means that the client must not authenticate by a secret.
func methodFits(registered, shown string) bool {
	switch registered {
	case "":
		return shown == storage.ClientSecretBasic || shown == storage.ClientSecretPost
	case storage.ClientSecretBasic, storage.ClientSecretPost:
		return shown == registered
	}
	return false
}

func live(s storage.ClientSecret, at time.Time) bool {
	return (s.NotBefore.IsZero() || !at.Before(s.NotBefore)) &&
		(s.ExpiresAt.IsZero() || at.Before(s.ExpiresAt))
}
