package redisstore_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/contit/oauth/storage/redisstore"
)

// The errors are those that real servers send: Redis 7.0, and from 7.2 on and Valkey.
func TestCheckNamesTheRemedy(t *testing.T) {
	const (
		command70 = "ERR The user executing the script can't run this command or subcommand"
		command72 = "ERR ACL failure in script: User app has no permissions to run the 'hdel' command"
		key70     = "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments"
		key72     = "ERR ACL failure in script: User app has no permissions to access the 'oauth:clients' key"
		key8      = "NOPERM ACL failure in script: No permissions to access a key"
	)
	info := "redis_version:7.2.0\r\nmaxmemory_policy:noeviction"
	for _, tt := range []struct {
		name  string
		reply []string // of the first script, after the word
		key   []string // of those about keys
		err   error
		want  string // "" for no error
	}{
		{name: "Redis 6", reply: []string{"redis_version:6.0.0\r\nmaxmemory_policy:noeviction"}},
		{name: "Redis 10", reply: []string{"redis_version:10.1\r\nmaxmemory_policy:noeviction"}},
		{name: "a server that tells nothing", reply: []string{""}},
		{name: "a server that may not be asked", reply: []string{"", "INFO", command70}},
		{name: "Redis 5", reply: []string{"redis_version:5.0.14"}, want: "use Redis 6"},
		{name: "eviction", reply: []string{"redis_version:7.0.0\r\nmaxmemory_policy:volatile-ttl"}, want: "set it to noeviction"},
		{name: "nobody there", err: errors.New("dial tcp: connection refused"), want: "is the server running"},
		{name: "no EVAL", err: errors.New("NOPERM this user has no permissions to run the 'eval' command"), want: "'eval' command (allow"},
		{name: "no key at all", err: errors.New("NOPERM this user has no permissions to access one of the keys used as arguments"), want: "~oauth:*"},
		{name: "a command, in Redis 7.0", reply: []string{info, "HDEL", command70, "DEL", command70}, want: "may not use DEL, HDEL: allow it, as by ACL SETUSER <user> +del +hdel"},
		{name: "a command, in Redis 7.2", reply: []string{info, "HDEL", command72}, want: "+hdel"},
		{name: "a key, in Redis 7.0", reply: []string{info}, key: []string{"HGET", key70}, want: "~oauth:*"},
		{name: "a key, in Redis 7.2", reply: []string{info}, key: []string{"HGET", key72}, want: "~oauth:*"},
		{name: "a key, in Valkey 8", reply: []string{info}, key: []string{"HGET", key8}, want: "~oauth:*"},
		{name: "keys that may only be read", reply: []string{info, "SET", key70}, want: "~oauth:*"},
		{name: "a key of others", reply: []string{info}, key: []string{"HGET", "WRONGTYPE Operation against a key"}, want: "Config.Prefix of its own"},
		{name: "a failing disk", reply: []string{info, "SET", "MISCONF Redis is configured to save RDB snapshots"}, want: "cannot write its disk"},
		{name: "a cluster", err: errors.New("CROSSSLOT Keys in request don't hash to the same slot"), want: "Config.SingleServer"},
		{name: "a node of a cluster", err: errors.New("MOVED 1234 127.0.0.1:7000"), want: "Config.Do follow"},
		{name: "a server without Lua", err: errors.New("ERR unknown command 'EVAL'"), want: "the server has answered"},
	} {
		s := open(t, func(_ context.Context, args ...any) (any, error) {
			if args[0] == "EVAL" {
				return append([]string{"FOUND"}, tt.reply...), tt.err
			}
			return append([]string{"FOUND"}, tt.key...), nil
		})
		err := s.Check(t.Context())
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Check, %s: got error %v, want one with %q", tt.name, err, tt.want)
		}
		if err != nil && tt.err == nil && strings.Contains(err.Error(), "is the server running") {
			t.Errorf("Check, %s: got error %v, which blames the network for what a server has said", tt.name, err)
		}
	}
}

// A server that does not tell whether it evicts is no reason not to start, and is
// said.
func TestCheckWarnsOfWhatItCannotKnow(t *testing.T) {
	for info, warned := range map[string]bool{"": true, "redis_version:7.0.0": true, "maxmemory_policy:noeviction": false} {
		var log bytes.Buffer
		s, err := redisstore.New(redisstore.Config{
			Do:     func(context.Context, ...any) (any, error) { return []string{"FOUND", info}[:2], nil },
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Check(t.Context())
		if got := strings.Contains(log.String(), "level=WARN") && strings.Contains(log.String(), "noeviction"); got != warned {
			t.Errorf("INFO says %q: got the log %q, want a warning: %t", info, &log, warned)
		}
	}
}

// Check tries each command that some script uses.
func TestCheckTriesEveryCommand(t *testing.T) {
	files, err := filepath.Glob("lua/*.lua")
	if err != nil || len(files) < 20 {
		t.Fatalf("got %d scripts and error %v", len(files), err)
	}
	tried, used := make(map[string]bool), make(map[string]string)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`redis\.p?call\('([A-Z]+)'`).FindAllSubmatch(text, -1) {
			used[string(m[1])] = name
		}
		if name == "lua/check.lua" {
			for _, m := range regexp.MustCompile(`try\('([A-Z]+)'`).FindAllSubmatch(text, -1) {
				tried[string(m[1])] = true
			}
		}
	}
	for command, name := range used {
		if !tried[command] {
			t.Errorf("%s uses %s, which check.lua does not try", name, command)
		}
	}
}
