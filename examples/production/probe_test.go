package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/contit/oauth/examples/internal/blocks"
)

// serve serves the endpoint of this folder as a host does, behind middleware.
func serve(t *testing.T, middleware func(http.Handler) http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	t.Cleanup(server.Close)
	s := testSettings()
	s.Issuer = server.URL
	endpoint, _ := open(t, newDatabase(t), s)
	server.Config.Handler = middleware(endpoint)
	return server
}

func asItIs(h http.Handler) http.Handler { return h }

// TestGuide executes the blocks of the README: the endpoint that it asks is the one
// of this folder.
func TestGuide(t *testing.T) {
	server := serve(t, asItIs)
	blocks.Guide(t, "production", map[string]func(*testing.T, string){
		"console": func(t *testing.T, block string) {
			for _, c := range blocks.Commands(block) {
				args, ok := strings.CutPrefix(c.Line, "go run ./examples/production ")
				if !ok {
					t.Errorf("no test executes %s", c.Line)
				}
				var out strings.Builder
				run(t.Context(), strings.Fields(strings.ReplaceAll(args, "https://auth.example.com", server.URL)), &out, server.Client())
				if !blocks.Pattern(c.Output).MatchString(strings.TrimSpace(out.String())) {
					t.Errorf("$ %s\n%s\nthe guide says\n%s", c.Line, out.String(), c.Output)
				}
			}
		},
	})
}

// TestChecklist finds every probe and every test that the list names, and finds each
// probe in the list.
func TestChecklist(t *testing.T) {
	named := make(map[string]bool)
	tests := strings.Join(blocks.Sources(t, "*_test.go"), "\n")
	for _, row := range blocks.Table(t, "README.md", "do") {
		if len(row) != 3 || row[1] == "" || row[2] == "" {
			t.Errorf("the line %q has no reason, or no way to check it", row[0])
			continue
		}
		if name, ok := strings.CutPrefix(row[2], "probe `"); ok {
			named[strings.TrimSuffix(name, "`")] = true
		}
		if name, ok := strings.CutPrefix(row[2], "`Test"); ok && !strings.Contains(tests, "func Test"+strings.TrimSuffix(name, "`")+"(") {
			t.Errorf("the list names %s, which is no test", row[2])
		}
	}
	for _, p := range newSite("", http.DefaultClient).probes() {
		if !named[p.name] {
			t.Errorf("the list does not name the probe %s", p.name)
		}
		delete(named, p.name)
	}
	for name := range named {
		t.Errorf("the list names the probe %s, which is not there", name)
	}
}

// TestProbes shows each probe the fault that it is for, and no other probe complains.
func TestProbes(t *testing.T) {
	header := func(name, value string) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(&rewriter{ResponseWriter: w, name: name, value: value}, r)
			})
		}
	}
	at := func(path string, instead http.HandlerFunc) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == path {
					instead(w, r)
					return
				}
				h.ServeHTTP(w, r)
			})
		}
	}
	for _, tt := range []struct {
		fault      string
		middleware func(http.Handler) http.Handler
		want       []string // the probes that complain
	}{
		{"none", asItIs, nil},
		{"a proxy that does not pass the metadata on", at("/.well-known/oauth-authorization-server", http.NotFound),
			[]string{"metadata", "keys", "body", "refusal", "method", "cors", "clock"}}, // they have no address
		{"a private key in the JWKS", at("/.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "max-age=300")
			w.Write([]byte(`{"keys":[{"kty":"EC","d":"c2VjcmV0"}]}`))
		}), []string{"keys"}},
		{"middleware that reads the body", func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.ParseForm()
				h.ServeHTTP(w, r)
			})
		}, []string{"body", "refusal"}},
		{"a proxy that caches", header("Cache-Control", "max-age=60"), []string{"refusal"}},
		{"a redirect to another path", func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet && r.URL.Path == "/connect/token" {
					http.Redirect(w, r, "/", http.StatusFound)
					return
				}
				h.ServeHTTP(w, r)
			})
		}, []string{"method"}},
		{"CORS for everybody", header("Access-Control-Allow-Origin", "*"), []string{"cors"}},
		{"a clock of long ago", header("Date", "Mon, 02 Jan 2006 15:04:05 GMT"), []string{"clock"}},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			server := serve(t, tt.middleware)
			var out strings.Builder
			code := run(t.Context(), []string{server.URL}, &out, server.Client())
			var got []string
			for line := range strings.Lines(out.String()) {
				if after, ok := strings.CutPrefix(line, "FAULT  "); ok {
					got = append(got, strings.Fields(after)[0])
				}
			}
			if strings.Join(got, " ") != strings.Join(tt.want, " ") || (code != 0) != (len(tt.want) > 0) {
				t.Errorf("the exit code is %d, and these probes complain: %q, want %q\n%s", code, got, tt.want, out.String())
			}
		})
	}
	t.Run("http", func(t *testing.T) {
		if err := newSite("http://auth.example.com", http.DefaultClient).https(t.Context()); err == nil {
			t.Error("the probe takes http for https")
		}
	})
}

// rewriter replaces a header of an answer, as a proxy does.
type rewriter struct {
	http.ResponseWriter
	name, value string
}

// WriteHeader replaces the header.
func (w *rewriter) WriteHeader(status int) {
	w.Header().Set(w.name, w.value)
	w.ResponseWriter.WriteHeader(status)
}
