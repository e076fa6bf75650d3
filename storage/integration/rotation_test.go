package integration_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// Keys are rotated under load for rotationTime, and on a busy machine until enoughKeys
// have signed.
const (
	rotationTime = 30 * time.Second
	enoughKeys   = 5
)

// TestRotation rotates the signing key every two seconds under load. Verifiers
// keep the JWKS of whichever replica for as long as it says, and look for a key
// nowhere else: not one token may fail to verify, when it is issued, just before
// it expires, or in between, whichever replica has signed it.
func TestRotation(t *testing.T) {
	t.Parallel()
	t.Run("one replica", func(t *testing.T) {
		t.Parallel()
		store := new(memory.Store)
		rotateKeys(t, store, store)
	})
	t.Run("two replicas over PostgreSQL", func(t *testing.T) {
		pg := on(t, sqlstore.Postgres)
		t.Parallel()
		c := migrated(t, pg.config(t, pg.open(t)))
		second := c
		second.DB = pg.open(t)
		rotateKeys(t, opened(t, c), opened(t, second))
	})
}

// rotateKeys runs a replica over each store; the stores hold the same.
func rotateKeys(t *testing.T, stores ...storage.SigningKeys) {
	secret, hash := clientauth.NewSecret()
	client := &storage.Client{
		ID: "app", Secrets: []storage.ClientSecret{{ID: "1", Hash: hash}},
		GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"read"},
	}
	kek := make([]byte, 32)
	rand.Read(kek)
	var replicas []string
	for _, store := range stores {
		replicas = append(replicas, rotatingReplica(t, store, client, base64.StdEncoding.EncodeToString(kek)))
	}
	// Each lives on its own: it begins with another replica's keys.
	var crowd sync.WaitGroup
	var mu sync.Mutex
	signers, tokens := make(map[string]bool), 0
	end := time.Now().Add(rotationTime)
	goesOn := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return !t.Failed() && (time.Now().Before(end) || len(signers) < enoughKeys && time.Now().Before(end.Add(5*time.Minute)))
	}
	for i := range 4 {
		crowd.Go(func() {
			v := &cachingVerifier{replicas: replicas, next: i}
			for n := i; goesOn(); n++ {
				token := requestToken(t, replicas[n%len(replicas)], client.ID, secret.Reveal())
				v.hold(t, token)
				mu.Lock()
				tokens++
				signers[kidOf(t, token)] = true
				mu.Unlock()
			}
			v.drain(t)
		})
	}
	crowd.Wait()
	t.Logf("%d tokens by %d keys", tokens, len(signers))
	if len(signers) < enoughKeys {
		t.Errorf("%d keys have signed, want %d at least", len(signers), enoughKeys)
	}
}

