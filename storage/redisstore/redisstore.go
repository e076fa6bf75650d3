package redisstore

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/contit/oauth/storage"
)

// Do sends one command to Redis and returns its reply. The arguments are
// strings without exception, and always EVALSHA or EVAL, a script, the number
// of its keys, the keys, and the other arguments of the script. The first key,
// which routes the command in a cluster, is the fourth argument.
//
// A reply is a text or a list of texts; none is ever nil. A text may come as a
// string or as []byte. An error of the server is returned as an error whose
// text begins with that of the server, perhaps after a prefix of the client's.
// Do must be safe for concurrent use, must end with its context, and must ask
// the primary: a replica may not yet know that a code was spent.
//
// To send a command again whose answer was lost is allowed, and many clients do
// it: the scripts for credentials recognise it. Those that replace a client or
// an API key do not: a copy that arrives after a later change undoes that, a
// revocation too. With github.com/redis/go-redis/v9, where rdb may be a Client
// or a ClusterClient, for Sentinel too, made with ContextTimeoutEnabled:
//
//	func(ctx context.Context, args ...any) (any, error) { return rdb.Do(ctx, args...).Result() }
//
// With github.com/redis/rueidis, where the second line is for a cluster:
//
//	return c.Do(ctx, c.B().Arbitrary(redisstore.Strings(args)...).Build()).ToAny()
//	return c.Do(ctx, c.B().Arbitrary(s[:3]...).Keys(s[3]).Args(s[4:]...).Build()).ToAny() // s := redisstore.Strings(args)
//
// With github.com/gomodule/redigo, conn being a connection of a pool that is
// closed afterwards:
//
//	return redis.DoContext(conn, ctx, args[0].(string), args[1:]...)
type Do func(ctx context.Context, args ...any) (any, error)

// Strings returns the arguments of [Do] as strings, for clients that take
// strings, such as c of github.com/redis/rueidis:
//
//	return c.Do(ctx, c.B().Arbitrary(redisstore.Strings(args)...).Build()).ToAny()
func Strings(args []any) []string {
	list := make([]string, len(args))
	for i, arg := range args {
		list[i], _ = arg.(string)
	}
	return list
}

// Config says where a [Store] keeps its records. It is copied.
type Config struct {
	// Do reaches Redis. It is needed.
	Do Do

	// Prefix begins every key. If empty, "oauth:". Several stores with
	// prefixes of their own, none of which begins with another, share a
	// server. Braces are refused, since they decide where a cluster keeps a
	// key.
	Prefix string

	// SingleServer says that one server has all keys, with replicas or
	// without, and is not part of a Redis Cluster. It makes a code cost two
	// round trips in place of up to five. If false, no script touches keys of
	// more than one slot, which works everywhere. Processes with different
	// settings can share a server. On a cluster, true makes calls fail, and
	// [Store.Check] say why.
	SingleServer bool

	// Logger gets, at warn level, each question that [Store.Check] could not
	// answer. If nil, slog.Default().
	Logger *slog.Logger
}

// Store is a [storage.Storage] in Redis. [New] makes it. All methods are safe
// for concurrent use. It holds no state but the server's.
type Store struct {
	do      Do
	prefix  string
	single  bool
	scripts map[string]script
	logger  *slog.Logger
}

var (
	_ storage.Storage        = (*Store)(nil)
	_ storage.Revocations    = (*Store)(nil)
	_ storage.SigningKeys    = (*Store)(nil)
	_ storage.ManagedClients = (*Store)(nil)
	_ storage.ManagedAPIKeys = (*Store)(nil)
)

var (
	errNoDo    = errors.New("redisstore: Config.Do is nil: it is how Redis is reached")
	errNotMade = errors.New("redisstore: the store was not made by New")
	errBraces  = errors.New("redisstore: Config.Prefix must not have braces: they decide where a cluster keeps a key")
)

// New returns a store, or an error that names every fault of the
// configuration. It does not talk to Redis; [Store.Check] does.
func New(c Config) (*Store, error) {
	var faults []error
	if c.Do == nil {
		faults = append(faults, errNoDo)
	}
	if strings.ContainsAny(c.Prefix, "{}") {
		faults = append(faults, errBraces)
	}
	scripts, err := loadScripts()
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, err
	}
	if c.Prefix == "" {
		c.Prefix = "oauth:"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Store{do: c.Do, prefix: c.Prefix, single: c.SingleServer, scripts: scripts, logger: c.Logger}, nil
}

// Opened returns an error for a Store that was not made by [New]. Package
// tokenendpoint calls it, to refuse such a store before the first request.
func (s *Store) Opened() error {
	if s.do == nil {
		return errNotMade
	}
	return nil
}

// pointerKey is the key that leads from a digest to a family.
func (s *Store) pointerKey(d storage.Digest) string { return s.prefix + "credential:" + d.String() }

// familyKey returns the one key that holds a whole family, so that a script
// sees in one place whether a credential can be spent.
func (s *Store) familyKey(family string) string { return s.familyKeys() + family }

// familyKeys returns the prefix of the keys of families.
func (s *Store) familyKeys() string { return s.prefix + "family:" }

func (s *Store) clientsKey() string { return s.prefix + "clients" }

func (s *Store) apiKeysKey() string { return s.prefix + "{api_keys}" }

// apiKeysOfClient is the key of the IDs of a client's API keys. It shares the slot of
// apiKeysKey.
func (s *Store) apiKeysOfClient(clientID string) string {
	return s.apiKeysKey() + ":client:" + clientID
}

// apiKeysOfSubject is the key of the IDs of a subject's API keys.
func (s *Store) apiKeysOfSubject(subject string) string {
	return s.apiKeysKey() + ":subject:" + subject
}

// tokenKey is the key that says that an access token is revoked.
func (s *Store) tokenKey(d storage.Digest) string { return s.prefix + "token:" + d.String() }

func (s *Store) signingKeysKey() string { return s.prefix + "signing_keys" }

func (s *Store) checkKey() string { return s.prefix + "check" }
