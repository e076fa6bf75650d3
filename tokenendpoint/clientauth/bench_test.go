package clientauth_test

import (
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

func BenchmarkValidateClient(b *testing.B) {
	slow, err := clientauth.Hash(storage.PresentedSecret(long1))
	if err != nil {
		b.Fatalf("Hash: %v", err)
	}
	fast := sha256ed(b, long1)
	tests := []struct {
		name, hash, id string
		forget         bool
	}{
		{"sha256", fast, "c1", false},
		{"sha256_unknown", fast, "ghost", false},
		{"argon2id_remembered", slow, "c1", false},
		{"argon2id", slow, "c1", true},
		{"argon2id_unknown", slow, "ghost", false},
	}
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			s := &clientauth.Secrets{Clients: storeOf(clientWith("c1", tt.hash))}
			validate(b, s, basic("c1", long1))
			c := basic(tt.id, long1)
			b.ReportAllocs()
			for b.Loop() {
				if tt.forget {
					c.Time = c.Time.Add(time.Hour)
				}
				_, err = s.ValidateClient(b.Context(), c)
			}
		})
	}
}
