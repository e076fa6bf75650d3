package tokenendpoint_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
)

// FuzzMachine plays the life of codes and refresh tokens against a model: each
// byte of the input is a step. Time passes in a bubble. The endpoint must answer
// as the model does, after every sequence of authorizing, redeeming, refreshing,
// replaying, revoking, disabling and failing writes.
func FuzzMachine(f *testing.F) {
	for _, seed := range []string{
		"\x00\x00\x10\x20", "\x01\x00\x10\x20\x20", "\x00\x00\x10\x20\x21\x20\x21", "\x00\x00\x10\x53\x10\x20",
		"\x00\x00\x10\x20\x53\x20\x21", "\x00\x00\x10\x70\x20\x20\x21", "\x00\x00\x10\x71\x20\x20\x21", "\x00\x00\x10\x30\x20",
		"\x00\x00\x10\x40\x20\x40\x20", "\x00\x00\x71\x10\x10\x53\x10", "\x01\x00\x10\x20\x21\x20", "\x00\x00\x10\x20\x54\x21\x55\x22",
		"\x00\x00\x00\x10\x11\x20\x60\x21", "\x00\x00\x10\x20\x21\x21\x21\x21\x21\x21\x21\x21", // more retries than allowed
		"\x00\x00\x10\x20\x20\x22\x20",                                 // the parent, once its successor was used
		"\x00\x00\x10\x20\x51\x53\x53\x21",                             // at the end of the grace window
		"\x00\x00\x10\x56\x20\x56\x20\x56\x20\x56\x20",                 // rotation does not extend the family
		"\x00\x00\x10\x57\x20\x53\x53\x21", "\x00\x00\x10\x57\x52\x20", // expired in the window, idle
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 60 {
			t.Skip("longer sequences find nothing that shorter ones do not")
		}
		synctest.Test(t, func(t *testing.T) { play(t, steps) })
	})
}

const (
	modelGrace   = 10 * time.Second
	modelWindow  = 2 * time.Second
	modelRetries = 5
	modelCode    = time.Minute
	modelIdle    = 14 * 24 * time.Hour
	modelTotal   = 30 * 24 * time.Hour
)

// modelled is a code or refresh token as the model sees it.
type modelled struct {
	text      string
	code      bool
	family    *family
	expires   time.Time
	spent     time.Time
	uses      int
	successor *modelled
}

type family struct {
	id      string
	revoked bool
	expires time.Time // zero until the code is redeemed
}

// machine is the endpoint and the model beside it.
type machine struct {
	t        *testing.T
	strict   bool // no grace and no window
	store    *failing
	handler  *tokenendpoint.Handler
	client   *storage.Client
	disabled bool
	all      []*modelled
}

// failing is a store whose next write fails, before or after its effect.
type failing struct {
	*memory.Store
	before, after bool
}

var errDown = errors.New("the database is down")

func (s *failing) write(do func() error) error {
	before, after := s.before, s.after
	s.before, s.after = false, false
	if before {
		return errDown
	}
	if err := do(); err != nil || !after {
		return err
	}
	return errDown
}

func (s *failing) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	return s.write(func() error { return s.Store.Spend(ctx, old, next, at) })
}

func (s *failing) Revoke(ctx context.Context, family string) error {
	return s.write(func() error { return s.Store.Revoke(ctx, family) })
}

func play(t *testing.T, steps []byte) {
	m := newMachine(t, len(steps) > 0 && steps[0]&1 == 1)
	for _, step := range steps {
		pick := int(step & 0x0f)
		switch step >> 4 {
		case 0:
			m.authorize()
		case 1, 2, 8: // redeem or refresh, rightly or as a replay
			m.present(pick)
		case 3:
			m.revoke(pick)
		case 4:
			m.disabled = !m.disabled
			m.client.Disabled = m.disabled
			m.store.PutClient(t.Context(), m.client)
		case 5:
			time.Sleep([]time.Duration{time.Millisecond, 4 * time.Second, 9 * time.Second, 3 * time.Second, 11 * time.Second,
				modelCode, 8 * 24 * time.Hour, modelIdle - 5*time.Second}[pick%8])
		case 6:
			m.wrongClient(pick)
		case 7:
			m.store.before, m.store.after = pick&1 == 0, pick&1 == 1
		}
	}
}

func newMachine(t *testing.T, strict bool) *machine {
	m := &machine{t: t, strict: strict, store: &failing{Store: new(memory.Store)}}
	c := tokenendpoint.Config{
		Issuer:   "https://as.test",
		Audience: []string{"api"},
		Keys:     testKeys(t),
		Storage:  m.store,

		AuthorizationEndpoint: "https://as.test/login",
		Grants: map[string]grants.Grant{
			grants.TypeRefreshToken:      grants.RefreshToken{},
			grants.TypeAuthorizationCode: grants.AuthorizationCode{},
		},
		RefreshRetries: modelRetries,
		Logger:         discard,
	}
	if strict {
		c.RefreshGrace, c.CodeReuseWindow = -1, -1
	}
	handler, err := tokenendpoint.New(c)
	if err != nil {
		t.Fatal(err)
	}
	m.handler = handler
	m.client = &storage.Client{
		ID:           "app",
		AuthMethod:   storage.AuthNone,
		GrantTypes:   []string{grants.TypeRefreshToken, grants.TypeAuthorizationCode},
		RedirectURIs: []string{"https://app.test/cb"},
		Scope:        []string{"read"},
	}
	other := m.client.Clone()
	other.ID = "other"
	m.store.PutClient(t.Context(), m.client)
	m.store.PutClient(t.Context(), other)
	return m
}

