package clientauth_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// now is the instant of every request that does not say otherwise.
var now = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

// clients is a store of clients; err, if not nil, is an outage.
type clients struct {
	mu   sync.Mutex
	byID map[string]*storage.Client
	err  error
}

var _ storage.Clients = (*clients)(nil)

func storeOf(list ...*storage.Client) *clients {
	c := &clients{byID: map[string]*storage.Client{}}
	for _, client := range list {
		c.byID[client.ID] = client
	}
	return c
}

func (c *clients) Client(_ context.Context, id string) (*storage.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	client, ok := c.byID[id]
	if !ok {
		return nil, storage.ErrNotFound
	}
	return client.Clone(), nil
}

// set replaces the hash of a client's first secret.
func (c *clients) set(id, hash string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byID[id].Secrets[0].Hash = hash
}

// clientWith is a confidential client with these hashes.
func clientWith(id string, hashes ...string) *storage.Client {
	c := &storage.Client{ID: id}
	for i, h := range hashes {
		c.Secrets = append(c.Secrets, storage.ClientSecret{ID: fmt.Sprint("key", i+1), Hash: h})
	}
	return c
}

// counter notes the hashes that are computed.
type counter struct {
	mu     sync.Mutex
	costs  []string
	during func() // called while a hash is computed, unless nil
}

func newSecrets(store storage.Clients) (*clientauth.Secrets, *counter) {
	s, n := &clientauth.Secrets{Clients: store}, &counter{}
	s.Observe(func(cost string) {
		n.mu.Lock()
		n.costs = append(n.costs, cost)
		n.mu.Unlock()
		if n.during != nil {
			n.during()
		}
	})
	return s, n
}

// take returns the hashes that were computed since the last call.
func (n *counter) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	costs := n.costs
	n.costs = nil
	return costs
}

func post(id, secret string) clientauth.Request {
	return clientauth.Request{
		ID: id, Method: storage.ClientSecretPost, Secret: storage.PresentedSecret(secret), Time: now,
	}
}

func basic(id, secret string) clientauth.Request {
	c := post(id, secret)
	c.Method = storage.ClientSecretBasic
	return c
}

func none(id string) clientauth.Request {
	return clientauth.Request{ID: id, Method: storage.AuthNone, Time: now}
}

func at(c clientauth.Request, t time.Time) clientauth.Request {
	c.Time = t
	return c
}

// argon2id hashes with little work, to keep the tests fast.
func argon2id(secret string) string { return argon2idAt(secret, 64, 1) }

func argon2idAt(secret string, memory, passes uint32) string {
	salt := []byte("salt of the test")
	sum := argon2.IDKey([]byte(secret), salt, passes, memory, 1, 32)
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=1$%s$%s", memory, passes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

func bcrypted(t testing.TB, secret string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
	if err != nil {
		t.Fatalf("bcrypt: %v", err)
	}
	return string(h)
}

func sha256ed(t testing.TB, secret string) string {
	t.Helper()
	h, err := clientauth.FastHash(storage.PresentedSecret(secret))
	if err != nil {
		t.Fatalf("FastHash: %v", err)
	}
	return h
}

// The outcomes of a validation.
const (
	accepted = "accepted"
	refused  = "invalid_client"
	busy     = "temporarily_unavailable"
	outage   = "outage"
)

func validate(t testing.TB, s *clientauth.Secrets, c clientauth.Request) string {
	t.Helper()
	client, err := s.ValidateClient(context.Background(), c)
	if (client == nil) == (err == nil) {
		t.Fatalf("ValidateClient(%q) = %v, %v; want either a client or an error", c.ID, client, err)
	}
	return outcome(err)
}

func outcome(err error) string {
	if err == nil {
		return accepted
	}
	if verdict := grants.Verdict(err); verdict != nil {
		return verdict.Code.Error()
	}
	return outage
}

func expect(t testing.TB, s *clientauth.Secrets, c clientauth.Request, want string) {
	t.Helper()
	if got := validate(t, s, c); got != want {
		t.Errorf("ValidateClient(%q, %s) = %s, want %s", c.ID, c.Method, got, want)
	}
}
