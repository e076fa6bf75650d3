package proof

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// logInAt logs in on the login page that the tab shows.
func (s *shop) logInAt(b *tab) {
	s.Helper()
	b.until(`document.activeElement.id === "email"`)
	b.keys(s.email + "\t" + s.password + "\r")
}

// TestPlaygroundThroughHostapp goes from the reference page of examples/hostapp through its
// login page and its consent page, and comes back: with a no, and then with a code. The user
// then disconnects the page.
func TestPlaygroundThroughHostapp(t *testing.T) {
	s := openShop(t, "/docs", 1440, "light")
	w := s.openLogin()
	w.watch()
	w.shown("Log in")
	s.logInAt(w.tab)
	w.shown("Allow access?")
	for _, want := range []string{"The reference page", "See your orders and what you paid", strings.TrimPrefix(s.url, "http://")} {
		if got := w.text("#consent"); !strings.Contains(got, want) {
			t.Errorf("the consent page lacks %q:\n%s", want, got)
		}
	}
	w.tabTo("[value=deny]")
	s.closes(w, chromedp.KeyEvent("\r"))
	w.quietAt(s.url, s.password)
	s.until(`document.querySelector("#playground .steps > li:nth-child(2) .verdict.bad")`)
	if got := s.step("2"); !strings.Contains(got, "access_denied") || !strings.Contains(got, "What this error means") || !strings.Contains(got, "Draw a new secret to begin again.") {
		t.Errorf("the page does not say that the user has refused, and how to begin again:\n%s", got)
	}
	s.shoot("#playground", "refused")
	s.button("#playground", "Draw again") // as the page says

	w = s.openLogin() // the user is logged in
	w.shown("Allow access?")
	w.tabTo("[value=allow]")
	s.closes(w, chromedp.KeyEvent("\r"))
	s.until(`document.querySelector("#playground .steps > li:nth-child(2) .verdict.good")`)
	s.press("Redeem the code", "3", "200")
	s.until(`document.querySelector("#playground .steps > li:nth-child(3) .verdict.good")`)
	if got := s.step("3"); !strings.Contains(got, "subuser:1") || !strings.Contains(got, "tiergold") {
		t.Errorf("the token is not the user's:\n%s", got)
	}
	s.press("Present the refresh token", "4", "200")
	s.shoot("body", "redeemed")

	apps, stop := chromedp.NewContext(s.Context)
	defer stop()
	b := &tab{T: t, Context: apps}
	if err := chromedp.Do(apps, chromedp.EmulateViewport(1440, 900)); err != nil {
		t.Fatal(err)
	}
	b.watch()
	b.visit(s.url + "/apps")
	b.shown("Connected apps")
	if got := b.text(".card h2"); got != "The reference page" {
		t.Errorf("the first connected app is %q, want the reference page", got)
	}
	b.look("apps")
	b.tabTo(".sure summary")
	b.keys("\r")
	b.look("apps sure")
	b.tabTo(".danger")
	b.keys("\r")
	b.until(`document.querySelector(".empty")`)
	b.quietAt(s.url, s.password)

	s.press("Use the successor", "4", "400")
	s.quietAt(s.url, s.password)
}

// TestHostappStaysText: the names of an app, of a user and of a key, and a scope, stay text
// on each page that shows them.
func TestHostappStaysText(t *testing.T) {
	const scope = `<img/src=x/onerror=document.title='hacked'>` // as far as a scope can go (RFC 6749 §3.3)
	s := openShop(t, "/login", 1440, "light")
	s.sql(`UPDATE clients SET app_name = ?, allowed_scopes = json_array('profile', ?) WHERE app_key = 'shop-app'`, hostile, scope)
	s.sql(`UPDATE clients SET app_name = ? WHERE app_key = 'shop-docs'`, hostile)
	s.sql(`UPDATE users SET name = ?`, hostile)
	s.sql(`UPDATE orders SET item = ?`, hostile)

	address, err := url.Parse(s.login)
	if err != nil {
		t.Fatal(err)
	}
	q := address.Query()
	q.Set("scope", "profile "+scope)
	q.Set("state", hostile)
	address.RawQuery = q.Encode()
	s.visit(address.String())
	s.logInAt(s.tab)
	s.shown("Allow access?")
	s.stayText("consent", "form strong", hostile)
	s.stayText("consent", ".scopes", `such as "gold"`)
	s.stayText("consent", ".scopes", "Use the permission "+scope)
	s.look("hostile consent")

	s.visit(s.url + "/")
	s.stayText("orders", ".account span", hostile)
	s.stayText("orders", "td", hostile)
	s.look("hostile orders")

	s.visit(s.url + "/keys")
	eval[bool](s.tab, fmt.Sprintf(`(document.querySelector("#label").value = %q, document.querySelector("#create [type=checkbox]").click(), true)`, hostile))
	s.click("#create button")
	s.until(`document.querySelector("tbody th")`)
	s.stayText("keys", "tbody th", hostile)
	s.look("hostile keys")

	s.visit(s.url + "/docs")
	w := s.openLogin()
	w.shown("Allow access?")
	s.closes(w, chromedp.Click(chromedp.CSS("[value=allow]")))
	s.until(`document.querySelector("#playground .steps > li:nth-child(2) .verdict.good")`)
	s.press("Redeem the code", "3", "200")
	s.visit(s.url + "/apps")
	s.stayText("apps", ".card h2", hostile)
	s.look("hostile apps")
	s.quietAt(s.url, s.password)
}

// stayText fails if an element does not have a text, or the page has an element or a title
// that came from one.
func (b *tab) stayText(page, selector, want string) {
	b.Helper()
	if got := b.text(selector); !strings.Contains(got, want) {
		b.Errorf("%s: %s is %q, want %q in it", page, selector, got, want)
	}
	if n := eval[int](b, `document.querySelectorAll("main img, main script:not([src^='/assets/']), header span *, [onerror]").length`); n != 0 {
		b.Errorf("%s: %d elements came from a text", page, n)
	}
	if got := eval[string](b, "document.title"); !strings.HasSuffix(got, " - The tea shop") {
		b.Errorf("%s: the title is %q", page, got)
	}
}
