package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/contit/oauth/tokenendpoint/reference"
)

// accessible fails if axe-core finds in the page, as it stands, what people cannot read or
// reach.
func (b *tab) accessible(state string) {
	b.Helper()
	source, err := os.ReadFile(built(b.T, "axe-core/axe.min.js"))
	if err != nil {
		b.Fatal(err)
	}
	if !eval[bool](b, `"axe" in window`) {
		b.do(chromedp.Evaluate[chromedp.Void](string(source) + ";undefined"))
	}
	found := eval[string](b, `axe.run({ resultTypes: ["violations"] }).then((r) => JSON.stringify(r.violations.map((v) => [v.id, v.help, ...v.nodes.map((n) => n.html.slice(0, 200) + " " + n.failureSummary)])))`)
	var violations [][]string
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		b.Fatal(err)
	}
	for _, v := range violations {
		b.Errorf("%s: %s", state, strings.Join(v, "\n\t"))
	}
}

// fits fails if the page is wider than the window.
func (b *tab) fits(state string) {
	b.Helper()
	if got := eval[[]int](b, "[document.documentElement.scrollWidth, innerWidth]"); got[0] > got[1] {
		wide := eval[string](b, `[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map((e) => e.outerHTML.slice(0, 120)).join("\n")`)
		b.Errorf("%s: the page is %d wide in a window of %d:\n%s", state, got[0], got[1], wide)
	}
}

// TestReading looks at the page on a phone and on a desk, by day and by night, before and
// after an answer.
func TestReading(t *testing.T) {
	s := newSite(t, jws.ES256, nil)
	for _, width := range []int64{360, 1440} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprint(width, " ", scheme), func(t *testing.T) {
				b := open(t, s.url+"/docs", width, scheme)
				b.until(`document.querySelector("#playground .steps dd")`)
				b.fits("at first")
				for _, part := range []string{".side", "#overview", "#request", "#grant-refresh_token", "#answers", "#errors", "#introspection"} {
					b.shoot(part, part)
				}
				b.fill("#try-client_id", "app")
				b.fill("#try-client_secret", s.secret)
				b.send()
				b.until(`document.querySelector("#try .token .verdict.good")`)
				b.fits("with an answer")
				b.quiet(s)
				b.accessible("with an answer")
				for _, page := range []string{"/docs/errors/invalid_client", "/docs/callback"} {
					b.do(chromedp.Navigate(s.url+page), chromedp.WaitVisible(chromedp.CSS("#content")))
					b.fits(page)
					b.shoot("body", strings.ReplaceAll(page[1:], "/", "-"))
					b.accessible(page)
				}
			})
		}
	}
}

// TestKeyboard reads, chooses and sends without a mouse.
func TestKeyboard(t *testing.T) {
	s := newSite(t, jws.ES256, nil)
	b := open(t, s.url+"/docs", 1440, "light")
	focus := func() string { return eval[string](b, "document.activeElement.id || document.activeElement.className") }
	press := func(keys string) { b.do(chromedp.KeyEvent(keys)) }
	const tabKey, enter, right, space = "\t", "\r", "\u0303", " "

	press(tabKey)
	if got := focus(); got != "skip" {
		t.Errorf("the first stop is %q, want the link to the content", got)
	}
	press(enter)
	b.until(`document.activeElement.id === "content"`) // the browser moves it when it draws the page
	reach := func(id string) {
		t.Helper()
		for range 300 {
			if press(tabKey); focus() == id {
				return
			}
		}
		t.Fatalf("no number of tabs leads to %s", id)
	}
	reach("samples0-curl")
	press(right)
	if got := focus(); got != "samples0-csharp" || !strings.Contains(b.text("#samples0"), "HttpClient") {
		t.Errorf("an arrow leads to %q and shows %s, want C#", got, b.text("#samples0"))
	}
	reach("try-grant")
	reach("try-client_id")
	press("app")
	reach("try-client_secret")
	press(s.secret)
	press(enter)
	b.until(`document.querySelector("#try .result .status")`)
	if got := b.text("#try .result .status"); got != "200" {
		t.Errorf("got %s, want 200:\n%s", got, b.text("#try .result-area"))
	}
	press(tabKey)
	press(space) // shows the secret
	if got := eval[bool](b, `document.getElementById("try-client_secret").classList.contains("hidden-text")`); got {
		t.Error("the button beside a secret does not show it")
	}
}

