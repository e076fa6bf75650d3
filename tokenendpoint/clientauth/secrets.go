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
// An unknown client costs the same hashing as a known one, and every wrong secret
// costs it, for every reason. Each process learns the costs from the known clients
// that have come; until then an unknown client costs a SHA-256. For one unknown
// client_id the cost stays the same while the process learns nothing new. Public
// clients are not hidden: their identifiers are in every copy of the app. The look-up
// comes on top, as Clients answers it: with package storage/clientcache, a client that
// is remembered is answered faster than one that does not exist.
//
// A client pays for a slow hash once. The process remembers a verified secret until
// it has not been shown for ten minutes of [Request.Time], and for a day at most. It
// remembers 10,000 secrets at most, each as a keyed hash under a random secret of the
// process. The client is still asked for at each request, so disabling the client, or
// changing or expiring the secret, works at once, or within the Staleness of a cache of
// package storage/clientcache.
//
// Strangers that flood the process cannot keep real clients out. A bounded number of
// slots computes slow hashes. A secret that was verified before goes first, then
// clients that exist: one request at a time of each client in each network, and
// clients and networks take turns. An unknown client gets a slot that no known client
// wants. If there is none, it waits as long as the hash would have taken, and gets the
// same answer. An attacker that measures for long while the process is under such a
// load may still learn from the time of an answer whether a client exists.
//
// Secrets is safe for concurrent use. It must not be copied after its first use, and
// its fields must not be changed.
type Secrets struct {
	// Clients finds the clients. It is required: without it every request is an
	// outage.
	Clients storage.Clients

	// MaxHashes is how many requests may compute slow hashes at once. Each takes a
	// processor, and memory as its hash says (19 MiB for [Hash]). If zero or less,
	// GOMAXPROCS. A request waits a second for its turn and then gets
	// grants.TemporarilyUnavailable because of [ErrBusy].
	MaxHashes int

	// Upgrade, if not nil, is called after a secret was verified against a hash
	// weaker than those of [Hash]: every form of the table of this package but
	// $sha256$, and argon2id and scrypt only with less work. A digest without a salt
	// is among them, because nothing tells that a machine drew its secret: where one
	// did, ignore a Rehash whose Old begins with {sha. Concurrent
	// requests may each call it, within the request and with its context. It returns
	// nothing, because the client has authenticated whether or not the host could
	// store the new hash; report failures where the host reports its own. Until the
	// record has the new hash, Upgrade is called again each time the process has to
	// verify the secret anew.
	Upgrade func(ctx context.Context, r Rehash)

	// OtherHash, if not nil, verifies the hashes of forms that this package does not
	// know: it reports whether hash is the hash of secret, in constant time. An error
	// is an outage; it names the fault of the record, and shows neither text. A hash
	// begins with a mark, as storage.Client.Check wants it: "name:", "$name$" or
	// "{name}", of at most 64 bytes.
	//
	// OtherHash is treated as a slow hash: it takes one of the slots, its verdict is
	// remembered and upgraded, and a secret of more than 256 bytes does not match.
	// Concurrent requests call it. For a client that does not exist it is called with
	// the hash of another client, and the answer is then ignored; so it must change
	// nothing and count nothing. All hashes with one mark must take the same time: put
	// a cost that varies into the mark, such as {ours-4096}.
	OtherHash func(hash string, secret storage.Secret) (bool, error)

	// Assertions, if not nil, verify the assertions of clients that are registered for
	// storage.PrivateKeyJWT: a pointer to [Assertions]. If nil, such a client cannot
	// authenticate.
	Assertions AssertionVerifier
	// Certificates, if not nil, verify the certificates of clients that are registered
	// for storage.TLSClientAuth or storage.SelfSignedTLSClientAuth: a pointer to
	// [Certificates]. If nil, such a client cannot authenticate.
	Certificates CertificateVerifier

	once     sync.Once
	key      [32]byte // random, of this process: makes decoys and remembered secrets unpredictable
	slots    slots
	turns    turns
	decoys   decoys
	verified memory
	inFlight inFlight
	observe  func(cost) // tests count hashes with it
}

