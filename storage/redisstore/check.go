package redisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Check asks the server, at the start of a process, whether it can keep the
// records of a store, and returns an error that names every fault and its
// remedy: a server that is not reached, is older than Redis 6, cannot be
// written (a replica, or a full one), evicts keys (maxmemory-policy is not
// noeviction), belongs to a cluster although [Config.SingleServer] is set, or
// does not allow the store's user a command or a key that the store will need,
// the rare ones too.
//
// It tries each command on the key "check", and each kind of key with a name that
// nobody has. It changes no record, and leaves nothing behind.
//
// It is no fault if the server refuses INFO or does not tell its policy: Check
// then logs to [Config.Logger] that it does not know whether the server evicts.
// Check cannot see how the server persists; the comment of the package says
// which settings to choose.
func (s *Store) Check(ctx context.Context) error {
	keys := []string{s.checkKey()}
	if s.single {
		keys = append(keys, s.checkKey()+":2") // in another slot
	}
	// EVAL is rare, since servers remember scripts. The next script is sent
	// with EVALSHA.
	reply, err := s.eval(ctx, "check", keys)
	switch err := s.answered(reply, err, keys[0]); {
	case err != nil:
		return err
	case len(reply)%2 != 0:
		return errForm
	}
	faults := s.faultsOf(ctx, parseInfo(reply[1]), failed(reply[2:]))
	for _, k := range s.kindsOfKeys() {
		reply, err := s.run(ctx, k.script, []string{k.key}, k.args...)
		switch err := s.answered(reply, err, k.key); {
		case err != nil && isRefused(err.Error()):
			faults = append(faults, err)
			continue
		case err != nil:
			return errors.Join(append(faults, err)...)
		case len(reply)%2 != 1:
			return errForm
		}
		faults = append(faults, s.faultsOfKey(k.key, failed(reply[1:]))...)
	}
	return errors.Join(unique(faults)...)
}

// answered returns the fault if the script did not run to its end.
func (s *Store) answered(reply []string, err error, key string) error {
	switch {
	case err == nil:
		return verdict(reply, "FOUND")
	case isRefused(err.Error()) && keyWord.MatchString(err.Error()):
		return s.refusedKey(key, err.Error())
	}
	return fmt.Errorf("%w (%s)", err, remedy(err.Error()))
}

// failed reads the commands that a script could not use, and why.
func failed(reply []string) map[string]string {
	all := make(map[string]string)
	for pair := range slices.Chunk(reply, 2) {
		all[pair[0]] = pair[1]
	}
	return all
}

// kind is a kind of key, by one of it in which nothing is found.
type kind struct {
	script, key string
	args        []string
}

// kindsOfKeys are all that the store uses: the server's user may be kept to some, and
// on a cluster they are on several nodes.
func (s *Store) kindsOfKeys() []kind {
	none := "check:" + newNonce()
	return []kind{
		{"check_key", s.prefix + "credential:" + none, nil},
		{"check_hash", s.familyKey(none), []string{none}},
		{"check_hash", s.clientsKey(), []string{none}},
		{"check_hash", s.apiKeysKey(), []string{none}},
		{"check_key", s.apiKeysOfClient(none), nil},
		{"check_key", s.apiKeysOfSubject(none), nil},
		{"check_key", s.prefix + "token:" + none, nil},
		{"check_hash", s.signingKeysKey(), []string{none}},
	}
}

// faultsOf returns the faults that info, the server's answer, and failed show.
func (s *Store) faultsOf(ctx context.Context, info, failed map[string]string) (faults []error) {
	policy := info["maxmemory_policy"]
	if policy == "" {
		why := failed["INFO"]
		if why == "" {
			why = "its INFO has no maxmemory_policy"
		}
		s.logger.WarnContext(ctx, "redisstore: the server does not say whether it evicts keys: see that its maxmemory-policy is noeviction", slog.String("cause", why))
	}
	delete(failed, "INFO")
	if version := info["redis_version"]; version != "" {
		if major, _, _ := strings.Cut(version, "."); !atLeast(major, 6) {
			faults = append(faults, tooOld(version))
		}
	}
	if policy != "" && policy != "noeviction" {
		faults = append(faults, fmt.Errorf("redisstore: the server may evict what it is given: its maxmemory-policy is %q; "+
			"set it to noeviction, or use a server without eviction", policy))
	}
	if s.single && info["cluster_enabled"] == "1" {
		faults = append(faults, errCluster)
	}
	var refused []string
	for _, command := range slices.Sorted(maps.Keys(failed)) {
		switch text := failed[command]; {
		case isRefused(text) && keyWord.MatchString(text):
			faults = append(faults, s.refusedKey(s.checkKey(), text))
		case isRefused(text):
			refused = append(refused, command)
		default:
			faults = append(faults, fmt.Errorf("redisstore: the server fails: %s (%s)", strings.TrimSpace(text), remedy(text)))
		}
	}
	if len(refused) > 0 {
		first := strings.TrimSpace(failed[refused[0]])
		faults = append(faults, fmt.Errorf("redisstore: the server's user may not use %s: allow it, as by ACL SETUSER <user> +%s (the server says: %s)",
			strings.Join(refused, ", "), strings.ToLower(strings.Join(refused, " +")), first))
	}
	return faults
}