// TestWithoutJavaScript reads everything but the two parts that send requests.
func TestWithoutJavaScript(t *testing.T) {
	s := newSite(t, jws.ES256, nil)
	b := open(t, s.url+"/docs/errors/invalid_grant", 1440, "light")
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}), chromedp.Navigate(s.url+"/docs"), chromedp.WaitVisible(chromedp.CSS("#content")))
	shown, err := chromedp.Run(b.Context, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		s.url + "/connect/token", "client_secret", "code_verifier", "429", "invalid_grant", "curl '" + s.url, "C#", ".http",
		"The form that sends requests needs JavaScript", s.url + "/connect/introspect", "See your orders.",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("the page without JavaScript lacks %q", want)
		}
	}
	b.fits("without JavaScript")
	b.shoot("body", "page")
	b.quiet(s)
}

// TestPrint: on paper there is what can be read there, and all of it.
func TestPrint(t *testing.T) {
	s := newSite(t, jws.ES256, nil)
	b := open(t, s.url+"/docs", 1440, "light")
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		return err
	}))
	for selector, want := range map[string]bool{"nav": false, "#try": false, "#playground": false, ".copy": false, "#request": true, "#errors": true, ".samples pre": true} {
		if got := eval[bool](b, fmt.Sprintf("document.querySelector(%q).getClientRects().length > 0", selector)); got != want {
			t.Errorf("%s: on paper %t, want %t", selector, got, want)
		}
	}
	if cut := eval[int](b, `[...document.querySelectorAll("pre")].filter((p) => p.scrollWidth > p.clientWidth + 1 && p.getClientRects().length).length`); cut != 0 {
		t.Errorf("%d blocks of code are cut off", cut)
	}
}

// TestHostileValues: what a host has configured and a reader types stays text.
func TestHostileValues(t *testing.T) {
	s := newSite(t, jws.ES256, func(c *reference.Config) {
		c.Title, c.Intro = hostile, hostile
		c.Prefill = map[string]string{"client_id": hostile}
	})
	b := open(t, s.url+"/docs", 1440, "light")
	b.choose(parcelType)
	for _, id := range []string{"#try-parcel", "#try-scope", "#try-client_secret"} {
		b.fill(id, hostile)
	}
	b.click("input[name=try-format][value=true]") // in JSON the request has the values as they are
	b.send()
	if got := b.text("#try .result-area"); !strings.Contains(got, "<img src=x") {
		t.Errorf("the request does not have what was typed:\n%s", got)
	}
	b.click("input[name=try-format][value=false]")
	b.until(`document.querySelector("#playground .steps dd")`)
	for _, language := range []string{"csharp", "javascript", "python", "go", "http", "curl"} {
		b.click("#try [role=tab][id$=" + language + "]")
	}
	if got := b.text("#try [role=tabpanel]"); !strings.Contains(got, "client_id=%3Cimg+src%3Dx") {
		t.Errorf("the sample does not have what was typed:\n%s", got)
	}
	if got := eval[string](b, "document.title"); got != hostile {
		t.Errorf("the title is %q: markup was read", got)
	}
	if n := eval[int](b, `document.querySelectorAll("main img, main script").length`); n != 0 {
		t.Errorf("%d elements came from a text", n)
	}
	if got := b.text("h1"); got != hostile {
		t.Errorf("the heading is %q, want %q", got, hostile)
	}
	if got := eval[string](b, `document.getElementById("try-client_id").value`); got != hostile {
		t.Errorf("the field has %q, want %q", got, hostile)
	}
	b.quiet(s)
}

// TestRightToLeft turns the page around for a language that is written so.
func TestRightToLeft(t *testing.T) {
	s := newSite(t, jws.ES256, func(c *reference.Config) {
		c.Language, c.Texts = "ar", make(map[string]string)
		for name, text := range reference.Texts(c.Description) {
			c.Texts[name] = "نص " + text
		}
	})
	for _, width := range []int64{360, 1440} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			b := open(t, s.url+"/docs", width, "light")
			if got := eval[string](b, "getComputedStyle(document.body).direction"); got != "rtl" {
				t.Errorf("the page runs %s, want rtl", got)
			}
			if got := eval[string](b, `getComputedStyle(document.querySelector("pre")).direction`); got != "ltr" {
				t.Errorf("code runs %s, want ltr", got)
			}
			b.fits("right to left")
			for _, part := range []string{".side", "#request", "#playground"} {
				b.shoot(part, part)
			}
		})
	}
}
