package integration_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/redisstore"
	"github.com/contit/oauth/storage/storagetest"
)

// needed are the commands that a store uses, as the comment of package redisstore
// lists them for an ACL.
var needed = strings.Fields(`eval evalsha time del exists pttl pexpireat get set setnx
	hget hmget hset hsetnx hexists hdel hgetall hscan zadd zrangebylex`)

// aclServer is a server with a user that has only the rights of some rules.
type aclServer struct {
	testing.TB
	*redisServer
	all *redis.Client // may do everything
}

func newACLServer(t testing.TB) *aclServer {
	s := newRedis(t)
	return &aclServer{t, s, s.client()}
}

// as returns a store of a user with these rights.
func (s *aclServer) as(single bool, rules ...string) *redisstore.Store {
	s.Helper()
	args := []any{"ACL", "SETUSER", "app", "reset", "on", ">pw"}
	for _, rule := range rules {
		args = append(args, rule)
	}
	if err := s.all.Do(s.Context(), args...).Err(); err != nil {
		s.Fatalf("ACL SETUSER: %v", err)
	}
	c := redis.NewClient(&redis.Options{Addr: s.addr(), Username: "app", Password: "pw", ContextTimeoutEnabled: true})
	s.Cleanup(func() { c.Close() })
	return openRedis(s, redisstore.Config{Do: viaGoRedis(c), SingleServer: single, Logger: slog.New(slog.DiscardHandler)})
}

// data is all that the server holds.
func (s *aclServer) data() string {
	s.Helper()
	var all strings.Builder
	keys, err := s.all.Do(s.Context(), "EVAL", `local all = redis.call('KEYS', '*')
		table.sort(all)
		local out = {}
		for _, key in ipairs(all) do
			table.insert(out, key .. ' ' .. redis.sha1hex(redis.call('DUMP', key)) .. ' ' .. redis.call('PEXPIRETIME', key))
		end
		return out`, "0").StringSlice()
	must(s, "reading all keys", err)
	for _, key := range keys {
		fmt.Fprintln(&all, key)
	}
	return all.String()
}

// wantUntouched asserts that a check changes nothing.
func (s *aclServer) wantUntouched(what string, check func() error) error {
	s.Helper()
	before := s.data()
	err := check()
	if after := s.data(); after != before {
		s.Errorf("%s: Check has changed what the server holds:\n%s\nbefore it was\n%s", what, after, before)
	}
	return err
}

// populate stores one record of each kind.
func (s *aclServer) populate(store *redisstore.Store) {
	s.Helper()
	ctx, c := s.Context(), redisCredential(time.Now())
	must(s, "CreateCredential", store.CreateCredential(ctx, c))
	must(s, "PutClient", store.PutClient(ctx, &storage.Client{ID: "c"}))
	must(s, "PutAPIKey", store.PutAPIKey(ctx, &storage.APIKey{ID: "k", Digest: storage.Digest{1}, ClientID: "c"}))
	must(s, "RevokeToken", store.RevokeToken(ctx, "jti", time.Now().Add(time.Hour)))
	must(s, "CreateSigningKey", store.CreateSigningKey(ctx, signingKey(1)))
}

// A user without dangerous commands is enough, and so is one with the commands that
// the comment of the package lists.
func TestRedisCheckAcceptsARestrictedUser(t *testing.T) {
	s := newACLServer(t)
	for name, rules := range map[string][]string{
		"-@dangerous":           {"~oauth:*", "+@all", "-@dangerous"},
		"what is listed":        append([]string{"~oauth:*"}, plus(needed)...),
		"what is listed, INFO":  append([]string{"~oauth:*", "+info"}, plus(needed)...),
		"the categories of use": {"~oauth:*", "+@read", "+@write", "+@scripting", "+time", "-@dangerous"},
	} {
		t.Run(name, func(t *testing.T) {
			for mode, single := range modes {
				store := s.as(single, rules...)
				s.populate(s.as(single, rules...))
				if err := s.wantUntouched(mode, func() error { return store.Check(t.Context()) }); err != nil {
					t.Errorf("%s: Check: got error %v, want none", mode, err)
				}
				must(t, "FLUSHALL", s.all.FlushAll(t.Context()).Err())
			}
		})
	}
	store := s.as(true, append([]string{"~oauth:*"}, plus(needed)...)...)
	storagetest.Run(t, func(testing.TB) storagetest.Store { return store })
	storagetest.RunManagedAPIKeys(t, func(testing.TB) storagetest.ManagedAPIKeys { return store })
	storagetest.RunSigningKeys(t, func(testing.TB) storage.SigningKeys { return store })
}

