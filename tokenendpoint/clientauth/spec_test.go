package clientauth_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

const (
	long1 = "first-secret-of-the-tests-0123456789"
	long2 = "other-secret-of-the-tests-0123456789"
)

func TestSPEC(t *testing.T) {
	t.Run("D01_D02_right_secret_in_every_format", testRight)
	t.Run("D03_wrong_secret_in_every_format", testWrong)
	t.Run("D05_D06_unknown_client_costs_what_a_known_one_costs", testUnknownCost)
	t.Run("D06_cost_does_not_tell_why_a_request_is_refused", testRefusalCost)
	t.Run("D17_a_client_that_does_not_encode_Basic", testNotEncoded)
	t.Run("D20_registered_method_is_enforced", testMethod)
	t.Run("D21_R7_public_client_is_returned_unverified", testPublic)
	t.Run("D25_empty_secret_never_matches", testEmpty)
	t.Run("D26_bcrypt_secret_over_72_bytes_is_refused", testLongBcrypt)
	t.Run("D26_slow_hashes_refuse_more_than_256_bytes", testLongArgon2id)
	t.Run("D27_every_live_secret_matches", testRotation)
	t.Run("D28_secret_outside_its_lifetime_is_wrong", testLifetime)
	t.Run("D35_R35_a_flood_of_wrong_secrets_keeps_no_client_out", testFlood)
	t.Run("D35_R35_guesses_in_one_network_keep_no_client_out_elsewhere", testNetworks)
	t.Run("D29_disabled_client_is_left_to_the_endpoint_and_costs_in_full", testDisabled)
}

// formats maps a name to the hash of long1 in that format.
func formats(t *testing.T) map[string]string {
	b := bcrypted(t, long1)
	all := foreignFormats(t)
	maps.Copy(all, map[string]string{
		"sha256":   sha256ed(t, long1),
		"argon2id": argon2id(long1),
		"bcrypt2a": b,
		"bcrypt2b": "$2b$" + b[4:],
		"bcrypt2y": "$2y$" + b[4:],
	})
	return all
}

func testRight(t *testing.T) {
	for name, hash := range formats(t) {
		s, _ := newSecrets(storeOf(clientWith("c1", hash)))
		t.Run(name, func(t *testing.T) {
			expect(t, s, basic("c1", long1), accepted)
			expect(t, s, post("c1", long1), accepted)
		})
	}
}

func testWrong(t *testing.T) {
	for name, hash := range formats(t) {
		s, _ := newSecrets(storeOf(clientWith("c1", hash)))
		t.Run(name, func(t *testing.T) {
			for _, wrong := range []string{long2, long1 + "x", long1[1:], strings.ToUpper(long1), hash} {
				expect(t, s, basic("c1", wrong), refused)
			}
		})
		for _, fromEnd := range []int{5, 16} {
			t.Run(fmt.Sprint(name, " changed ", fromEnd, " from its end"), func(t *testing.T) {
				b := []byte(hash)
				if i := len(b) - fromEnd; b[i] == 'A' {
					b[i] = 'B'
				} else {
					b[i] = 'A'
				}
				s, _ := newSecrets(storeOf(clientWith("c1", string(b))))
				expect(t, s, basic("c1", long1), refused)
			})
		}
	}
}

func testMethod(t *testing.T) {
	tests := []struct {
		registered  string
		basic, post string
	}{
		{"", accepted, accepted},
		{storage.ClientSecretBasic, accepted, refused},
		{storage.ClientSecretPost, refused, accepted},
		{"private_key_jwt", refused, refused},
		{"client_secret_jwt", refused, refused},
	}
	for _, tt := range tests {
		t.Run("registered for "+tt.registered, func(t *testing.T) {
			c := clientWith("c1", argon2id(long1))
			c.AuthMethod = tt.registered
			s, _ := newSecrets(storeOf(c))
			for range 2 { // the second time, from the memory
				expect(t, s, basic("c1", long1), tt.basic)
				expect(t, s, post("c1", long1), tt.post)
			}
		})
	}
	t.Run("R37 a method that nobody knows is an outage that names the field", func(t *testing.T) {
		c := clientWith("c1", argon2id(long1))
		c.AuthMethod = "Client_Secret_Basic"
		s, n := newSecrets(storeOf(c))
		for _, secret := range []string{long1, long2} {
			expect(t, s, basic("c1", secret), outage)
			_, err := s.ValidateClient(t.Context(), post("c1", secret))
			if err == nil || !strings.Contains(err.Error(), "AuthMethod") {
				t.Errorf("the error is %v, want one that names AuthMethod", err)
			}
			if counts := errors.Is(err, clientauth.ErrNotAuthenticated); counts != (secret == long2) {
				t.Errorf("the outage counts as a wrong guess: %t, want %t", counts, secret == long2)
			}
		}
		if len(n.take()) < 2 {
			t.Error("the requests did not pay for their secrets")
		}
	})
	t.Run("the wrong way costs in full although the secret is remembered", func(t *testing.T) {
		c := clientWith("c1", argon2id(long1))
		c.AuthMethod = storage.ClientSecretBasic
		s, n := newSecrets(storeOf(c))
		expect(t, s, basic("c1", long1), accepted)
		n.take()
		expect(t, s, post("c1", long1), refused)
		if got := n.take(); len(got) != 1 {
			t.Errorf("hashes = %q, want one", got)
		}
	})
}

