package clientmetadata_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint/clientmetadata"
)

const appURL = "https://app.example.com/client.json"

// web is the Internet: it answers for every URL.
type web struct {
	mu     sync.Mutex
	asked  []string
	answer func(r *http.Request) (*http.Response, error)
}

func (w *web) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.asked = append(w.asked, r.URL.String())
	answer := w.answer
	w.mu.Unlock()
	return answer(r)
}

func (w *web) set(answer func(r *http.Request) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = answer
}

func (w *web) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.asked)
}

// says is an answer of application/json.
func says(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

func away(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") }

func document(id string, further ...string) string {
	return fmt.Sprintf(`{"client_id":%q,"redirect_uris":["https://app.example.com/cb"]%s}`, id, strings.Join(further, ""))
}

func documents(t *testing.T, w *web, change ...func(*clientmetadata.DocumentsConfig)) *clientmetadata.Documents {
	t.Helper()
	store := new(memory.Store)
	if err := store.PutClient(t.Context(), &storage.Client{ID: "registered"}); err != nil {
		t.Fatal(err)
	}
	c := clientmetadata.DocumentsConfig{
		Clients: store, HTTP: &http.Client{Transport: w},
		Bounds: clientmetadata.Bounds{Scope: []string{"read"}},
	}
	for _, f := range change {
		f(&c)
	}
	d, err := clientmetadata.NewDocuments(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The client of a document, within the bounds of the host.
func TestT01T05T09(t *testing.T) {
	w := &web{answer: says(200, document(appURL, `,"client_name":"App","scope":"read admin","grant_types":["client_credentials"],"logo_uri":7`))}
	d := documents(t, w)
	if c, err := d.Client(t.Context(), "registered"); err != nil || c.ID != "registered" || w.count() != 0 {
		t.Errorf("a registered client: %v, %v, after %d requests", c, err, w.count())
	}
	if _, err := d.Client(t.Context(), "nobody"); !errors.Is(err, storage.ErrNotFound) || w.count() != 0 {
		t.Errorf("an identifier that is no URL: %v", err)
	}
	c, err := d.Client(t.Context(), appURL)
	if err != nil {
		t.Fatal(err)
	}
	if c.ID != appURL || !c.Public() || !slices.Equal(c.Scope, []string{"read"}) || !slices.Equal(c.RedirectURIs, []string{"https://app.example.com/cb"}) ||
		!slices.Equal(c.GrantTypes, []string{"authorization_code", "refresh_token"}) {
		t.Errorf("got %+v, want what the document says within the bounds", c)
	}
	if d.Name(appURL) != "App" || d.Name("registered") != "" {
		t.Errorf("the name is %q", d.Name(appURL))
	}
	c.Scope[0] = "changed"
	if again, err := d.Client(t.Context(), appURL); err != nil || again.Scope[0] != "read" || w.count() != 1 {
		t.Errorf("again: %v, %v, after %d requests", again, err, w.count())
	}
}

// A client_id that is no URL of a document is refused before anything is fetched.
func TestT02(t *testing.T) {
	w := &web{answer: says(200, document(appURL))}
	d := documents(t, w)
	for _, id := range []string{
		"http://app.example.com/c.json", "https://user@app.example.com/c.json", "https://user:pw@app.example.com/c.json", "https://app.example.com/c.json#x", "https://app.example.com/c.json#",
		"https://app.example.com", "https://app.example.com/", "https://app.example.com?x=1", "https://app.example.com/../c.json", "https://app.example.com/a/./c.json",
		"https://app.example.com/%2e%2e/c.json", "https://app.example.com/.%2E/c.json", "https://app.example.com/c.json\n", "https://app.example.com/c json", "https:/app.example.com/c.json",
		"HTTPS://app.example.com/c.json", "https://127.0.0.1/c.json", "https://[::1]/c.json", "https://10.0.0.1/c.json", "https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/c.json",
		"https://localhost/c.json", "https://localhost./c.json", "https://db.internal/c.json", "https://printer.local/c.json", "https://intranet/c.json", "https://2130706433/c.json",
		"https://app.example.com:0/c.json", "https://app.example.com:99999/c.json", `https://app.example.com\@evil.test/c.json`, "https://app.example.com/" + strings.Repeat("a", 1000), "https:///c.json", "javascript:alert(1)//x",
	} {
		if _, err := d.Client(t.Context(), id); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%q: got %v, want an unknown client", id, err)
		}
	}
	if got := w.count(); got != 0 {
		t.Errorf("%d requests were sent: %v", got, w.asked)
	}
	for _, id := range []string{appURL, "https://app.example.com:8443/c", "https://app.example.com/c?v=1", "https://8.8.8.8/c.json"} {
		if !clientmetadata.IsDocument(id) {
			t.Errorf("%q is no document", id)
		}
	}
	refused := documents(t, w, func(c *clientmetadata.DocumentsConfig) {
		c.Allow = func(_ context.Context, u *url.URL) error { return storage.ErrNotFound }
	})
	if _, err := refused.Client(t.Context(), appURL); !errors.Is(err, storage.ErrNotFound) || w.count() != 0 {
		t.Errorf("refused by the host's policy: %v after %d requests", err, w.count())
	}
}

// An answer that is no document is an unknown client.
func TestT04T05(t *testing.T) {
	good := document(appURL)
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"a redirect":                 says(302, good, "Location", "https://evil.test/"),
		"not found":                  says(404, good),
		"created":                    says(201, good),
		"text/html":                  says(200, good, "Content-Type", "text/html"),
		"no type":                    says(200, good, "Content-Type", ""),
		"over 5 KiB":                 says(200, strings.Repeat(" ", 5<<10)+good),
		"no JSON":                    says(200, "<html>"),
		"null":                       says(200, "null"),
		"another client_id":          says(200, document(appURL+"/")),
		"no client_id":               says(200, `{"redirect_uris":["https://app.example.com/cb"]}`),
		"a secret":                   says(200, document(appURL, `,"client_secret":"x"`)),
		"a symmetric method":         says(200, document(appURL, `,"token_endpoint_auth_method":"client_secret_basic"`)),
		"a symmetric JWT":            says(200, document(appURL, `,"token_endpoint_auth_method":"client_secret_jwt"`)),
		"no redirect_uris":           says(200, fmt.Sprintf(`{"client_id":%q}`, appURL)),
		"a redirect_uri of http":     says(200, strings.Replace(good, "https://app.example.com/cb", "http://app.example.com/cb", 1)),
		"a redirect_uri of a script": says(200, strings.Replace(good, "https://app.example.com/cb", "javascript:alert(1)", 1)),
		"a relative redirect_uri":    says(200, strings.Replace(good, "https://app.example.com/cb", "/cb", 1)),
		"a redirect_uri of a user":   says(200, strings.Replace(good, "https://app.example.com/cb", "https://app.example.com@evil.test/cb", 1)),
		"a dot segment":              says(200, strings.Replace(good, "https://app.example.com/cb", "https://app.example.com/a/../cb", 1)),
		"a number for a host":        says(200, strings.Replace(good, "https://app.example.com/cb", "https://0x7f.1/cb", 1)),
		"a redirect_uri of mail":     says(200, strings.Replace(good, "https://app.example.com/cb", "mailto:a", 1)),
		"a set that says KEYS":       says(200, document(appURL, `,"token_endpoint_auth_method":"private_key_jwt","jwks":{"KEYS":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)),
		"a name that turns the text": says(200, document(appURL, `,"client_name":"Shop\u202eppA"`)),
		"a name of two lines":        says(200, document(appURL, `,"client_name":"App\u2028\nis trusted"`)),
		"a member of another type":   says(200, fmt.Sprintf(`{"client_id":%q,"redirect_uris":"https://app.example.com/cb"}`, appURL)),
		"a key without keys":         says(200, document(appURL, `,"token_endpoint_auth_method":"private_key_jwt"`)),
		"keys of a private host":     says(200, document(appURL, `,"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"https://127.0.0.1/jwks"`)),
		"keys that are private":      says(200, document(appURL, `,"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{"kty":"oct","k":"AAAA"}]}`)),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &web{answer: answer}
				d := documents(t, w)
				for range 3 {
					if c, err := d.Client(t.Context(), appURL); !errors.Is(err, storage.ErrNotFound) {
						t.Errorf("got %+v, %v, want an unknown client", c, err)
					}
				}
				if got := w.count(); got != 1 {
					t.Errorf("%d requests were sent, want one a minute", got)
				}
				w.set(says(200, good, "Content-Type", "application/vnd.x+json; charset=utf-8"))
				time.Sleep(time.Minute)
				if _, err := d.Client(t.Context(), appURL); err != nil {
					t.Errorf("a minute later: %v", err)
				}
			})
		})
	}
}

