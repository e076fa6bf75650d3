package proof

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/contit/oauth/tokenendpoint/reference"
)

// site is a host: an endpoint with every grant, a grant of the host's own, a login page,
// and the reference page.
type site struct {
	url, secret, apiKey string
	store               *memory.Store
}

// parcel is a grant of the host's own. Its texts are hostile: they are markup.
type parcel struct{}

const hostile = `<img src=x onerror="document.title='hacked'">"'</script><script>document.title='hacked'</script>`

func (parcel) Authorize(_ context.Context, r *grants.Request) (*grants.Authorization, error) {
	if r.Form["parcel"] != "42" {
		return nil, grants.InvalidGrant
	}
	return &grants.Authorization{Subject: "parcel:42", Scope: r.Client.Scope}, nil
}

func (parcel) Describe() grants.Description {
	return grants.Description{
		Summary:    hostile,
		Parameters: []grants.Parameter{{Name: "parcel", Description: hostile, Required: true}},
	}
}

// patience bounds each wait. A machine that has other work takes many times as long.
const patience = 2 * time.Minute

const parcelType = "urn:example:parcel"

// newSite serves a host. change, if not nil, may change the configuration of the page.
func newSite(t *testing.T, alg string, change func(*reference.Config)) *site {
	t.Helper()
	return newSiteWithGrace(t, alg, time.Minute, change)
}

