package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// fallible is a database that can be lost. A lost one answers nothing, and keeps its
// rows. One that is mute does what it is told to, and its answer is lost. One that hangs
// lets its callers wait until their context ends.
type fallible struct {
	memory.Store
	down, mute, hangs atomic.Bool
	unheard           atomic.Int64 // the changes whose answers were lost
}

var errDown = errors.New("the database is down")

func (f *fallible) lost(ctx context.Context) error {
	if f.hangs.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	if f.down.Load() {
		return errDown
	}
	return nil
}

func (f *fallible) change(ctx context.Context, do func() error) error {
	if err := f.lost(ctx); err != nil {
		return err
	}
	err := do()
	if err == nil && f.mute.Load() {
		f.unheard.Add(1)
		return errDown
	}
	return err
}

func (f *fallible) CreateCredential(ctx context.Context, c *storage.Credential) error {
	return f.change(ctx, func() error { return f.Store.CreateCredential(ctx, c) })
}

func (f *fallible) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	if err := f.lost(ctx); err != nil {
		return nil, err
	}
	return f.Store.Credential(ctx, d)
}

func (f *fallible) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	return f.change(ctx, func() error { return f.Store.Spend(ctx, old, next, at) })
}

func (f *fallible) Revoke(ctx context.Context, family string) error {
	return f.change(ctx, func() error { return f.Store.Revoke(ctx, family) })
}

func (f *fallible) RevokeToken(ctx context.Context, id string, expiresAt time.Time) error {
	return f.change(ctx, func() error { return f.Store.RevokeToken(ctx, id, expiresAt) })
}

func (f *fallible) Revoked(ctx context.Context, id, family string) (bool, error) {
	if err := f.lost(ctx); err != nil {
		return false, err
	}
	return f.Store.Revoked(ctx, id, family)
}

// simulation is an endpoint whose families are spread over databases, and its users.
type simulation struct {
	databases []*fallible
	endpoint  http.Handler
	client    *storage.Client
	spread    Spread
	secret    string
	tokens    []string // the refresh token of each user
}

// newSimulation signs users in.
func newSimulation(ctx context.Context, databases, users int) (*simulation, error) {
	secret, hash := clientauth.NewSecret()
	s := &simulation{secret: secret.Reveal(), client: &storage.Client{
		ID: "shop", Secrets: []storage.ClientSecret{{ID: "1", Hash: hash}}, Scope: []string{"read"},
		GrantTypes: []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken}, RedirectURIs: []string{callback},
		PKCENotRequired: true,
	}}
	for range databases {
		one := new(fallible)
		s.databases, s.spread = append(s.databases, one), append(s.spread, one)
	}
	clients := new(memory.Store)
	if err := clients.PutClient(ctx, s.client); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: key})
	if err != nil {
		return nil, err
	}
	h, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer: issuer, Audience: []string{"https://api.example.com"}, AuthorizationEndpoint: issuer + "/login",
		Keys:    keys,
		Storage: storage.Parts{Clients: clients, Credentials: s.spread},
		Grants: map[string]grants.Grant{
			grants.TypeAuthorizationCode: grants.AuthorizationCode{},
			grants.TypeRefreshToken:      grants.RefreshToken{},
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	s.endpoint = h.Token()
	for range users {
		status, token, err := s.signIn(ctx)
		if err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("signing in: status %d, error %v", status, err)
		}
		s.tokens = append(s.tokens, token)
	}
	return s, nil
}

const (
	issuer   = "https://as.example.com"
	callback = "https://shop.example.com/callback"
)

// signIn stores a code as a login page does, and redeems it.
func (s *simulation) signIn(ctx context.Context) (status int, token string, err error) {
	code, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
		Issuer: issuer, Client: s.client, Subject: "user:" + rand.Text(), RedirectURI: callback, Scope: s.client.Scope,
	}, time.Now())
	if err != nil {
		return 0, "", err
	}
	if err := s.spread.CreateCredential(ctx, record); err != nil {
		return http.StatusServiceUnavailable, "", nil // as the login page would answer
	}
	status, token = s.post(url.Values{"grant_type": {grants.TypeAuthorizationCode}, "code": {code.Reveal()}, "redirect_uri": {callback}})
	return status, token, nil
}

// post returns the status and the refresh token of an answer.
func (s *simulation) post(form url.Values) (status int, token string) {
	form.Set("client_id", s.client.ID)
	form.Set("client_secret", s.secret)
	r := httptest.NewRequest(http.MethodPost, "/connect/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.endpoint.ServeHTTP(w, r)
	var answer struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		return 0, ""
	}
	return w.Code, answer.RefreshToken
}

// outcomes counts the answers.
type outcomes struct{ ok, unavailable, other int }

func (o *outcomes) count(status int) {
	switch status {
	case http.StatusOK:
		o.ok++
	case http.StatusServiceUnavailable:
		o.unavailable++
	default:
		o.other++
	}
}

// atOnce is how many users refresh at the same time. Those of a database that hangs wait
// for Config.Timeout, and together.
const atOnce = 250

// refreshAll lets every user refresh once.
func (s *simulation) refreshAll() (o outcomes) {
	var (
		users sync.WaitGroup
		mu    sync.Mutex
		slots = make(chan struct{}, atOnce)
	)
	for i := range s.tokens {
		slots <- struct{}{}
		users.Go(func() {
			status, next := s.post(url.Values{"grant_type": {grants.TypeRefreshToken}, "refresh_token": {s.tokens[i]}})
			if next != "" {
				s.tokens[i] = next
			}
			mu.Lock()
			o.count(status)
			mu.Unlock()
			<-slots
		})
	}
	users.Wait()
	return o
}

// simulate loses one of the databases, and writes what the users notice.
func simulate(ctx context.Context, w io.Writer, databases, users int) error {
	s, err := newSimulation(ctx, databases, users)
	if err != nil {
		return err
	}
	say := func(when string, o outcomes) {
		fmt.Fprintf(w, "%-21s %d refreshed, %d unavailable, %d refused\n", when, o.ok, o.unavailable, o.other)
	}
	say("all databases up:", s.refreshAll())
	s.databases[0].down.Store(true)
	say("one is down:", s.refreshAll())
	s.databases[0].down.Store(false)
	s.databases[0].mute.Store(true)
	say("its answers are lost:", s.refreshAll())
	s.databases[0].mute.Store(false)
	s.databases[0].hangs.Store(true)
	say("it hangs:", s.refreshAll())
	s.databases[0].hangs.Store(false)
	say("it is up again:", s.refreshAll())
	return nil
}