// A document is kept by its Cache-Control, within five minutes and a day, and fetched
// once however many ask.
func TestT07(t *testing.T) {
	for control, want := range map[string]time.Duration{
		"": time.Hour, "max-age=0": 5 * time.Minute, "no-store": 5 * time.Minute, "max-age=1800": 30 * time.Minute, "public, max-age=9999999": 24 * time.Hour,
	} {
		t.Run(control, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &web{answer: says(200, document(appURL), "Cache-Control", control)}
				d := documents(t, w)
				crowd := func() {
					var failed atomic.Int64
					var all sync.WaitGroup
					for range 1000 {
						all.Go(func() {
							if _, err := d.Client(t.Context(), appURL); err != nil {
								failed.Add(1)
							}
						})
					}
					if all.Wait(); failed.Load() > 0 {
						t.Errorf("%d of 1000 failed", failed.Load())
					}
				}
				crowd()
				time.Sleep(want - time.Nanosecond)
				if crowd(); w.count() != 1 {
					t.Errorf("%d requests before the end, want 1", w.count())
				}
				time.Sleep(time.Nanosecond)
				if crowd(); w.count() != 2 {
					t.Errorf("%d requests after the end, want 2", w.count())
				}
			})
		})
	}
}

// A flood of URLs is fetched within a budget, of each host and in all. URLs that lead to
// no document take the place of none that is there.
func TestT07Flood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &web{answer: func(r *http.Request) (*http.Response, error) { return says(200, document(r.URL.String()))(r) }}
		d := documents(t, w, func(c *clientmetadata.DocumentsConfig) { c.Size = 50 })
		if _, err := d.Client(t.Context(), appURL); err != nil {
			t.Fatal(err)
		}
		outages := 0
		for i := range 1000 {
			if _, err := d.Client(t.Context(), fmt.Sprintf("https://%s/%d", []string{"evil.example.com", "Evil.EXAMPLE.com", "evil.example.com."}[i%3], i)); err != nil && !errors.Is(err, storage.ErrNotFound) {
				outages++
			}
		}
		if got := w.count(); got != 11 || outages != 990 {
			t.Errorf("%d requests and %d outages for 1000 URLs of one host, want 11 and 990", got, outages)
		}
		w.set(says(404, ""))
		for i := range 1000 {
			d.Client(t.Context(), fmt.Sprintf("https://h%d.example.com/c", i))
		}
		if got := w.count(); got > 110 {
			t.Errorf("%d requests for 1000 hosts at once, want 100 or so", got)
		}
		w.set(away)
		before := w.count()
		if _, err := d.Client(t.Context(), appURL); err != nil || w.count() != before {
			t.Errorf("the document that was there: %v after %d more requests, want it from memory", err, w.count()-before)
		}
	})
}