func plus(commands []string) (rules []string) {
	for _, command := range commands {
		rules = append(rules, "+"+command)
	}
	return rules
}

// If the user lacks any one command, Check names it before a request needs it,
// and changes nothing.
func TestRedisCheckNamesARefusedCommand(t *testing.T) {
	s := newACLServer(t)
	s.populate(s.as(true, "~oauth:*", "+@all"))
	for _, command := range needed {
		for mode, single := range modes {
			t.Run(command+"/"+mode, func(t *testing.T) {
				s.TB = t
				must(t, "SCRIPT FLUSH", s.all.ScriptFlush(t.Context()).Err())
				store := s.as(single, "~oauth:*", "+@all", "-@dangerous", "-"+command)
				err := s.wantUntouched(command, func() error { return store.Check(t.Context()) })
				want := "may not use " + strings.ToUpper(command) + ": allow it, as by ACL SETUSER <user> +" + command
				if command == "eval" || command == "evalsha" {
					want = "'" + command + "' command (allow"
				}
				wantFault(t, err, []string{want})
			})
		}
	}
	t.Run("all but scripts", func(t *testing.T) {
		s.TB = t
		store := s.as(true, "~oauth:*", "+eval", "+evalsha")
		err := s.wantUntouched("no command", func() error { return store.Check(t.Context()) })
		var want []string
		for _, command := range needed[2:] {
			if command != "hset" && command != "hsetnx" && command != "zadd" && command != "setnx" { // they would leave something behind
				want = append(want, "+"+command)
			}
		}
		wantFault(t, err, want)
	})
}

// A user that may not use one kind of key, or may only read it.
func TestRedisCheckNamesARefusedKey(t *testing.T) {
	s := newACLServer(t)
	s.populate(s.as(true, "~oauth:*", "+@all"))
	kinds := []string{"oauth:credential:*", "oauth:family:*", "oauth:clients", "oauth:{api_keys}", "oauth:{api_keys}:*", "oauth:token:*", "oauth:signing_keys", "oauth:check*"}
	for i, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			s.TB = t
			rules := []string{"+@all", "-@dangerous"}
			for j, other := range kinds {
				if i != j {
					rules = append(rules, "~"+other)
				}
			}
			for what, rules := range map[string][]string{"not at all": rules, "to read": append(rules[:len(rules):len(rules)], "%R~"+kind)} {
				store := s.as(false, rules...)
				err := s.wantUntouched(what, func() error { return store.Check(t.Context()) })
				wantFault(t, err, []string{strings.TrimSuffix(kind, "*"), "~oauth:*"})
			}
		})
	}
}

// Check finds keys under the prefix that are not the store's.
func TestRedisCheckFindsWhatIsNotItsOwn(t *testing.T) {
	s := newACLServer(t)
	must(t, "SET", s.all.Set(t.Context(), "oauth:clients", "of another program", 0).Err())
	store := s.as(true, "~oauth:*", "+@all")
	wantFault(t, s.wantUntouched("a foreign key", func() error { return store.Check(t.Context()) }), []string{"oauth:clients", "Config.Prefix"})
}

// A check that is given up says so.
func TestRedisCheckEndsWithItsContext(t *testing.T) {
	s := newACLServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, "Check", s.as(true, "~oauth:*", "+@all").Check(ctx), context.Canceled)
}