var errCluster = errors.New("redisstore: the server belongs to a cluster: leave Config.SingleServer false")

func tooOld(version string) error {
	return fmt.Errorf("redisstore: the server is Redis %s: use Redis 6 or later, or Valkey", version)
}

// faultsOfKey returns the faults of one kind of key. The key of the check has
// shown already which commands the server refuses on any key.
func (s *Store) faultsOfKey(key string, failed map[string]string) (faults []error) {
	for _, text := range failed {
		switch {
		case strings.Contains(text, "WRONGTYPE"):
			faults = append(faults, fmt.Errorf("redisstore: the key %q holds what is not this store's: give the store a Config.Prefix of its own", key))
		case isRefused(text) && keyWord.MatchString(text):
			faults = append(faults, s.refusedKey(key, text))
		case !isRefused(text):
			faults = append(faults, fmt.Errorf("redisstore: the server fails: %s (%s)", strings.TrimSpace(text), remedy(text)))
		}
	}
	return faults
}

func (s *Store) refusedKey(key, text string) error {
	return fmt.Errorf("redisstore: the server's user may not read and write keys such as %q: allow it, as by ACL SETUSER <user> ~%s* (the server says: %s)",
		key, s.prefix, strings.TrimSpace(text))
}

// unique drops repeated faults: a full server reports the same fault for each
// command.
func unique(faults []error) (all []error) {
	seen := make(map[string]bool)
	for _, fault := range faults {
		if text := fault.Error(); !seen[text] {
			seen[text] = true
			all = append(all, fault)
		}
	}
	return all
}

// refusals are the words with which servers refuse a command or a key to their user:
// outside of scripts, in those of Redis 6 and 7.0, and in those of later ones and of
// Valkey, which may leave out the first word.
var refusals = []string{"NOPERM", "The user executing the script can't", "ACL failure in script"}

func isRefused(text string) bool {
	return slices.ContainsFunc(refusals, func(words string) bool { return strings.Contains(text, words) })
}

// keyWord tells a key that is refused from a command.
var keyWord = regexp.MustCompile(`access .*key`)

// remedy returns the remedy for an error of the check. It knows the error by
// the word with which the server begins it.
func remedy(text string) string {
	for _, known := range []struct{ word, remedy string }{
		{"READONLY", "the server is a replica: let Config.Do ask the primary"},
		{"OOM ", "the server is full: give it more memory"},
		{"MISCONF", "the server cannot write its disk and refuses all changes: see its log"},
		{"NOREPLICAS", "the server has fewer replicas than min-replicas-to-write asks for"},
		{"NOAUTH", "the server wants a password: give it to the client"},
		{"WRONGPASS", "the server refuses the user or the password of the client"},
		{"LOADING", "the server is reading its data: try again"},
		{"CLUSTERDOWN", "the cluster has no node for a slot: see CLUSTER INFO"},
		{"CROSSSLOT", "the server belongs to a cluster: leave Config.SingleServer false"},
		{"MOVED ", "the server belongs to a cluster: leave Config.SingleServer false, and let Config.Do follow to other nodes, as a client for clusters does"},
	} {
		if strings.Contains(text, known.word) {
			return known.remedy
		}
	}
	switch {
	case isRefused(text):
		return "allow the server's user this command: the store needs EVAL, EVALSHA, and what its scripts use"
	case strings.HasPrefix(text, "ERR ") || strings.Contains(text, ": ERR "):
		return "the server has answered, with an error of its own: it must be Redis 6 or later, or Valkey"
	}
	return "is the server running, and does Config.Do reach it? It must be Redis 6 or later, or Valkey"
}

// parseInfo reads the reply of INFO: lines of names and values.
func parseInfo(text string) map[string]string {
	info := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info
}

func atLeast(number string, least int) bool {
	n, err := strconv.Atoi(number)
	return err == nil && n >= least
}
