package whichgrant

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/examples/internal/ask"
	"github.com/contit/oauth/examples/internal/blocks"
	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const (
	issuer   = "https://auth.example.com"
	verifier = "a-code-verifier-of-43-characters-or-more-0123"
)

// kinds are the rows of the table of the README that have a client, by their first
// cells.
var kinds = map[string]struct {
	client   *storage.Client
	redirect string // of the login, if the client has one
}{
	"a service, in its own name":        {client: service},
	"a web app with a server":           {webApp, "https://web.example.com/callback"},
	"a single-page app":                 {singlePageApp, "https://spa.example.com/callback"},
	"an app on a phone or a desktop":    {nativeApp, "http://127.0.0.1:51004/callback"},
	"a script or a build job of a user": {client: script},
}

// TestTable does for each row of the table what its client does, and compares the row
// with the outcome.
func TestTable(t *testing.T) {
	found := 0
	for _, row := range blocks.Table(t, "README.md", "who asks") {
		kind, ok := kinds[row[0]]
		if !ok {
			continue // a row that leads elsewhere
		}
		found++
		t.Run(row[0], func(t *testing.T) {
			s := newServer(t, kind.client)
			grant := strings.Trim(row[1], "`")
			var got ask.Answer
			switch grant {
			case grants.TypeClientCredentials:
				got = s.ask("grant_type", grant)
			case grants.TypeAuthorizationCode:
				got = s.login(kind.redirect, verifier)
				if without := s.login(kind.redirect, ""); without.Status == 200 {
					t.Error("a code was redeemed without its code_verifier")
				}
			case grants.TypeAPIKey:
				got = s.ask("grant_type", grant, "api_key", s.newKey())
			}
			if got.Status != 200 {
				t.Fatalf("the client gets %v, want tokens", got)
			}
			if sub := subject(t, got.Text("access_token")); sub != strings.Trim(row[2], "`") {
				t.Errorf("the sub is %q, the table says %s", sub, row[2])
			}
			if has := got.Text("refresh_token") != ""; has != (row[3] == "yes") {
				t.Errorf("there is a refresh token: %t, the table says %s", has, row[3])
			}
			if secret := !kind.client.Public(); secret != (row[4] == "yes") {
				t.Errorf("the client has a secret: %t, the table says %s", secret, row[4])
			}
			for _, other := range []string{"client_credentials", "authorization_code", "api_key"} {
				if other != grant {
					if a := s.ask("grant_type", other, "code", "x", "api_key", "x"); a.Status == 200 {
						t.Errorf("the client gets tokens by %s too", other)
					}
				}
			}
		})
	}
	if found != len(kinds) {
		t.Errorf("the table has %d of these clients, want %d", found, len(kinds))
	}
}

// TestNoPassword: there is no grant that takes a password.
func TestNoPassword(t *testing.T) {
	s := newServer(t, webApp)
	if got := s.ask("grant_type", "password", "username", "anna", "password", "secret"); got.Text("error") != "unsupported_grant_type" {
		t.Errorf("the grant password gets %v, want unsupported_grant_type", got)
	}
}

// server is an endpoint with one client.
type server struct {
	*tokenendpoint.Handler
	t      *testing.T
	store  *memory.Store
	client *storage.Client
	secret string
}

func newServer(t *testing.T, client *storage.Client) *server {
	t.Helper()
	s := &server{t: t, store: new(memory.Store), client: client.Clone()}
	if !client.Public() {
		secret, hash := clientauth.NewSecret()
		s.client.Secrets, s.secret = []storage.ClientSecret{{ID: "first", Hash: hash}}, secret.Reveal()
	}
	if err := s.store.PutClient(t.Context(), s.client); err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: key})
	if err != nil {
		t.Fatal(err)
	}
	s.Handler, err = tokenendpoint.New(tokenendpoint.Config{
		Issuer: issuer, Audience: []string{"https://api.example.com"}, AuthorizationEndpoint: issuer + "/login",
		Keys: keys, Storage: s.store, Revocations: s.store, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) ask(params ...string) ask.Answer {
	s.t.Helper()
	if s.secret != "" {
		params = append(params, "client_secret", s.secret)
	}
	return ask.Token(s, append(params, "client_id", s.client.ID)...)
}

// login is the user's login, and the redemption of the code.
func (s *server) login(redirect, verifier string) ask.Answer {
	s.t.Helper()
	sum := sha256.Sum256([]byte("a-code-verifier-of-43-characters-or-more-0123"))
	code, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
		Issuer: issuer, Client: s.client, Subject: "user:42", Scope: s.client.Scope, RedirectURI: redirect,
		CodeChallenge: base64.RawURLEncoding.EncodeToString(sum[:]), CodeChallengeMethod: "S256",
	}, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.store.CreateCredential(s.t.Context(), record); err != nil {
		s.t.Fatal(err)
	}
	return s.ask("grant_type", "authorization_code", "code", code.Reveal(), "redirect_uri", redirect, "code_verifier", verifier)
}

// newKey is a key that the user made on a page of the host's.
func (s *server) newKey() string {
	s.t.Helper()
	key, record, err := grants.NewAPIKey("shop_", storage.APIKey{ClientID: s.client.ID, Subject: "user:42", Scope: s.client.Scope}, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.store.CreateAPIKey(s.t.Context(), record); err != nil {
		s.t.Fatal(err)
	}
	return key.Reveal()
}

// subject is the sub of a token.
func subject(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no token", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return claims.Subject
}

// TestGuide executes the blocks of the README.
func TestGuide(t *testing.T) { blocks.Guide(t, "whichgrant", nil) }
