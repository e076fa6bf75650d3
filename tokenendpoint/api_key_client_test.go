package tokenendpoint_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var apiKeyClientRules = []rule{
	{"J09_key_in_the_query_is_refused", j09Query},
	{"J09_key_in_the_header", j09Header},
	{"J10_key_of_another_client", j10},
	{"J11_client_id_is_required", j11},
	{"J17_R31_a_stranger_learns_nothing_of_clients", j17},
	{"J11_client_id_may_be_left_out_if_the_host_says_so", j11Optional},
	{"J12_a_claim_tells_keys_from_users", j12},
}

func j09Query(t *testing.T) {
	f := testbed.New(t, openMemory)
	key := f.APIKey(f.C1)
	inQuery := func(r *testbed.Request) *testbed.Request {
		c := r.Clone()
		c.Query = "api_key=" + url.QueryEscape(key)
		return c
	}
	for name, r := range map[string]*testbed.Request{
		"instead of the body": testbed.PresentKey(f.C1, "").Without("api_key"),
		"beside the body":     testbed.PresentKey(f.C1, key),
		"at another grant":    testbed.ClientCredentials(f.C1),
	} {
		f.Sub(name, func() {
			for _, r := range testbed.Both(r) {
				f.AsksNothing(func() { f.Send(inQuery(r)).Refused("invalid_request") })
			}
		})
	}
}

// j09Header is ruling R6.
func j09Header(t *testing.T) {
	f := testbed.New(t, openMemory)
	key, other := f.APIKey(f.C1), f.APIKey(f.C1, func(k *storage.APIKey) { k.Subject = "other" })
	bare := testbed.PresentKey(f.C1, "").Without("api_key")
	f.Spellings(func(as testbed.Spelling) {
		for name, r := range map[string]*testbed.Request{
			"header alone":                  bare.Set("X-Api-Key", key),
			"empty parameter":               testbed.PresentKey(f.C1, "").Set("X-Api-Key", key),
			"URN":                           bare.With("grant_type", grants.TypeAPIKeyURN).Set("X-Api-Key", key),
			"the body wins over another":    testbed.PresentKey(f.C1, key).Set("X-Api-Key", other),
			"the body wins over garbage":    testbed.PresentKey(f.C1, key).Set("X-Api-Key", "YOUR_API_KEY"),
			"the body wins over two":        twice(testbed.PresentKey(f.C1, key), other),
			"the header's name is caseless": bare.Set("x-api-key", key),
		} {
			f.Sub(name, func() { f.WantIdentity(f.Send(as(r)).Tokens(), f.C1, "owner") })
		}
		for name, r := range map[string]*testbed.Request{
			"garbage in the body, key in the header": testbed.PresentKey(f.C1, "garbage").Set("X-Api-Key", key),
			"garbage in the header":                  bare.Set("X-Api-Key", "YOUR_API_KEY"),
			"not ASCII":                              bare.Set("X-Api-Key", "schlüssel"),
			"another client's":                       bare.Set("X-Api-Key", f.APIKey(f.C2)),
		} {
			f.Sub(name, func() { f.Send(as(r)).Refused("invalid_grant") })
		}
		f.Sub("null in the body", func() {
			r := testbed.RawJSON(`{"grant_type":"api_key","api_key":null,"client_id":"`+f.C1.ID+`"}`).Set("X-Api-Key", key)
			f.WantIdentity(f.Send(r).Tokens(), f.C1, "owner")
		})
		f.Sub("ignored by the other grants", func() {
			for _, r := range []*testbed.Request{
				testbed.ClientCredentials(f.C1), testbed.Refresh(f.C1, f.RefreshToken(f.C1)), f.Redeem(f.C1, f.Code(f.C1)),
			} {
				f.Store.Counted()
				got := f.Send(twice(as(r), f.APIKey(f.C2))).Tokens()
				if got.Claims["client_id"] != f.C1.ID || f.Store.Counted()[testbed.CallAPIKey] != 0 {
					f.Errorf("the X-Api-Key header had a say: %v", got.Claims)
				}
			}
		})
	})
}

// twice adds two X-Api-Key headers.
func twice(r *testbed.Request, key string) *testbed.Request {
	c := r.Set("X-Api-Key", key)
	c.Header.Add("X-Api-Key", "YOUR_API_KEY")
	return c
}

func j10(t *testing.T) {
	f := testbed.New(t, openMemory)
	key := f.APIKey(f.C1)
	public := f.PublicWithKeys()
	replies := map[string]*testbed.Reply{
		"unknown": f.Send(testbed.PresentKey(f.C1, storage.NewSecret("ck_test_").Reveal())),
	}
	for name, r := range map[string]*testbed.Request{
		"authenticated":                 testbed.Form("grant_type", "api_key", "api_key", key).By(f.C2),
		"authenticated, with client_id": testbed.PresentKey(f.C2, key).By(f.C2),
		"named":                         testbed.PresentKey(f.C2, key),
		"public":                        testbed.PresentKey(public, key),
	} {
		f.Sub(name, func() {
			for _, r := range testbed.Both(r) {
				f.WantCalls(testbed.OneLook, func() { replies[name] = f.Send(r) })
				replies[name].Refused("invalid_grant")
			}
		})
	}
	f.WantAlike(replies)
	f.Send(testbed.PresentKey(f.C1, key)).Tokens()
}