// A flood of URLs takes no place of a document that is just being fetched: it would have
// to be fetched again, until the budget of its host is spent.
func TestT07UnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		arrived := make(chan struct{})
		w := &web{answer: func(r *http.Request) (*http.Response, error) {
			if r.URL.String() != appURL {
				return says(404, "")(r)
			}
			<-arrived
			return says(200, document(appURL))(r)
		}}
		d := documents(t, w, func(c *clientmetadata.DocumentsConfig) { c.Size = 50 })
		var fetched sync.WaitGroup
		fetched.Go(func() {
			if _, err := d.Client(t.Context(), appURL); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		time.Sleep(time.Millisecond)
		for i := range 1000 {
			d.Client(t.Context(), fmt.Sprintf("https://evil.example.com/%d", i))
		}
		close(arrived)
		fetched.Wait()
		before := w.count()
		if _, err := d.Client(t.Context(), appURL); err != nil || w.count() != before {
			t.Errorf("got %v after %d more requests, want the document that has just come", err, w.count()-before)
		}
	})
}

// Cache-Control counts as a whole, however many lines it has (RFC 9110 §5.3).
func TestT07Lines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &web{answer: func(r *http.Request) (*http.Response, error) {
			response, err := says(200, document(appURL))(r)
			response.Header["Cache-Control"] = []string{"public", "no-store"}
			return response, err
		}}
		d := documents(t, w)
		for range 2 {
			if _, err := d.Client(t.Context(), appURL); err != nil {
				t.Error(err)
			}
			time.Sleep(5 * time.Minute)
		}
		if got := w.count(); got != 2 {
			t.Errorf("%d requests in five minutes and one more, want 2", got)
		}
	})
}

