package tokenendpoint_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var codeMatchRules = []rule{
	{"G08_each_comparison_is_fatal_by_itself", g08},
	{"G09_expired_code_that_no_cleanup_deleted", g09},
	{"G10_redirect_uri_is_compared_as_a_string", g10},
	{"G11_redirect_uri_missing", g11},
	{"G12_redirect_uri_that_the_request_had_not", g12},
	{"G13_loopback_port_is_that_of_the_code", g13},
}

var timedCodeMatchRules = []rule{
	{"G09_a_code_that_expires_while_the_body_arrives", g09SlowBody},
	{"G09_a_code_lives_for_a_minute", g09Timed},
}

// g08 is the matrix of all that must be right about a code. A wrong request uses
// nothing up.
func g08(t *testing.T) {
	f := testbed.New(t, openMemory)
	const otherClient, expired, otherRedirect, otherVerifier = 1, 2, 4, 8
	for wrong := range 16 {
		name := fmt.Sprintf("client=%t_time=%t_redirect=%t_verifier=%t",
			wrong&otherClient == 0, wrong&expired == 0, wrong&otherRedirect == 0, wrong&otherVerifier == 0)
		f.Sub(name, func() {
			f.Spellings(func(as testbed.Spelling) {
				at := time.Now()
				if wrong&expired != 0 {
					at = at.Add(-2 * time.Minute)
				}
				code := f.CodeAt(at, f.C1)
				r := f.Redeem(f.C1, code)
				if wrong&otherClient != 0 {
					r = r.By(f.C2)
				}
				if wrong&otherRedirect != 0 {
					r = r.With("redirect_uri", f.C2.RedirectURI)
				}
				if wrong&otherVerifier != 0 {
					r = r.With("code_verifier", strings.ToUpper(testbed.Verifier))
				}
				if wrong == 0 {
					f.Send(as(r)).Tokens()
					return
				}
				f.ChangesNothing(func() { f.Send(as(r)).Refused("invalid_grant") })
				if wrong&expired == 0 {
					f.Send(as(f.Redeem(f.C1, code))).Tokens()
				}
			})
		})
	}
}

func g09(t *testing.T) {
	f := testbed.New(t, openMemory)
	// A record may be kept for longer than the code is good for.
	f.Sub("kept for its family", func() {
		code := f.Plant(f.C1, func(c *storage.Credential) {
			c.ExpiresAt, c.FamilyExpiresAt = c.ExpiresAt.Add(-61*time.Second), c.ExpiresAt.Add(time.Hour)
		})
		f.ChangesNothing(func() { f.Send(f.Redeem(f.C1, code)).Refused("invalid_grant") })
	})
	found := 0
	f.Store.Set(func(s *testbed.Spy) { s.EditCredential = func(*storage.Credential) { found++ } })
	f.Spellings(func(as testbed.Spelling) {
		code := f.CodeAt(time.Now().Add(-61*time.Second), f.C1)
		f.ChangesNothing(func() { f.Send(as(f.Redeem(f.C1, code))).Refused("invalid_grant") })
	})
	if found != 2 {
		t.Errorf("the store found %d of the expired codes, want 2: the endpoint must not rely on their deletion", found)
	}
}

func g09Timed(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	early := f.Code(f.C1)
	late := f.Plant(f.C1, func(c *storage.Credential) { c.FamilyExpiresAt = c.ExpiresAt.Add(time.Hour) })
	long := f.Code(f.C1, func(a *grants.AuthorizationRequest) { a.Lifetime = 10 * time.Minute })
	longer := f.Code(f.C1, func(a *grants.AuthorizationRequest) { a.Lifetime = 10 * time.Minute })
	time.Sleep(59 * time.Second)
	f.Send(f.Redeem(f.C1, early)).Tokens()
	time.Sleep(time.Second)
	f.Send(f.Redeem(f.C1, late)).Refused("invalid_grant")
	time.Sleep(9*time.Minute - time.Second)
	f.Send(f.Redeem(f.C1, long)).Tokens()
	time.Sleep(time.Second)
	f.Send(f.Redeem(f.C1, longer)).Refused("invalid_grant")
}