func j11(t *testing.T) {
	f := testbed.New(t, openMemory)
	key := f.APIKey(f.C1)
	bare := testbed.Form("grant_type", "api_key", "api_key", key)
	f.Spellings(func(as testbed.Spelling) {
		for _, r := range []*testbed.Request{bare, bare.With("client_id", ""), bare.Without("api_key").Set("X-Api-Key", key)} {
			f.AsksNothing(func() {
				reply := f.Send(as(r))
				reply.Refused("invalid_request")
				reply.Names("client_id")
			})
		}
		for _, id := range []string{"admin", f.C1.ID + "x", strings.ToUpper(f.C1.ID)} {
			f.Send(as(bare.With("client_id", id))).Refused("invalid_grant")
		}
		f.Send(as(bare.With("client_id", f.Off.ID))).Refused("invalid_grant")
		f.Send(as(bare.With("client_id", f.C2.ID))).Refused("invalid_grant")
		f.WantIdentity(f.Send(as(bare.With("client_id", f.C1.ID))).Tokens(), f.C1, "owner")
		f.WantIdentity(f.Send(as(bare.By(f.C1))).Tokens(), f.C1, "owner") // Basic names the client
		f.Send(as(bare.By(f.C1).With("client_id", f.C2.ID))).Refused("invalid_request")
	})
}

func j11Optional(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.APIKeys(grants.APIKey{ClientIDOptional: true}))
	key := f.APIKey(f.C1)
	bare := testbed.Form("grant_type", "api_key", "api_key", key)
	f.Spellings(func(as testbed.Spelling) {
		for _, r := range []*testbed.Request{bare, bare.With("client_id", ""), bare.Without("api_key").Set("X-Api-Key", key), bare.With("client_id", f.C1.ID)} {
			f.WantCalls(testbed.OneLook, func() { f.WantIdentity(f.Send(as(r)).Tokens(), f.C1, "owner") })
		}
		f.Send(as(bare.With("client_id", "admin"))).Refused("invalid_grant")
		f.Send(as(bare.With("client_id", f.C2.ID))).Refused("invalid_grant")
		f.WantCalls(map[string]int{testbed.CallAPIKey: 1}, func() {
			f.Send(as(bare.With("api_key", storage.NewSecret("ck_test_").Reveal()))).Refused("invalid_grant")
		})
		f.AsksNothing(func() { f.Send(as(bare.With("api_key", "garbage"))).Refused("invalid_grant") })
		f.Send(as(testbed.Form("grant_type", "api_key", "api_key", f.APIKey(f.Off)))).Refused("invalid_grant")
		f.Send(as(testbed.Form("grant_type", "api_key", "api_key", f.APIKey(f.CC)))).Refused("unauthorized_client")
	})
	f.Sub("null", func() {
		f.WantIdentity(f.Send(testbed.RawJSON(`{"grant_type":"api_key","client_id":null,"api_key":"`+key+`"}`)).Tokens(), f.C1, "owner")
	})
	f.Sub("at no other grant", func() {
		r := testbed.Form("grant_type", "refresh_token", "refresh_token", f.RefreshToken(f.C1)).Set("X-Api-Key", key)
		reply := f.Send(r.With("api_key", key))
		reply.Refused("invalid_request")
		reply.Names("client_id")
	})
}

