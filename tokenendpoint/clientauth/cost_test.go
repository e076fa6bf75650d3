package clientauth_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// costsOf returns the cost of a wrong secret for each of n unknown clients.
func costsOf(t *testing.T, s *clientauth.Secrets, n *counter, ghosts int) []string {
	t.Helper()
	var costs []string
	for i := range ghosts {
		expect(t, s, basic(fmt.Sprint("ghost", i), "wrong"), refused)
		costs = append(costs, fmt.Sprint(n.take()))
	}
	return costs
}

func TestUnknownClientsDifferByProcess(t *testing.T) {
	var costs [2][]string
	for i := range costs {
		s, n := newSecrets(storeOf(clientWith("fast", sha256ed(t, long1)), clientWith("slow", argon2id(long1))))
		expect(t, s, basic("fast", "wrong"), refused)
		expect(t, s, basic("slow", "wrong"), refused)
		n.take()
		costs[i] = costsOf(t, s, n, 100)
	}
	if slices.Equal(costs[0], costs[1]) {
		t.Errorf("100 unknown clients cost the same in two processes: the choice is not keyed")
	}
}

func TestCostsThatAreLearnedAreBounded(t *testing.T) {
	store := storeOf()
	s, n := newSecrets(store)
	for i := range 40 {
		id := fmt.Sprint("c", i)
		store.byID[id] = clientWith(id, argon2idAt(long1, uint32(8+i), 1))
		expect(t, s, basic(id, "wrong"), refused)
	}
	n.take()
	costs := costsOf(t, s, n, 1000)
	slices.Sort(costs)
	if got := len(slices.Compact(costs)); got != 16 {
		t.Errorf("unknown clients have %d different costs, want 16 of the 40 that were seen", got)
	}
}

func testUnknownCost(t *testing.T) {
	fast, slow, old := sha256ed(t, long1), argon2id(long1), bcrypted(t, long1)
	tests := []struct {
		name   string
		hashes [][]string // of each known client
	}{
		{"nothing but drawn secrets", [][]string{{fast}}},
		{"nothing but argon2id", [][]string{{slow}}},
		{"nothing but bcrypt", [][]string{{old}}},
		{"a mixture", [][]string{{fast}, {slow}, {old}}},
		{"a client whose secret is being rotated", [][]string{{slow}, {slow, argon2id(long2)}, {fast, old}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store := storeOf()
			s, n := newSecrets(store)
			expect(t, s, basic("ghost", "x"), refused)
			if got, want := n.take(), []string{"sha256 m=0 t=0 p=0"}; !slices.Equal(got, want) {
				t.Errorf("hashes for an unknown client at first = %q, want %q", got, want)
			}
			known := map[string]bool{} // the costs of a wrong secret
			for i, hashes := range tt.hashes {
				id := fmt.Sprint("c", i)
				store.byID[id] = clientWith(id, hashes...)
				expect(t, s, basic(id, "wrong"), refused)
				known[fmt.Sprint(n.take())] = true
			}
			unknown := map[string]bool{}
			for i := range 100 {
				id := fmt.Sprint("ghost", i)
				expect(t, s, basic(id, "wrong"), refused)
				first := fmt.Sprint(n.take())
				expect(t, s, post(id, "wrong again"), refused)
				if again := fmt.Sprint(n.take()); again != first {
					t.Errorf("hashes for %s = %s, then %s; want the same each time", id, first, again)
				}
				unknown[first] = true
			}
			if fmt.Sprint(unknown) != fmt.Sprint(known) {
				t.Errorf("hashes for unknown clients = %v, want those of known ones: %v", unknown, known)
			}
		})
	}
}

func testRefusalCost(t *testing.T) {
	secret := func(c *storage.Client) *storage.ClientSecret { return &c.Secrets[0] }
	tests := []struct {
		name   string
		change func(c *storage.Client)
		shown  string
		want   string
	}{
		{"wrong secret", func(*storage.Client) {}, long2, refused},
		{"right secret, for the first time", func(*storage.Client) {}, long1, accepted},
		{"right secret, expired", func(c *storage.Client) { secret(c).ExpiresAt = now }, long1, refused},
		{"right secret, not yet valid", func(c *storage.Client) { secret(c).NotBefore = now.Add(1) }, long1, refused},
		{"right secret, other method", func(c *storage.Client) { c.AuthMethod = storage.ClientSecretPost }, long1, refused},
		{"right secret, unknown method", func(c *storage.Client) { c.AuthMethod = "private_key_jwt" }, long1, refused},
		{"disabled", func(c *storage.Client) { c.Disabled = true }, long1, accepted},
		{"no secret registered", func(c *storage.Client) { c.Secrets = nil }, long1, refused},
		{"empty hash registered", func(c *storage.Client) { secret(c).Hash = "" }, long1, refused},
	}
	for _, hash := range []string{sha256ed(t, long1), argon2id(long1), bcrypted(t, long1)} {
		for _, tt := range tests {
			cost, err := clientauth.ParseHash(hash)
			if err != nil {
				t.Fatalf("ParseHash: %v", err)
			}
			t.Run(cost+"/"+tt.name, func(t *testing.T) {
				c := clientWith("c1", hash)
				tt.change(c)
				s, n := newSecrets(storeOf(c, clientWith("teacher", hash)))
				expect(t, s, basic("teacher", long2), refused)
				n.take()
				expect(t, s, basic("c1", tt.shown), tt.want)
				if got, want := n.take(), []string{cost}; !slices.Equal(got, want) {
					t.Errorf("hashes = %q, want %q", got, want)
				}
			})
		}
	}
}
