package reference_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/reference"
)

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*reference.Config)
		want   string
	}{
		{"no description", func(c *reference.Config) { c.Description = tokenendpoint.Description{} }, "Description is missing"},
		{"a description without grants", func(c *reference.Config) { c.Description.Grants = nil }, "Description is missing"},
		{"a path with a slash at its end", func(c *reference.Config) { c.Path = "/docs/" }, "Path is not a path"},
		{"a path with dots", func(c *reference.Config) { c.Path = "/a/../docs" }, "Path is not a path"},
		{"a path with a quote", func(c *reference.Config) { c.Path = `/d"ocs` }, "Path is not a path"},
		{"a colour that is a style", func(c *reference.Config) { c.Accent = "red;}" }, "Accent is not a colour"},
		{"a colour too pale for a light page", func(c *reference.Config) { c.Accent = "#aaccff" }, "Accent cannot be read on #ffffff"},
		{"a colour too dark for a dark page", func(c *reference.Config) { c.AccentDark = "#223344" }, "AccentDark cannot be read"},
		{"a logo that is no image", func(c *reference.Config) { c.Logo = []byte("<html>") }, "Logo is not"},
		{"a logo that is too big", func(c *reference.Config) { c.Logo = append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 70_000)...) }, "Logo is not"},
		{"a language that is none", func(c *reference.Config) { c.Language = "English" }, "Language is not a tag"},
		{"a language without its texts", func(c *reference.Config) { c.Language = "de" }, `"try.title" is not translated`},
		{"a text of no name", func(c *reference.Config) { c.Texts = map[string]string{"x": "y"} }, `"x" is not the name of a text`},
		{"a text without its placeholder", func(c *reference.Config) { c.Texts = map[string]string{"js.took": "soon"} }, `"js.took" has not the placeholders [{ms}]`},
		{"a scope with a space", func(c *reference.Config) { c.Scopes = []reference.Scope{{Name: "a b"}} }, `"a b" is not the name of a scope`},
		{"a scope twice", func(c *reference.Config) { c.Scopes = []reference.Scope{{Name: "a"}, {Name: "a"}} }, `"a" is there twice`},
		{"a code that is a path", func(c *reference.Config) { c.Errors = []reference.Error{{Code: "../x", Means: "a", Do: "b"}} }, "is not an error code"},
		{"a code of the library", func(c *reference.Config) { c.Errors = []reference.Error{{Code: "invalid_grant", Means: "a", Do: "b"}} }, "has a page already"},
		{"a code without advice", func(c *reference.Config) { c.Errors = []reference.Error{{Code: "busy", Means: "a"}} }, "needs Means and Do"},
		{"a value for no field", func(c *reference.Config) { c.Prefill = map[string]string{"password": "x"} }, `no grant of the endpoint has the parameter "password"`},
		{"a playground without a client", func(c *reference.Config) { c.Playground.ClientID = "" }, "Playground.ClientID is missing"},
		{"a playground without a login page", func(c *reference.Config) { c.Description.Authorization = "" }, "Playground needs the grant"},
		{"a redirect to elsewhere", func(c *reference.Config) { c.Playground.RedirectURI = "https://auth.example.com/else" }, "has not the path /docs/callback"},
		{"a redirect that others overhear", func(c *reference.Config) { c.Playground.RedirectURI = "http://auth.example.com/docs/callback" }, "is http"},
		{"a malformed scope", func(c *reference.Config) { c.Playground.Scope = `"` }, "Playground.Scope is not"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := full(t)
			tt.change(&c)
			if _, err := reference.New(c); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := reference.New(reference.Config{Path: "x", Accent: "x", Language: "x", Texts: map[string]string{"x": "x"}})
	for _, want := range []string{"Description", "Path", "Accent", "Language", `"x" is not the name of a text`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a word about %s too", err, want)
		}
	}
}

// TestTranslation translates everything, and finds no English word left that is a text.
func TestTranslation(t *testing.T) {
	c := full(t)
	c.Language, c.Intro = "ar", ""
	c.Texts = make(map[string]string)
	english := reference.Texts(c.Description)
	for name := range english {
		c.Texts[name] = "«" + strings.Join(regexp.MustCompile(`\{[a-z]+\}`).FindAllString(english[name], -1), " ") + "»"
	}
	docs := serve(t, c)
	page := get(docs, "/docs").Body.String()
	if !strings.Contains(page, `<html lang="ar" dir="rtl">`) {
		t.Error("the page does not run from right to left")
	}
	for _, path := range []string{"/docs", "/docs/reference.md", "/docs/errors/invalid_grant", "/docs/callback"} {
		body := get(docs, path).Body.String()
		for name, text := range english {
			if strings.Count(text, " ") > 2 && strings.Contains(body, text) {
				t.Errorf("%s has the English text %s", path, name)
			}
		}
	}
}

// TestEveryTextIsUsed holds texts.json against the templates, the scripts and the code: a text
// that is missing shows as nothing, and one that is not used is translated in vain.
func TestEveryTextIsUsed(t *testing.T) {
	var texts map[string]string
	b, err := os.ReadFile("texts.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &texts); err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, pattern := range []string{"web/*", "*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(b)
		}
	}
	// A name that is put together ends in something else: these beginnings stand alone.
	composed := regexp.MustCompile(`^(error\.|claim\.|answer\.|parameter\.|page\.(required|optional|depends)|js\.play\.|(revocation|introspection)\.)`)
	for name, text := range texts {
		if text == "" {
			t.Errorf("the text %s is empty", name)
		}
		if !strings.Contains(source.String(), `"`+strings.TrimPrefix(name, "js.")+`"`) && !composed.MatchString(name) {
			t.Errorf("nothing uses the text %s", name)
		}
	}
	for _, use := range regexp.MustCompile(`\bt\("([a-z.]*[a-z])"`).FindAllStringSubmatch(source.String(), -1) {
		if texts["js."+use[1]] == "" && texts[use[1]] == "" {
			t.Errorf("there is no text %s", use[1])
		}
	}
}
