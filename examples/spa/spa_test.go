package main

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/examples/internal/blocks"
)

// The tests of the app in a browser are in the module that has the means to drive one:
// tokenendpoint/reference/proof.

var at = addresses{server: "http://127.0.0.1:8084", app: "http://127.0.0.1:8085"}

// TestOrigins: the scripts of the app may read answers, and those of no other origin.
func TestOrigins(t *testing.T) {
	server, err := newServer(t.Context(), at, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/connect/token", "/connect/revocation", "/api/orders"} {
		for origin, want := range map[string]string{at.app: at.app, "https://evil.example.com": ""} {
			r := httptest.NewRequest(http.MethodOptions, path, nil)
			r.Header.Set("Origin", origin)
			r.Header.Set("Access-Control-Request-Method", http.MethodPost)
			w := httptest.NewRecorder()
			server.ServeHTTP(w, r)
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("%s allows %q for the origin %s, want %q", path, got, origin, want)
			}
			if got := w.Header().Get("Access-Control-Allow-Credentials"); got != "" {
				t.Errorf("%s allows cookies", path)
			}
		}
	}
}

// TestPromptNone: the login page always asks, so a client that wants no page gets an error.
func TestPromptNone(t *testing.T) {
	server, err := newServer(t.Context(), at, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {at.app + "/"}, "prompt": {"none"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}.Encode(), nil))
	if to := w.Header().Get("Location"); !strings.HasPrefix(to, at.app+"/?") || !strings.Contains(to, "error=consent_required") {
		t.Errorf("prompt=none gets %d to %q, want consent_required at the app", w.Code, to)
	}
}

// TestPolicy: every file comes with a policy that lets no other script in.
func TestPolicy(t *testing.T) {
	app := newApp(at)
	for _, path := range []string{"/", "/app.js", "/oauth.js", "/app.css", "/config.json"} {
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		policy := w.Header().Get("Content-Security-Policy")
		if w.Code != http.StatusOK || !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s gets %d with the policy %q, want 200 and default-src 'none' without unsafe", path, w.Code, policy)
		}
	}
}

// TestGuide executes the blocks of the README.
func TestGuide(t *testing.T) {
	app := blocks.Flat(strings.Join(blocks.Sources(t, "app/*.js"), "\n"))
	blocks.Guide(t, "spa", map[string]func(*testing.T, string){
		"js": func(t *testing.T, text string) {
			if !strings.Contains(app, blocks.Flat(text)) {
				t.Errorf("the app does not have this code of the guide:\n%s", text)
			}
		},
		"console": func(t *testing.T, block string) {
			const proof = "github.com/contit/oauth/tokenendpoint/reference/proof"
			for _, c := range blocks.Commands(block) {
				switch {
				case strings.HasPrefix(c.Line, "go test "):
					if !blocks.Tests(t, "../..", c.Line, proof) {
						t.Errorf("%s does not run the tests in the browser", c.Line)
					}
				case c.Line == "go run ./examples/spa":
					serve(t, c.Output)
				default:
					t.Errorf("no test executes %s", c.Line)
				}
			}
		},
	})
}

// serve runs the program at a free port, and compares what it says.
func serve(t *testing.T, shown string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "spa")
	blocks.Run(t, ".", "go build -o "+program+" .")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c := exec.Command(program, "-addr", l.Addr().String())
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if want := blocks.Pattern(strings.ReplaceAll(shown, "127.0.0.1:8084", l.Addr().String())); err != nil || !want.MatchString(strings.TrimSpace(line)) {
		t.Errorf("the program says %q (%v), the guide says %q", line, err, shown)
	}
	c.Process.Signal(os.Interrupt)
	if err := c.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}
