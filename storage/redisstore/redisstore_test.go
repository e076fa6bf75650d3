package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/redisstore"
)

// The suites of storagetest and endpointtest run over this store in
// storage/integration, against real servers. Here a function stands for Redis.

func wantNoVerdict(t *testing.T, what string, err error) {
	t.Helper()
	for _, sentinel := range []error{storage.ErrNotFound, storage.ErrExists, storage.ErrSpent} {
		if errors.Is(err, sentinel) {
			t.Errorf("%s: got %v, want an outage and no verdict", what, err)
		}
	}
}

func open(t *testing.T, do redisstore.Do) *redisstore.Store {
	t.Helper()
	s, err := redisstore.New(redisstore.Config{Do: do})
	if err != nil {
		t.Fatalf("New: got error %v, want none", err)
	}
	return s
}

func credential() *storage.Credential {
	at := time.Now()
	return &storage.Credential{
		Digest: storage.NewSecret("").Digest("k"), Family: "f", IssuedAt: at,
		ExpiresAt: at.Add(time.Hour), FamilyExpiresAt: at.Add(time.Hour),
	}
}

func signingKey() *storage.SigningKey {
	return &storage.SigningKey{Turn: 1, ID: "k", Sealed: []byte("sealed")}
}

// calls are all that a store can be asked.
func calls(ctx context.Context, s *redisstore.Store) map[string]func() error {
	next := credential()
	return map[string]func() error{
		"CreateCredential":        func() error { return s.CreateCredential(ctx, credential()) },
		"Credential":              func() error { _, err := s.Credential(ctx, storage.Digest{1}); return err },
		"Spend":                   func() error { return s.Spend(ctx, credential(), nil, time.Now()) },
		"Spend, with a successor": func() error { return s.Spend(ctx, credential(), next, time.Now()) },
		"Revoke":                  func() error { return s.Revoke(ctx, "f") },
		"Client":                  func() error { _, err := s.Client(ctx, "c"); return err },
		"PutClient":               func() error { return s.PutClient(ctx, &storage.Client{ID: "c"}) },
		"CreateClient":            func() error { return s.CreateClient(ctx, &storage.Client{ID: "c"}) },
		"UpdateClient":            func() error { return s.UpdateClient(ctx, "c", func(*storage.Client) error { return nil }) },
		"ListClients":             func() error { _, err := s.ListClients(ctx, storage.Page{}); return err },
		"APIKey":                  func() error { _, err := s.APIKey(ctx, storage.Digest{1}); return err },
		"CreateAPIKey":            func() error { return s.CreateAPIKey(ctx, &storage.APIKey{ID: "k", Digest: storage.Digest{1}}) },
		"PutAPIKey":               func() error { return s.PutAPIKey(ctx, &storage.APIKey{ID: "k", Digest: storage.Digest{1}}) },
		"RevokeAPIKey":            func() error { return s.RevokeAPIKey(ctx, "alice", "k", time.Now()) },
		"ExpireAPIKey":            func() error { return s.ExpireAPIKey(ctx, "alice", "k", time.Now()) },
		"ListAPIKeysOfClient":     func() error { _, err := s.ListAPIKeysOfClient(ctx, "c", storage.Page{}); return err },
		"ListAPIKeysOfSubject":    func() error { _, err := s.ListAPIKeysOfSubject(ctx, "alice", storage.Page{}); return err },
		"RevokeToken":             func() error { return s.RevokeToken(ctx, "jti", time.Now().Add(time.Hour)) },
		"Revoked":                 func() error { _, err := s.Revoked(ctx, "jti", "f"); return err },
		"SigningKeys":             func() error { _, err := s.SigningKeys(ctx); return err },
		"CreateSigningKey":        func() error { return s.CreateSigningKey(ctx, signingKey()) },
		"DeleteSigningKey":        func() error { return s.DeleteSigningKey(ctx, 1) },
		"Check":                   func() error { return s.Check(ctx) },
	}
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := redisstore.New(redisstore.Config{Prefix: "{oauth}:"})
	for _, want := range []string{"Do", "Prefix"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: got error %v, want one that names %s", err, want)
		}
	}
}

