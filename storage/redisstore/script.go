package redisstore

import (
	"context"
	"crypto/fips140"
	"crypto/sha1"
	"embed"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

//go:embed lua/*.lua
var files embed.FS

// script is a Lua script. Redis keeps the scripts that it has seen by their
// SHA-1.
type script struct {
	text, name string
}

func loadScripts() (map[string]script, error) {
	shared, err := files.ReadFile("lua/shared.lua")
	if err != nil {
		return nil, err
	}
	entries, err := files.ReadDir("lua")
	if err != nil {
		return nil, err
	}
	scripts := make(map[string]script, len(entries))
	for _, entry := range entries {
		text, err := files.ReadFile("lua/" + entry.Name())
		if err != nil {
			return nil, err
		}
		text = append(append([]byte(nil), shared...), text...)
		scripts[strings.TrimSuffix(entry.Name(), ".lua")] = script{string(text), sha1Name(text)}
	}
	return scripts, nil
}

// sha1Name is the name that Redis gives a script. It secures nothing, and so it
// is computed where FIPS 140-3 is enforced as well.
func sha1Name(text []byte) (name string) {
	fips140.WithoutEnforcement(func() {
		sum := sha1.Sum(text)
		name = hex.EncodeToString(sum[:])
	})
	return name
}

// run runs a script and returns its reply. Its errors are outages.
//
// A server forgets scripts when it restarts, in a fail-over and by SCRIPT
// FLUSH, and says so before it has done anything; then the text is sent.
func (s *Store) run(ctx context.Context, name string, keys []string, args ...string) ([]string, error) {
	reply, err := s.send(ctx, command("EVALSHA", s.scripts[name].name, keys, args))
	if err != nil && isNoScript(err) {
		return s.eval(ctx, name, keys, args...)
	}
	return textsOf(name, reply, err)
}

// eval sends the text of a script.
func (s *Store) eval(ctx context.Context, name string, keys []string, args ...string) ([]string, error) {
	reply, err := s.send(ctx, command("EVAL", s.scripts[name].text, keys, args))
	return textsOf(name, reply, err)
}

// command makes a new one each time: a client may still hold the one before.
func command(verb, script string, keys, args []string) []any {
	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, verb, script, strconv.Itoa(len(keys)))
	for _, key := range keys {
		all = append(all, key)
	}
	for _, arg := range args {
		all = append(all, arg)
	}
	return all
}

// textsOf is the reply of a script.
func textsOf(name string, reply any, err error) ([]string, error) {
	if err != nil {
		return nil, fmt.Errorf("redisstore: %s: %w", name, err)
	}
	texts, err := appendTexts(nil, reply)
	if err == nil && len(texts) == 0 {
		err = errNoReply
	}
	if err != nil {
		return nil, fmt.Errorf("redisstore: %s: %w", name, err)
	}
	return texts, nil
}

// send does nothing for a context that has ended: not every client looks at it
// first, and a caller that has given up must not find its change made.
func (s *Store) send(ctx context.Context, args []any) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.do(ctx, args...)
}

// isNoScript recognises the error by its text, since each client has a type of
// its own for it.
func isNoScript(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "NOSCRIPT") || strings.Contains(text, "NOSCRIPT No matching script")
}
