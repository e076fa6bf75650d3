package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/contit/oauth/tokenendpoint/reference"
)

// built returns a file of a tool that renderers/install has fetched.
func built(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("renderers", "node_modules", filepath.FromSlash(name))
	_, noNode := exec.LookPath("node")
	if _, err := os.Stat(path); err != nil || noNode != nil {
		t.Skip("NOT TESTED: needs node and npm, and what tokenendpoint/reference/proof/renderers/install fetches with them")
	}
	return path
}

// TestLint: a linter of others finds nothing, by its strictest rules but three.
func TestLint(t *testing.T) {
	program := built(t, "@redocly/cli/bin/cli.js")
	for name, change := range configurations {
		t.Run(name, func(t *testing.T) {
			b, err := reference.OpenAPI(newEndpoint(t, change).Describe(), reference.Info{Scopes: scopes})
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "openapi.json")
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
			lint := exec.CommandContext(t.Context(), "node", program, "lint", "--config", "renderers/redocly.yaml", "--format", "json", file)
			lint.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true")
			out, _ := lint.Output() // a fault is in the output too
			var found struct {
				Totals   struct{ Errors, Warnings int }
				Problems []any
				Version  string
			}
			if err := json.Unmarshal(out, &found); err != nil || found.Version == "" {
				t.Fatalf("the linter said %s, which is no list of problems: %v", out, err)
			}
			if found.Totals.Errors+found.Totals.Warnings > 0 {
				t.Errorf("the linter found %v", found.Problems)
			}
		})
	}
}

// renderers are pages of tools that show a document, in the way of their manuals.
var renderers = map[string]struct{ file, page string }{
	"openapi-explorer": {
		"openapi-explorer/dist/browser/openapi-explorer.min.js",
		`<openapi-explorer spec-url="/openapi.json"></openapi-explorer><script type="module" src="/renderer.js"></script>`,
	},
	"Scalar": {
		"@scalar/api-reference/dist/browser/standalone.js",
		`<div id="app"></div><script src="/renderer.js"></script><script>Scalar.createApiReference("#app",
			{url: "/openapi.json", withDefaultFonts: false, telemetry: false, agent: {disabled: true}, defaultOpenAllTags: true})</script>`,
	},
}

// shown is the text of a page with the shadow trees of its elements.
const shown = `(function text(n) {
	if (n.nodeType === 3) return n.data
	if (n.nodeName === "STYLE" || n.nodeName === "SCRIPT") return ""
	return [...(n.shadowRoot ? n.shadowRoot.childNodes : []), ...n.childNodes].map(text).join(" ")
})(document.body)`

// TestRenderers: tools that show any document show this one, and say nothing to the
// console.
func TestRenderers(t *testing.T) {
	for name, r := range renderers {
		t.Run(name, func(t *testing.T) {
			ctx, file := newBrowser(t), built(t, r.file)
			document, err := reference.OpenAPIHandler(newEndpoint(t, nil).Describe(), reference.Info{Title: "Tokens of Example", Scopes: scopes})
			if err != nil {
				t.Fatal(err)
			}
			mux := http.NewServeMux()
			mux.Handle("/openapi.json", document)
			mux.HandleFunc("/renderer.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
			mux.HandleFunc("/favicon.ico", func(http.ResponseWriter, *http.Request) {})
			mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, `<!doctype html><html lang="en"><meta charset="utf-8"><title>x</title><body>`+r.page)
			})
			server := httptest.NewServer(mux)
			defer server.Close()
			said := listen(ctx, t, server.URL)
			if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/")); err != nil {
				t.Fatal(err)
			}
			text := await(ctx, t, "Tokens of Example", "Get an access token", "End a token", "Ask about a token", "The verification keys")
			if strings.Contains(text, "undefined") {
				t.Errorf("the page shows an undefined value:\n%s", text)
			}
			if said := said(); len(said) > 0 {
				t.Errorf("the console and the network say:\n%s", strings.Join(said, "\n"))
			}
		})
	}
}

// listen notes warnings and errors of the console, and requests to other servers.
func listen(ctx context.Context, t *testing.T, origin string) func() []string {
	t.Helper()
	var mu sync.Mutex
	var said []string
	note := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, text)
	}
	console, requests := chromedp.Console(ctx), chromedp.Events(ctx, network.RequestWillBeSent)
	go func() {
		for m, err := range console {
			if err == nil && (m.IsException() || m.Type == "warning" || m.Type == "error") {
				note(m.String())
			}
		}
	}()
	go func() {
		for e, err := range requests {
			if err == nil && strings.HasPrefix(e.Request.URL, "http") && !strings.HasPrefix(e.Request.URL, origin) {
				note("a request to " + e.Request.URL)
			}
		}
	}()
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return said
	}
}

// await waits until a page shows all of the texts.
func await(ctx context.Context, t *testing.T, want ...string) (text string) {
	t.Helper()
	var missing string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		var err error
		if text, err = chromedp.Run(ctx, chromedp.Evaluate[string](shown)); err != nil {
			t.Fatal(err)
		}
		missing = ""
		for _, w := range want {
			if !strings.Contains(text, w) {
				missing = w
			}
		}
		if missing == "" {
			return text
		}
		if err := chromedp.Do(ctx, chromedp.Sleep(200*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("the page does not show %q:\n%s", missing, text)
	return ""
}
