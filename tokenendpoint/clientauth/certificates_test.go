package clientauth_test

import (
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// shows is a request that shows a certificate and nothing else, and the verdict on it.
type shows struct {
	called bool
	why    error
}

func (v *shows) request(id string, key any) clientauth.Request {
	return clientauth.Request{
		ID: id, Method: storage.AuthNone, Time: time.Now(), Certificates: []*x509.Certificate{{PublicKey: key}},
		Certified: func(why error) { v.called, v.why = true, why },
	}
}

// Clients with certificates of their own make this server fetch no more keys, and keep no
// more, than clients with assertions.
func TestM02Flood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		public, _, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		web := &published{n: make(map[string]int), keys: `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}]}`}
		store := new(memory.Store)
		certificates := &clientauth.Certificates{HTTP: &http.Client{Transport: web}, Logger: slog.New(slog.DiscardHandler)}
		s := &clientauth.Secrets{Clients: store, Certificates: certificates}
		show := func(id, uri string, key any) (shows, error) {
			t.Helper()
			if err := store.PutClient(t.Context(), &storage.Client{ID: id, AuthMethod: storage.SelfSignedTLSClientAuth, Assertion: storage.ClientAssertion{JWKSURI: uri}}); err != nil {
				t.Fatal(err)
			}
			var v shows
			_, err := s.ValidateClient(t.Context(), v.request(id, key))
			return v, err
		}
		if v, err := show("real", "https://victim.example.com/jwks", public); err != nil || !v.called || v.why != nil {
			t.Fatalf("the right key: %+v, %v", v, err)
		}
		stranger, _, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		refused, outages := 0, 0
		for i := range 1500 {
			v, err := show(fmt.Sprintf("stranger-%d", i), fmt.Sprintf("https://victim.example.com/%d", i), stranger)
			switch {
			case err != nil:
				outages++
			case v.called && errors.Is(v.why, clientauth.ErrNotAuthenticated):
				refused++
			}
		}
		if got := web.n["victim.example.com"]; got != 60 || refused != 59 || outages != 1441 || certificates.Prepared() != 1000 {
			t.Errorf("%d requests, %d refusals, %d outages, %d registrations, want 60, 59, 1441, 1000", got, refused, outages, certificates.Prepared())
		}
		if v, err := show("real", "https://victim.example.com/jwks", public); err != nil || v.why != nil || web.n["victim.example.com"] != 60 {
			t.Errorf("the client whose keys were here: %+v, %v after %d requests", v, err, web.n["victim.example.com"])
		}
	})
}

// A client that is registered to show a certificate has not authenticated where nobody
// verifies it, and other clients are none of that verdict.
func TestM01NobodyVerifies(t *testing.T) {
	store := new(memory.Store)
	for _, c := range []*storage.Client{
		{ID: "named", AuthMethod: storage.TLSClientAuth, Certificate: storage.ClientCertificate{SANDNS: "a.test"}},
		{ID: "public", AuthMethod: storage.AuthNone},
	} {
		if err := store.PutClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []*clientauth.Secrets{{Clients: store}, {Clients: store, Certificates: &clientauth.Certificates{}}} {
		var named, public shows
		if c, err := s.ValidateClient(t.Context(), named.request("named", nil)); err != nil || c == nil || !named.called || !errors.Is(named.why, clientauth.ErrNotAuthenticated) {
			t.Errorf("got %v and the verdict %+v", err, named)
		}
		if _, err := s.ValidateClient(t.Context(), public.request("public", nil)); err != nil || public.called {
			t.Errorf("a public client: got %v and the verdict %+v, want none", err, public)
		}
		methods, _ := s.AuthMethods()
		if want := s.Certificates != nil; slices.Contains(methods, storage.SelfSignedTLSClientAuth) != want || slices.Contains(methods, storage.TLSClientAuth) {
			t.Errorf("the methods are %s", strings.Join(methods, " "))
		}
	}
}

// A client that has published another key since is found by it, and a stranger with a
// certificate of its own makes this server ask for the keys twice a minute at most.
func TestM02Rotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := func() (ed25519.PublicKey, string) {
			public, _, err := ed25519.GenerateKey(nil)
			if err != nil {
				t.Fatal(err)
			}
			return public, `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}]}`
		}
		first, keys := set()
		next, nextKeys := set()
		stranger, _ := set()
		web := &published{n: make(map[string]int), keys: keys}
		store := new(memory.Store)
		if err := store.PutClient(t.Context(), &storage.Client{ID: "c", AuthMethod: storage.SelfSignedTLSClientAuth, Assertion: storage.ClientAssertion{JWKSURI: "https://c.example.com/jwks"}}); err != nil {
			t.Fatal(err)
		}
		s := &clientauth.Secrets{Clients: store, Certificates: &clientauth.Certificates{HTTP: &http.Client{Transport: web}, Logger: slog.New(slog.DiscardHandler)}}
		wants := func(key any, good bool, fetches int) {
			t.Helper()
			var v shows
			if _, err := s.ValidateClient(t.Context(), v.request("c", key)); err != nil || (v.why == nil) != good || web.n["c.example.com"] != fetches {
				t.Errorf("got the verdict %v, %v after %d requests, want good %t after %d", v.why, err, web.n["c.example.com"], good, fetches)
			}
		}
		wants(first, true, 1)
		web.keys = nextKeys
		wants(next, false, 1) // too soon
		time.Sleep(30 * time.Second)
		wants(next, true, 2)
		wants(first, false, 2)
		for range 100 {
			wants(stranger, false, 2)
		}
		time.Sleep(30 * time.Second)
		for range 100 {
			wants(stranger, false, 3)
		}
	})
}

// What comes with a certificate is bounded before anything is computed: a stranger
// chooses it. A network that has failed too often makes this server compute nothing for a
// client that does not exist.
func TestM01Chain(t *testing.T) {
	store := new(memory.Store)
	if err := store.PutClient(t.Context(), &storage.Client{ID: "named", AuthMethod: storage.TLSClientAuth, Certificate: storage.ClientCertificate{SANDNS: "a.test"}}); err != nil {
		t.Fatal(err)
	}
	s := &clientauth.Secrets{Clients: store, Certificates: &clientauth.Certificates{Roots: x509.NewCertPool()}}
	above := &x509.Certificate{Raw: []byte("x")}
	huge := &x509.Certificate{Raw: []byte("x"), PublicKey: &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 8192), E: 3}}
	for name, chain := range map[string][]*x509.Certificate{
		"too many": {above, above, above, above}, "a key that is too long": {huge},
	} {
		var v shows
		r := v.request("named", nil)
		r.Certificates = append(r.Certificates, chain...)
		if _, err := s.ValidateClient(t.Context(), r); err != nil || !errors.Is(v.why, clientauth.ErrNotAuthenticated) || !strings.Contains(v.why.Error(), "others") {
			t.Errorf("%s: got %v and the verdict %v", name, err, v.why)
		}
	}
	var v shows
	r := v.request("nobody", nil)
	r.Crowded, r.Certificates[0] = true, nil // to compute with it would be a panic
	if _, err := s.ValidateClient(t.Context(), r); !errors.Is(err, clientauth.ErrUnknownClient) {
		t.Errorf("in a crowded network: got %v", err)
	}
}