// Any reply that no script gives is an outage. It may come from a proxy,
// another version, or a client library that changes replies.
func TestStrangeRepliesAreOutages(t *testing.T) {
	down := errors.New("down")
	for name, reply := range map[string]struct {
		value any
		err   error
	}{
		"an error":                 {nil, down},
		"nil":                      {nil, nil},
		"an empty list":            {[]any{}, nil},
		"an unknown word":          {"QUEUED", nil},
		"an empty text":            {"", nil},
		"a number":                 {int64(1), nil},
		"a list with nil":          {[]any{"FOUND", nil, "", ""}, nil},
		"a list with an error":     {[]any{"OK", down}, nil},
		"a list that is too short": {[]any{"FOUND"}, nil},
		"a list that is too long":  {[]any{"FOUND", "{}", "{}", "{}", "{}", "{}"}, nil},
		"a record that is damaged": {[]string{"FOUND", "{", "", ""}, nil},
		"the words of a sentinel":  {nil, errors.New(storage.ErrNotFound.Error())},
		"a map":                    {map[string]any{"OK": "OK"}, nil},
	} {
		s := open(t, func(context.Context, ...any) (any, error) { return reply.value, reply.err })
		for method, call := range calls(t.Context(), s) {
			what := fmt.Sprintf("%s, after %s", method, name)
			err := call()
			switch {
			case name == "a list that is too short" && (method == "ExpireAPIKey" || method == "ListAPIKeysOfClient" || method == "ListAPIKeysOfSubject" || method == "SigningKeys"):
				continue // it is the list of a client or a subject without keys, or of no keys
			case err == nil:
				t.Errorf("%s: got no error, want an outage", what)
			}
			wantNoVerdict(t, what, err)
			if reply.err != nil && !errors.Is(err, reply.err) {
				t.Errorf("%s: got %v, which does not wrap %v", what, err, reply.err)
			}
		}
	}
}

// That a token is not revoked is said in two words, and in no others.
func TestRevokedIsFalseOnlyIfItIsSaid(t *testing.T) {
	for _, tt := range []struct {
		reply any
		yes   bool
		known bool
	}{
		{[]any{"FOUND", "no"}, false, true},
		{[]any{"FOUND", "yes"}, true, true},
		{[]any{[]byte("FOUND"), []byte("yes")}, true, true},
		{"no", false, false}, {"OK", false, false}, {"NOTFOUND", false, false}, {"EXISTS", false, false}, {"SPENT", false, false},
		{[]any{"FOUND", ""}, false, false}, {[]any{"FOUND", "0"}, false, false}, {[]any{"FOUND", "no", "no"}, false, false},
		{[]any{"no", "no"}, false, false}, {int64(0), false, false}, {false, false, false},
	} {
		s := open(t, func(context.Context, ...any) (any, error) { return tt.reply, nil })
		for _, family := range []string{"", "f"} {
			yes, err := s.Revoked(t.Context(), "jti", family)
			if yes != tt.yes || (err == nil) != tt.known {
				t.Errorf("Revoked, after %q: got %t and error %v, want %t, and known: %t", tt.reply, yes, err, tt.yes, tt.known)
			}
			wantNoVerdict(t, "Revoked", err)
		}
	}
}