// While a document's server is down, the last copy serves for a day; without one it is
// an outage.
func TestT08(t *testing.T) {
	for name, down := range map[string]func(*http.Request) (*http.Response, error){"no connection": away, "503": says(503, ""), "429": says(429, "")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &web{answer: down}
				d := documents(t, w)
				if _, err := d.Client(t.Context(), appURL); err == nil || errors.Is(err, storage.ErrNotFound) {
					t.Errorf("got %v, want an outage", err)
				}
				w.set(says(200, document(appURL), "Cache-Control", "max-age=600"))
				time.Sleep(10 * time.Second)
				if _, err := d.Client(t.Context(), appURL); err != nil {
					t.Error(err)
				}
				w.set(down)
				for _, after := range []time.Duration{11 * time.Minute, 12 * time.Hour, 12*time.Hour - 2*time.Minute} {
					time.Sleep(after)
					if _, err := d.Client(t.Context(), appURL); err != nil {
						t.Errorf("the last copy, after %v more: %v", after, err)
					}
				}
				time.Sleep(2 * time.Minute)
				if _, err := d.Client(t.Context(), appURL); err == nil || errors.Is(err, storage.ErrNotFound) {
					t.Errorf("after a day: %v, want an outage", err)
				}
				w.set(says(404, ""))
				time.Sleep(time.Minute)
				if _, err := d.Client(t.Context(), appURL); !errors.Is(err, storage.ErrNotFound) {
					t.Errorf("a document that was taken away: %v", err)
				}
			})
		})
	}
}

// A document can offer a key.
func TestT06(t *testing.T) {
	for method, public := range map[string]bool{"none": true, "private_key_jwt": false, "": true} {
		further := `,"jwks_uri":"https://app.example.com/jwks.json"`
		if method != "" {
			further += `,"token_endpoint_auth_method":"` + method + `"`
		}
		d := documents(t, &web{answer: says(200, document(appURL, further))})
		c, err := d.Client(t.Context(), appURL)
		if err != nil || c.Public() != public || (c.Assertion.JWKSURI != "") == public {
			t.Errorf("%q: got %+v, %v, want a public client: %v", method, c, err, public)
		}
	}
}

// By itself a Documents connects to public addresses alone.
func TestNewDocuments(t *testing.T) {
	d, err := clientmetadata.NewDocuments(clientmetadata.DocumentsConfig{})
	if err != nil {
		t.Fatal(err)
	}
	// The name has no address, or a test machine has no network: an outage in any case.
	if _, err := d.Client(t.Context(), "https://app.invalid/c.json"); err == nil || errors.Is(err, storage.ErrNotFound) {
		t.Errorf("got %v, want an outage", err)
	}
	_, err = clientmetadata.NewDocuments(clientmetadata.DocumentsConfig{Size: -1, Bounds: clientmetadata.Bounds{GrantTypes: []string{"client_credentials"}}})
	_, scope := clientmetadata.NewDocuments(clientmetadata.DocumentsConfig{Bounds: clientmetadata.Bounds{Scope: []string{"read write"}}})
	if scope == nil || !strings.Contains(scope.Error(), "Bounds") || !strings.Contains(scope.Error(), "Scope[0]") {
		t.Errorf("a scope with a space: %v", scope)
	}
	for _, want := range []string{"Size", "client_credentials"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
