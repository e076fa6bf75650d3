package endpointtest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// access makes an access token of a client that belongs to no family.
func (f *fixture) access(p *party) string {
	f.Helper()
	return f.secret(f.send(clientCredentials(p)).tokens().accessToken)
}

// pair makes an access token and a refresh token of one family.
func (f *fixture) pair(p *party) tokens {
	f.Helper()
	got := f.send(f.redeem(p, f.code(p))).tokens()
	f.secret(got.accessToken)
	return got
}

// next uses a refresh token.
func (f *fixture) next(p *party, token string) tokens {
	f.Helper()
	got := f.send(refresh(p, token)).tokens()
	f.secret(got.accessToken)
	return got
}

// reader registers a resource server that is an audience of everybody's tokens:
// its identifier is in their aud.
func (f *fixture) reader() *party {
	f.Helper()
	p := f.newClient(&storage.Client{ID: "api"})
	f.store.set(func(s *spy) {
		s.editClient = func(c *storage.Client) {
			if c.ID != p.id {
				c.Audience = []string{audience, p.id}
			}
		}
	})
	return p
}

// ended asserts the response to a revocation that succeeded (RFC 7009 §2.2,
// ruling R22).
func (r *reply) ended() {
	r.t.Helper()
	if r.status != http.StatusOK || r.body != "{}" {
		r.t.Errorf("%s: got %d %q, want 200 {}", short(r.sent.text()), r.status, r.body)
		return
	}
	r.envelope()
}

// inactive asserts the one response to an introspection that tells nothing (RFC
// 7662 §2.2).
func (r *reply) inactive() {
	r.t.Helper()
	if r.status != http.StatusOK || r.body != `{"active":false}` {
		r.t.Errorf("%s: got %d %q, want 200 and that it is not active", short(r.sent.text()), r.status, r.body)
		return
	}
	r.envelope()
}

// active asserts the response to an introspection that tells something, and
// returns its members.
func (r *reply) active() map[string]any {
	r.t.Helper()
	if r.status != http.StatusOK {
		r.t.Fatalf("%s: got %d %s, want 200", short(r.sent.text()), r.status, r.body)
	}
	m := r.envelope()
	if m["active"] != true {
		r.t.Fatalf("%s: got %s, want that it is active", short(r.sent.text()), r.body)
	}
	return m
}

// living asserts that tokens can be used and are told to be active.
func (f *fixture) living(p *party, access ...string) {
	f.Helper()
	for _, token := range access {
		f.send(introspect(p, token)).active()
	}
}

// gone asserts that access tokens are told not to be active.
func (f *fixture) gone(p *party, access ...string) {
	f.Helper()
	for _, token := range access {
		f.send(introspect(p, token)).inactive()
	}
}

// byID is the client with this identifier, whose secret was drawn.
func (f *fixture) byID(id string) *party {
	f.Helper()
	p, ok := f.parties[id]
	if !ok {
		f.Fatalf("there is no client %s", id)
	}
	return p
}

// payloadOf is the payload of a token, as it stands.
func payloadOf(f *fixture, token string) []byte {
	f.Helper()
	payload, _, err := jws.Verify(f.Context(), f.keys, token, jws.TypeAccessToken, time.Now())
	if err != nil {
		f.Fatalf("the access token: %v", err)
	}
	return payload
}

// jsonNumber is a number as members decodes it.
func jsonNumber(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }
