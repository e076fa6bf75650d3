package proof

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// logIn opens the login page from the playground, agrees there, and waits until the window
// is closed.
func (b *tab) logIn() {
	b.Helper()
	b.closes(b.openLogin(), chromedp.Click(chromedp.CSS("#yes")))
}

// window is a window that a page has opened.
type window struct {
	*tab
	id target.ID
}

// openLogin opens the login page from the playground.
func (b *tab) openLogin() *window {
	b.Helper()
	b.until(`document.querySelector("#playground .steps dd")`)
	opened := chromedp.WaitNewTarget(b.Context, func(i *target.Info) bool { return i.Type == "page" })
	b.button("#playground", "Open the login page")
	select {
	case id := <-opened:
		ctx, stop := chromedp.NewContext(b.Context, chromedp.WithTargetID(id))
		b.Cleanup(stop)
		// The first call attaches to the window, for as long as the context of that call lives.
		if err := chromedp.Do(ctx); err != nil {
			b.Fatal(err)
		}
		return &window{&tab{T: b.T, Context: ctx}, id}
	case <-time.After(patience):
		b.shoot("#playground", "no-window")
		b.Fatal("no window opened")
	}
	return nil
}

// closes takes a step in a window, and waits until the window has closed itself. That may
// come before the browser has answered to all of the step: an error alone says nothing.
func (b *tab) closes(w *window, step chromedp.Action[chromedp.Void]) {
	b.Helper()
	failed := w.try(step)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		open, err := chromedp.Targets(b.Context)
		if err != nil {
			b.Fatal(err)
		}
		if !slices.ContainsFunc(open, func(i *target.Info) bool { return i.TargetID == w.id }) {
			return
		}
	}
	b.Fatalf("the window of the login did not close itself (%v)", failed)
}

// step is the text of a step, counted from one.
func (b *tab) step(n string) string {
	return b.text("#playground .steps > li:nth-child(" + n + ") .area")
}

// press presses a button, and waits for the answer in a step, which has a status.
func (b *tab) press(button, n, status string) {
	b.Helper()
	eval[bool](b, `(document.querySelector("#playground .steps > li:nth-child(`+n+`) .area").replaceChildren(), true)`) // no answer of before
	b.button("#playground", button)
	b.until(`document.querySelector("#playground .steps > li:nth-child(` + n + `) .result .status")`)
	if got := b.text("#playground .steps > li:nth-child(" + n + ") .result .status"); got != status {
		b.shoot("#playground", "failed")
		b.Fatalf("step %s: got %s, want %s:\n%s", n, got, status, b.step(n))
	}
}

