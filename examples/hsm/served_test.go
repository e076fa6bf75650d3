//go:build cgo

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// The verifier and challenge of RFC 7636 appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// endpoint is a token endpoint that the test or the program serves.
type endpoint struct {
	url, secret string
}

// answer is an answer of the token endpoint.
type answer struct {
	status     int
	retryAfter string
	Access     string `json:"access_token"`
	Refresh    string `json:"refresh_token"`
	Error      string `json:"error"`
}

// ask makes a token request of the demo's client.
func (e endpoint) ask(t testing.TB, form url.Values) answer {
	form.Set("client_id", clientID)
	form.Set("client_secret", e.secret)
	resp, err := http.PostForm(e.url+"/connect/token", form)
	if err != nil {
		t.Error(err)
		return answer{}
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, retryAfter: resp.Header.Get("Retry-After")}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		t.Errorf("the answer is not a JSON object: %v", err)
	}
	return a
}

func (e endpoint) clientCredentials(t testing.TB) answer {
	return e.ask(t, url.Values{"grant_type": {grants.TypeClientCredentials}})
}

func (e endpoint) refresh(t testing.TB, token string) answer {
	return e.ask(t, url.Values{"grant_type": {grants.TypeRefreshToken}, "refresh_token": {token}})
}

func (e endpoint) redeem(t testing.TB, code string) answer {
	return e.ask(t, url.Values{"grant_type": {grants.TypeAuthorizationCode}, "code": {code}, "code_verifier": {verifier}})
}

// checkIssued verifies the access token with the keys that are served.
func (e endpoint) checkIssued(t testing.TB, a answer, algorithm string) {
	t.Helper()
	if a.status != 200 {
		t.Errorf("token request = %d %s, want 200", a.status, a.Error)
		return
	}
	parsed, err := jwt.ParseSigned(a.Access, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
	if err != nil {
		t.Errorf("jwt.ParseSigned = %v, want a token with %s", err, algorithm)
		return
	}
	key := e.key(t)
	var claims jwt.Claims
	if err := parsed.Claims(key.Key, &claims); err != nil {
		t.Errorf("the signature does not verify: %v", err)
		return
	}
	header := parsed.Headers[0]
	if header.KeyID != key.KeyID || key.Algorithm != algorithm || header.ExtraHeaders[jose.HeaderType] != jws.TypeAccessToken {
		t.Errorf("header = %+v, published as %s %s, want the same kid and algorithm, and typ %s", header, key.KeyID, key.Algorithm, jws.TypeAccessToken)
	}
	if err := claims.Validate(jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{audience}, Time: time.Now()}); err != nil || claims.Subject == "" {
		t.Errorf("claims = %+v, %v, want those of an access token", claims, err)
	}
}

// key is the one key that is served.
func (e endpoint) key(t testing.TB) jose.JSONWebKey {
	t.Helper()
	resp, err := http.Get(e.url + "/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil || resp.StatusCode != 200 {
		t.Fatalf("GET jwks.json = %d %s, %v, want 200 with a key set", resp.StatusCode, text, err)
	}
	if len(set.Keys) != 1 || !set.Keys[0].IsPublic() || set.Keys[0].KeyID == "" {
		t.Fatalf("key set = %s, want one public key with a kid", text)
	}
	return set.Keys[0]
}

// checkUnavailable checks the answer while the key cannot sign.
func checkUnavailable(t testing.TB, a answer) {
	t.Helper()
	if a.status != 503 || a.Error != "temporarily_unavailable" || a.retryAfter == "" || a.Access != "" {
		t.Errorf("token request = %+v, want 503 temporarily_unavailable with Retry-After", a)
	}
}

// served is an endpoint that the test serves itself, to look behind it.
type served struct {
	endpoint
	key   *key
	store *memory.Store
}

func serve(t testing.TB, c keyConfig) *served {
	t.Helper()
	opened, err := openKey(c)
	if err != nil {
		t.Fatal(err)
	}
	s := &served{key: opened.(*key), store: new(memory.Store)}
	t.Cleanup(func() {
		if err := s.key.Close(); err != nil {
			t.Error(err)
		}
	})
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	handler, welcome, err := newServer(t.Context(), s.store, s.key, c, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/", handler)
	s.endpoint = readWelcome(t, welcome)
	return s
}

// readWelcome reads the address of the endpoint from the welcome.
func readWelcome(t testing.TB, welcome string) endpoint {
	t.Helper()
	_, after, _ := strings.Cut(welcome, "  http://")
	host, _, found := strings.Cut(after, "/connect/token")
	_, after, _ = strings.Cut(welcome, "&client_secret=")
	secret, _, _ := strings.Cut(after, "'")
	if !found || secret == "" {
		t.Fatalf("welcome = %q, want where the endpoint is and a secret", welcome)
	}
	return endpoint{url: "http://" + host, secret: secret}
}

// code makes an authorization code, as the login page of a host does.
func (s *served) code(t testing.TB) storage.Secret {
	t.Helper()
	client, err := s.store.Client(t.Context(), clientID)
	if err != nil {
		t.Fatal(err)
	}
	code, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
		Issuer: issuer, Client: client, Subject: "user-1", Scope: []string{"read"},
		CodeChallenge: challenge, CodeChallengeMethod: storage.PKCES256,
	}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.store.CreateCredential(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	return code
}

// uses is how often a credential has been used up.
func (s *served) uses(t testing.TB, credential, kind string) int {
	t.Helper()
	record, err := s.store.Credential(t.Context(), storage.PresentedSecret(credential).Digest(kind))
	if err != nil {
		t.Fatal(err)
	}
	if record.Revoked {
		t.Errorf("the family of the %s is revoked, want it to live", kind)
	}
	return record.Uses
}

// checkNothingUsed makes the requests that use something up, while the key cannot
// sign. It returns a function that redeems the same code and tokens afterwards.
func (s *served) checkNothingUsed(t testing.TB, outage func()) (afterwards func()) {
	t.Helper()
	code := s.code(t).Reveal()
	refresh := s.clientCredentials(t).Refresh
	outage()
	checkUnavailable(t, s.redeem(t, code))
	checkUnavailable(t, s.refresh(t, refresh))
	checkUnavailable(t, s.clientCredentials(t))
	if codes, refreshes := s.uses(t, code, storage.KindAuthorizationCode), s.uses(t, refresh, storage.KindRefreshToken); codes != 0 || refreshes != 0 {
		t.Errorf("uses = %d of the code, %d of the refresh token, want none", codes, refreshes)
	}
	return func() {
		t.Helper()
		for _, a := range []answer{s.redeem(t, code), s.refresh(t, refresh), s.clientCredentials(t)} {
			s.checkIssued(t, a, s.key.config.algorithm)
		}
		if codes, refreshes := s.uses(t, code, storage.KindAuthorizationCode), s.uses(t, refresh, storage.KindRefreshToken); codes != 1 || refreshes != 1 {
			t.Errorf("uses = %d of the code, %d of the refresh token, want one each", codes, refreshes)
		}
	}
}