// Rehash is a better hash of a secret that was just verified. Replace Old, and only
// Old, by New. Then a secret that was changed meanwhile stays changed:
//
//	UPDATE client_secret SET hash = New
//	WHERE client_id = ClientID AND id = SecretID AND hash = Old
type Rehash struct {
	// ClientID and SecretID are storage.Client.ID and storage.ClientSecret.ID.
	ClientID, SecretID string
	// Old is the storage.ClientSecret.Hash that was verified.
	Old string
	// New is the hash of the same secret from [Hash].
	New string
}

// The causes of refusals on which a caller acts. They are for the log and for the
// limit of failures: a client never sees them.
var (
	// ErrUnknownClient is the cause of a refusal whose client does not exist.
	ErrUnknownClient = errors.New("clientauth: no such client")
	// ErrNotAuthenticated is the cause of a refusal whose client exists, or of an
	// outage after a secret of such a client was found wrong. So the identifier may be
	// logged: it is no secret in the place of one. The error that wraps it gives the
	// reason.
	ErrNotAuthenticated = errors.New("clientauth: the client has not authenticated")
	// ErrBrokenRecord is the cause of an outage whose client exists: nobody can judge by
	// its record. So the identifier may be logged here, too. The error that wraps it says
	// what is to be mended.
	ErrBrokenRecord = errors.New("clientauth: mend the client's record in the store")
	// ErrBusy is the cause of a grants.TemporarilyUnavailable for a request that
	// waited in vain for its secret to be hashed. No slow hash was compared. A limit
	// of failures counts the request all the same: otherwise guesses beyond the
	// capacity of the process would be free.
	ErrBusy = errors.New("clientauth: too many slow hashes at once")
)

// The causes of refusals, for the log. They carry no input.
var (
	errOtherID    = fmt.Errorf("%w: the store answered with another client than it was asked for", ErrUnknownClient)
	errWrong      = fmt.Errorf("%w: no live secret of it matches", ErrNotAuthenticated)
	errUndecoded  = fmt.Errorf("%w: it did not form-encode its Basic credentials (RFC 6749 §2.3.1): its secret matches without form-decoding", ErrNotAuthenticated)
	errNoClients  = errors.New("clientauth: Secrets.Clients is nil")
	errNoTime     = errors.New("clientauth: Request.Time is zero")
	errNoRecord   = errors.New("clientauth: find client: the store returned neither a client nor an error")
	errManySecret = fmt.Errorf("%w: it has more than 16 live secrets", ErrBrokenRecord)
)