func testPublic(t *testing.T) {
	pub := clientWith("pub", argon2id(long1))
	pub.AuthMethod = storage.AuthNone
	s, n := newSecrets(storeOf(pub, clientWith("c1", argon2id(long1))))
	for name, c := range map[string]clientauth.Request{
		"no secret":                      none("pub"),
		"a body secret":                  post("pub", "x"),
		"Basic":                          basic("pub", "x"),
		"Basic without a password (R21)": basic("pub", ""),
	} {
		t.Run(name, func(t *testing.T) { expect(t, s, c, accepted) })
	}
	t.Run("a confidential client without a secret is identified", func(t *testing.T) {
		expect(t, s, none("c1"), accepted)
	})
	t.Run("an unknown client is not", func(t *testing.T) { expect(t, s, none("ghost"), refused) })
	if got := n.take(); len(got) != 0 {
		t.Errorf("hashes = %q, want none", got)
	}
}

func testEmpty(t *testing.T) {
	hashOfEmpty := "$sha256$" + base64url(storage.Secret{}.Digest("client_secret"))
	if _, err := clientauth.ParseHash(hashOfEmpty); err != nil {
		t.Fatalf("ParseHash(%s): %v", hashOfEmpty, err)
	}
	for name, hash := range map[string]string{
		"sha256": hashOfEmpty, "argon2id": argon2id(""), "bcrypt": bcrypted(t, ""),
		"empty hash": "", "a right hash": sha256ed(t, long1),
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newSecrets(storeOf(clientWith("c1", hash)))
			expect(t, s, basic("c1", ""), refused)
			expect(t, s, post("c1", ""), refused)
		})
	}
	t.Run("an empty hash matches no secret", func(t *testing.T) {
		s, _ := newSecrets(storeOf(clientWith("c1", "")))
		expect(t, s, basic("c1", "x"), refused)
	})
	t.Run("it costs nothing, known or not", func(t *testing.T) {
		s, n := newSecrets(storeOf(clientWith("c1", argon2id(long1))))
		expect(t, s, basic("c1", ""), refused)
		expect(t, s, basic("ghost", ""), refused)
		if got := n.take(); len(got) != 0 {
			t.Errorf("hashes = %q, want none", got)
		}
	})
}

func testLongBcrypt(t *testing.T) {
	key := strings.Repeat("k", 72)
	s, n := newSecrets(storeOf(clientWith("c1", bcrypted(t, key))))
	expect(t, s, basic("c1", key), accepted)
	n.take()
	for _, wrong := range []string{key + "x", key + key, key[:71]} {
		expect(t, s, basic("c1", wrong), refused)
	}
	n.take()
	expect(t, s, basic("c1", key+"x"), refused)
	expect(t, s, basic("ghost", key+"x"), refused)
	if got := n.take(); len(got) != 0 {
		t.Errorf("hashes for 73 bytes = %q, want none, known or not", got)
	}
}

func testLongArgon2id(t *testing.T) {
	longest := strings.Repeat("k", 256)
	s, n := newSecrets(storeOf(clientWith("c1", argon2id(longest)), clientWith("c2", argon2id(longest+"x"))))
	expect(t, s, basic("c1", longest), accepted)
	n.take()
	for _, id := range []string{"c1", "c2", "ghost"} {
		expect(t, s, basic(id, longest+"x"), refused)
	}
	if got := n.take(); len(got) != 0 {
		t.Errorf("hashes for 257 bytes = %q, want none, known or not", got)
	}
}