// newSiteWithGrace is newSite with a grace window that a test can see end. Where a test
// presents a token in the window, that is as long as an endpoint allows.
func newSiteWithGrace(t *testing.T, alg string, grace time.Duration, change func(*reference.Config)) *site {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s := &site{url: server.URL, store: new(memory.Store)}
	keys, err := jws.NewKeySet(newKey(t, alg))
	if err != nil {
		t.Fatal(err)
	}
	secret, hash := clientauth.NewSecret()
	s.secret = secret.Reveal()
	all := []string{grants.TypeClientCredentials, grants.TypeRefreshToken, grants.TypeAPIKey, grants.TypeAuthorizationCode, parcelType}
	for _, c := range []*storage.Client{
		{ID: "app", Secrets: []storage.ClientSecret{{ID: "1", Hash: hash}}, GrantTypes: all, Scope: []string{"read", "write"}, RedirectURIs: []string{"https://app.example.com/callback"}},
		{ID: "page", AuthMethod: storage.AuthNone, GrantTypes: all[1:4], Scope: []string{"read"}, RedirectURIs: []string{s.url + "/docs/callback"}},
	} {
		if err := s.store.PutClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	key, record, err := grants.NewAPIKey("ck_", storage.APIKey{ClientID: "app", Scope: []string{"read"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.apiKey = key.Reveal()
	if err := s.store.PutAPIKey(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer: s.url, Audience: []string{"api"}, Keys: keys, Storage: s.store, Revocations: s.store, RefreshGrace: grace,
		AuthorizationEndpoint: s.url + "/login",
		MayIntrospect: func(_ context.Context, c *storage.Client, _ *jws.AccessToken) (bool, error) {
			return c.ID == "app", nil
		},
		Grants: map[string]grants.Grant{
			grants.TypeClientCredentials: grants.ClientCredentials{}, grants.TypeRefreshToken: grants.RefreshToken{},
			grants.TypeAPIKey: grants.APIKey{Refresh: true}, grants.TypeAuthorizationCode: grants.AuthorizationCode{}, parcelType: parcel{},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	config := reference.Config{
		Description: endpoint.Describe(), Title: "Example API",
		Scopes:     []reference.Scope{{Name: "read", Description: "See your orders."}, {Name: "write", Description: hostile}},
		Playground: reference.Playground{ClientID: "page", Scope: "read"},
	}
	if change != nil {
		change(&config)
	}
	docs, err := reference.New(config)
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/", endpoint)
	mux.Handle("/docs", docs)
	mux.Handle("/docs/", docs)
	mux.HandleFunc("/login", s.login)
	return s
}

// login is the login page: a form whose button sends the browser back with a code. The
// query's parameters "break" it: the page's own are kept in the form.
func (s *site) login(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!DOCTYPE html><html lang="en"><title>Login</title><form method="post"><button id="yes">Yes</button></form></html>`)
		return
	}
	client, err := s.store.Client(r.Context(), q.Get("client_id"))
	if err != nil || !grants.MayRedirect(client, q.Get("redirect_uri")) {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	code, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
		Issuer: s.url, Client: client, Subject: "user:42", RedirectURI: q.Get("redirect_uri"), Scope: strings.Fields(q.Get("scope")),
		CodeChallenge: q.Get("code_challenge"), CodeChallengeMethod: q.Get("code_challenge_method"),
	}, time.Now())
	if err == nil {
		err = s.store.CreateCredential(r.Context(), record)
	}
	if err != nil {
		http.Error(w, "no", http.StatusInternalServerError)
		return
	}
	answer := url.Values{"code": {code.Reveal()}, "state": {q.Get("state")}, "iss": {s.url}}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+answer.Encode(), http.StatusSeeOther)
}

func newKey(t *testing.T, alg string) (key jws.Key) {
	t.Helper()
	var err error
	switch alg {
	case jws.RS256, jws.PS256:
		key.Signer, err = rsa.GenerateKey(rand.Reader, 2048)
		key.Algorithm = alg
	case jws.ES256:
		key.Signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jws.EdDSA:
		_, key.Signer, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// tab is a tab with a page in it, and what the page has said and asked for.
type tab struct {
	*testing.T
	context.Context
	mu       sync.Mutex
	messages []string
	asked    []string
}

// open opens a page of a width, and waits until its scripts have run.
func open(t *testing.T, address string, width int64, scheme string) *tab {
	t.Helper()
	b := &tab{T: t, Context: newBrowser(t)}
	// The first call starts the browser, which lives as long as the context of that call.
	if err := chromedp.Do(b.Context, chromedp.EmulateViewport(width, 900), emulateScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	b.watch()
	b.visit(address)
	return b
}

// visit opens another page in the tab.
func (b *tab) visit(address string) {
	b.Helper()
	b.do(chromedp.Navigate(address), chromedp.WaitVisible(chromedp.CSS("h1")))
}

func emulateScheme(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"}, // or a click comes before the page has scrolled
			},
		})
		return err
	})
}

func (b *tab) watch() {
	b.Helper()
	if err := chromedp.Listen(b.Context, func(ev any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch ev := ev.(type) {
		case *runtime.EventConsoleAPICalled:
			b.messages = append(b.messages, fmt.Sprint(ev.Type, ev.Args))
		case *runtime.EventExceptionThrown:
			b.messages = append(b.messages, ev.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			b.messages = append(b.messages, fmt.Sprint(ev.Entry.Source, " ", ev.Entry.Text, " ", ev.Entry.URL))
		case *network.EventRequestWillBeSent:
			b.asked = append(b.asked, ev.Request.URL)
		}
	}); err != nil {
		b.Fatal(err)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := b.try(steps...); err != nil {
		b.shoot("body", "failed")
		b.Fatal(err)
	}
}

func (b *tab) try(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(b.Context, patience)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// eval returns the value of an expression.
func eval[T any](b *tab, expression string) T {
	b.Helper()
	v, err := evaluate[T](b, expression)
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return v
}

func evaluate[T any](b *tab, expression string) (T, error) {
	return chromedp.Run(b.Context, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits for an expression to hold. While one page follows another, the browser may
// answer with an error, or have no element yet: the expression does not hold then.
func (b *tab) until(expression string) {
	b.Helper()
	var holds bool
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		if holds, err = evaluate[bool](b, "Boolean("+expression+")"); holds {
			return
		}
	}
	b.shoot("body", "failed")
	b.Fatalf("it never came to %s (%v)", expression, err)
}

// text is the text of an element.
func (b *tab) text(selector string) string {
	b.Helper()
	return eval[string](b, fmt.Sprintf("document.querySelector(%q)?.textContent ?? ''", selector))
}

// fill types into a field in the place of its text.
func (b *tab) fill(selector, value string) {
	b.Helper()
	eval[bool](b, fmt.Sprintf("(() => { const field = document.querySelector(%q); field.focus(); field.select(); return true; })()", selector))
	b.do(chromedp.KeyEvent(value))
}

func (b *tab) click(selector string) {
	b.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// button clicks the button of a text in an element, as soon as it can be pressed.
func (b *tab) button(within, text string) {
	b.Helper()
	b.settled()
	b.until(fmt.Sprintf(`(() => {
		const button = [...document.querySelectorAll(%q)].find((b) => b.textContent === %q && !b.disabled);
		document.querySelectorAll("[data-test]").forEach((e) => e.removeAttribute("data-test"));
		if (button) button.setAttribute("data-test", "it");
		return Boolean(button);
	})()`, within+" button", text))
	b.click("[data-test]")
}

// settled waits until the signature of each token is verified. The verdict may take more
// lines than the word before it, and would move a button away from a click.
func (b *tab) settled() {
	b.Helper()
	b.until(`[...document.querySelectorAll(".token .verdict")].every((v) => v.matches(".good, .bad"))`)
}

// shoot keeps a screenshot of an element, if OAUTH_TEST_SCREENSHOTS names a folder for them.
func (b *tab) shoot(selector, name string) {
	b.Helper()
	folder := os.Getenv("OAUTH_TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(b.Context, chromedp.Screenshot(chromedp.CSS(selector)))
	if err != nil {
		b.Log(err)
		return
	}
	name = strings.NewReplacer("/", "-", " ", "-").Replace(b.Name() + "-" + name + ".png")
	if err := os.WriteFile(filepath.Join(folder, name), picture, 0o600); err != nil {
		b.Error(err)
	}
}

// quiet fails if the page has written to the console, or asked for anything elsewhere. A
// browser itself writes a line about each answer of 4xx and 5xx.
func (b *tab) quiet(s *site) {
	b.Helper()
	b.quietAt(s.url, s.secret, s.apiKey)
}

// quietAt is quiet for the pages of an origin, and for the secrets of the test.
func (b *tab) quietAt(origin string, secrets ...string) {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.messages {
		if !strings.Contains(m, "Failed to load resource: the server responded with a status of ") {
			b.Errorf("the console says %s", m)
		}
	}
	if len(b.asked) == 0 {
		b.Error("the test saw no request at all")
	}
	for _, u := range b.asked {
		if !strings.HasPrefix(u, origin+"/") {
			b.Errorf("the page asks for %s", u)
		}
		for _, secret := range secrets {
			if strings.Contains(u, secret) {
				b.Errorf("a secret is in the address %s", u)
			}
		}
	}
}

// challenge is the S256 challenge of a verifier (RFC 7636 §4.2).
func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