// ValidateClient finds the client and verifies the secret that it showed.
//
// A nil error means that nothing the client showed was wrong, and NOT that the client
// has authenticated. These are returned identified only, and the caller decides:
//   - a client with Method storage.AuthNone, which showed no secret, whether
//     public or confidential; Request.Certified has the verdict on a certificate;
//   - a public client that showed a secret, since there is nothing to verify;
//   - a client that is Disabled, after its secret was verified.
//
// The error is grants.InvalidClient, with the cause [ErrUnknownClient] or
// [ErrNotAuthenticated] for the log, for an unknown client, for a wrong, expired or
// empty secret, and for a secret shown in another way than the client is registered
// for. A busy process returns grants.TemporarilyUnavailable because of [ErrBusy].
// Every other error is an outage: of the store, or of a record with an unknown
// AuthMethod, or with a hash that cannot be read while no other secret of the client
// matched. An outage or [ErrBusy]
// wraps one of the two causes as well if some secret was compared and did not match:
// a limit of failures counts it.
func (s *Secrets) ValidateClient(ctx context.Context, c Request) (*storage.Client, error) {
	switch {
	case s.Clients == nil:
		return nil, errNoClients
	case c.Time.IsZero():
		return nil, errNoTime // no secret would ever expire
	}
	if c.Method == storage.PrivateKeyJWT {
		return s.validateAssertion(ctx, c)
	}
	s.once.Do(s.start)

	client, unknown, err := s.find(ctx, c.ID)
	switch {
	case err != nil:
		return nil, err
	case c.Method == storage.AuthNone && c.Certified != nil && len(c.Certificates) > 0:
		if err := s.validateCertificate(ctx, client, c); err != nil {
			return nil, err
		}
	}
	switch {
	case c.Method == storage.AuthNone && unknown != nil:
		return nil, grants.InvalidClient.Because(unknown)
	case c.Method == storage.AuthNone:
		return client, nil
	case unknown == nil && client.Public():
		return client, nil
	}

	t := s.trial(client, unknown, c)
	match, err := s.verify(ctx, &t, c)
	switch {
	case err != nil:
		return nil, err
	case t.broken != nil && match == right:
		return nil, t.broken
	case t.broken != nil:
		return nil, t.outage(t.broken)
	case t.refusal != nil: // only now: the request has paid the cost of a wrong secret
		return nil, grants.InvalidClient.Because(t.refusal)
	case match == undecoded:
		return nil, grants.InvalidClient.Because(errUndecoded)
	case match == none:
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
	s.slots.open(n)
}

// find returns a client, or the reason why there is none, or an outage.
func (s *Secrets) find(ctx context.Context, id string) (client *storage.Client, unknown, err error) {
	client, err = s.Clients.Client(ctx, id)
	switch {
	case err == storage.ErrNotFound: // the usual case, without an allocation
		return nil, ErrUnknownClient, nil
	case errors.Is(err, storage.ErrNotFound): // and it says why
		return nil, fmt.Errorf("%w: %w", ErrUnknownClient, err), nil
	case err != nil:
		return nil, nil, fmt.Errorf("clientauth: find client: %w", err)
	case client == nil:
		return nil, nil, errNoRecord
	case client.ID != id: // such as a database that ignores case
		return nil, errOtherID, nil
	}
	return client, nil, nil
}

// trial is the set of secrets with which a shown secret is compared.
type trial struct {
	secrets  []storage.ClientSecret
	known    bool     // the secrets belong to a client: they are no decoys
	profile  *profile // of their cost, or nil
	refusal  error    // refuses even the right secret, unless nil
	fullCost bool     // compute all hashes, even for the right secret
	broken   error    // why the client's record cannot be judged by, or nil
	raw      bool     // Request.Undecoded authenticates too
	readings int      // how many of Secret and Undecoded are compared with slow hashes
	compared bool     // the shown secret was compared with one of them
}

// trial chooses the secrets to try. There is always one, so that every request that
// shows a secret pays for it.
func (s *Secrets) trial(client *storage.Client, unknown error, c Request) trial {
	decoys := s.decoys.pick(&s.key, c.ID) // for known clients too: the choice takes time
	if unknown != nil {
		return trial{secrets: decoys.secrets, profile: decoys, refusal: unknown, fullCost: true, raw: decoys.raw}
	}
	// A fast answer would tell a caller that tries a disabled client, or the wrong
	// method, that the secret was right.
	t := trial{known: true, fullCost: client.Disabled, raw: client.BasicNotEncoded}
	if !methodFits(client.AuthMethod, c.Method) {
		t.fullCost = true
		if err := client.CheckAuthMethod(); err != nil {
			t.broken = fmt.Errorf("%w: %w", ErrBrokenRecord, err)
		} else {
			t.refusal = wrongMethod(client.AuthMethod, c.Method)
		}
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
	t.refusal, t.fullCost = whyNotLive(client.Secrets, c.Time), true
	t.secrets = dead
	if len(dead) == 0 {
		t.secrets, t.profile, t.known, t.raw = decoys.secrets, decoys, false, decoys.raw
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

// methodFits reports whether a client with this registered method may show its secret
// in this way (RFC 7591 §2). A method that is not known here, such as
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

// wrongMethod is the cause of a refusal for the method. It names both, so that an
// operator can change the one or the other. Neither is a text of the request.
func wrongMethod(registered, shown string) error {
	if registered == "" {
		registered = storage.ClientSecretBasic + " or " + storage.ClientSecretPost
	}
	return fmt.Errorf("%w: it is registered for %s (Client.AuthMethod) and authenticated by %s", ErrNotAuthenticated, registered, shown)
}

func live(s storage.ClientSecret, at time.Time) bool {
	return (s.NotBefore.IsZero() || !at.Before(s.NotBefore)) &&
		(s.ExpiresAt.IsZero() || at.Before(s.ExpiresAt))
}