func testRotation(t *testing.T) {
	for name, hashes := range map[string][]string{
		"both fast":          {sha256ed(t, long1), sha256ed(t, long2)},
		"both slow":          {argon2id(long1), argon2id(long2)},
		"from bcrypt to new": {bcrypted(t, long1), sha256ed(t, long2)},
	} {
		t.Run(name, func(t *testing.T) {
			c := clientWith("c1", hashes...)
			c.Secrets[0].ExpiresAt = now.Add(time.Hour)
			s, _ := newSecrets(storeOf(c))
			expect(t, s, basic("c1", long1), accepted)
			expect(t, s, basic("c1", long2), accepted)
			expect(t, s, basic("c1", "neither"), refused)
			later := now.Add(time.Hour)
			expect(t, s, at(basic("c1", long1), later), refused)
			expect(t, s, at(basic("c1", long2), later), accepted)
		})
	}
	t.Run("who uses the new fast secret does not pay for the old slow one", func(t *testing.T) {
		s, n := newSecrets(storeOf(clientWith("c1", bcrypted(t, long1), sha256ed(t, long2))))
		expect(t, s, basic("c1", long2), accepted)
		if got, want := n.take(), []string{"sha256 m=0 t=0 p=0"}; !slices.Equal(got, want) {
			t.Errorf("hashes = %q, want %q", got, want)
		}
	})
	t.Run("expired secrets cost nothing beside a live one", func(t *testing.T) {
		c := clientWith("c1", argon2id(long1), argon2id(long2))
		c.Secrets[0].ExpiresAt = now
		s, n := newSecrets(storeOf(c))
		expect(t, s, basic("c1", long1), refused)
		if got := n.take(); len(got) != 1 {
			t.Errorf("hashes = %q, want one", got)
		}
	})
	t.Run("more than 16 live secrets are a fault", func(t *testing.T) {
		s, _ := newSecrets(storeOf(clientWith("c1", slices.Repeat([]string{sha256ed(t, long1)}, 17)...)))
		expect(t, s, basic("c1", long1), outage)
	})
}

func testLifetime(t *testing.T) {
	tests := []struct {
		name              string
		notBefore, expire time.Time
		want              string
	}{
		{"neither bound", time.Time{}, time.Time{}, accepted},
		{"within both", now.Add(-time.Hour), now.Add(time.Hour), accepted},
		{"begins now", now, time.Time{}, accepted},
		{"begins in a moment", now.Add(1), time.Time{}, refused},
		{"ends now", time.Time{}, now, refused},
		{"ends in a moment", time.Time{}, now.Add(1), accepted},
		{"ended before it began", now.Add(time.Hour), now.Add(-time.Hour), refused},
	}
	for _, tt := range tests {
		for name, hash := range formats(t) {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				c := clientWith("c1", hash)
				c.Secrets[0].NotBefore, c.Secrets[0].ExpiresAt = tt.notBefore, tt.expire
				s, _ := newSecrets(storeOf(c))
				expect(t, s, basic("c1", long1), tt.want)
			})
		}
	}
	t.Run("a remembered secret expires on time", func(t *testing.T) {
		c := clientWith("c1", argon2id(long1))
		c.Secrets[0].ExpiresAt = now.Add(time.Second)
		s, _ := newSecrets(storeOf(c))
		expect(t, s, basic("c1", long1), accepted)
		expect(t, s, at(basic("c1", long1), now.Add(time.Second)), refused)
	})
	t.Run("a request without a time is an outage", func(t *testing.T) {
		s, _ := newSecrets(storeOf(clientWith("c1", argon2id(long1))))
		expect(t, s, at(basic("c1", long1), time.Time{}), outage)
	})
}

func testDisabled(t *testing.T) {
	store := storeOf(clientWith("c1", argon2id(long1)))
	s, n := newSecrets(store)
	expect(t, s, basic("c1", long1), accepted)
	store.byID["c1"].Disabled = true
	n.take()
	client, err := s.ValidateClient(t.Context(), basic("c1", long1))
	if err != nil || !client.Disabled {
		t.Errorf("ValidateClient = %v, %v; want the disabled client", client, err)
	}
	expect(t, s, basic("c1", long2), refused)
	if got := n.take(); len(got) != 2 {
		t.Errorf("hashes for a right and a wrong secret = %q, want one each", got)
	}
	store.byID["c1"].Secrets = clientWith("c1", sha256ed(t, long1), argon2id(long2)).Secrets
	expect(t, s, basic("c1", long1), accepted)
	if got := n.take(); len(got) != 2 {
		t.Errorf("hashes for the right fast secret beside a slow one = %q, want both", got)
	}
}

func TestRefusalsCarryNoInput(t *testing.T) {
	c := clientWith("c1", argon2id(long1))
	c.AuthMethod = storage.ClientSecretPost
	s, _ := newSecrets(storeOf(c, clientWith("c2", "$poison$"+long1)))
	for _, shown := range []clientauth.Request{
		post("c1", "in-put"), basic("c1", "in-put"), post("ghost-id", "in-put"), none("ghost-id"), post("c2", "in-put"),
	} {
		_, err := s.ValidateClient(t.Context(), shown)
		if err == nil {
			t.Fatalf("ValidateClient(%q) = nil, want an error", shown.ID)
		}
		for _, secret := range []string{"in-put", "ghost-id", "$poison$", long1} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error %q contains %q", err, secret)
			}
		}
		if outcome(err) == refused && errors.Unwrap(err) == nil {
			t.Errorf("the error %q has no cause for the log", err)
		}
	}
}