// token finds a token in the text of a step.
func token(shown, name string) string {
	_, rest, _ := strings.Cut(shown, `"`+name+`": "`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// TestPlayground goes through a login to its end: the code with PKCE, both kinds of refresh,
// the API key, introspection and revocation.
func TestPlayground(t *testing.T) {
	s := newSite(t, jws.ES256, nil)
	b := open(t, s.url+"/docs", 1440, "light")
	b.logIn()
	b.until(`document.querySelector("#playground .steps > li:nth-child(2) .verdict.good")`)
	for _, want := range []string{"The state is the one that was sent.", "The issuer is the right one (RFC 9207).", "ac_"} {
		if shown := b.step("2"); !strings.Contains(shown, want) {
			t.Errorf("the login does not show %q:\n%s", want, shown)
		}
	}
	b.press("Redeem the code", "3", "200")
	b.until(`document.querySelector("#playground .steps > li:nth-child(3) .verdict.good")`)
	if shown := b.step("3"); !strings.Contains(shown, "code_verifier=") || !strings.Contains(shown, "user:42") {
		t.Errorf("the redemption shows neither the verifier nor the user:\n%s", shown)
	}

	b.press("Present the refresh token", "4", "200")
	first := token(b.step("4"), "refresh_token")
	b.until(`document.querySelector("#playground .steps > li:nth-child(4)").textContent.includes("The grace window is open for")`)
	b.button("#playground", "Present the old token again")
	b.until(`document.querySelector("#playground .steps > li:nth-child(4)").textContent.includes("The same successor as before.")`)
	if again := token(b.step("4"), "refresh_token"); again != first || first == "" {
		t.Errorf("the second answer has %q, want the same successor as before, %q", again, first)
	}
	b.button("#playground", "Use the successor")
	b.until(`document.querySelector("#playground .steps > li:nth-child(4)").textContent.includes("A new successor.")`)

	b.fill("#play-key-client_id", "app")
	b.fill("#play-key-api_key", s.apiKey)
	b.press("Exchange the key", "5", "200")

	b.fill("#play-ask-client_secret", s.secret)
	b.press("Ask", "6", "200")
	if shown := b.step("6"); !strings.Contains(shown, `"active": true`) {
		t.Errorf("the token is not active before its end:\n%s", shown)
	}
	b.shoot("#playground", "light")
	b.press("Revoke the refresh token", "7", "200")
	b.button("#playground", "Ask")
	b.until(`document.querySelector("#playground .steps > li:nth-child(6) .area").textContent.includes('"active": false')`)

	for _, store := range []string{"JSON.stringify({ ...localStorage })", "JSON.stringify({ ...sessionStorage })"} {
		if kept := eval[string](b, store); kept != "{}" {
			t.Errorf("%s is %s, want nothing kept", store, kept)
		}
	}
	b.quiet(s)
}

// TestPlaygroundGrace lets the grace window close, and sees the old token end the login.
func TestPlaygroundGrace(t *testing.T) {
	s := newSiteWithGrace(t, jws.ES256, 3*time.Second, nil)
	b := open(t, s.url+"/docs", 360, "dark")
	b.logIn()
	b.until(`document.querySelector("#playground .steps > li:nth-child(2) .verdict.good")`)
	b.press("Redeem the code", "3", "200")
	b.press("Present the refresh token", "4", "200")
	b.until(`document.querySelector("#playground .steps > li:nth-child(4)").textContent.includes("The grace window is closed.")`)
	b.press("Present the old token again", "4", "400")
	if shown := b.step("4"); !strings.Contains(shown, "invalid_grant") || !strings.Contains(shown, "The login has ended.") {
		t.Errorf("the old token does not end the login:\n%s", shown)
	}
	b.shoot("#playground", "dark")
	b.quiet(s)
}

// TestPlaygroundRefuses: an answer with another state or another issuer leads nowhere.
func TestPlaygroundRefuses(t *testing.T) {
	s := newSite(t, jws.ES256, nil)
	b := open(t, s.url+"/docs", 1440, "dark")
	b.openLogin()
	for query, want := range map[string]string{
		`"?error=" + encodeURIComponent("<img src=x>") + "&state=other"`: "The login page answered <img src=x>.",
		`"?code=ac_x&state=other"`:                                       "The state is not the one that was sent.",
		`"?code=ac_x&iss=https%3A%2F%2Fevil.example&state=" + document.querySelectorAll("#playground .steps > li:first-child dd")[2].textContent`: "The issuer is https://evil.example and not " + s.url,
	} {
		b.do(chromedp.Evaluate[chromedp.Void](`new BroadcastChannel("reference:/docs/callback").postMessage({ query: ` + query + ` })`))
		b.until(`document.querySelector("#playground .steps > li:nth-child(2) .area .verdict.bad")`)
		if shown := b.step("2"); !strings.Contains(shown, want) {
			t.Errorf("%s: the page does not say %q:\n%s", query, want, shown)
		}
		if n := eval[int](b, `document.querySelectorAll("main img").length`); n != 0 {
			t.Errorf("%s: %d elements came from the answer", query, n)
		}
		if !eval[bool](b, `[...document.querySelectorAll("#playground button")].find((b) => b.textContent === "Redeem the code").disabled`) {
			t.Errorf("%s: the code can be redeemed", query)
		}
		b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#playground .steps > li:nth-child(2) .area").replaceChildren()`))
	}
	b.quiet(s)
}

// TestCallbackAlone: an answer that nobody waits for is out of the address at once, and the
// page says so.
func TestCallbackAlone(t *testing.T) {
	s := newSite(t, jws.ES256, nil)
	b := open(t, s.url+"/docs/callback?code=ac_secret&state=x", 360, "light")
	if got := eval[string](b, "location.href"); got != s.url+"/docs/callback" {
		t.Errorf("the address is %s, want it without the code", got)
	}
	b.until(`!document.getElementById("alone").hidden`)
	b.shoot("body", "alone")
	b.quiet(s)
}