// The second of two questions can be lost as well.
func TestRevokedAsksForTheFamily(t *testing.T) {
	down := errors.New("down")
	for _, tt := range []struct {
		family any
		err    error
		yes    bool
	}{
		{[]any{"FOUND", "no"}, nil, false}, {[]any{"FOUND", "yes"}, nil, true}, {nil, down, false},
	} {
		n := 0
		s := open(t, func(_ context.Context, args ...any) (any, error) {
			if n++; n == 1 {
				return []any{"FOUND", "no"}, nil
			}
			if args[3] != "oauth:family:f" {
				t.Errorf("the second question: got the key %v, want oauth:family:f", args[3])
			}
			return tt.family, tt.err
		})
		if yes, err := s.Revoked(t.Context(), "jti", "f"); yes != tt.yes || !errors.Is(err, tt.err) || n != 2 {
			t.Errorf("Revoked, after %v and error %v: got %t and error %v after %d questions, want %t after 2", tt.family, tt.err, yes, err, n, tt.yes)
		}
	}
}

// Clients differ in how they return texts.
func TestRepliesOfAllClients(t *testing.T) {
	const record = "ABCDEFGHIJKLMNOP1 2 {}"
	for name, reply := range map[string]struct{ where, find any }{
		"strings":         {[]any{"FOUND", "family"}, []any{"FOUND", record, "", "1"}},
		"bytes":           {[]any{[]byte("FOUND"), []byte("family")}, []any{[]byte("FOUND"), []byte(record), []byte(""), []byte("1")}},
		"lists of texts":  {[]string{"FOUND", "family"}, []string{"FOUND", record, "", "1"}},
		"lists of bytes":  {[][]byte{[]byte("FOUND"), []byte("family")}, [][]byte{[]byte("FOUND"), []byte(record), nil, []byte("1")}},
		"nested in lists": {[]any{"FOUND", []any{"family"}}, []any{"FOUND", []string{record, "", "1"}}},
	} {
		first := true
		s := open(t, func(context.Context, ...any) (any, error) {
			if first {
				first = false
				return reply.where, nil
			}
			return reply.find, nil
		})
		c, err := s.Credential(t.Context(), storage.Digest{1})
		if err != nil || c.Family != "family" || !c.Revoked || c.Spent() || c.Digest != (storage.Digest{1}) {
			t.Errorf("%s: got %+v and error %v, want an unspent credential of a revoked family", name, c, err)
		}
	}
}

// The store sends the text of a script if the server answers that it does not
// have it, and after no other error. A client may report that answer in any
// type.
func TestScriptTextIsSentOnNoScript(t *testing.T) {
	const noScript = "NOSCRIPT No matching script. Please use EVAL."
	for _, tt := range []struct {
		err  error
		sent bool
	}{
		{errors.New(noScript), true},
		{fmt.Errorf("redis: %w", errors.New(noScript)), true},
		{errors.New("READONLY You can't write against a read only replica."), false},
		{errors.New("dial tcp: connection refused"), false},
		{context.DeadlineExceeded, false},
	} {
		var sent [][]any
		s := open(t, func(_ context.Context, args ...any) (any, error) {
			sent = append(sent, args)
			if args[0] == "EVALSHA" {
				return nil, tt.err
			}
			return "OK", nil
		})
		err := s.Revoke(t.Context(), "f")
		if (err == nil) != tt.sent || len(sent) != map[bool]int{true: 2, false: 1}[tt.sent] {
			t.Errorf("after %v: got error %v after %d commands, want the text sent: %t", tt.err, err, len(sent), tt.sent)
			continue
		}
		for _, args := range sent {
			for i, arg := range args {
				if _, ok := arg.(string); !ok {
					t.Errorf("argument %d: got a %T, want a string, which every client can send", i, arg)
				}
			}
			if args[2] != "1" || args[3] != "oauth:family:f" {
				t.Errorf("got %v keys, the first of them %v; want 1 and oauth:family:f", args[2], args[3])
			}
		}
		if tt.sent && (sent[0][0] != "EVALSHA" || len(sent[0][1].(string)) != 40 || sent[1][0] != "EVAL") {
			t.Errorf("got %v %v and then %v, want EVALSHA with a SHA-1, and then EVAL", sent[0][0], sent[0][1], sent[1][0])
		}
	}
}

func TestEndedContextSendsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := open(t, func(context.Context, ...any) (any, error) {
		t.Error("a command was sent, want none")
		return "OK", nil
	})
	for method, call := range calls(ctx, s) {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got error %v, want %v", method, err, context.Canceled)
		}
	}
}

// The store refuses a record that it cannot keep unchanged, or that is not new,
// before it sends anything.
func TestRefused(t *testing.T) {
	s := open(t, func(context.Context, ...any) (any, error) {
		t.Error("a command was sent, want none")
		return "OK", nil
	})
	ctx := t.Context()
	for name, change := range map[string]func(c *storage.Credential){
		"a credential without digest": func(c *storage.Credential) { c.Digest = storage.Digest{} },
		"a credential without family": func(c *storage.Credential) { c.Family = "" },
		"a credential that was used":  func(c *storage.Credential) { c.Uses = 1 },
		"one that has a SpentAt":      func(c *storage.Credential) { c.SpentAt = time.Now() },
		"one that has a salt":         func(c *storage.Credential) { c.Salt = []byte{1} },
		"one that is revoked":         func(c *storage.Credential) { c.Revoked = true },
		"text that is not UTF-8":      func(c *storage.Credential) { c.Scope = []string{"\xff"} },
		"a year that JSON has not":    func(c *storage.Credential) { c.IssuedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		c, old := credential(), credential()
		change(c)
		for method, err := range map[string]error{
			"CreateCredential":        s.CreateCredential(ctx, c),
			"Spend, with a successor": s.Spend(ctx, old, c, time.Now()),
		} {
			if err == nil {
				t.Errorf("%s of %s: got no error, want one", method, name)
			}
			wantNoVerdict(t, method+" of "+name, err)
		}
	}
	twins := &storage.Client{ID: "c", Secrets: []storage.ClientSecret{{ID: "1"}, {ID: "2"}, {ID: "1"}}}
	stranger := credential()
	stranger.Family = "another"
	for name, err := range map[string]error{
		"a successor of another family":  s.Spend(ctx, credential(), stranger, time.Now()),
		"a client without ID":            s.PutClient(ctx, &storage.Client{}),
		"an ID with a control character": s.CreateClient(ctx, &storage.Client{ID: "a\x00"}),
		"an ID that is not UTF-8":        s.PutClient(ctx, &storage.Client{ID: "a\xff"}),
		"a client put with twin secrets": s.PutClient(ctx, twins),
		"one created with twin secrets":  s.CreateClient(ctx, twins),
		"a new API key without ID":       s.CreateAPIKey(ctx, &storage.APIKey{Digest: storage.Digest{1}}),
		"an API key without ID":          s.PutAPIKey(ctx, &storage.APIKey{Digest: storage.Digest{1}}),
		"an API key without digest":      s.PutAPIKey(ctx, &storage.APIKey{ID: "k"}),
		"revocation at the zero time":    s.RevokeAPIKey(ctx, "alice", "k", time.Time{}),
		"an end at the zero time":        s.ExpireAPIKey(ctx, "alice", "k", time.Time{}),
		"a token until the zero time":    s.RevokeToken(ctx, "jti", time.Time{}),
		"a token until the year 10000":   s.RevokeToken(ctx, "jti", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)),
		"a signing key without a turn":   s.CreateSigningKey(ctx, &storage.SigningKey{ID: "k", Sealed: []byte{1}}),
		"a signing key without an ID":    s.CreateSigningKey(ctx, &storage.SigningKey{Turn: 1, Sealed: []byte{1}}),
		"one with nothing sealed":        s.CreateSigningKey(ctx, &storage.SigningKey{Turn: 1, ID: "k"}),
		"one whose ID is not UTF-8":      s.CreateSigningKey(ctx, &storage.SigningKey{Turn: 1, ID: "\xff", Sealed: []byte{1}}),
	} {
		if err == nil {
			t.Errorf("%s: got no error, want one", name)
		}
		wantNoVerdict(t, name, err)
	}
}
