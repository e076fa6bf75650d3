package clientauth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// The cause of a refusal tells an operator what to change: which secrets there are and why
// none is live, or both methods. It has no hash.
func TestCausesName(t *testing.T) {
	c := basic("c1", long1)
	hash := sha256ed(t, long1)
	for name, tt := range map[string]struct {
		change func(*storage.Client)
		want   []string
	}{
		"secrets that ended and begin": {func(client *storage.Client) {
			client.Secrets = []storage.ClientSecret{
				{ID: "2025", Hash: hash, ExpiresAt: c.Time.Add(-time.Hour)},
				{ID: "next\n", Hash: hash, NotBefore: c.Time.Add(time.Hour), ExpiresAt: c.Time.Add(2 * time.Hour)},
				{ID: "gone"},
			}
		}, []string{
			`"2025" ended at ` + c.Time.Add(-time.Hour).UTC().Format(time.RFC3339), `"next\n" begins at ` + c.Time.Add(time.Hour).UTC().Format(time.RFC3339), `"gone" has no Hash`,
		}},
		"no secret":                   {func(client *storage.Client) { client.Secrets = nil }, []string{"no live secret, and no other either"}},
		"a secret in place of a key":  {func(client *storage.Client) { client.AuthMethod = storage.PrivateKeyJWT }, []string{"registered for private_key_jwt", "authenticated by client_secret_basic"}},
		"a secret in the other place": {func(client *storage.Client) { client.AuthMethod = storage.ClientSecretPost }, []string{"registered for client_secret_post", "authenticated by client_secret_basic"}},
	} {
		t.Run(name, func(t *testing.T) {
			client := clientWith("c1", hash)
			tt.change(client)
			s, n := newSecrets(storeOf(client))
			_, err := s.ValidateClient(t.Context(), c)
			v := grants.Verdict(err)
			if v == nil || v.Code != grants.InvalidClient || !errors.Is(err, clientauth.ErrNotAuthenticated) {
				t.Fatalf("got %v, want invalid_client of a client that exists", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(v.Cause.Error(), want) {
					t.Errorf("the cause is %q, want %q in it", v.Cause, want)
				}
			}
			if strings.Contains(v.Cause.Error(), hash) {
				t.Errorf("the cause has the hash: %q", v.Cause)
			}
			if got := n.take(); len(got) != 1 && client.Secrets != nil {
				t.Errorf("hashes = %q, want one, as for every wrong secret", got)
			}
		})
	}
}
