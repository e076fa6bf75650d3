package tokenendpoint_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// serverSettings is how the server of a vector differs from the usual one.
type serverSettings struct {
	Audience       []string `json:"audience"`
	AllowedOrigins []string `json:"allowed_origins"`
	WithoutGrants  []string `json:"without_grants"`
	OwnGrants      bool     `json:"own_grants"`
	Prefix         string   `json:"prefix"`
	EveryPath      bool     `json:"every_path"`
	ErrorURI       string   `json:"error_uri"`
}

// vectorServer is an endpoint over a connection, with all that a vector can look
// at.
type vectorServer struct {
	store   *testbed.Spy
	keys    *jws.KeySet
	clients map[string]*vectorClient
	server  *httptest.Server
	conn    net.Conn
	reader  *bufio.Reader

	mu      sync.Mutex
	log     bytes.Buffer
	secrets map[string]bool // of this round
}

const (
	vectorIssuer   = "https://as.test"
	vectorAudience = "https://api.test"
)

// newVectorServer serves the endpoint that a vector is about.
func newVectorServer(t testing.TB, v *vector) *vectorServer {
	t.Helper()
	s := &vectorServer{
		store: testbed.NewSpy(new(memory.Store)), keys: testKeys(t),
		clients: map[string]*vectorClient{}, secrets: map[string]bool{},
	}
	for _, c := range append(usualClients(), v.clients...) {
		if err := s.register(c); err != nil {
			t.Fatalf("registering %s: %v", c.ID, err)
		}
	}
	logger := slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c := tokenendpoint.Config{
		Issuer:                vectorIssuer,
		Audience:              []string{vectorAudience},
		AuthorizationEndpoint: "https://as.test/login",
		Keys:                  s.keys,
		Storage:               s.store,
		Revocations:           s.store,
		AllowedOrigins:        v.server.AllowedOrigins,
		ErrorURI:              v.server.ErrorURI,
		Grants: map[string]grants.Grant{
			grants.TypeClientCredentials: grants.ClientCredentials{},
			grants.TypeRefreshToken:      grants.RefreshToken{},
			grants.TypeAuthorizationCode: grants.AuthorizationCode{},
			grants.TypeAPIKey:            grants.APIKey{},
		},
		Logger:  logger,
		Observe: func(_ context.Context, e tokenendpoint.Event) { fmt.Fprintf(s, "%+v\n", e) },
	}
	if v.server.Audience != nil {
		c.Audience = v.server.Audience
	}
	if v.server.OwnGrants {
		maps.Copy(c.Grants, ownGrants())
	}
	for _, name := range v.server.WithoutGrants {
		delete(c.Grants, name)
	}
	h, err := tokenendpoint.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewServer(testbed.Recorded(h, mounted(h, v.server)))
	return s
}

// mounted is the handler as a host would mount it.
func mounted(h *tokenendpoint.Handler, settings serverSettings) http.Handler {
	switch {
	case settings.EveryPath:
		return h.Token()
	case settings.Prefix != "":
		return http.StripPrefix(settings.Prefix, h)
	}
	return h
}

// send writes a request, and reads the answer. A request that expects 100
// Continue gets it before its body is sent.
func (s *vectorServer) send(r *vectorRequest) (*vectorAnswer, error) {
	if s.conn == nil {
		c, err := net.Dial("tcp", s.server.Listener.Addr().String())
		if err != nil {
			return nil, err
		}
		s.conn, s.reader = c, bufio.NewReader(c)
	}
	conn := s.conn
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	sent := make(chan struct{})
	begin := make(chan struct{})
	go func() { // the server need not take all of it
		defer close(sent)
		io.WriteString(conn, r.head())
		<-begin
		io.WriteString(conn, r.body)
	}()
	err := s.awaitContinue(r)
	close(begin)
	if err != nil {
		s.hangUp()
		return nil, err
	}
	response, err := http.ReadResponse(s.reader, &http.Request{Method: r.method})
	if err != nil {
		s.hangUp()
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if response.Close { // ReadResponse takes it out of the header
		response.Header.Set("Connection", "close")
		s.hangUp()
	}
	<-sent
	return &vectorAnswer{status: response.StatusCode, header: response.Header, body: string(body)}, err
}

// awaitContinue reads 100 Continue, if the request expects it.
func (s *vectorServer) awaitContinue(r *vectorRequest) error {
	if !r.expectsContinue() {
		return nil
	}
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if line, err := s.reader.ReadString('\n'); err != nil || line != want {
			return fmt.Errorf("got %q (%v), want 100 Continue", line, err)
		}
	}
	return nil
}

func (s *vectorServer) hangUp() {
	if s.conn != nil {
		s.conn.Close()
	}
	s.conn = nil
}

func (s *vectorServer) close() {
	s.hangUp()
	s.server.Close()
}

// leaked searches the log and the events of a round for its secrets (row D33).
func (s *vectorServer) leaked() error {
	s.secret(testVerifier)
	for _, c := range s.clients {
		s.secret(c.secret)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.log.Reset()
	defer clear(s.secrets)
	if _, leaked := testbed.Leaked(s.log.String(), slices.Collect(maps.Keys(s.secrets))); leaked {
		return errors.New("D33: a secret stands in the log or an event:\n" + s.log.String())
	}
	return nil
}

// secret notes a text that must not turn up in the log.
func (s *vectorServer) secret(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[text] = true
}

// Write adds to the log.
func (s *vectorServer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(b)
}

// ownGrants are those of [testbed.WithOwnGrants], for the audience of the server.
func ownGrants() map[string]grants.Grant {
	return map[string]grants.Grant{
		testbed.TypeDevice: grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) {
			return &grants.Authorization{Subject: "u1", Scope: []string{"read", "write"}, Refresh: true}, nil
		}),
		testbed.TypeVoucher: grants.Func(func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
			p, err := r.Present(ctx, testbed.KindVoucher, storage.PresentedSecret(r.Form["voucher"]))
			if err != nil {
				return nil, err
			}
			return &grants.Authorization{Subject: p.Subject, Scope: p.Scope, Refresh: true}, nil
		}),
	}
}