// j17 is ruling R31: before the key has been verified, the answer shows nothing
// of the client. The log has the cause.
func j17(t *testing.T) {
	host := clientIdentity{grants.Func(func(_ context.Context, r *grants.Request) (*grants.Authorization, error) {
		if r.Form["word"] != "right for "+r.Client.ID {
			return nil, grants.InvalidGrant
		}
		return &grants.Authorization{Subject: "owner"}, nil
	})}
	f := testbed.New(t, openMemory, testbed.APIKeys(grants.APIKey{}), testbed.WithGrant("word", host))
	public, off := f.PublicWithKeys(), f.NewClient(&storage.Client{
		ID: "puboff", AuthMethod: storage.AuthNone, Disabled: true, GrantTypes: []string{grants.TypeAPIKey, "word"},
	})
	without := f.NewClient(&storage.Client{ID: "pubnone", AuthMethod: storage.AuthNone, GrantTypes: []string{grants.TypeRefreshToken}})
	unknown, other := storage.NewSecret("ck_test_").Reveal(), f.APIKey(f.C2)
	for grant, show := range map[string]func(p *testbed.Party, key string) *testbed.Request{
		"api_key": testbed.PresentKey,
		"api_key by its URN": func(p *testbed.Party, key string) *testbed.Request {
			return testbed.PresentKey(p, key).With("grant_type", grants.TypeAPIKeyURN)
		},
		"a host's Identifier": func(p *testbed.Party, key string) *testbed.Request {
			return testbed.Form("grant_type", "word", "word", key, "client_id", p.ID)
		},
	} {
		f.Sub(grant, func() {
			replies := map[string]*testbed.Reply{"unknown key": f.Send(testbed.PresentKey(f.C1, unknown))}
			for name, p := range map[string]*testbed.Party{
				"the client": f.C1, "an unknown client": f.C1.Named("ghost"), "a disabled client": f.Off, "without the grant": f.CC,
				"a public client": public, "a disabled public client": off, "a public client without the grant": without,
			} {
				for shown, key := range map[string]string{"garbage": "garbage", "unknown": unknown, "another client's": other} {
					r := show(p, key)
					replies[name+"/"+shown], replies[name+"/"+shown+"/JSON"] = f.Send(r), f.Send(r.JSON())
				}
			}
			for _, r := range replies {
				r.Refused("invalid_grant")
			}
			f.WantAlike(replies)
			// A wrong secret is judged before the key, and looks like an unknown client.
			wrong := f.Send(show(f.C1, unknown).Basic(f.C1.ID, testbed.WrongSecret))
			wrong.Unauthorized()
			f.WantAlike(map[string]*testbed.Reply{
				"wrong secret":    wrong,
				"unknown client":  f.Send(show(f.C1.Named("ghost"), unknown).Basic("ghost", testbed.WrongSecret)),
				"disabled client": f.Send(show(f.Off, unknown).Basic(f.Off.ID, f.Off.Secret)),
			})
		})
	}
	f.Send(testbed.PresentKey(public, f.APIKey(public)).Basic(public.ID, "")).Tokens()
	// With the right key or secret, the client learns how it is registered.
	f.Send(testbed.PresentKey(f.CC, f.APIKey(f.CC))).Refused("unauthorized_client")
	f.Send(testbed.PresentKey(without, f.APIKey(without))).Refused("unauthorized_client")
	f.Send(testbed.Form("grant_type", "word", "word", "right for "+f.CC.ID, "client_id", f.CC.ID)).Refused("unauthorized_client")
	f.Send(testbed.Form("grant_type", "api_key", "api_key", unknown).By(f.CC)).Refused("unauthorized_client")
	f.Send(testbed.PresentKey(f.Off, f.APIKey(f.Off))).Refused("invalid_grant")
	if e := f.LastEvent(); e.Cause == nil || !strings.Contains(e.Cause.Error(), "disabled") || e.ClientID != f.Off.ID {
		t.Errorf("the event of a disabled client's key is of %q, because %v", e.ClientID, e.Cause)
	}
	f.Send(testbed.PresentKey(f.C1.Named("ghost"), unknown)).Refused("invalid_grant")
	if e := f.LastEvent(); !errors.Is(e.Cause, clientauth.ErrUnknownClient) {
		t.Errorf("the cause of the event of an unknown client is %v", e.Cause)
	}
}

// clientIdentity is a host's grant whose credential stands for the client.
type clientIdentity struct{ grants.Grant }

func (clientIdentity) IdentifiesClient() bool { return true }

func (clientIdentity) ClientID(context.Context, *grants.Request) (string, error) {
	return "", grants.InvalidRequest
}

// j12: a user's token and a key's token never look alike, for every Subject of
// the key.
func j12(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.APIKeys(grants.APIKey{Refresh: true}))
	key := f.APIKey(f.C1, func(k *storage.APIKey) { k.Subject = "u1" })
	id := f.StoredKey(key).ID
	ofUser := f.Send(f.Redeem(f.C1, f.Code(f.C1))).Tokens()
	ofClient := f.Send(testbed.ClientCredentials(f.C1)).Tokens()
	for name, got := range map[string]testbed.Tokens{"user": ofUser, "client": ofClient} {
		if claim, ok := got.Claims["api_key_id"]; ok {
			t.Errorf("the token of a %s has api_key_id %v, want none", name, claim)
		}
	}
	ofKey := f.Send(testbed.PresentKey(f.C1, key)).Tokens()
	again := f.Send(testbed.Refresh(f.C1, ofKey.RefreshToken)).Tokens()
	once := f.Send(testbed.Refresh(f.C1, again.RefreshToken).With("scope", "read")).Tokens()
	for name, got := range map[string]testbed.Tokens{"key": ofKey, "first refresh": again, "second refresh": once} {
		if got.Claims["api_key_id"] != id || got.Claims["sub"] != "u1" {
			t.Errorf("%s: sub %v and api_key_id %v, want u1 and %s", name, got.Claims["sub"], got.Claims["api_key_id"], id)
		}
	}
	nobodys := f.APIKey(f.C1, func(k *storage.APIKey) { k.Subject = "" })
	got := f.Send(testbed.PresentKey(f.C1, nobodys)).Tokens()
	if want := "api_key:" + f.StoredKey(nobodys).ID; got.Claims["sub"] != want {
		t.Errorf("the sub of a key without one is %v, want %s", got.Claims["sub"], want)
	}
}
