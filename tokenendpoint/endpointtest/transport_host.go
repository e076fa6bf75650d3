package endpointtest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

// a24NoSniff leaves the headers to reply.envelope, which every answer passes.
func a24NoSniff(t *testing.T, open opener) {
	f := newFixture(t, open)
	get := clientCredentials(f.c1)
	get.method = http.MethodGet
	f.send(clientCredentials(f.c1)).tokens()
	f.send(get).notPOST()
	f.send(form("grant_type", "nope")).refused("unsupported_grant_type")
	f.send(clientCredentials(f.c1).basic(f.c1.id, "wrong")).unauthorized()
	f.send(padded(f.c1, maxBody+1)).refusedWith(http.StatusRequestEntityTooLarge, "invalid_request")
	f.store.failWith(mClient, errors.New("an outage"))
	f.send(clientCredentials(f.c1)).unavailable()
	f.panicIn(mClient, panicText)
	f.send(clientCredentials(f.c1)).refusedWith(http.StatusInternalServerError, "server_error")
}

// from asserts that a token is the endpoint's own, wherever the request says
// that it went.
func (got tokens) from(t *testing.T) {
	t.Helper()
	if got.claims["iss"] != issuer {
		t.Errorf("iss is %v, want %s", got.claims["iss"], issuer)
	}
	aud, ok := got.claims["aud"].([]any)
	if !ok {
		aud = []any{got.claims["aud"]}
	}
	if !slices.Equal(aud, []any{audience}) {
		t.Errorf("aud is %v, want %s", aud, audience)
	}
}

// forwarded adds the headers of a proxy, or of who pretends to be one.
func forwarded(r *request) *request {
	return r.set("Host", "evil.test").set("X-Forwarded-Host", "evil.test").set("X-Forwarded-Proto", "http").
		set("X-Forwarded-Prefix", "/evil").set("X-Original-URL", "/evil").
		set("Forwarded", "host=evil.test;proto=http").set("X-Forwarded-For", "192.0.2.1")
}

func a25Prefix(t *testing.T, open opener) {
	f := newFixture(t, open)
	mux := http.NewServeMux()
	inner := http.NewServeMux()
	inner.Handle(path, f.handler)
	mux.Handle("/auth/", http.StripPrefix("/auth", inner))
	server := httptest.NewServer(mux)
	defer server.Close()
	f.url = server.URL + "/auth"
	for _, r := range both(clientCredentials(f.c1)) {
		f.send(r).tokens().from(t)
		f.send(forwarded(r)).tokens().from(t)
	}
	f.send(f.redeem(f.c1, f.code(f.c1))).tokens().from(t)
}

func a26Host(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, host := range []string{"evil.test", "evil.test:8443", "AS.TEST", "127.0.0.1"} {
		for _, r := range both(clientCredentials(f.c1)) {
			r = forwarded(r).set("Host", host)
			l := f.dial()
			l.say(wire(r))
			l.answer(r).tokens().from(t)
		}
	}
	r := forwarded(f.redeem(f.c1, f.code(f.c1)))
	l := f.dial()
	l.say(wire(r))
	l.answer(r).tokens().from(t)
}

func a27UnknownParameters(t *testing.T, open opener) {
	f := newFixture(t, open)
	unknown := []string{"nonce", "1", "foo", "bar", "grant-type", "x", "client_name", "", "", "y"}
	for _, r := range both(clientCredentials(f.c1).and(unknown...)) {
		f.send(r).tokens()
	}
	f.send(f.redeem(f.c1, f.code(f.c1)).and(unknown...)).tokens()
	f.send(f.redeem(f.c1, f.code(f.c1)).and(unknown...).json()).tokens()
}

// a30NoRedirects asks at addresses that net/http or a router would clean up,
// and for everything that is refused.
func a30NoRedirects(t *testing.T, open opener) {
	f := newFixture(t, open)
	server := httptest.NewServer(f.handler) // without a router, which has redirects of its own
	defer server.Close()
	base := server.URL
	get := clientCredentials(f.c1)
	get.method = http.MethodGet
	for _, r := range []*request{
		clientCredentials(f.c1),
		get,
		form("grant_type", "nope").by(f.c1),
		f.redeem(f.c1, f.code(f.c1)).with("redirect_uri", "https://evil.test/cb"),
		f.redeem(f.c1, "ac_unknown"),
		f.redeem(f.c1, f.code(f.c1)),
		clientCredentials(f.c1).basic(f.c1.id, "wrong"),
		clientCredentials(f.c1).set("Content-Type", "text/plain"),
		clientCredentials(f.c1).and("redirect_uri", "https://evil.test/cb", "state", "x"),
		forwarded(clientCredentials(f.c1)),
	} {
		for _, prefix := range []string{"", "/", "/a/..", "/connect/token/"} {
			f.url = base + prefix
			got := f.send(r)
			if got.status >= 300 && got.status < 400 || got.header.Get("Location") != "" || got.header.Get("Refresh") != "" {
				t.Errorf("%s %s: got %d to %q, want no redirect", r.method, f.url+r.path, got.status, got.header.Get("Location"))
			}
		}
	}
}