// authorize makes a code.
func (m *machine) authorize() {
	client := m.client.Clone()
	client.Disabled = false
	code, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
		Issuer: "https://as.test", Client: client, Subject: "u1", RedirectURI: "https://app.test/cb",
		CodeChallenge: testChallenge, CodeChallengeMethod: "S256",
	}, time.Now())
	if err != nil {
		m.t.Fatal(err)
	}
	if err := m.store.CreateCredential(m.t.Context(), record); err != nil {
		m.t.Fatal(err)
	}
	m.all = append(m.all, &modelled{text: code.Reveal(), code: true, family: &family{id: record.Family}, expires: record.ExpiresAt})
}

// chosen picks a credential, counted from the newest.
func (m *machine) chosen(pick int) *modelled {
	if len(m.all) == 0 {
		return nil
	}
	return m.all[len(m.all)-1-pick%len(m.all)]
}

func (m *machine) revoke(pick int) {
	if c := m.chosen(pick); c != nil {
		if err := m.store.Store.Revoke(m.t.Context(), c.family.id); err != nil {
			m.t.Fatal(err)
		}
		c.family.revoked = true
	}
}

// wrongClient presents a credential in another client's name: nothing changes.
func (m *machine) wrongClient(pick int) {
	if c := m.chosen(pick); c != nil {
		if status, _ := m.send(c, "other"); status != http.StatusBadRequest {
			m.t.Errorf("another client's credential: got %d, want 400", status)
		}
	}
}

// present redeems or refreshes, and holds the answer against the model.
func (m *machine) present(pick int) {
	c := m.chosen(pick)
	if c == nil {
		return
	}
	before, after := m.store.before, m.store.after
	want, effect := m.expect(c)
	if want == writes && before {
		want, effect = http.StatusServiceUnavailable, nil
	}
	if want == writes && after { // it happened, and nobody heard of it
		want = http.StatusServiceUnavailable
	}
	if want == ends {
		want = http.StatusBadRequest
		if before || after {
			want = http.StatusServiceUnavailable
		}
		if before {
			effect = nil
		}
	}
	if want == writes {
		want = http.StatusOK
	}
	status, refresh := m.send(c, "app")
	if status != want {
		m.t.Fatalf("code %t, used %d times, revoked %t, disabled %t: got %d, want %d", c.code, c.uses, c.family.revoked, m.disabled, status, want)
	}
	if effect != nil {
		effect(refresh)
	}
}

// These are answers of expect that are no status.
const (
	writes = -1 // success with a write
	ends   = -2 // refusal that ends the family, which is a write
)

// expect is the model: it returns the answer to presenting c now, and the change
// that follows.
func (m *machine) expect(c *modelled) (status int, effect func(refresh string)) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	switch {
	case m.disabled:
		return http.StatusUnauthorized, nil
	case c.family.revoked:
		return http.StatusBadRequest, nil
	case !c.family.expires.IsZero() && !now.Before(c.family.expires):
		return http.StatusBadRequest, nil
	case c.uses == 0 && !now.Before(c.expires):
		return http.StatusBadRequest, nil
	case c.uses == 0:
		return writes, func(refresh string) { m.use(c, refresh, now) }
	case c.code && !m.strict && now.Sub(c.spent) < modelWindow:
		return http.StatusBadRequest, nil
	case c.code, m.strict, now.Sub(c.spent) >= modelGrace:
		return ends, func(string) { c.family.revoked = true }
	case !now.Before(c.expires): // expired since its first use
		return http.StatusBadRequest, nil
	case c.successor.uses > 0:
		return ends, func(string) { c.family.revoked = true }
	case c.uses > modelRetries: // too often, and nobody has used the successor
		return http.StatusBadRequest, nil
	}
	return writes, func(refresh string) {
		c.uses++
		m.learn(c.successor, refresh)
	}
}

// use notes the first use of c.
func (m *machine) use(c *modelled, refresh string, now time.Time) {
	c.uses, c.spent = 1, now
	if c.family.expires.IsZero() {
		c.family.expires = now.Add(modelTotal)
	}
	next := &modelled{family: c.family, expires: now.Add(modelIdle)}
	if next.expires.After(c.family.expires) {
		next.expires = c.family.expires
	}
	c.successor = next
	m.learn(next, refresh)
}

// learn notes the text of a refresh token, which is the same in every repeat. If
// the answer was lost, the model learns the text from a repeated use.
func (m *machine) learn(next *modelled, refresh string) {
	switch {
	case refresh == "":
	case next.text == "":
		next.text = refresh
		m.all = append(m.all, next)
	case next.text != refresh:
		m.t.Fatal("a repeated use gave another successor")
	}
}

// send makes the request for c and returns the status and the refresh token.
func (m *machine) send(c *modelled, clientID string) (int, string) {
	form := url.Values{"client_id": {clientID}}
	if c.code {
		form["grant_type"], form["code"] = []string{"authorization_code"}, []string{c.text}
		form["redirect_uri"], form["code_verifier"] = []string{"https://app.test/cb"}, []string{testVerifier}
	} else {
		form["grant_type"], form["refresh_token"] = []string{"refresh_token"}, []string{c.text}
	}
	r := httptest.NewRequest(http.MethodPost, "/connect/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	m.handler.ServeHTTP(w, r)
	var body struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		m.t.Fatal(err)
	}
	if (w.Code == http.StatusOK) != (body.Access != "" && body.Refresh != "") {
		m.t.Fatalf("%d with the body %s", w.Code, w.Body)
	}
	return w.Code, body.Refresh
}