func rotatingReplica(t *testing.T, store storage.SigningKeys, client *storage.Client, kek string) (base string) {
	t.Helper()
	key, err := jws.ParseKeyEncryptionKey(1, kek)
	if err != nil {
		t.Fatal(err)
	}
	source, err := jws.NewStoredKeys(jws.StoredKeysConfig{
		Store:             store,
		KeyEncryptionKeys: []jws.KeyEncryptionKey{key},
		Period:            2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	keys, err := jws.OpenKeySet(t.Context(), source, jws.Rotation{TokenLifetime: 3 * time.Second, CacheLifetime: time.Second, Delay: time.Second, Logger: quiet}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer: "https://as.test", Audience: []string{"https://api.test"}, Keys: keys, Storage: storage.Parts{Clients: oneClient{client}}, Logger: quiet,
		Grants:              map[string]grants.Grant{grants.TypeClientCredentials: grants.ClientCredentials{}},
		AccessTokenLifetime: 3 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(endpoint)
	t.Cleanup(server.Close)
	return server.URL
}

// oneClient is all clients there are.
type oneClient struct{ client *storage.Client }

func (c oneClient) Client(_ context.Context, id string) (*storage.Client, error) {
	if id != c.client.ID {
		return nil, storage.ErrNotFound
	}
	return c.client.Clone(), nil
}

func requestToken(t *testing.T, base, id, secret string) string {
	resp, err := http.Post(base+"/connect/token", "application/x-www-form-urlencoded",
		strings.NewReader("grant_type=client_credentials&client_id="+id+"&client_secret="+secret))
	if err != nil {
		t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, json.Unmarshal(body, &answer)); err != nil || answer.Token == "" {
		t.Errorf("got %d %s, %v, want a token", resp.StatusCode, body, err)
	}
	return answer.Token
}

// cachingVerifier verifies with the standard library, by a JWKS that it keeps as
// long as it may.
type cachingVerifier struct {
	replicas []string
	next     int // the replica to ask next for the keys
	keys     map[string]*ecdsa.PublicKey
	until    time.Time
	held     []heldToken // in the order of their expiry
}

type heldToken struct {
	text    string
	expires time.Time
}

// hold verifies a token now, and a sample again when it is about to expire.
func (v *cachingVerifier) hold(t *testing.T, token string) {
	h := heldToken{token, expiryOf(t, token)}
	v.verify(t, h)
	v.held = append(v.held, h)
	for len(v.held) > 0 && time.Until(v.held[0].expires) < 200*time.Millisecond {
		v.verify(t, v.held[0])
		v.held = v.held[1:]
	}
}

// drain waits for the last tokens to be about to expire.
func (v *cachingVerifier) drain(t *testing.T) {
	for _, h := range v.held {
		time.Sleep(time.Until(h.expires.Add(-100 * time.Millisecond)))
		v.verify(t, h)
	}
}

// verify verifies a token, unless it has expired by the time that the keys are there: a
// busy machine may take longer for them than the token lives.
func (v *cachingVerifier) verify(t *testing.T, h heldToken) {
	if !time.Now().Before(v.until) {
		v.fetch(t)
	}
	if !time.Now().Before(h.expires) {
		return
	}
	token := h.text
	key := v.keys[kidOf(t, token)]
	if key == nil {
		t.Errorf("the cached JWKS lacks the key %q, which has signed", kidOf(t, token))
		return
	}
	message, signature, _ := cutLast(token)
	b, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || len(b) != 64 {
		t.Errorf("the signature is %q, want 64 bytes", signature)
		return
	}
	digest := sha256.Sum256([]byte(message))
	if !ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(b[:32]), new(big.Int).SetBytes(b[32:])) {
		t.Errorf("the token does not verify: %s", token)
	}
}

func (v *cachingVerifier) fetch(t *testing.T) {
	v.next++
	asked := time.Now() // the age of an answer includes its way (RFC 9111 §4.2.3)
	resp, err := http.Get(v.replicas[v.next%len(v.replicas)] + "/.well-known/jwks.json")
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	var set struct {
		Keys []struct{ Kid, X, Y string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		t.Errorf("the JWKS: %d, %v", resp.StatusCode, err)
		return
	}
	v.keys = make(map[string]*ecdsa.PublicKey, len(set.Keys))
	for _, k := range set.Keys {
		x, err1 := base64.RawURLEncoding.DecodeString(k.X)
		y, err2 := base64.RawURLEncoding.DecodeString(k.Y)
		key, err3 := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Errorf("the JWKS: %v", err)
		}
		v.keys[k.Kid] = key
	}
	seconds, err := strconv.Atoi(strings.TrimPrefix(resp.Header.Get("Cache-Control"), "public, max-age="))
	if err != nil {
		t.Errorf("Cache-Control is %q, want a max-age", resp.Header.Get("Cache-Control"))
	}
	v.until = asked.Add(time.Duration(seconds) * time.Second)
}

func kidOf(t *testing.T, token string) string {
	var header struct{ Kid string }
	part(t, token, 0, &header)
	return header.Kid
}

func expiryOf(t *testing.T, token string) time.Time {
	var claims struct{ Exp int64 }
	part(t, token, 1, &claims)
	return time.Unix(claims.Exp, 0)
}

func part(t *testing.T, token string, n int, v any) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Errorf("the token is %q", token)
		return
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[n])
	if err := errors.Join(err, json.Unmarshal(b, v)); err != nil {
		t.Error(fmt.Errorf("part %d of %q: %w", n, token, err))
	}
}

func cutLast(token string) (message, signature string, ok bool) {
	i := strings.LastIndexByte(token, '.')
	if i < 0 {
		return "", "", false
	}
	return token[:i], token[i+1:], true
}
