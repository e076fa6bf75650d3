package jws_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// A Remote never meets a good token whose key it does not have: one replica
// signs, another publishes, keys are announced one after the other, and every
// token verifies when it has just been signed and just before it expires.
func TestRemoteFollowsKeysThatTakeTurns(t *testing.T) {
	for _, cache := range []time.Duration{time.Second, 20 * time.Second, 5 * time.Minute, 3 * time.Hour} {
		t.Run(cache.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { followKeys(t, cache) })
		})
	}
}

func followKeys(t *testing.T, cache time.Duration) {
	rotation := jws.Rotation{CacheLifetime: cache, TokenLifetime: time.Minute, Logger: slog.New(slog.DiscardHandler)}
	var list []jws.Key
	announce := func() {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		list = append(slices.Clone(list), jws.Key{Signer: key, ID: fmt.Sprint("k", len(list)), AnnouncedAt: time.Now()})
	}
	announce()
	source := jws.KeySourceFunc(func(context.Context, jws.Rotation, time.Time) ([]jws.Key, error) { return list, nil })
	open := func() *jws.KeySet { return must(jws.OpenKeySet(t.Context(), source, rotation, time.Now())) }
	signing, publisher := open(), open()
	s := &jwksServer{answer: publishing(publisher)}
	r := newRemote(t, s)

	type issued struct {
		token   string
		expires time.Time
	}
	var tokens []issued
	verify := func(token string) {
		t.Helper()
		if _, _, err := jws.Verify(t.Context(), r, token, jws.TypeAccessToken, time.Now()); err != nil {
			t.Fatalf("a token that was signed with one of %d keys: %v", len(list), err)
		}
	}
	step := max(rotation.Lead()/97, 100*time.Millisecond)
	lifetime := rotation.TokenLifetime
	signers := make(map[string]bool)
	for announced := time.Now(); len(list) < 8; time.Sleep(step) {
		if time.Since(announced) > rotation.Lead()+5*step {
			announce()
			announced = time.Now()
		}
		token := must(signing.Sign(t.Context(), jws.TypeAccessToken, []byte(payload), time.Now()))
		signers[signing.SigningKey(time.Now()).ID()] = true
		verify(token)
		tokens = append(tokens, issued{token, time.Now().Add(lifetime)})
		for len(tokens) > 0 && time.Until(tokens[0].expires) < step {
			verify(tokens[0].token)
			tokens = tokens[1:]
		}
	}
	if len(signers) < 6 {
		t.Errorf("%d keys have signed, want 6 at least, or nothing was shown", len(signers))
	}
}
