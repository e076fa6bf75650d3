package endpointtest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

var routeRules = []rule{
	{"P10_all_endpoints_are_mounted_by_one_call", mountedAtOnce},
	{"P10_a_router_of_another_kind_mounts_the_routes", mountedOneByOne},
	{"P10_the_path_of_the_base_may_be_stripped", mountedStripped},
	{"P10_paths_have_one_spelling", onePath},
}

var timedKeyOutageRules = []rule{
	{"P04_P07_keys_that_cannot_be_loaded_are_an_outage", keysAway},
}

// usual are the paths of all endpoints.
var usual = []string{path, revocationPath, introspectionPath, "/.well-known/jwks.json", metadataPath}

// all asserts that all endpoints are there.
func (f *fixture) all() {
	f.Helper()
	got := f.pair(f.c1)
	f.living(f.c1, got.accessToken)
	f.send(revoke(f.c1, got.refreshToken)).ended()
	f.gone(f.c1, got.accessToken)
	f.document("/.well-known/jwks.json")
	f.document(metadataPath)
}

// serve serves another handler.
func (f *fixture) serve(h http.Handler) {
	server := httptest.NewServer(h)
	f.Cleanup(server.Close)
	f.url = server.URL
}

func mountedAtOnce(t *testing.T, open opener) {
	f := newFixture(t, open)
	mux := http.NewServeMux()
	mux.Handle("/", f.handler.Routes())
	mux.HandleFunc("/own", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	f.serve(mux)
	f.all()
	for path, want := range map[string]int{"/own": http.StatusTeapot, "/": 404, "/connect": 404, "/connect/": 404, "/.well-known/": 404} {
		if got := f.get(path).status; got != want {
			t.Errorf("%s: got %d, want %d", path, got, want)
		}
	}
}

// mountedOneByOne: a router that knows whole paths, and one that has patterns.
func mountedOneByOne(t *testing.T, open opener) {
	f := newFixture(t, open)
	whole, mux := make(map[string]http.Handler), http.NewServeMux()
	paths := []string{}
	for _, r := range f.handler.Routes() {
		paths = append(paths, r.Path)
		whole[r.Path] = r.Handler
		mux.Handle(r.Path, r.Handler)
	}
	slices.Sort(paths)
	if want := slices.Sorted(slices.Values(usual)); !slices.Equal(paths, want) {
		t.Errorf("the paths are %q, want %q", paths, want)
	}
	f.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { whole[r.URL.Path].ServeHTTP(w, r) }))
	f.all()
	f.serve(mux)
	f.all()
	routes := f.handler.Routes() // is the caller's
	routes[0] = tokenendpoint.Route{Path: "/other"}
	if got := f.handler.Routes()[0].Path; got == "/other" {
		t.Error("a change of the routes is seen by the next caller")
	}
}

func mountedStripped(t *testing.T, open opener) {
	const base = "https://api.test/auth"
	f := newFixture(t, open, func(c *tokenendpoint.Config) {
		c.BaseURL, c.Issuer, c.OpenIDConfiguration = base, base, true
	})
	routes := f.handler.Routes()
	for _, path := range []string{path, revocationPath, introspectionPath, "/.well-known/jwks.json", openIDPath} {
		if !slices.ContainsFunc(routes, func(r tokenendpoint.Route) bool { return r.Path == "/auth"+path }) {
			t.Errorf("there is no route /auth%s", path)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/auth/", http.StripPrefix("/auth", routes))
	mux.Handle("/.well-known/", routes)
	f.serve(mux)
	f.document(metadataPath + "/auth")
	root := f.url
	f.url += "/auth"
	if got := f.document(openIDPath)["token_endpoint"]; got != base+path {
		t.Errorf("token_endpoint is %v, want %s", got, base+path)
	}
	f.document("/.well-known/jwks.json")
	for _, r := range both(clientCredentials(f.c1)) {
		f.send(r).tokens()
	}
	f.send(introspect(f.c1, "x")).inactive()
	// Not stripped, and stripped by a proxy.
	f.serve(routes)
	f.send(clientCredentials(f.c1).to("/auth" + path)).tokens()
	f.send(clientCredentials(f.c1)).tokens()
	for _, at := range []string{"/auth", "/auth/", "/auth/auth" + path, "/other" + path} {
		if got := f.send(clientCredentials(f.c1).to(at)).status; got != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", at, got)
		}
	}
	f.url = root
}

// onePath: nothing is cleaned up, and nobody is sent elsewhere.
func onePath(t *testing.T, open opener) {
	f := newFixture(t, open)
	routes := f.handler.Routes()
	for _, at := range []string{
		"/connect/token/", "//connect/token", "/connect//token", "/connect/./token", "/connect/x/../token", "/Connect/Token",
		"/connect%2Ftoken", "/connect/toke%6e", "/connect/token%00", "/connect/token;x", "/", "/connect/revocation/x",
		metadataPath + "/", "/.well-known", "/.well-known/openid-configuration",
	} {
		hr := httptest.NewRequest("POST", "https://as.test"+at, nil)
		w := httptest.NewRecorder()
		routes.ServeHTTP(w, hr)
		if w.Code != http.StatusNotFound || w.Header().Get("Location") != "" {
			t.Errorf("%s: got %d %v, want 404", at, w.Code, w.Header())
		}
	}
	w := httptest.NewRecorder()
	routes.ServeHTTP(w, httptest.NewRequest("OPTIONS", "*", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("OPTIONS *: got %d, want 404", w.Code)
	}
}

// keysAway: who cannot verify a token says nothing about it. What needs no key
// goes on.
func keysAway(t *testing.T, open opener) {
	var away atomic.Bool
	source := jws.KeySourceFunc(func(context.Context, jws.Rotation, time.Time) ([]jws.Key, error) {
		if away.Load() {
			return nil, errors.New("the key store is away")
		}
		return []jws.Key{{Signer: signingKey()}}, nil
	})
	f := newTimed(t, open, func(c *tokenendpoint.Config) {
		keys, err := jws.OpenKeySet(t.Context(), source, jws.Rotation{Logger: c.Logger}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		c.Keys = keys
	})
	got := f.pair(f.c1)
	minted := f.mint(f.c1, storage.KindRefreshToken, grants.RefreshTokenPrefix)
	away.Store(true)
	time.Sleep(jws.Rotation{}.Lead() + time.Second)
	for _, r := range []*request{introspect(f.c1, got.accessToken), revoke(f.c1, got.accessToken)} {
		for _, r := range both(r) {
			f.send(r).unavailable()
			f.outcome(tokenendpoint.Failed)
		}
	}
	if r := f.get("/.well-known/jwks.json"); r.status != http.StatusServiceUnavailable {
		t.Errorf("the keys: got %d, want 503", r.status)
	}
	f.send(introspect(f.c1, minted).with("token_type_hint", "refresh_token")).inactive()
	f.send(revoke(f.c1, got.refreshToken)).ended()
	f.send(introspect(f.c1, "x")).inactive()
	f.document(metadataPath)
	away.Store(false)
	time.Sleep(time.Minute)
	f.gone(f.c1, got.accessToken)
	f.send(clientCredentials(f.c1)).tokens()
}
