package clientauth_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// published answers for every URL with one set of keys, and counts by host, however its
// name is spelled.
type published struct {
	keys string
	mu   sync.Mutex
	n    map[string]int
}

func (p *published) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n[strings.TrimSuffix(strings.ToLower(r.URL.Host), ".")]++
	return &http.Response{StatusCode: http.StatusOK, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(p.keys)), Request: r}, nil
}

// A stranger that has registered thousands of clients cannot make this server flood one
// host with requests for keys (T06, T07), nor push out the keys of a client that has
// authenticated.
func TestT06Flood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		encode := base64.RawURLEncoding.EncodeToString
		web := &published{n: make(map[string]int), keys: `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"` + encode(public) + `"}]}`}
		store := new(memory.Store)
		assertions := &clientauth.Assertions{Issuer: "https://as.test", HTTP: &http.Client{Transport: web}, Logger: slog.New(slog.DiscardHandler)}
		s := &clientauth.Secrets{Clients: store, Assertions: assertions}
		// show shows the assertion of a client with its keys at a URL, signed or not.
		show := func(id, keys string, signed bool) error {
			t.Helper()
			err := store.PutClient(t.Context(), &storage.Client{ID: id, AuthMethod: storage.PrivateKeyJWT, Assertion: storage.ClientAssertion{JWKSURI: keys}})
			if err != nil {
				t.Fatal(err)
			}
			claims, err := json.Marshal(map[string]any{"iss": id, "sub": id, "aud": "https://as.test", "jti": "j", "exp": time.Now().Add(time.Minute).Unix()})
			if err != nil {
				t.Fatal(err)
			}
			text := encode([]byte(`{"alg":"EdDSA","kid":"k"}`)) + "." + encode(claims)
			signature := make([]byte, ed25519.SignatureSize)
			if signed {
				signature = ed25519.Sign(private, []byte(text))
			}
			_, err = s.ValidateClient(t.Context(), clientauth.Request{
				ID: id, Method: storage.PrivateKeyJWT, Assertion: storage.PresentedSecret(text + "." + encode(signature)), Time: time.Now(),
				UseUp: func(*storage.Credential) {},
			})
			return err
		}
		if err := show("real", "https://victim.example.com/jwks", true); err != nil {
			t.Fatal(err)
		}
		outages := 0
		for i := range 3000 {
			id := fmt.Sprintf("stranger-%d", i)
			host := []string{"victim.example.com", "Victim.example.com", "victim.EXAMPLE.com."}[i%3]
			if err := show(id, "https://"+host+"/"+id, false); !errors.Is(err, grants.InvalidClient) {
				outages++
			}
		}
		if got := web.n["victim.example.com"]; got != 60 || outages != 2941 {
			t.Errorf("%d requests to one host and %d outages for 3000 strangers, want 60 and 2941", got, outages)
		}
		if got := assertions.Prepared(); got != 1000 {
			t.Errorf("%d registrations are remembered, want 1000", got)
		}
		if err := show("real", "https://victim.example.com/jwks", true); err != nil || web.n["victim.example.com"] != 60 {
			t.Errorf("the client whose keys were here: %v after %d requests", err, web.n["victim.example.com"])
		}
		time.Sleep(5 * time.Minute) // its keys are due
		for i := range 100 {
			show(fmt.Sprintf("stranger-%d", i), "https://victim.example.com/x", false)
		}
		before := web.n["victim.example.com"]
		if err := show("real", "https://victim.example.com/jwks", true); err != nil || web.n["victim.example.com"] != before+1 {
			t.Errorf("keys that are due: %v after %d more requests, want one", err, web.n["victim.example.com"]-before)
		}
	})
}
