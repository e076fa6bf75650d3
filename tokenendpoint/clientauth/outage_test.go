package clientauth_test

import (
	"context"
	"errors"
	"testing"

	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// A secret that was compared and is wrong is reported beside every other failure.
func TestD34WrongBesideAnOutage(t *testing.T) {
	broken := "$5$oldcrypt$xxx"
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name        string
		hashes      []string
		ctx         context.Context
		hangUp      bool // during the first slow hash
		outcome     string
		wrong, last string
	}{
		{"a broken hash beside a fast one", []string{sha256ed(t, long1), broken}, t.Context(), false, outage, "told", long1},
		{"a broken hash beside a slow one", []string{broken, argon2id(long1)}, t.Context(), false, outage, "told", long1},
		{"a broken hash alone", []string{broken}, t.Context(), false, outage, "not told", ""},
		{"the request ended before a slow hash", []string{argon2id(long1)}, ended, false, outage, "not told", ""},
		{"the request ended after a fast one", []string{sha256ed(t, long1), argon2id(long2)}, ended, false, outage, "told", long1},
		{"the request ends between two hashes", []string{argon2id(long1), argon2id(long2)}, t.Context(), true, refused, "told", long2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &clientauth.Secrets{Clients: storeOf(clientWith("c1", tt.hashes...))}
			validate := func(secret string) error {
				ctx, cancel := context.WithCancel(tt.ctx)
				defer cancel()
				s.Observe(func(cost string) {
					if tt.hangUp && cost[0] == 'a' {
						cancel()
					}
				})
				_, err := s.ValidateClient(ctx, basic("c1", secret))
				return err
			}
			err := validate("wrong")
			told := map[bool]string{true: "told", false: "not told"}[errors.Is(err, clientauth.ErrNotAuthenticated)]
			if got := outcome(err); got != tt.outcome || told != tt.wrong {
				t.Errorf("a wrong secret got %v, which is %s and %s to be wrong, want %s and %s", err, got, told, tt.outcome, tt.wrong)
			}
			if tt.last != "" {
				if err := validate(tt.last); err != nil {
					t.Errorf("the right secret got %v, want none", err)
				}
			}
		})
	}
}
