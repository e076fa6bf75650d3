package memory_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/storagetest"
)

func TestStore(t *testing.T) {
	storagetest.Run(t, func(testing.TB) storagetest.Store { return new(memory.Store) })
}

func TestSigningKeys(t *testing.T) {
	storagetest.RunSigningKeys(t, func(testing.TB) storage.SigningKeys { return new(memory.Store) })
}

func TestManagement(t *testing.T) {
	storagetest.RunManagement(t, func(testing.TB) storagetest.Management { return new(memory.Store) })
}

func TestPutClientRefusesID(t *testing.T) {
	for _, tt := range []struct {
		name, id string
		refused  bool
	}{
		{"an ordinary ID is kept", "s6BhdRkqt3", false},
		{"all of VSCHAR may be in an ID", " !~\"\\", false},
		{"a letter beyond ASCII is kept", "zoë", false},
		{"an empty ID is refused", "", true},
		{"NUL is refused", "a\x00b", true},
		{"DEL is refused", "a\x7f", true},
		{"a tab is refused", "a\tb", true},
		{"a control character beyond ASCII is refused", "a\u0085", true},
		{"broken UTF-8 is refused", "a\xff", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s memory.Store
			err := s.PutClient(t.Context(), &storage.Client{ID: tt.id})
			if (err != nil) != tt.refused {
				t.Errorf("PutClient(%q): got error %v, want refused %t", tt.id, err, tt.refused)
			}
			if _, err := s.Client(t.Context(), tt.id); errors.Is(err, storage.ErrNotFound) != tt.refused {
				t.Errorf("Client(%q): got error %v, want absent %t", tt.id, err, tt.refused)
			}
		})
	}
}

func TestPutClientReplaces(t *testing.T) {
	var s memory.Store
	for _, disabled := range []bool{false, true} {
		if err := s.PutClient(t.Context(), &storage.Client{ID: "c", Disabled: disabled}); err != nil {
			t.Fatalf("PutClient: got error %v, want none", err)
		}
	}
	if c, err := s.Client(t.Context(), "c"); err != nil || !c.Disabled {
		t.Errorf("Client: got %+v and error %v, want the second one", c, err)
	}
}

func digest(text string) storage.Digest {
	return storage.PresentedSecret(text).Digest(storage.KindAPIKey)
}

func TestPutAPIKey(t *testing.T) {
	ctx := t.Context()
	var s memory.Store
	put := func(text, id string) error {
		return s.PutAPIKey(ctx, &storage.APIKey{Digest: digest(text), ID: id, ClientID: text})
	}
	wantErr(t, "a new key", put("one", "k1"), nil)
	wantErr(t, "the same key again", put("one", "k1"), nil)
	wantErr(t, "another key with the ID of the first", put("two", "k1"), storage.ErrExists)
	wantErr(t, "the first key, with another ID", put("one", "k2"), nil)
	wantErr(t, "another key with the ID that became free", put("two", "k1"), nil)
	if err := put("three", ""); err == nil {
		t.Error("PutAPIKey without an ID: got no error, want one")
	}
	if err := s.PutAPIKey(ctx, &storage.APIKey{ID: "k3"}); err == nil {
		t.Error("PutAPIKey without a digest: got no error, want one")
	}
	for text, id := range map[string]string{"one": "k2", "two": "k1"} {
		if k, err := s.APIKey(ctx, digest(text)); err != nil || k.ID != id {
			t.Errorf("APIKey(%s): got %+v and error %v, want the ID %s", text, k, err, id)
		}
	}
}

func TestRevokeAPIKey(t *testing.T) {
	ctx := t.Context()
	var s memory.Store
	at := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	wantErr(t, "PutAPIKey", s.PutAPIKey(ctx, &storage.APIKey{Digest: digest("one"), ID: "k1", Subject: "alice"}), nil)
	wantErr(t, "PutAPIKey", s.PutAPIKey(ctx, &storage.APIKey{Digest: digest("two"), ID: "k2", Subject: "alice"}), nil)
	if err := s.RevokeAPIKey(ctx, "alice", "k1", time.Time{}); err == nil {
		t.Error("RevokeAPIKey at the zero time: got no error, want one: it would revoke nothing")
	}
	wantErr(t, "RevokeAPIKey", s.RevokeAPIKey(ctx, "alice", "k1", at), nil)
	wantErr(t, "RevokeAPIKey again, later", s.RevokeAPIKey(ctx, "alice", "k1", at.Add(time.Hour)), nil)
	wantErr(t, "RevokeAPIKey of an unknown ID", s.RevokeAPIKey(ctx, "alice", "k3", at), storage.ErrNotFound)
	wantErr(t, "RevokeAPIKey of another subject's key", s.RevokeAPIKey(ctx, "bob", "k2", at), storage.ErrNotFound)
	wantErr(t, "RevokeAPIKey of an ID with NUL", s.RevokeAPIKey(ctx, "alice", "k2\x00", at), storage.ErrNotFound)
	for text, want := range map[string]time.Time{"one": at, "two": {}} {
		if k, err := s.APIKey(ctx, digest(text)); err != nil || !k.RevokedAt.Equal(want) {
			t.Errorf("APIKey(%s): got %+v and error %v, want RevokedAt %v", text, k, err, want)
		}
	}
}

func TestManagementHonoursContext(t *testing.T) {
	var s memory.Store
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, errDelete := s.DeleteExpired(ctx, time.Now(), 0)
	for name, err := range map[string]error{
		"PutClient":     s.PutClient(ctx, &storage.Client{ID: "c"}),
		"PutAPIKey":     s.PutAPIKey(ctx, &storage.APIKey{Digest: digest("one"), ID: "k1"}),
		"RevokeAPIKey":  s.RevokeAPIKey(ctx, "alice", "k1", time.Now()),
		"DeleteExpired": errDelete,
	} {
		wantErr(t, name+" with a cancelled context", err, context.Canceled)
	}
	_, err := s.Client(t.Context(), "c")
	wantErr(t, "Client that was put with a cancelled context", err, storage.ErrNotFound)
	_, err = s.APIKey(t.Context(), digest("one"))
	wantErr(t, "APIKey that was put with a cancelled context", err, storage.ErrNotFound)
}

func TestCredentialNeedsDigest(t *testing.T) {
	var s memory.Store
	if err := s.CreateCredential(t.Context(), &storage.Credential{Family: "f"}); err == nil {
		t.Error("CreateCredential without a digest: got no error, want one")
	}
	if _, err := s.Credential(t.Context(), storage.Digest{}); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Credential of the zero digest: got error %v, want %v", err, storage.ErrNotFound)
	}
}

func TestCreatedRevokedStaysRevoked(t *testing.T) {
	var s memory.Store
	c := credential("one", "f", start)
	c.Revoked = true
	wantErr(t, "CreateCredential", s.CreateCredential(t.Context(), c), nil)
	wantErr(t, "Spend", s.Spend(t.Context(), c, nil, start), storage.ErrSpent)
	if got, err := s.Credential(t.Context(), c.Digest); err != nil || !got.Revoked {
		t.Errorf("Credential: got %+v and error %v, want it revoked", got, err)
	}
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}
