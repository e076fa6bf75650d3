package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Check asks the server, at the start of a process, whether it can keep what a
// store gives it, and returns an error that names every fault and its remedy:
// a server that is not reached, is older than Redis 6, cannot be written (a
// replica, or a full one), evicts keys (maxmemory-policy is not noeviction), or
// belongs to a cluster although [Config.SingleServer] is set. It cannot see how
// the server persists; the comment of the package tells what to choose. On a
// cluster it asks the one node that has the key "check".
func (s *Store) Check(ctx context.Context) error {
	reply, err := s.run(ctx, "check", []string{s.checkKey()})
	if err != nil {
		return fmt.Errorf("%w (%s)", err, remedy(err))
	}
	if len(reply) != 3 {
		return errForm
	}
	var faults []error
	info := parseInfo(strings.Join(reply, "\r\n"))
	version := info["redis_version"]
	if major, _, _ := strings.Cut(version, "."); version != "" && !atLeast(major, 6) {
		faults = append(faults, tooOld(version))
	}
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		faults = append(faults, fmt.Errorf("redisstore: the server may evict what it is given: its maxmemory-policy is %q; "+
			"set it to noeviction, or use a server without eviction", policy))
	}
	if s.single && info["cluster_enabled"] == "1" {
		faults = append(faults, errors.New("redisstore: the server belongs to a cluster: leave Config.SingleServer false"))
	}
	return errors.Join(faults...)
}

func tooOld(version string) error {
	return fmt.Errorf("redisstore: the server is Redis %s: use Redis 6 or later, or Valkey", version)
}

// remedy says what to do about an error of the check, by the word with which
// the server's errors begin.
func remedy(err error) string {
	text := err.Error()
	for _, known := range []struct{ word, remedy string }{
		{"READONLY", "the server is a replica: let Config.Do ask the primary"},
		{"OOM ", "the server is full: give it more memory"},
		{"MISCONF", "the server cannot write its disk and refuses all changes: see its log"},
		{"NOREPLICAS", "the server has fewer replicas than min-replicas-to-write asks for"},
		{"NOAUTH", "the server wants a password: give it to the client"},
		{"WRONGPASS", "the server refuses the user or the password of the client"},
		{"NOPERM", "allow the user EVAL, EVALSHA, INFO, TIME, the commands for strings, hashes, sets and expiry, and the keys with the prefix"},
		{"LOADING", "the server is reading its data: try again"},
		{"CLUSTERDOWN", "the cluster has no node for a slot: see CLUSTER INFO"},
	} {
		if strings.Contains(text, known.word) {
			return known.remedy
		}
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
