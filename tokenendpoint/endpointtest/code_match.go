package endpointtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// g08 is the matrix of all that must be right about a code. Whatever is wrong,
// nothing is used up by it.
func g08(t *testing.T, open opener) {
	f := newFixture(t, open)
	const otherClient, expired, otherRedirect, otherVerifier = 1, 2, 4, 8
	for wrong := range 16 {
		name := fmt.Sprintf("client=%t_time=%t_redirect=%t_verifier=%t",
			wrong&otherClient == 0, wrong&expired == 0, wrong&otherRedirect == 0, wrong&otherVerifier == 0)
		f.sub(name, func() {
			f.spellings(func(as spelling) {
				at := time.Now()
				if wrong&expired != 0 {
					at = at.Add(-2 * time.Minute)
				}
				code := f.codeAt(at, f.c1)
				r := f.redeem(f.c1, code)
				if wrong&otherClient != 0 {
					r = r.by(f.c2)
				}
				if wrong&otherRedirect != 0 {
					r = r.with("redirect_uri", f.c2.redirectURI)
				}
				if wrong&otherVerifier != 0 {
					r = r.with("code_verifier", strings.ToUpper(verifier))
				}
				if wrong == 0 {
					f.send(as(r)).tokens()
					return
				}
				f.changesNothing(func() { f.send(as(r)).refused("invalid_grant") })
				if wrong&expired == 0 {
					f.send(as(f.redeem(f.c1, code))).tokens()
				}
			})
		})
	}
}

func g09(t *testing.T, open opener) {
	f := newFixture(t, open)
	// A record may be kept for longer than the code is good for.
	f.sub("kept for its family", func() {
		code := f.plant(f.c1, func(c *storage.Credential) {
			c.ExpiresAt, c.FamilyExpiresAt = c.ExpiresAt.Add(-61*time.Second), c.ExpiresAt.Add(time.Hour)
		})
		f.changesNothing(func() { f.send(f.redeem(f.c1, code)).refused("invalid_grant") })
	})
	found := 0
	f.store.set(func(s *spy) { s.editCredential = func(*storage.Credential) { found++ } })
	f.spellings(func(as spelling) {
		code := f.codeAt(time.Now().Add(-61*time.Second), f.c1)
		f.changesNothing(func() { f.send(as(f.redeem(f.c1, code))).refused("invalid_grant") })
	})
	if found != 2 {
		t.Errorf("the store found %d of the expired codes, want 2: the endpoint must not rely on their deletion", found)
	}
}

func g09Timed(t *testing.T, open opener) {
	f := newTimed(t, open)
	early := f.code(f.c1)
	late := f.plant(f.c1, func(c *storage.Credential) { c.FamilyExpiresAt = c.ExpiresAt.Add(time.Hour) })
	long := f.code(f.c1, func(a *grants.AuthorizationRequest) { a.Lifetime = 10 * time.Minute })
	longer := f.code(f.c1, func(a *grants.AuthorizationRequest) { a.Lifetime = 10 * time.Minute })
	time.Sleep(59 * time.Second)
	f.send(f.redeem(f.c1, early)).tokens()
	time.Sleep(time.Second)
	f.send(f.redeem(f.c1, late)).refused("invalid_grant")
	time.Sleep(9*time.Minute - time.Second)
	f.send(f.redeem(f.c1, long)).tokens()
	time.Sleep(time.Second)
	f.send(f.redeem(f.c1, longer)).refused("invalid_grant")
}

func g10(t *testing.T, open opener) {
	f := newFixture(t, open)
	right := f.c1.redirectURI // https://c1.test/cb
	f.spellings(func(as spelling) {
		code := f.code(f.c1)
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
			"that of another client":  f.c2.redirectURI,
			"trailing dot of a label": "https://c1.test./cb",
		} {
			r := as(f.redeem(f.c1, code).with("redirect_uri", uri))
			f.sub(name, func() {
				f.changesNothing(func() { f.send(r).refused("invalid_grant") })
			})
		}
		f.send(as(f.redeem(f.c1, code))).tokens()
	})
}

// g11 pins invalid_request, by ruling R3.
func g11(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.spellings(func(as spelling) {
		code := f.code(f.c1)
		for _, r := range []*request{
			f.redeem(f.c1, code).without("redirect_uri"),
			f.redeem(f.c1, code).with("redirect_uri", ""),
		} {
			f.changesNothing(func() {
				reply := f.send(as(r))
				reply.refused("invalid_request")
				reply.names("redirect_uri")
			})
		}
		f.send(as(f.redeem(f.c1, code))).tokens()
	})
	// Whoever may not use the code does not learn how it was issued.
	f.sub("to another client", func() {
		code := f.code(f.c1)
		f.send(f.redeem(f.c1, code).without("redirect_uri").by(f.c2)).refused("invalid_grant")
	})
}

func g12(t *testing.T, open opener) {
	f := newFixture(t, open)
	withoutURI := func(a *grants.AuthorizationRequest) { a.RedirectURI = "" }
	f.spellings(func(as spelling) {
		for _, uri := range []string{f.c1.redirectURI, storage.NoRedirectURI} {
			code := f.code(f.c1, withoutURI)
			f.changesNothing(func() {
				f.send(as(f.redeem(f.c1, code).with("redirect_uri", uri))).refused("invalid_grant")
			})
			f.send(as(f.redeem(f.c1, code).without("redirect_uri"))).tokens()
		}
	})
}

func g13(t *testing.T, open opener) {
	f := newFixture(t, open)
	const right = "http://127.0.0.1:51004/cb"
	f.spellings(func(as spelling) {
		code := f.code(f.pub, func(a *grants.AuthorizationRequest) { a.RedirectURI = right })
		for _, uri := range []string{"http://127.0.0.1:51005/cb", f.pub.redirectURI, "http://localhost:51004/cb", "http://[::1]:51004/cb"} {
			f.changesNothing(func() {
				f.send(as(f.redeem(f.pub, code).with("redirect_uri", uri))).refused("invalid_grant")
			})
		}
		f.send(as(f.redeem(f.pub, code).with("redirect_uri", right))).tokens()
	})
}

// g09SlowBody: a request is judged when all of it is there. Else who has the
// code of another could hold a request open until it is worth sending.
func g09SlowBody(t *testing.T, open opener) {
	f := newTimed(t, open)
	for wait, check := range map[time.Duration]func(*reply){
		3 * time.Second: wantCode("invalid_grant"), 2 * time.Second: wantCode("invalid_grant"), time.Second: func(r *reply) { r.tokens() },
	} {
		code := f.code(f.c1, func(a *grants.AuthorizationRequest) { a.Lifetime = 2 * time.Second })
		r := f.redeem(f.c1, code)
		head, body, _ := strings.Cut(wire(r), "\r\n\r\n")
		l := f.dial()
		l.say(head + "\r\n\r\n")
		time.Sleep(wait)
		l.say(body)
		check(l.answer(r))
		if e := f.lastEvent(); !e.Time.Equal(time.Now()) {
			t.Errorf("the request was judged at %s, want %s, when its body was there", e.Time, time.Now())
		}
	}
}