func g10(t *testing.T) {
	f := testbed.New(t, openMemory)
	right := f.C1.RedirectURI // https://c1.test/cb
	f.Spellings(func(as testbed.Spelling) {
		code := f.Code(f.C1)
		for name, uri := range map[string]string{
			"slash":                   right + "/",
			"case of the path":        "https://c1.test/CB",
			"case of the host":        "https://C1.test/cb",
			"case of the scheme":      "HTTPS://c1.test/cb",
			"query":                   right + "?x=1",
			"empty query":             right + "?",
			"fragment":                right + "#x",
			"other port":              "https://c1.test:8443/cb",
			"default port":            "https://c1.test:443/cb",
			"percent escape":          "https://c1.test/%63b",
			"dot segment":             "https://c1.test/x/../cb",
			"other scheme":            "http://c1.test/cb",
			"user":                    "https://x@c1.test/cb",
			"prefix of it":            "https://c1.test/c",
			"longer":                  right + "x",
			"space before":            " " + right,
			"what stands for no uri":  storage.NoRedirectURI,
			"that of another client":  f.C2.RedirectURI,
			"trailing dot of a label": "https://c1.test./cb",
		} {
			r := as(f.Redeem(f.C1, code).With("redirect_uri", uri))
			f.Sub(name, func() {
				f.ChangesNothing(func() { f.Send(r).Refused("invalid_grant") })
			})
		}
		f.Send(as(f.Redeem(f.C1, code))).Tokens()
	})
}

// g11 pins invalid_request, by ruling R3.
func g11(t *testing.T) {
	f := testbed.New(t, openMemory)
	f.Spellings(func(as testbed.Spelling) {
		code := f.Code(f.C1)
		for _, r := range []*testbed.Request{
			f.Redeem(f.C1, code).Without("redirect_uri"),
			f.Redeem(f.C1, code).With("redirect_uri", ""),
		} {
			f.ChangesNothing(func() {
				reply := f.Send(as(r))
				reply.Refused("invalid_request")
				reply.Names("redirect_uri")
			})
		}
		f.Send(as(f.Redeem(f.C1, code))).Tokens()
	})
	// A client that may not use the code does not learn how it was issued.
	f.Sub("to another client", func() {
		code := f.Code(f.C1)
		f.Send(f.Redeem(f.C1, code).Without("redirect_uri").By(f.C2)).Refused("invalid_grant")
	})
}

func g12(t *testing.T) {
	f := testbed.New(t, openMemory)
	withoutURI := func(a *grants.AuthorizationRequest) { a.RedirectURI = "" }
	f.Spellings(func(as testbed.Spelling) {
		for _, uri := range []string{f.C1.RedirectURI, storage.NoRedirectURI} {
			code := f.Code(f.C1, withoutURI)
			f.ChangesNothing(func() {
				f.Send(as(f.Redeem(f.C1, code).With("redirect_uri", uri))).Refused("invalid_grant")
			})
			f.Send(as(f.Redeem(f.C1, code).Without("redirect_uri"))).Tokens()
		}
	})
}

func g13(t *testing.T) {
	f := testbed.New(t, openMemory)
	const right = "http://127.0.0.1:51004/cb"
	f.Spellings(func(as testbed.Spelling) {
		code := f.Code(f.Pub, func(a *grants.AuthorizationRequest) { a.RedirectURI = right })
		for _, uri := range []string{"http://127.0.0.1:51005/cb", f.Pub.RedirectURI, "http://localhost:51004/cb", "http://[::1]:51004/cb"} {
			f.ChangesNothing(func() {
				f.Send(as(f.Redeem(f.Pub, code).With("redirect_uri", uri))).Refused("invalid_grant")
			})
		}
		f.Send(as(f.Redeem(f.Pub, code).With("redirect_uri", right))).Tokens()
	})
}

// g09SlowBody: the endpoint judges a request when all of it is there. Otherwise
// an attacker who has a stolen code could hold a request open until the code is
// worth sending.
func g09SlowBody(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	for wait, check := range map[time.Duration]func(*testbed.Reply){
		3 * time.Second: testbed.WantCode("invalid_grant"), 2 * time.Second: testbed.WantCode("invalid_grant"), time.Second: func(r *testbed.Reply) { r.Tokens() },
	} {
		code := f.Code(f.C1, func(a *grants.AuthorizationRequest) { a.Lifetime = 2 * time.Second })
		r := f.Redeem(f.C1, code)
		head, body, _ := strings.Cut(testbed.Wire(r), "\r\n\r\n")
		l := f.Dial()
		l.Say(head + "\r\n\r\n")
		time.Sleep(wait)
		l.Say(body)
		check(l.Answer(r))
		if e := f.LastEvent(); !e.Time.Equal(time.Now()) {
			t.Errorf("the request was judged at %s, want %s, when its body was there", e.Time, time.Now())
		}
	}
}
