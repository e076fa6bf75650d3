package diagnosis_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const (
	issuer   = "https://auth.example.com"
	audience = "https://api.example.com"
	callback = "https://app.example.com/callback"
	verifier = "a-code-verifier-of-43-characters-or-more-0123"
)

// server is an endpoint and an API behind it, with one log.
type server struct {
	t        *testing.T
	store    *memory.Store
	keys     *jws.KeySet
	endpoint *tokenendpoint.Handler
	log      *bytes.Buffer
	secret   string // of the client "reports"
}

// newServer makes a server. change may be nil.
func newServer(t *testing.T, change func(*tokenendpoint.Config)) *server {
	t.Helper()
	s := &server{t: t, store: new(memory.Store), keys: newKeys(t), log: new(bytes.Buffer)}
	secret, hash := clientauth.NewSecret()
	s.secret = secret.Reveal()
	s.put(&storage.Client{
		ID:           "reports",
		Secrets:      []storage.ClientSecret{{ID: "first", Hash: hash}},
		GrantTypes:   []string{grants.TypeClientCredentials, grants.TypeAuthorizationCode, grants.TypeRefreshToken},
		Scope:        []string{"read"},
		RedirectURIs: []string{callback},
	})
	s.put(&storage.Client{ID: "phone", AuthMethod: storage.AuthNone, GrantTypes: []string{grants.TypeAuthorizationCode}})
	s.endpoint = s.newEndpoint(change)
	return s
}

func (s *server) newEndpoint(change func(*tokenendpoint.Config)) *tokenendpoint.Handler {
	s.t.Helper()
	c := tokenendpoint.Config{
		Issuer:                issuer,
		Audience:              []string{audience},
		Keys:                  s.keys,
		Storage:               s.store,
		Revocations:           s.store,
		RevocationStaleness:   -1,
		AuthorizationEndpoint: issuer + "/login",
		Logger:                newLogger(s.log),
	}
	if change != nil {
		change(&c)
	}
	endpoint, err := tokenendpoint.New(c)
	if err != nil {
		s.t.Fatal(err)
	}
	return endpoint
}

func newLogger(out io.Writer) *slog.Logger {
	logger := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return logger
}

func newKeys(t *testing.T) *jws.KeySet {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: key})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func (s *server) put(c *storage.Client) {
	s.t.Helper()
	if err := s.store.PutClient(context.Background(), c); err != nil {
		s.t.Fatal(err)
	}
}

// change changes the record of the client "reports".
func (s *server) change(how func(*storage.Client)) {
	s.t.Helper()
	c, err := s.store.Client(context.Background(), "reports")
	if err != nil {
		s.t.Fatal(err)
	}
	how(c)
	s.put(c)
}

// answer is the answer to a client, and the last line of the log.
type answer struct {
	status int
	code   string // the error code
	body   map[string]any
	line   string
	cause  string
	reason string // of a refused access token
}

// post sends a token request with these names and values.
func (s *server) post(params ...string) answer {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	return s.send(s.request(form.Encode()))
}

// asReports sends a token request with the secret of the client "reports".
func (s *server) asReports(params ...string) answer {
	s.t.Helper()
	return s.post(append(params, "client_id", "reports", "client_secret", s.secret)...)
}

func (s *server) request(body string) *http.Request {
	r := httptest.NewRequest("POST", issuer+"/connect/token", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func (s *server) send(r *http.Request) answer {
	s.t.Helper()
	return s.ask(s.endpoint, r)
}

// ask sends a request to a handler, and reads the answer and the log.
func (s *server) ask(h http.Handler, r *http.Request) answer {
	s.t.Helper()
	s.log.Reset()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	a := answer{status: w.Code}
	if err := json.Unmarshal(w.Body.Bytes(), &a.body); err == nil {
		a.code, _ = a.body["error"].(string)
	}
	lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")
	a.line = lines[len(lines)-1]
	a.cause = attribute(a.line, "cause")
	a.reason = attribute(a.line, "reason")
	return a
}

// attribute returns the value of an attribute as slog's TextHandler writes it.
func attribute(line, name string) string {
	_, value, _ := strings.Cut(" "+line, " "+name+"=")
	if !strings.HasPrefix(value, `"`) {
		value, _, _ = strings.Cut(value, " ")
		return value
	}
	var text string
	if err := json.NewDecoder(strings.NewReader(value)).Decode(&text); err != nil {
		return ""
	}
	return text
}

// newCode makes a code for a client as a login page does.
func (s *server) newCode(client string) string {
	s.t.Helper()
	c, err := s.store.Client(context.Background(), client)
	if err != nil {
		s.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(verifier))
	code, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
		Issuer: issuer, Client: c, Subject: "user:42", Scope: c.Scope, RedirectURI: callback,
		CodeChallenge: base64.RawURLEncoding.EncodeToString(sum[:]), CodeChallengeMethod: "S256",
	}, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.store.CreateCredential(context.Background(), record); err != nil {
		s.t.Fatal(err)
	}
	return code.Reveal()
}

// redeem redeems a code as it ought to be done, but for the parameters.
func (s *server) redeem(code string, params ...string) answer {
	s.t.Helper()
	return s.asReports(append([]string{"grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier}, params...)...)
}

func (s *server) refresh(token any) answer {
	s.t.Helper()
	text, _ := token.(string)
	return s.asReports("grant_type", "refresh_token", "refresh_token", text)
}

// accessToken is a good access token of the client "reports".
func (s *server) accessToken() string {
	s.t.Helper()
	token, ok := s.asReports("grant_type", "client_credentials").body["access_token"].(string)
	if !ok {
		s.t.Fatalf("no access token: %s", s.log)
	}
	return token
}

// api asks an API behind this verifier with an Authorization header. change may be
// nil.
func (s *server) api(authorization string, change func(*bearer.Config)) answer {
	s.t.Helper()
	c := bearer.Config{Issuer: issuer, Audience: audience, Keys: s.keys, Revocations: s.store, Logger: newLogger(s.log)}
	if change != nil {
		change(&c)
	}
	v, err := bearer.New(c)
	if err != nil {
		s.t.Fatal(err)
	}
	r := httptest.NewRequest("GET", audience+"/orders", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return s.ask(v.RequireToken("read")(http.NotFoundHandler()), r)
}

// signedAt is an access token as an endpoint signs it whose clock shows that time.
func (s *server) signedAt(at time.Time) string {
	s.t.Helper()
	claims := jws.AccessToken{
		Issuer: issuer, Subject: "reports", ClientID: "reports", Audience: []string{audience}, Scope: []string{"read"},
		IssuedAt: at, ExpiresAt: at.Add(time.Hour), ID: "1",
	}
	payload, err := claims.AppendJSON(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	token, err := s.keys.Sign(context.Background(), jws.TypeAccessToken, payload, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// chosen is a secret that a person chose.
func chosen(t *testing.T, text string) storage.ClientSecret {
	t.Helper()
	hash, err := clientauth.Hash(storage.PresentedSecret(text))
	if err != nil {
		t.Fatal(err)
	}
	return storage.ClientSecret{ID: "chosen", Hash: hash}
}
