package tokenendpoint_test

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
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
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
var usual = []string{testbed.TokenPath, testbed.RevocationPath, testbed.IntrospectionPath, "/.well-known/jwks.json", metadataPath, resourcePath}

// all asserts that all endpoints are there.
func all(f *testbed.Fixture) {
	f.Helper()
	got := f.Pair(f.C1)
	f.Living(f.C1, got.AccessToken)
	f.Send(testbed.Revoke(f.C1, got.RefreshToken)).Ended()
	f.Gone(f.C1, got.AccessToken)
	document(f, "/.well-known/jwks.json")
	document(f, metadataPath)
	document(f, resourcePath)
}

func mountedAtOnce(t *testing.T) {
	f := testbed.New(t, openMemory)
	mux := http.NewServeMux()
	mux.Handle("/", f.Handler.Routes())
	mux.HandleFunc("/own", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	f.Serve(mux)
	all(f)
	for path, want := range map[string]int{"/own": http.StatusTeapot, "/": 404, "/connect": 404, "/connect/": 404, "/.well-known/": 404} {
		if got := get(f, path).Status; got != want {
			t.Errorf("%s: got %d, want %d", path, got, want)
		}
	}
}

// mountedOneByOne: a router that knows whole paths, and one that has patterns.
func mountedOneByOne(t *testing.T) {
	f := testbed.New(t, openMemory)
	whole, mux := make(map[string]http.Handler), http.NewServeMux()
	paths := []string{}
	for _, r := range f.Handler.Routes() {
		paths = append(paths, r.Path)
		whole[r.Path] = r.Handler
		mux.Handle(r.Path, r.Handler)
	}
	slices.Sort(paths)
	if want := slices.Sorted(slices.Values(usual)); !slices.Equal(paths, want) {
		t.Errorf("the paths are %q, want %q", paths, want)
	}
	f.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { whole[r.URL.Path].ServeHTTP(w, r) }))
	all(f)
	f.Serve(mux)
	all(f)
	routes := f.Handler.Routes() // is the caller's
	routes[0] = tokenendpoint.Route{Path: "/other"}
	if got := f.Handler.Routes()[0].Path; got == "/other" {
		t.Error("a change of the routes is seen by the next caller")
	}
}

func mountedStripped(t *testing.T) {
	const base = "https://api.test/auth"
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) {
		c.BaseURL, c.Issuer, c.OpenIDConfiguration = base, base, true
	})
	routes := f.Handler.Routes()
	for _, path := range []string{testbed.TokenPath, testbed.RevocationPath, testbed.IntrospectionPath, "/.well-known/jwks.json", openIDPath} {
		if !slices.ContainsFunc(routes, func(r tokenendpoint.Route) bool { return r.Path == "/auth"+path }) {
			t.Errorf("there is no route /auth%s", path)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/auth/", http.StripPrefix("/auth", routes))
	mux.Handle("/.well-known/", routes)
	f.Serve(mux)
	document(f, metadataPath+"/auth")
	root := f.URL
	f.URL += "/auth"
	if got := document(f, openIDPath)["token_endpoint"]; got != base+testbed.TokenPath {
		t.Errorf("token_endpoint is %v, want %s", got, base+testbed.TokenPath)
	}
	document(f, "/.well-known/jwks.json")
	for _, r := range testbed.Both(testbed.ClientCredentials(f.C1)) {
		f.Send(r).Tokens()
	}
	f.Send(testbed.Introspect(f.C1, "x")).Inactive()
	// Not stripped, and stripped by a proxy.
	f.Serve(routes)
	f.Send(testbed.ClientCredentials(f.C1).To("/auth" + testbed.TokenPath)).Tokens()
	f.Send(testbed.ClientCredentials(f.C1)).Tokens()
	for _, at := range []string{"/auth", "/auth/", "/auth/auth" + testbed.TokenPath, "/other" + testbed.TokenPath} {
		if got := f.Send(testbed.ClientCredentials(f.C1).To(at)).Status; got != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", at, got)
		}
	}
	f.URL = root
}

// onePath: nothing is cleaned up, and nobody is sent elsewhere.
func onePath(t *testing.T) {
	f := testbed.New(t, openMemory)
	routes := f.Handler.Routes()
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

// keysAway: an endpoint that cannot verify a token says nothing about it.
// Requests that need no key go on.
func keysAway(t *testing.T) {
	var away atomic.Bool
	source := jws.KeySourceFunc(func(context.Context, jws.Rotation, time.Time) ([]jws.Key, error) {
		if away.Load() {
			return nil, errors.New("the key store is away")
		}
		return []jws.Key{{Signer: testbed.SigningKey()}}, nil
	})
	f := testbed.NewTimed(t, openMemory, func(c *tokenendpoint.Config) {
		keys, err := jws.OpenKeySet(t.Context(), source, jws.Rotation{Logger: c.Logger}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		c.Keys = keys
	})
	got := f.Pair(f.C1)
	minted := f.Mint(f.C1, storage.KindRefreshToken, grants.RefreshTokenPrefix)
	away.Store(true)
	time.Sleep(jws.Rotation{}.Lead() + time.Second)
	for _, r := range []*testbed.Request{testbed.Introspect(f.C1, got.AccessToken), testbed.Revoke(f.C1, got.AccessToken)} {
		for _, r := range testbed.Both(r) {
			f.Send(r).Unavailable()
			f.Outcome(tokenendpoint.Failed)
		}
	}
	if r := get(f, "/.well-known/jwks.json"); r.Status != http.StatusServiceUnavailable {
		t.Errorf("the keys: got %d, want 503", r.Status)
	}
	f.Send(testbed.Introspect(f.C1, minted).With("token_type_hint", "refresh_token")).Inactive()
	f.Send(testbed.Revoke(f.C1, got.RefreshToken)).Ended()
	f.Send(testbed.Introspect(f.C1, "x")).Inactive()
	document(f, metadataPath)
	away.Store(false)
	time.Sleep(time.Minute)
	f.Gone(f.C1, got.AccessToken)
	f.Send(testbed.ClientCredentials(f.C1)).Tokens()
}
