package memory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

func revokeToken(t *testing.T, s *memory.Store, id string, expiresAt time.Time) {
	t.Helper()
	wantErr(t, "RevokeToken", s.RevokeToken(t.Context(), id, expiresAt), nil)
}

func wantRevoked(t *testing.T, s *memory.Store, id string, want bool) {
	t.Helper()
	if got, err := s.Revoked(t.Context(), id, ""); err != nil || got != want {
		t.Errorf("Revoked(%s): got %t and error %v, want %t", id, got, err, want)
	}
}

func TestTokensAreForgottenWhenTheyExpire(t *testing.T) {
	var s memory.Store
	for i := range 10 {
		revokeToken(t, &s, fmt.Sprint(i), start.Add(time.Duration(i)*time.Hour))
	}
	create(t, &s, credential("one", "f", start.Add(90*time.Minute)))
	deleteExpired(t, &s, start, 0, 0)
	deleteExpired(t, &s, start.Add(3*time.Hour), 0, 4) // with the credential
	for i := range 10 {
		wantRevoked(t, &s, fmt.Sprint(i), i >= 3)
	}
	deleteExpired(t, &s, start.Add(3*time.Hour+1), 0, 1)
	deleteExpired(t, &s, start.AddDate(1, 0, 0), 4, 4)
	deleteExpired(t, &s, start.AddDate(1, 0, 0), 4, 2)
	wantEmpty(t, &s)
}

// The store does not count the entry of an earlier instant, and does not keep
// it longer than the token.
func TestTokenRevokedAgainIsForgottenOnce(t *testing.T) {
	var s memory.Store
	for _, hours := range []int{2, 1, 2, 3, 2, 3} {
		revokeToken(t, &s, "one", start.Add(time.Duration(hours)*time.Hour))
	}
	deleteExpired(t, &s, start.Add(3*time.Hour), 0, 0)
	wantRevoked(t, &s, "one", true)
	deleteExpired(t, &s, start.Add(3*time.Hour+1), 0, 1)
	wantRevoked(t, &s, "one", false)
	wantEmpty(t, &s)

	revokeToken(t, &s, "one", start)
	deleteExpired(t, &s, start.Add(1), 0, 1)
	wantEmpty(t, &s)
}

func TestRefusedRevocationsAndKeys(t *testing.T) {
	var s memory.Store
	sealed := []byte("sealed")
	for what, err := range map[string]error{
		"RevokeToken at the zero time": s.RevokeToken(t.Context(), "one", time.Time{}),
		"a signing key without a turn": s.CreateSigningKey(t.Context(), &storage.SigningKey{ID: "k", Sealed: sealed}),
		"one with a negative turn":     s.CreateSigningKey(t.Context(), &storage.SigningKey{Turn: -1, ID: "k", Sealed: sealed}),
		"a signing key without an ID":  s.CreateSigningKey(t.Context(), &storage.SigningKey{Turn: 1, Sealed: sealed}),
		"one with nothing sealed":      s.CreateSigningKey(t.Context(), &storage.SigningKey{Turn: 1, ID: "k"}),
	} {
		if err == nil {
			t.Errorf("%s: got no error, want one", what)
		}
	}
	wantRevoked(t, &s, "one", false)
	wantEmpty(t, &s)
	if keys, err := s.SigningKeys(t.Context()); err != nil || len(keys) > 0 {
		t.Errorf("SigningKeys: got %v and error %v, want none", keys, err)
	}
}
