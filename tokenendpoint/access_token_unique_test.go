package tokenendpoint_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

var uniqueRules = []rule{
	{"K06_every_token_has_its_own_jti", k06},
}

// notary signs nothing: a hundred thousand signatures take longer than the
// identifiers that the rule is about.
type notary struct{}

func (notary) Public() crypto.PublicKey {
	return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public()
}

func (notary) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return make([]byte, ed25519.SignatureSize), nil
}

// k06 asks two endpoints for 20 000 tokens, in parallel and without HTTP, a
// store or a signature. The specification says a million and several
// processes: the identifiers are random (RFC 9562 §5.4) and hold nothing of the
// process, so the two endpoints stand for them.
func k06(t *testing.T) {
	const endpoints, workers = 2, 8
	each := 1250
	if testing.Short() {
		each /= 10
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: notary{}})
	if err != nil {
		t.Fatal(err)
	}
	var fixtures [endpoints]*testbed.Fixture
	for i := range fixtures {
		fixtures[i] = testbed.New(t, openMemory, func(c *tokenendpoint.Config) {
			c.Keys, c.Observe, c.Logger = keys, nil, slog.New(slog.DiscardHandler)
			c.ClientValidator = tokenendpoint.ClientValidatorFunc(func(_ context.Context, c clientauth.Request) (*storage.Client, error) {
				return &storage.Client{ID: c.ID, GrantTypes: []string{"client_credentials"}}, nil
			})
		})
	}
	var got [endpoints * workers][]string
	testbed.Crowd(len(got), func(i int) {
		for range each {
			id, ok := tokenID(fixtures[i%endpoints])
			if !ok {
				return // it said why
			}
			got[i] = append(got[i], id)
		}
	})
	seen := make(map[string]bool, len(got)*each)
	for _, ids := range got {
		for _, id := range ids {
			if seen[id] {
				t.Fatalf("the jti %q is that of two tokens", id)
			}
			seen[id] = true
		}
	}
	if want := len(got) * each; len(seen) != want {
		t.Errorf("there were %d tokens, want %d", len(seen), want)
	}
}

// tokenID asks the handler itself for a token and returns its jti.
func tokenID(f *testbed.Fixture) (string, bool) {
	hr := &http.Request{Method: "POST", URL: &url.URL{Path: testbed.TokenPath}, Header: ccHeader}
	hr.Body, hr.ContentLength = io.NopCloser(strings.NewReader("grant_type=client_credentials")), -1
	var w bodyWriter
	f.Handler.ServeHTTP(&w, hr)
	_, rest, _ := strings.Cut(string(w.body), ".")
	payload, _, _ := strings.Cut(rest, ".")
	_, rest, _ = strings.Cut(string(unbase64(payload)), `"jti":"`)
	id, _, ok := strings.Cut(rest, `"`)
	if !ok || id == "" {
		f.Errorf("got %s, want a token with a jti", w.body)
	}
	return id, ok
}

var ccHeader = testbed.Form().Basic("c1", "s1").Header

// bodyWriter keeps the body of a response.
type bodyWriter struct {
	header http.Header
	body   []byte
}

func (w *bodyWriter) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}

func (w *bodyWriter) WriteHeader(int) {}

func (w *bodyWriter) Write(b []byte) (int, error) {
	w.body = append(w.body, b...)
	return len(b), nil
}
