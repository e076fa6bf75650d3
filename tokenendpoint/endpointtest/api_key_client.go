package endpointtest

import (
	"net/url"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

func j09Query(t *testing.T, open opener) {
	f := newFixture(t, open)
	key := f.apiKey(f.c1)
	inQuery := func(r *request) *request {
		c := r.clone()
		c.query = "api_key=" + url.QueryEscape(key)
		return c
	}
	for name, r := range map[string]*request{
		"instead of the body": presentKey(f.c1, "").without("api_key"),
		"beside the body":     presentKey(f.c1, key),
		"at another grant":    clientCredentials(f.c1),
	} {
		f.sub(name, func() {
			for _, r := range both(r) {
				f.asksNothing(func() { f.send(inQuery(r)).refused("invalid_request") })
			}
		})
	}
}

// j09Header is ruling R6.
func j09Header(t *testing.T, open opener) {
	f := newFixture(t, open)
	key, other := f.apiKey(f.c1), f.apiKey(f.c1, func(k *storage.APIKey) { k.Subject = "other" })
	bare := presentKey(f.c1, "").without("api_key")
	f.spellings(func(as spelling) {
		for name, r := range map[string]*request{
			"header alone":                  bare.set("X-Api-Key", key),
			"empty parameter":               presentKey(f.c1, "").set("X-Api-Key", key),
			"URN":                           bare.with("grant_type", grants.TypeAPIKeyURN).set("X-Api-Key", key),
			"the body wins over another":    presentKey(f.c1, key).set("X-Api-Key", other),
			"the body wins over garbage":    presentKey(f.c1, key).set("X-Api-Key", "YOUR_API_KEY"),
			"the body wins over two":        twice(presentKey(f.c1, key), other),
			"the header's name is caseless": bare.set("x-api-key", key),
		} {
			f.sub(name, func() { f.wantIdentity(f.send(as(r)).tokens(), f.c1, "owner") })
		}
		for name, r := range map[string]*request{
			"garbage in the body, key in the header": presentKey(f.c1, "garbage").set("X-Api-Key", key),
			"garbage in the header":                  bare.set("X-Api-Key", "YOUR_API_KEY"),
			"not ASCII":                              bare.set("X-Api-Key", "schlüssel"),
			"another client's":                       bare.set("X-Api-Key", f.apiKey(f.c2)),
		} {
			f.sub(name, func() { f.send(as(r)).refused("invalid_grant") })
		}
		f.sub("null in the body", func() {
			r := rawJSON(`{"grant_type":"api_key","api_key":null,"client_id":"`+f.c1.id+`"}`).set("X-Api-Key", key)
			f.wantIdentity(f.send(r).tokens(), f.c1, "owner")
		})
		f.sub("ignored by the other grants", func() {
			for _, r := range []*request{
				clientCredentials(f.c1), refresh(f.c1, f.refreshToken(f.c1)), f.redeem(f.c1, f.code(f.c1)),
			} {
				f.store.counted()
				got := f.send(twice(as(r), f.apiKey(f.c2))).tokens()
				if got.claims["client_id"] != f.c1.id || f.store.counted()[mAPIKey] != 0 {
					f.Errorf("the X-Api-Key header had a say: %v", got.claims)
				}
			}
		})
	})
}

// twice adds two X-Api-Key headers.
func twice(r *request, key string) *request {
	c := r.set("X-Api-Key", key)
	c.header.Add("X-Api-Key", "YOUR_API_KEY")
	return c
}

func j10(t *testing.T, open opener) {
	f := newFixture(t, open)
	key := f.apiKey(f.c1)
	public := f.publicWithKeys()
	replies := map[string]*reply{
		"unknown": f.send(presentKey(f.c1, storage.NewSecret("ck_test_").Reveal())),
	}
	for name, r := range map[string]*request{
		"authenticated":                 form("grant_type", "api_key", "api_key", key).by(f.c2),
		"authenticated, with client_id": presentKey(f.c2, key).by(f.c2),
		"named":                         presentKey(f.c2, key),
		"public":                        presentKey(public, key),
	} {
		f.sub(name, func() {
			for _, r := range both(r) {
				f.wantCalls(oneLook, func() { replies[name] = f.send(r) })
				replies[name].refused("invalid_grant")
			}
		})
	}
	f.wantAlike(replies)
	f.send(presentKey(f.c1, key)).tokens()
}

// publicWithKeys registers a public client that may present API keys.
func (f *fixture) publicWithKeys() *party {
	f.Helper()
	return f.newClient(&storage.Client{
		ID: "pubkeys", AuthMethod: storage.AuthNone, GrantTypes: []string{grants.TypeAPIKey, grants.TypeRefreshToken}, Scope: []string{"read", "write"},
	})
}

func j11(t *testing.T, open opener) {
	f := newFixture(t, open)
	key := f.apiKey(f.c1)
	bare := form("grant_type", "api_key", "api_key", key)
	f.spellings(func(as spelling) {
		for _, r := range []*request{bare, bare.with("client_id", ""), bare.without("api_key").set("X-Api-Key", key)} {
			f.asksNothing(func() {
				reply := f.send(as(r))
				reply.refused("invalid_request")
				reply.names("client_id")
			})
		}
		for _, id := range []string{"admin", f.c1.id + "x", strings.ToUpper(f.c1.id)} {
			f.send(as(bare.with("client_id", id))).unauthorized()
		}
		f.send(as(bare.with("client_id", f.off.id))).unauthorized()
		f.send(as(bare.with("client_id", f.c2.id))).refused("invalid_grant")
		f.wantIdentity(f.send(as(bare.with("client_id", f.c1.id))).tokens(), f.c1, "owner")
		f.wantIdentity(f.send(as(bare.by(f.c1))).tokens(), f.c1, "owner") // Basic names the client
		f.send(as(bare.by(f.c1).with("client_id", f.c2.id))).refused("invalid_request")
	})
}

func j11Optional(t *testing.T, open opener) {
	f := newFixture(t, open, apiKeys(grants.APIKey{ClientIDOptional: true}))
	key := f.apiKey(f.c1)
	bare := form("grant_type", "api_key", "api_key", key)
	f.spellings(func(as spelling) {
		for _, r := range []*request{bare, bare.with("client_id", ""), bare.without("api_key").set("X-Api-Key", key), bare.with("client_id", f.c1.id)} {
			f.wantCalls(oneLook, func() { f.wantIdentity(f.send(as(r)).tokens(), f.c1, "owner") })
		}
		f.send(as(bare.with("client_id", "admin"))).unauthorized()
		f.send(as(bare.with("client_id", f.c2.id))).refused("invalid_grant")
		f.wantCalls(map[string]int{mAPIKey: 1}, func() {
			f.send(as(bare.with("api_key", storage.NewSecret("ck_test_").Reveal()))).refused("invalid_grant")
		})
		f.asksNothing(func() { f.send(as(bare.with("api_key", "garbage"))).refused("invalid_grant") })
		f.send(as(form("grant_type", "api_key", "api_key", f.apiKey(f.off)))).unauthorized()
		f.send(as(form("grant_type", "api_key", "api_key", f.apiKey(f.cc)))).refused("unauthorized_client")
	})
	f.sub("null", func() {
		f.wantIdentity(f.send(rawJSON(`{"grant_type":"api_key","client_id":null,"api_key":"`+key+`"}`)).tokens(), f.c1, "owner")
	})
	f.sub("at no other grant", func() {
		r := form("grant_type", "refresh_token", "refresh_token", f.refreshToken(f.c1)).set("X-Api-Key", key)
		reply := f.send(r.with("api_key", key))
		reply.refused("invalid_request")
		reply.names("client_id")
	})
}

// j12: a user's token and a key's token never look alike, whatever the key's
// Subject is.
func j12(t *testing.T, open opener) {
	f := newFixture(t, open, apiKeys(grants.APIKey{Refresh: true}))
	key := f.apiKey(f.c1, func(k *storage.APIKey) { k.Subject = "u1" })
	id := f.storedKey(key).ID
	ofUser := f.send(f.redeem(f.c1, f.code(f.c1))).tokens()
	ofClient := f.send(clientCredentials(f.c1)).tokens()
	for name, got := range map[string]tokens{"user": ofUser, "client": ofClient} {
		if claim, ok := got.claims["api_key_id"]; ok {
			t.Errorf("the token of a %s has api_key_id %v, want none", name, claim)
		}
	}
	ofKey := f.send(presentKey(f.c1, key)).tokens()
	again := f.send(refresh(f.c1, ofKey.refreshToken)).tokens()
	once := f.send(refresh(f.c1, again.refreshToken).with("scope", "read")).tokens()
	for name, got := range map[string]tokens{"key": ofKey, "first refresh": again, "second refresh": once} {
		if got.claims["api_key_id"] != id || got.claims["sub"] != "u1" {
			t.Errorf("%s: sub %v and api_key_id %v, want u1 and %s", name, got.claims["sub"], got.claims["api_key_id"], id)
		}
	}
	nobodys := f.apiKey(f.c1, func(k *storage.APIKey) { k.Subject = "" })
	got := f.send(presentKey(f.c1, nobodys)).tokens()
	if want := "api_key:" + f.storedKey(nobodys).ID; got.claims["sub"] != want {
		t.Errorf("the sub of a key without one is %v, want %s", got.claims["sub"], want)
	}
}
