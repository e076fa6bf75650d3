package proof

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// shop is examples/hostapp while it runs, and a tab with one of its pages.
type shop struct {
	*tab
	url, email, password string
	login                string // the address to which an app sends its user
	file                 string // the database
}

// openShop builds and starts examples/hostapp, and opens the page at path.
func openShop(t *testing.T, path string, width int64, scheme string) *shop {
	t.Helper()
	s := &shop{file: filepath.Join(t.TempDir(), "shop.db")}
	out := startExample(t, "hostapp", "-addr", "127.0.0.1:0", "-db", s.file)
	said := make(map[string]string)
	for said["ready"] == "" && out.Scan() {
		name, value, _ := strings.Cut(out.Text(), "  ")
		said[name] = strings.TrimSpace(value)
	}
	s.url, s.login = said["shop"], said["app's login"]
	s.email, s.password, _ = strings.Cut(said["user"], " / ")
	if s.url == "" || s.login == "" || s.password == "" || said["reference"] != s.url+"/docs" {
		t.Fatalf("examples/hostapp says %q (%v)", said, out.Err())
	}
	s.tab = open(t, s.url+path, width, scheme)
	return s
}

// sql changes the database beside the shop.
func (s *shop) sql(statement string, args ...any) {
	s.Helper()
	db, err := sql.Open("sqlite", "file:"+s.file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		s.Fatal(err)
	}
	defer db.Close()
	done, err := db.ExecContext(s.T.Context(), statement, args...)
	if err != nil {
		s.Fatalf("%s: %v", statement, err)
	}
	if n, err := done.RowsAffected(); n == 0 || err != nil {
		s.Fatalf("%s changed nothing (%v)", statement, err)
	}
}

// keys types, or presses keys: \t and \r are Tab and Enter.
func (b *tab) keys(text string) {
	b.Helper()
	b.do(chromedp.KeyEvent(text))
}

// tabTo presses Tab until an element has the focus.
func (b *tab) tabTo(selector string) {
	b.Helper()
	for range 60 {
		b.keys("\t")
		if eval[bool](b, fmt.Sprintf("document.activeElement.matches(%q)", selector)) {
			return
		}
	}
	b.shoot("body", "failed")
	b.Fatalf("no number of tabs leads to %s", selector)
}

// shown waits for the page of a title.
func (b *tab) shown(title string) {
	b.Helper()
	b.until(fmt.Sprintf(`document.readyState === "complete" && document.querySelector("h1")?.textContent === %q`, title))
}

// look sees the page as it stands on a phone and on a desk, by day and by night. The colours
// do not depend on the width, so axe-core sees each of both once.
func (b *tab) look(state string) {
	b.Helper()
	for _, width := range []int64{360, 1440} {
		for _, scheme := range []string{"light", "dark"} {
			b.do(chromedp.EmulateViewport(width, 900), emulateScheme(scheme))
			b.until(fmt.Sprintf("innerWidth === %d", width))
			view := fmt.Sprint(state, " ", width, " ", scheme)
			b.fits(view)
			if (width == 360) == (scheme == "light") {
				b.accessible(view)
			}
			b.shoot("html", view)
		}
	}
}

// TestHostappByKeyboard goes through all pages of examples/hostapp without a mouse: a login
// with a wrong password first, an app, an API key that is made, copied and revoked.
func TestHostappByKeyboard(t *testing.T) {
	s := openShop(t, "/login", 1440, "light")
	s.allowClipboard()
	s.until(`document.activeElement.id === "email"`)
	s.keys(s.email + "\twrong\r")
	s.until(`document.querySelector("#wrong")`)
	s.look("login wrong")
	s.until(`document.activeElement.id === "password"`)
	s.keys(s.password + "\r")
	s.shown("Your orders")
	s.look("orders")

	s.tabTo("nav a[href='/apps']")
	s.keys("\r")
	s.shown("Connected apps")
	s.look("apps none")

	s.tabTo("nav a[href='/pairing']")
	s.keys("\r")
	s.shown("Pair a till")
	s.tabTo("#pair button")
	s.keys("\r")
	s.until(`document.querySelector("#code")`)
	s.look("pairing")

	s.tabTo("nav a[href='/keys']")
	s.keys("\r")
	s.shown("API keys")
	s.look("keys none")
	s.tabTo("#label")
	s.keys("nightly report\r")
	s.until(`document.querySelector("#problem")`)
	s.look("keys problem")
	s.tabTo("#create [type=checkbox]") // the name is still there, and has the focus
	s.keys(" ")
	s.tabTo("#create button")
	s.keys("\r")
	s.until(`document.querySelector("#new-key")`)
	key := s.text("#new-key")
	s.tabTo("[data-copy]")
	s.keys("\r")
	s.until(`document.querySelector("#copied").textContent === "Copied."`)
	if got := eval[string](s.tab, "navigator.clipboard.readText()"); got != key || !strings.HasPrefix(key, "shop_live_") {
		t.Errorf("the button has copied %q, want the key %q", got, key)
	}
	s.look("keys new")
	if got := s.exchange(key); got != 200 {
		t.Errorf("the key is answered with %d, want 200", got)
	}
	s.tabTo("tbody summary")
	s.keys("\r")
	s.look("keys sure")
	s.tabTo("tbody .danger")
	s.keys("\r")
	s.until(`document.querySelector("tbody .badge")?.textContent === "revoked"`)
	s.look("keys revoked")
	if got := s.exchange(key); got != 400 {
		t.Errorf("the revoked key is answered with %d, want 400", got)
	}
	s.tabTo(".account button")
	s.keys("\r")
	s.shown("Log in")
	s.look("login")
	s.quietAt(s.url, key, s.password)
}

// exchange asks the endpoint for a token for an API key, as a script does, and returns the
// status of the answer.
func (s *shop) exchange(key string) int {
	s.Helper()
	answer, err := http.PostForm(s.url+"/connect/token", url.Values{"grant_type": {"api_key"}, "api_key": {key}})
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

func (b *tab) allowClipboard() {
	b.Helper()
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		for _, name := range []string{"clipboard-read", "clipboard-write"} {
			if _, err := chromedp.Call(ctx, browser.SetPermission, browser.SetPermissionParams{
				Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted,
			}); err != nil {
				return err
			}
		}
		return nil
	}))
}
