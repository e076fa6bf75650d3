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
	window := b.openLogin()
	// The click sends the form, and the window closes itself at the end: no more of it
	// can be seen from here.
	window.click("#yes")
	b.gone(window)
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
	case <-time.After(20 * time.Second):
		b.shoot("#playground", "no-window")
		b.Fatal("no window opened")
	}
	return nil
}

// gone waits until a window is closed.
func (b *tab) gone(w *window) {
	b.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		open, err := chromedp.Targets(b.Context)
		if err != nil {
			b.Fatal(err)
		}
		if !slices.ContainsFunc(open, func(i *target.Info) bool { return i.TargetID == w.id }) {
			return
		}
	}
	b.Error("the window of the login did not close itself")
}

// step is the text of a step, counted from one.
func (b *tab) step(n string) string {
	return b.text("#playground .steps > li:nth-child(" + n + ") .area")
}

func (b *tab) answered(n, status string) {
	b.Helper()
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
	b.button("#playground", "Redeem the code")
	b.answered("3", "200")
	b.until(`document.querySelector("#playground .steps > li:nth-child(3) .verdict.good")`)
	if shown := b.step("3"); !strings.Contains(shown, "code_verifier=") || !strings.Contains(shown, "user:42") {
		t.Errorf("the redemption shows neither the verifier nor the user:\n%s", shown)
	}

	b.button("#playground", "Present the refresh token")
	b.answered("4", "200")
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
	b.button("#playground", "Exchange the key")
	b.answered("5", "200")

	b.fill("#play-ask-client_secret", s.secret)
	b.button("#playground", "Ask")
	b.answered("6", "200")
	if shown := b.step("6"); !strings.Contains(shown, `"active": true`) {
		t.Errorf("the token is not active before its end:\n%s", shown)
	}
	b.shoot("#playground", "light")
	b.button("#playground", "Revoke the refresh token")
	b.answered("7", "200")
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
	s := newSite(t, jws.ES256, nil)
	b := open(t, s.url+"/docs", 360, "dark")
	b.logIn()
	b.until(`document.querySelector("#playground .steps > li:nth-child(2) .verdict.good")`)
	b.button("#playground", "Redeem the code")
	b.answered("3", "200")
	b.button("#playground", "Present the refresh token")
	b.answered("4", "200")
	b.until(`document.querySelector("#playground .steps > li:nth-child(4)").textContent.includes("The grace window is closed.")`)
	b.button("#playground", "Present the old token again")
	b.answered("4", "400")
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
	b.until(`document.querySelector("#playground .steps dd")`)
	window := chromedp.WaitNewTarget(b.Context, func(i *target.Info) bool { return i.Type == "page" })
	b.button("#playground", "Open the login page")
	<-window
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
